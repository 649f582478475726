// What a run, a resume or a rollback came to: enough for the command line to choose words and an exit code.
import { AppError } from "../core/model/errors.ts";
import type { Issued, RunId, RunOutcome } from "../core/model/run.ts";
import type { RunView } from "./derive-run.ts";

/**
 * `succeeded`: everything is live and proved (exit 0). `abandoned`: nothing live was changed (exit 1, or 4 when `error` is
 * `plan-stale`). `rolled-back`: everything is as it was before the run (exit 0 when asked for, with `error` 1).
 * `interrupted`: the run is open, `resume` or `rollback` goes on (exit 6).
 * What fails before there is a run is thrown instead: `locked` (5), `plan-stale`, `run-unfinished`, `rollback-refused`, ... (4).
 */
export interface RunResult {
  readonly run: RunId;
  readonly outcome: RunOutcome | "interrupted";
  readonly issued: readonly Issued[];
  /** formatAddress of the objects whose live bytes the run or the rollback changed. */
  readonly changed: readonly string[];
  /** Why it did not succeed; null when it did what was asked. */
  readonly error: AppError | null;
  readonly rolledBack: boolean;
  /** Objects that others changed meanwhile: an automatic rollback leaves them alone. */
  readonly leftAlone: readonly string[];
  /** Processes that a rollback restarted, so that they hold the old certificates again; null when it worked on files alone. */
  readonly restarted: readonly string[] | null;
  /** Why the run is still open, where it was to be given up or taken back. */
  readonly notTakenBack?: AppError;
}

export function resultOf(
  view: RunView,
  outcome: RunResult["outcome"],
  details: Partial<Pick<RunResult, "error" | "changed" | "leftAlone" | "restarted" | "notTakenBack">> = {},
): RunResult {
  return {
    run: view.run,
    outcome,
    issued: [...view.issued.values()],
    changed: details.changed ?? changedObjects(view),
    error: details.error ?? null,
    rolledBack: outcome === "rolled-back",
    leftAlone: details.leftAlone ?? [],
    restarted: details.restarted ?? null,
    ...(details.notTakenBack ? { notTakenBack: details.notTakenBack } : {}),
  };
}

/** Anything thrown as an AppError; of a foreign error only the kind is shown, its text may hold anything. */
export function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  // What a port throws when the caller's signal was aborted: the reason, which is the signal's name.
  if (typeof error === "string" && /^SIG[A-Z]+$/.test(error))
    return new AppError("interrupted", { signal: error });
  const reason = error instanceof Error ? error.name : typeof error;
  return new AppError("internal", { reason }, { cause: error });
}

/** Both are told: what failed, and as its cause why it could not be undone. */
export function withCause(error: AppError, second: unknown): AppError {
  return new AppError(error.code, error.params, { cause: asAppError(second) });
}

function changedObjects(view: RunView): readonly string[] {
  const effects = [...view.staged.values()].filter(({ unchanged }) => !unchanged);
  return view.allStaged && view.rollback === null
    ? effects.filter((staged) => hasEffect(view, staged.sha256)).map(({ object }) => object)
    : [];
}

function hasEffect(view: RunView, sha256: string): boolean {
  return [...view.steps.values()].some(({ effect }) => effect === sha256);
}
