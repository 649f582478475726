// Step kind `swap`: makes staged bytes live, the halves of a pair back to back.
//
//   per group:  intent, intent (one synced append) ─▶ rename key ─▶ rename certificate ─▶ effect, effect (one synced append)
//
// Over SSH per phase: all its intents ─▶ one script for each node, nodes side by side, groups in their order, the first failure ends
// the node's ─▶ the effects of what is live. A signal waits for it (ADR 0016).
//
// A crash anywhere is read from the world, not from the journal: live bytes are the staged ones (done), those they replace (to
// do), or somebody else's (stop).
import { type NodeName, parseAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { SwapStep } from "../../core/model/plan.ts";
import type { Staged } from "../../core/model/run.ts";
import { swapGroups } from "../../core/plan/steps.ts";
import { batchesOf } from "../batches.ts";
import type { CommitReport } from "../ports/store.ts";
import { checkSignal, viewOf, type RunContext } from "../run-context.ts";
import { prepareUndoSwaps } from "../undo-swaps.ts";
import type { StepHandler } from "./step-handler.ts";

export const swap: StepHandler<SwapStep> = {
  changesLive: true,
  apply: swapAll,
  recover: swapAll,
  prepareUndo: prepareUndoSwaps,
};

interface OpenSwap {
  readonly step: SwapStep;
  readonly staged: Staged;
}

/** Group by group; where the store makes many live for one way to the node and back, all of them. */
async function swapAll(context: RunContext, steps: readonly SwapStep[]): Promise<void> {
  const groups = swapGroups(context.plan, steps);
  const isBatch = context.ports.store.commitAll !== undefined;
  for (const batch of batchesOf(groups, isBatch ? groups.length : 1)) {
    // Only here: a pair is never left half done by a signal.
    checkSignal(context);
    const open = batch
      .map((group) => group.flatMap((step) => openSwap(context, step)))
      .filter((group) => group.length > 0);
    if (open.length > 0) await swapBatch(context, open);
    const changed = new Set(open.flat().map(({ step }) => step.id));
    for (const step of batch.flat())
      context.tell({ type: "step-done", phase: "swap", step, changed: changed.has(step.id) });
  }
}

/** Empty when the journal says that it is done or there is nothing to do. */
function openSwap(context: RunContext, step: SwapStep): readonly OpenSwap[] {
  const view = viewOf(context);
  const staged = view.staged.get(step.object);
  if (!staged) throw new AppError("step-failed", { step: step.id, reason: "nothing is staged for it" });
  const isDone = (view.steps.get(step.id)?.effect ?? null) !== null;
  return staged.unchanged || isDone ? [] : [{ step, staged }];
}

async function swapBatch(context: RunContext, groups: readonly (readonly OpenSwap[])[]): Promise<void> {
  const { ports, journal, memory } = context;
  const { failpoints } = ports;
  const open = groups.flat();
  await failpoints.hit("run.before-swap");
  await journal.append(...open.map(({ step }) => ({ type: "intent", step: step.id }) as const));
  await failpoints.hit("run.after-swap-intent");
  memory.liveTouched = true;
  const { committed, failure } = await makeLive(context, groups);
  // Before a failure is dealt with: who takes it back, or goes on, has to know what this run has changed.
  const done = new Set(committed.map(({ object }) => object));
  await journal.append(
    ...open
      .filter(({ staged }) => done.has(staged.object))
      .map(({ step, staged }) => ({ type: "effect", step: step.id, sha256: staged.sha256 }) as const),
  );
  if (failure !== null) throw failure.error;
  await failpoints.hit("run.after-effect");
}

async function makeLive(
  { ports, lock, signal }: RunContext,
  groups: readonly (readonly OpenSwap[])[],
): Promise<CommitReport> {
  const { failpoints, store } = ports;
  const objects = groups.map((group) => group.map(({ staged }) => staged));
  const fence = (node: NodeName): Promise<void> => lock.fence(node);
  if (store.commitAll) {
    const report = await store.commitAll(objects, signal ? { fence, signal } : { fence });
    for (const _ of report.committed) await failpoints.hit("run.after-swap");
    return report;
  }
  for (const [index, staged] of objects.flat().entries()) {
    if (index > 0) await failpoints.hit("run.between-pair");
    await store.commit(staged, { fence: () => fence(parseAddress(staged.object).node) });
    await failpoints.hit("run.after-swap");
  }
  return { committed: objects.flat(), failure: null };
}
