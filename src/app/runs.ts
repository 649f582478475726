// The use cases about runs that exist: resume, rollback, list, show, prune.
import { systemClock } from "../drivers/shared/world.ts";
import { join } from "node:path";
import { AppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import type { RunSummary } from "../core/model/run.ts";
import type { RunRecord } from "../core/model/run-record.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import { resumeRun } from "../engine/resume-run.ts";
import { rollbackRun } from "../engine/rollback-run.ts";
import type { RunOptions } from "../engine/run-context.ts";
import type { RunResult } from "../engine/run-result.ts";
import {
  lastUndoable,
  listRuns,
  prunable,
  pruneRuns,
  type ReadableState,
  showRun,
  unfinishedRun,
} from "../engine/runs.ts";
import { type LocalNode, stateDirectoryOf } from "./local-node.ts";
import { nodeOfPlan, overruledDoubts, withEngine } from "./renewal.ts";
import { summaryOf } from "./run-summary.ts";

export interface Resumed {
  readonly result: RunResult;
  /** What the run was begun with: it says what to restart, and what was left out. */
  readonly plan: Plan;
}

/** Goes on with `run`, of which `last` is the newest, or with the unfinished one; null when there is none. */
export async function resume(
  local: LocalNode,
  run: string | null,
  options: RunOptions,
): Promise<Resumed | null> {
  const state = stateOf(local);
  const id = run === null ? ((await unfinishedRun(state))?.run ?? null) : await idOf(state, run);
  if (id === null) return null;
  const { plan, view } = await showRun(state, id);
  // Taking back needs no clock.
  const overruled = view.state === "rolling-back" ? [] : await overruledDoubts(local, plan, options);
  const result = await withEngine(local, { node: nodeOfPlan(plan), plan }, (ports) =>
    resumeRun(ports, id, { ...options, overruled }),
  );
  return { result, plan };
}

/** `last` is the newest run that was not abandoned. Throws `rollback-refused`, `rollback-expired`, `run-unknown`. */
export async function rollback(
  local: LocalNode,
  run: string,
  options: RunOptions & { readonly acceptExpired: boolean },
): Promise<RunResult> {
  const state = stateOf(local);
  const id = run === "last" ? await lastUndoable(state) : run;
  const { plan } = await showRun(state, id);
  return withEngine(local, { node: nodeOfPlan(plan), plan }, (ports) => rollbackRun(ports, id, options));
}

/** The id behind the `last` of a rollback, or the id itself. Throws `run-unknown`. */
export async function undoableRunIdOf(local: LocalNode, run: string): Promise<string> {
  return run === "last" ? lastUndoable(stateOf(local)) : run;
}

/** Newest first. A damaged journal is an error: it may hide the run that waits for a decision. */
export function runs(local: LocalNode): Promise<readonly RunSummary[]> {
  return summariesIn(stateOf(local));
}

export function show(local: LocalNode, run: string): Promise<RunSummary> {
  return summaryIn(stateOf(local), run);
}

/** Everything the run left behind; `last` is the newest one. Throws `run-unknown`, `journal-damaged`, `plan-invalid`. */
export function record(local: LocalNode, run: string): Promise<RunRecord> {
  return recordIn(stateOf(local), run, join(stateDirectoryOf(local), "runs"));
}

export async function summariesIn(state: StateDirectory): Promise<readonly RunSummary[]> {
  const listings = await listRuns(state);
  return Promise.all(
    listings.map(async ({ run, error }) => {
      if (error) throw error;
      return summaryOf(await showRun(state, run));
    }),
  );
}

export async function summaryIn(state: ReadableState, run: string): Promise<RunSummary> {
  return summaryOf(await showRun(state, await idOf(state, run)));
}

/** `folder`: of all runs. */
export async function recordIn(state: StateDirectory, run: string, folder: string): Promise<RunRecord> {
  const details = await showRun(state, await idOf(state, run));
  const summary = summaryOf(details);
  const { plan, entries } = details;
  return { summary, plan, entries, folder: join(folder, summary.run) };
}

export interface PruneChoice {
  /** The newest so many runs stay. */
  readonly keep: number;
  readonly olderThanMs: number;
  /** What was agreed to; default all. */
  readonly only?: ReadonlySet<string>;
}

export type PrunableRun = Pick<RunSummary, "run" | "startedAt" | "state" | "actor">;

/** What {@link prune} would forget now. */
export function prunableRuns(local: LocalNode, options: PruneChoice): Promise<readonly PrunableRun[]> {
  return prunable(stateOf(local), options, systemClock.now());
}

export async function prune(local: LocalNode, options: PruneChoice): Promise<readonly string[]> {
  return withEngine(local, { node: "unnamed" }, (ports) => pruneRuns(ports, options));
}

function stateOf(local: LocalNode): StateDirectory {
  return openStateDirectory(stateDirectoryOf(local), { failpoints: local.failpoints });
}

async function idOf(state: ReadableState, run: string): Promise<string> {
  if (run !== "last") return run;
  const [newest] = await listRuns(state);
  if (!newest) throw new AppError("run-unknown", { run });
  return newest.run;
}
