// The use cases about runs that exist, over the nodes of a cluster.yaml: resume, rollback, list, show, prune.
import { join } from "node:path";
import type { RunRecord } from "../core/model/run-record.ts";
import type { RunId, RunSummary } from "../core/model/run.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import { systemClock } from "../drivers/shared/world.ts";
import { resumeRun } from "../engine/resume-run.ts";
import { rollbackRun } from "../engine/rollback-run.ts";
import type { RunOptions } from "../engine/run-context.ts";
import type { RunResult } from "../engine/run-result.ts";
import { lastUndoable, listRuns, prunable, pruneRuns, unfinishedRun } from "../engine/runs.ts";
import { endStaleCopies } from "../engine/runs-elsewhere.ts";
import {
  type ClusterSession,
  mainState,
  placesOf,
  portsOf,
  refuseOtherCluster,
  withCluster,
} from "./cluster-renewal.ts";
import { type RunPlace, findRuns, openAmong, planOfRun, whereKnown } from "./run-copies.ts";
import {
  type PrunableRun,
  type PruneChoice,
  type Resumed,
  recordIn,
  summariesIn,
  summaryIn,
} from "./runs.ts";

/** Goes on with `run`, or with the unfinished one; begun elsewhere, it is taken over from the copies on the nodes. null when there is none. */
export async function resumeCluster(
  open: ClusterSession,
  run: string | null,
  options: RunOptions,
): Promise<Resumed | null> {
  const places = placesOf(open);
  const id = run === null ? await unfinishedAmong(open) : await idAmong(places, run);
  if (id === null) {
    await bringCopiesUpToDate(open);
    return null;
  }
  const plan = await planOfRun(places, id);
  refuseOtherCluster(open, plan);
  try {
    const result = await withCluster(open, plan, (ports) => resumeRun(ports, id, options));
    return { result, plan };
  } catch (error) {
    // A colleague has ended it meanwhile, and this machine has just learned of it.
    if (run === null && isAppError(error, "run-not-open")) return null;
    throw error;
  }
}

async function unfinishedAmong(open: ClusterSession): Promise<RunId | null> {
  const found = openAmong(await findRuns(placesOf(open)));
  return found?.run ?? (await unfinishedRun(mainState(open)))?.run ?? null;
}

/** `last` is the newest one, wherever it was begun. @throws AppError `run-unknown` */
async function idAmong(places: readonly RunPlace[], run: RunId): Promise<RunId> {
  if (run !== "last") return run;
  const [newest] = await findRuns(places);
  if (!newest) throw new AppError("run-unknown", { run });
  return newest.run;
}

/** A node that was away when a run ended still has it open, and would refuse runs of its own. */
async function bringCopiesUpToDate(open: ClusterSession): Promise<void> {
  if ((await listRuns(mainState(open))).length === 0) return;
  await endStaleCopies(portsOf(open, { accesses: open.accesses, stores: new Map(), live: null }));
}

/** The id behind the `last` of a rollback: the newest run of the cluster that may have changed something, wherever it was begun. @throws AppError `run-unknown` */
export async function undoableRunOfCluster(open: ClusterSession, run: string): Promise<string> {
  if (run !== "last") return run;
  const newest = (await findRuns(placesOf(open))).find(({ view }) => view.state !== "abandoned");
  // Of the operator's own runs only the newest was looked at.
  return newest?.run ?? lastUndoable(mainState(open));
}

export async function rollbackCluster(
  open: ClusterSession,
  run: string,
  options: RunOptions & { readonly acceptExpired: boolean },
): Promise<RunResult> {
  const id = await undoableRunOfCluster(open, run);
  const plan = await planOfRun(placesOf(open), id);
  refuseOtherCluster(open, plan);
  return withCluster(open, plan, (ports) => rollbackRun(ports, id, options));
}

/** In the operator's state directory, newest first. */
export function runsOfCluster(open: ClusterSession): Promise<readonly RunSummary[]> {
  return summariesIn(mainState(open));
}

/** A run that was begun on another machine as its copies on the nodes show it. */
export function showOfCluster(open: ClusterSession, run: string): Promise<RunSummary> {
  return whereKnown(placesOf(open), run, (state) => summaryIn(state, run));
}

export function recordOfCluster(open: ClusterSession, run: string): Promise<RunRecord> {
  return recordIn(mainState(open), run, join(open.stateDirectory, "runs"));
}

/** What {@link pruneCluster} would forget now. */
export function prunableOfCluster(
  open: ClusterSession,
  options: PruneChoice,
): Promise<readonly PrunableRun[]> {
  return prunable(mainState(open), options, systemClock.now());
}

/** Every node loses its part of a run, before-images and copies, or none: the locks of all are taken first. */
export function pruneCluster(open: ClusterSession, options: PruneChoice): Promise<readonly string[]> {
  const ports = portsOf(open, { accesses: open.accesses, stores: new Map(), live: null });
  return pruneRuns(ports, options);
}
