// The kubelet's back-off: a container that crashed waits up to five minutes for its next life, as long as it is listed.
import { isAppError } from "../../core/model/errors.ts";
import type { BounceStep } from "../../core/model/live-step.ts";
import type { Live } from "../ports/live.ts";
import type { ProcessInstance } from "../ports/node-processes.ts";
import { nodeOf, type RunContext } from "../run-context.ts";

/** What it looks like between two lives of a healthy process is over by then. */
const patienceMs = 5000;
/** A process that crashes every time is not made well by starting it more often. */
const helpsAtMost = 6;
const lookMs = 1000;

export interface BackOffHelp {
  /**
   * To be called with every look: when nothing has run for a while and exited instances are listed, those are removed with their
   * sandbox, and the kubelet starts the next life at once (contract (4) of NodeProcesses).
   */
  seen(instances: readonly ProcessInstance[]): Promise<void>;
  /** The same for who does not look by himself; at most once a second. */
  look(): Promise<void>;
}

export function backOffHelp(
  context: RunContext,
  { processes, timer }: Live,
  { id, consumer, graceSeconds }: Pick<BounceStep, "id" | "consumer" | "graceSeconds">,
): BackOffHelp {
  let left = processes.returnsByItself(consumer) ? helpsAtMost : 0;
  let downSince: number | null = null;
  let lookedAt = Number.NEGATIVE_INFINITY;

  /** False when they are still listed: some runtimes' tools may not remove what is the CRI plugin's. */
  async function remove(exited: readonly ProcessInstance[]): Promise<boolean> {
    await context.lock.fence(nodeOf(context, id));
    try {
      await processes.stop(consumer, { graceSeconds });
    } catch (error) {
      // Gone, or not to be removed: the wait that follows has its own end.
      if (!isAppError(error, "process-not-found") && !isAppError(error, "process-not-stopped")) throw error;
    }
    const { instances } = await processes.look(consumer);
    return !instances.some((still) => exited.some((each) => each.id === still.id));
  }

  async function seen(instances: readonly ProcessInstance[]): Promise<void> {
    const isDown = instances.length > 0 && instances.every(({ state }) => state === "exited");
    if (!isDown || left === 0 || context.signal?.aborted === true) {
      downSince = null;
      return;
    }
    downSince ??= timer.elapsedMs();
    if (timer.elapsedMs() - downSince < patienceMs) return;
    downSince = null;
    const isHelped = await remove(instances);
    left = isHelped ? left - 1 : 0;
    if (isHelped) context.tell({ type: "process", consumer, state: "unblocked" });
  }

  async function look(): Promise<void> {
    if (left === 0 || timer.elapsedMs() - lookedAt < lookMs) return;
    lookedAt = timer.elapsedMs();
    try {
      await seen((await processes.look(consumer)).instances);
    } catch (error) {
      // Nobody can be asked just now: then nobody can be helped either.
      if (!isAppError(error, "process-unknowable")) throw error;
    }
  }

  return { seen, look };
}
