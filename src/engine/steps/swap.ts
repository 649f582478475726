// Step kind `swap`: makes staged bytes live, the halves of a pair back to back.
//
//   per group:  intent, intent (one synced append) ─▶ rename key ─▶ rename certificate ─▶ effect, effect (one synced append)
//
// A crash anywhere is read from the world, not from the journal: live bytes are the staged ones (done), those they replace (to
// do), or somebody else's (stop).
import { parseAddress } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { SwapStep } from "../../core/model/plan.ts";
import type { Staged } from "../../core/model/run.ts";
import { swapGroups } from "../../core/plan/steps.ts";
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

async function swapAll(context: RunContext, steps: readonly SwapStep[]): Promise<void> {
  for (const group of swapGroups(context.plan, steps)) {
    // Only between groups: a pair is never left half done by a signal.
    checkSignal(context);
    const open = group.flatMap((step) => openSwap(context, step));
    if (open.length > 0) await swapGroup(context, open);
    for (const step of group) {
      const changed = open.some((swapped) => swapped.step.id === step.id);
      context.tell({ type: "step-done", phase: "swap", step, changed });
    }
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

async function swapGroup(context: RunContext, open: readonly OpenSwap[]): Promise<void> {
  const { ports, journal, lock, memory } = context;
  const { failpoints, store } = ports;
  await failpoints.hit("run.before-swap");
  await journal.append(...open.map(({ step }) => ({ type: "intent", step: step.id }) as const));
  await failpoints.hit("run.after-swap-intent");
  memory.liveTouched = true;
  for (const [index, { staged }] of open.entries()) {
    if (index > 0) await failpoints.hit("run.between-pair");
    await store.commit(staged, { fence: () => lock.fence(parseAddress(staged.object).node) });
    await failpoints.hit("run.after-swap");
  }
  await journal.append(
    ...open.map(({ step, staged }) => ({ type: "effect", step: step.id, sha256: staged.sha256 }) as const),
  );
  await failpoints.hit("run.after-effect");
}
