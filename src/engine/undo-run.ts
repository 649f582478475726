// Undoes an open or succeeded run and ends it: the one path for rollbacks by an operator, by a failure and by a resume.
//
//   look ─▶ stage the old bytes ─▶ rollback-started ─▶ per group, last first: undo-intent ─▶ restore ─▶ undone ─▶ run-ended
import { stepsByKind } from "./phases.ts";
import { viewOf, type RunContext } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";
import type { PreparedUndo, UndoCause } from "./steps/step-handler.ts";

export interface UndoReport {
  /** formatAddress of the objects that were changed back. */
  readonly restored: readonly string[];
  readonly leftAlone: readonly string[];
}

/**
 * Idempotent: what is back already is left alone. Whatever refuses does so before anything live is written.
 * @throws AppError `rollback-refused`, `store-mismatch` for a damaged before-image; what the store and the state directory throw
 */
export async function undoRun(context: RunContext, cause: UndoCause): Promise<UndoReport> {
  const { ports, journal, run, tell } = context;
  const undos: PreparedUndo[] = [];
  try {
    await prepareAll(context, viewOf(context).rollback ?? cause, undos);
    if (viewOf(context).state !== "rolling-back") {
      await journal.append({ type: "rollback-started", actor: ports.processes.self(), cause });
    }
    await ports.failpoints.hit("rollback.after-started");
    tell({ type: "rollback-started", run, cause });
    for (const undo of undos.toReversed()) await undo.run();
    for (const undo of undos) await undo.afterwards?.();
  } catch (error) {
    for (const undo of undos) await undo.discard();
    throw error;
  }
  await ports.failpoints.hit("rollback.before-ended");
  await journal.append({ type: "run-ended", outcome: "rolled-back" });
  tell({ type: "run-ended", run, outcome: "rolled-back" });
  return {
    restored: undos.flatMap(({ restored }) => restored),
    leftAlone: undos.flatMap(({ leftAlone }) => leftAlone),
  };
}

/** Whether {@link undoRun} would refuse or lack room; leaves nothing behind. @throws AppError as it does */
export async function checkUndo(context: RunContext, cause: UndoCause): Promise<void> {
  const undos: PreparedUndo[] = [];
  try {
    await prepareAll(context, cause, undos);
  } finally {
    for (const undo of undos) await undo.discard();
  }
}

/** Fills `undos` one by one, so that a failure finds what was prepared before it. */
async function prepareAll(context: RunContext, cause: UndoCause, undos: PreparedUndo[]): Promise<void> {
  for (const { kind, steps } of stepsByKind(context.plan)) {
    undos.push(await handlerOf(kind).prepareUndo(context, steps, cause));
  }
}
