// What becomes of one node of several that did not come through: taken back alone, unless that helps nobody.
import type { NodeName } from "../core/model/address.ts";
import { type AppError, isAppError } from "../core/model/errors.ts";
import type { TakenBack } from "../core/model/errors-runs.ts";
import { allSteps, planOfNode } from "../core/plan/steps.ts";
import { expiredBefore } from "./expired-before.ts";
import { isTouched } from "./node-progress.ts";
import { type RunContext, viewOf } from "./run-context.ts";
import { undoNode } from "./undo-node.ts";

export interface TakingBack {
  readonly outcome: TakenBack;
  /** Why it is `stuck`; null otherwise. */
  readonly failure: AppError | null;
}

/** Never to expired bytes once a process has begun to load the new ones. @throws AppError `lock-lost`, `interrupted` */
export async function takeBack(context: RunContext, node: NodeName): Promise<TakingBack> {
  if (!isTouched(context, node)) return { outcome: "untouched", failure: null };
  try {
    if (await wouldReviveExpired(context, node)) return { outcome: "left", failure: null };
    await undoNode(context, node);
    return { outcome: "rolled-back", failure: null };
  } catch (error) {
    // The run stays open with a node that is half taken back: resume and rollback go on from there.
    if (!isAppError(error) || isStop(error)) throw error;
    const { code, message } = error;
    await context.journal.append({ type: "failed", step: `${node}/`, code, detail: message });
    context.tell({ type: "step-failed", step: node, code });
    return { outcome: "stuck", failure: error };
  }
}

/** What ends the whole run and is no fault of a node. */
export function isStop(error: AppError): boolean {
  return isAppError(error, "interrupted") || isAppError(error, "lock-lost");
}

/** What does not run with new files that are proved will not with expired ones: who goes back there decides it himself. */
export async function wouldReviveExpired(context: RunContext, node?: NodeName): Promise<boolean> {
  const { steps } = viewOf(context);
  const own = allSteps(node === undefined ? context.plan : planOfNode(context.plan, node));
  const hasBounced = own.some(({ id }) => (steps.get(id)?.instances ?? null) !== null);
  const proofs = own.filter(({ kind }) => kind === "prove");
  const isProved = proofs.length > 0 && proofs.every(({ id }) => (steps.get(id)?.proof ?? null) !== null);
  return (hasBounced || isProved) && (await expiredBefore(context, node)).length > 0;
}
