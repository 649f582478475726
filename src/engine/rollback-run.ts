// Takes a run back: every object it wrote gets its bytes, mode, owner, time, link and labels of before.
import { AppError } from "../core/model/errors.ts";
import type { RunId } from "../core/model/run.ts";
import { expiredBefore } from "./expired-before.ts";
import { isOpen, type RunView } from "./derive-run.ts";
import type { Lock } from "./lock.ts";
import { openRun } from "./open-run.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import { createContext, tellerOf, viewOf, type RunContext, type RunOptions } from "./run-context.ts";
import { asAppError, resultOf, type RunResult } from "./run-result.ts";
import { lastUndoable, unfinishedRun } from "./runs.ts";
import { refuseIfOpenElsewhere } from "./runs-elsewhere.ts";
import { sweepOlder } from "./sweep.ts";
import { checkUndo, undoRun } from "./undo-run.ts";
import { withLock } from "./with-lock.ts";

export interface RollbackOptions extends RunOptions {
  /** True once the operator said that going back to expired certificates is meant. */
  readonly acceptExpired: boolean;
}

/**
 * @param run an id, or `last`: the newest run that was not abandoned
 * @throws AppError, with nothing live changed: `rollback-refused` with what others changed since, `rollback-expired` with the names that
 * would be expired again, `run-not-open` when there is nothing to take back, `run-unknown`, `run-unfinished` (another one), `run-unfinished-elsewhere`, `locked`,
 * `journal-damaged`, `plan-invalid`, `store-mismatch` for a damaged before-image
 */
export async function rollbackRun(
  ports: EnginePorts,
  run: RunId,
  options: RollbackOptions,
): Promise<RunResult> {
  const { breakLock = false } = options;
  return withLock(ports, { what: "rollback", breakLock, tell: tellerOf(ports, options) }, async (lock) => {
    const id = run === "last" ? await lastUndoable(ports.state) : run;
    const opened = await openRun(ports, lock, {
      run: id,
      accepts: canBeUndone,
      tell: tellerOf(ports, options),
    });
    await refuseIfOtherOpen(ports, id);
    await refuseIfOpenElsewhere(ports);
    const context = createContext(ports, options, { ...opened, lock });
    if (!options.acceptExpired && opened.view.state !== "rolling-back") await refuseExpired(context);
    return undo(context, lock, opened.view);
  });
}

async function undo(context: RunContext, lock: Lock, view: RunView): Promise<RunResult> {
  // A refusal must leave the staged files of an interrupted run alone: `resume` may still want them.
  await checkUndo(context, "operator");
  await lock.fence();
  await sweepOlder(context);
  try {
    const { restored, leftAlone, restarted } = await undoRun(context, "operator");
    return resultOf(viewOf(context), "rolled-back", { changed: restored, leftAlone, restarted });
  } catch (error) {
    // Not begun: the run is what it was, and the caller is told why. Begun: it is open now.
    if (viewOf(context).state !== "rolling-back" || view.state === "rolling-back") throw error;
    return resultOf(viewOf(context), "interrupted", { error: asAppError(error) });
  }
}

function canBeUndone(view: RunView): boolean {
  return isOpen(view) || view.state === "succeeded";
}

async function refuseIfOtherOpen({ state }: EnginePorts, run: RunId): Promise<void> {
  const open = await unfinishedRun(state);
  if (open !== null && open.run !== run) throw new AppError("run-unfinished", { run: open.run });
}

async function refuseExpired(context: RunContext): Promise<void> {
  const names = await expiredBefore(context);
  if (names.length > 0) throw new AppError("rollback-expired", { run: context.run, names });
}
