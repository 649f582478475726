// One process ends and another begins: what the step kind `bounce` does, and what taking it back does.
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { ProcessState } from "../../core/model/event.ts";
import type { BounceStep } from "../../core/model/live-step.ts";
import type { Live } from "../ports/live.ts";
import type { ProcessInstance } from "../ports/node-processes.ts";
import { nodeOf, type RunContext } from "../run-context.ts";
import type { BackOffHelp } from "./back-off.ts";

/** The kubelet looks at its pods every second and at its manifests every 20: longer than that and it needs help. */
const returnMs = 25_000;
const pollMs = 100;

export function tellProcess(context: RunContext, step: BounceStep, state: ProcessState): void {
  const node = context.plan.nodes ? { node: nodeOf(context, step.id) } : {};
  context.tell({ type: "process", ...node, consumer: step.consumer, state });
}

interface Life {
  readonly step: Pick<BounceStep, "id" | "consumer" | "graceSeconds" | "timeoutSeconds">;
  readonly before: readonly string[];
  readonly hasInstances: boolean;
  readonly help: BackOffHelp;
}

/** Ends what runs and waits for its successor; what does not come by itself is started. Throws `bounce-failed` when none comes. */
export async function changeLife(context: RunContext, live: Live, life: Life): Promise<ProcessInstance> {
  const { step, hasInstances } = life;
  const { consumer, graceSeconds, timeoutSeconds } = step;
  const returns = live.processes.returnsByItself(consumer);
  if (hasInstances && returns) await stopIfThere(live, consumer, graceSeconds);
  else await live.processes.revive(consumer, { timeoutSeconds });
  await context.ports.failpoints.hit("run.after-stop");
  const first = await untilReturned(live, life, returns ? returnMs : timeoutSeconds * 1000);
  if (first) return first;
  if (returns) await live.processes.revive(consumer, { timeoutSeconds });
  const second = await untilReturned(live, life, timeoutSeconds * 1000);
  if (second) return second;
  throw new AppError("bounce-failed", {
    consumer,
    stage: "return",
    where: consumer,
    reason: "no new process",
  });
}

/** What has gone by itself since it was looked at comes back like one that was stopped. */
async function stopIfThere({ processes }: Live, consumer: string, graceSeconds: number): Promise<void> {
  try {
    await processes.stop(consumer, { graceSeconds });
  } catch (error) {
    if (!isAppError(error, "process-not-found")) throw error;
  }
}

async function untilReturned(
  { processes, timer }: Live,
  { step, before, help }: Life,
  timeoutMs: number,
): Promise<ProcessInstance | undefined> {
  const end = timer.elapsedMs() + timeoutMs;
  for (;;) {
    const { instances } = await processes.look(step.consumer);
    const successor = runningOf(instances, before);
    if (successor || timer.elapsedMs() >= end) return successor;
    await help.seen(instances);
    await timer.sleep(pollMs);
  }
}

/** The successor of those that ran before. */
export function runningOf(
  instances: readonly ProcessInstance[],
  before: readonly string[],
): ProcessInstance | undefined {
  return instances.find(({ id, state }) => state === "running" && !before.includes(id));
}
