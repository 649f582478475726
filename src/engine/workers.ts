// The phase `workers`: one batch, its nodes side by side. A worker that fails is taken back alone and told; too many of them stop the rest.
//
//   per worker:  swap ─▶ prove ─▶ kubelet ─▶ proof ─▶ ready        batch ─▶ more than tolerated? ─▶ `workers-failed`
import type { NodeName } from "../core/model/address.ts";
import { AppError, wordsOf } from "../core/model/errors.ts";
import type { Phase } from "../core/model/plan.ts";
import type { DriveMode } from "./drive.ts";
import { isNodeDone } from "./node-progress.ts";
import { groupsOf } from "./phases.ts";
import { asAppError } from "./run-result.ts";
import { checkSignal, type RunContext } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";
import { isStop, takeBack } from "./take-back.ts";
import { updateCopies } from "./update-copies.ts";

/** @throws AppError `workers-failed` beyond what is tolerated; `interrupted`, `lock-lost` as they come */
export async function workBatch(context: RunContext, phase: Phase, mode: DriveMode): Promise<void> {
  checkSignal(context);
  const busy = phase.nodes.filter((each) => !isNodeDone(context, each));
  const ends = await Promise.allSettled(busy.map((each) => workOne(context, { phase, each, mode })));
  // All have come to rest before anything is thrown: nothing may go on behind the end of a run.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  await updateCopies(context);
  const { tolerated = 0 } = context.plan.nodes?.workers ?? {};
  if (context.memory.failedWorkers.length > tolerated) throw workersFailed(context);
}

/** The failures of all batches, as the end of a run that did everything else. @throws AppError `workers-failed` */
export function checkWorkers(context: RunContext): void {
  if (context.memory.failedWorkers.length > 0) throw workersFailed(context);
}

function workersFailed(context: RunContext): AppError<"workers-failed"> {
  const failures = context.memory.failedWorkers;
  const nodes = context.plan.phases.filter(({ id }) => id === "workers").flatMap((phase) => phase.nodes);
  const left = nodes.filter((each) => !isNodeDone(context, each)).map(({ node }) => node);
  return new AppError("workers-failed", {
    failures,
    of: nodes.length,
    left: left.filter((node) => !failures.some((failure) => failure.node === node)),
  });
}

interface Turn {
  readonly phase: Phase;
  readonly each: Phase["nodes"][number];
  readonly mode: DriveMode;
}

async function workOne(context: RunContext, { phase, each, mode }: Turn): Promise<void> {
  const { node } = each;
  context.tell({ type: "node-started", node });
  try {
    for (const { kind, steps } of groupsOf({ ...phase, nodes: [each] }))
      await handlerOf(kind)[mode](context, steps);
  } catch (error) {
    return failedWorker(context, { node, error: asAppError(error) });
  }
  context.tell({ type: "node-done", node });
}

async function failedWorker(
  context: RunContext,
  { node, error }: { readonly node: NodeName; readonly error: AppError },
): Promise<void> {
  if (isStop(error) || context.signal?.aborted === true) throw error;
  const { code } = error;
  await context.journal.append({ type: "failed", step: `${node}/`, code, detail: error.message });
  const { outcome } = await takeBack(context, node);
  context.memory.failedWorkers.push({ node, code, reason: wordsOf(error), outcome });
  context.tell({ type: "worker-failed", node, code, outcome });
}
