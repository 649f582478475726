// The runs of a state directory: list, show, prune, and the one that waits for a decision.
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import type { JournalEntry, RunId } from "../core/model/run.ts";
import { digestOfPlan } from "../core/plan/digest.ts";
import { deriveRun, isOpen, type RunView } from "./derive-run.ts";
import { journalFile, runFolder } from "./journal.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import type { StateDirectory } from "./ports/state.ts";
import { readJournal } from "./read-journal.ts";
import { withLock } from "./with-lock.ts";

/** What it takes to look at runs. */
export type ReadableState = Pick<StateDirectory, "path" | "read" | "list">;

/** A folder of it, as a place with runs of its own. */
export function below(state: ReadableState, folder: string): ReadableState {
  return {
    path: `${state.path}/${folder}`,
    read: (file) => state.read(`${folder}/${file}`),
    list: (directory) => state.list(`${folder}/${directory}`),
  };
}

/** Whether a name below `runs` is that of a run. */
export function isRunId(name: string): boolean {
  return runIdPattern.test(name);
}

/** One of the two is null: a damaged journal is shown as such and hides no other run. */
export type RunListing =
  | { readonly run: RunId; readonly view: RunView; readonly error: null }
  | { readonly run: RunId; readonly view: null; readonly error: AppError<"journal-damaged"> };

export interface RunDetails {
  readonly view: RunView;
  readonly plan: Plan;
  readonly entries: readonly JournalEntry[];
}

/** Newest first. Folders in which no run began are left out. */
export async function listRuns(state: ReadableState): Promise<readonly RunListing[]> {
  const names = await state.list("runs");
  const listings = await Promise.all(names.toReversed().map((run) => listRun(state, run)));
  return listings.filter((listing) => listing !== null).toSorted(newestFirst);
}

/** By the second in the id, and within one second, which a script easily fits two runs into, by the journal's clock. */
function newestFirst(a: RunListing, b: RunListing): number {
  const [left, right] = [secondOf(a.run), secondOf(b.run)];
  if (left !== right) return left < right ? 1 : -1;
  return (b.view?.startedAt ?? 0) - (a.view?.startedAt ?? 0);
}

function secondOf(run: RunId): string {
  return run.slice(0, run.indexOf("-"));
}

/** The newest run that changed something or still may: what `rollback last` means. @throws AppError `run-unknown`, `run-not-open` when none did */
export async function lastUndoable(state: StateDirectory): Promise<RunId> {
  const runs = await listRuns(state);
  const last = runs.find(({ view }) => view === null || view.state !== "abandoned");
  if (last) return last.run;
  const [newest] = runs;
  if (newest) throw new AppError("run-not-open", { run: newest.run, state: "abandoned" });
  throw new AppError("run-unknown", { run: "last" });
}

/** The youngest entry of all journals that can be read; null without any. */
export async function newestEntry(
  state: StateDirectory,
): Promise<{ readonly run: RunId; readonly at: number } | null> {
  let newest: { readonly run: RunId; readonly at: number } | null = null;
  for (const { run, view } of await listRuns(state)) {
    if (view === null) continue;
    const at = Math.max(...(await readEntries(state, run)).map((entry) => entry.at));
    if (newest === null || at > newest.at) newest = { run, at };
  }
  return newest;
}

/** The run that was neither finished nor undone; null when there is none. @throws AppError `journal-damaged`: it may be that one */
export async function unfinishedRun(state: ReadableState): Promise<RunView | null> {
  const listings = await listRuns(state);
  const damaged = listings.find(({ error }) => error !== null);
  if (damaged?.error) throw damaged.error;
  return listings.find(({ view }) => view !== null && isOpen(view))?.view ?? null;
}

/** @throws AppError `run-unknown`, `journal-damaged`, `plan-invalid` */
export async function showRun(state: ReadableState, run: RunId): Promise<RunDetails> {
  const entries = await readEntries(state, run);
  const view = deriveRun(entries);
  if (view === null) throw new AppError("run-unknown", { run });
  return { view, entries, plan: await readPlan(state, view) };
}

export interface PruneOptions {
  /** The newest so many runs stay. Default 5. */
  readonly keep?: number;
  /** Younger runs stay. Default 90 days, in ms. */
  readonly olderThanMs?: number;
  /** No others, though they have become old meanwhile. Default all. */
  readonly only?: ReadonlySet<RunId>;
  readonly breakLock?: boolean;
}

const dayMs = 86_400_000;

/** What {@link pruneRuns} would remove: neither among the newest `keep` nor younger than `olderThanMs`; never an open run, nor one with a damaged journal. */
export async function prunable(
  state: ReadableState,
  { keep = 5, olderThanMs = 90 * dayMs, only }: PruneOptions,
  now: number,
): Promise<readonly RunView[]> {
  const old = (await listRuns(state)).slice(keep).flatMap(({ view }) => view ?? []);
  return old.filter(
    (view) =>
      !isOpen(view) &&
      now - (view.endedAt ?? view.startedAt) > olderThanMs &&
      (only === undefined || only.has(view.run)),
  );
}

/** Removes what is {@link prunable}, with the before-images; resolves to the ids. */
export async function pruneRuns(ports: EnginePorts, options: PruneOptions = {}): Promise<readonly RunId[]> {
  const { breakLock = false } = options;
  const tell = ports.audience.tell.bind(ports.audience);
  return withLock(ports, { what: "runs prune", breakLock, tell }, async (lock) => {
    const old = await prunable(ports.state, options, ports.clock.now());
    for (const { run } of old) {
      await lock.fence();
      await removeRun(ports.state, run);
    }
    return old.map(({ run }) => run);
  });
}

/** Folders in which a crash came before the journal's first entry: nothing was done. Only under the lock. */
export async function removeUnbegun(state: StateDirectory): Promise<void> {
  for (const run of await state.list("runs")) {
    if (!runIdPattern.test(run)) continue;
    if ((await readEntries(state, run)).length === 0) await removeRun(state, run);
  }
}

const runIdPattern = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;

/** The journal goes first: a folder without one is no run, one without its before-images must not look like one. */
export async function removeRun(state: StateDirectory, run: RunId): Promise<void> {
  await state.remove(journalFile(run));
  await state.remove(runFolder(run));
}

async function listRun(state: ReadableState, run: RunId): Promise<RunListing | null> {
  if (!runIdPattern.test(run)) return null;
  try {
    const view = deriveRun(await readEntries(state, run));
    return view === null ? null : { run, view, error: null };
  } catch (error) {
    if (!isAppError(error, "journal-damaged")) throw error;
    return { run, view: null, error };
  }
}

/** Empty for a run that is not there. */
async function readEntries(state: ReadableState, run: RunId): Promise<readonly JournalEntry[]> {
  if (!runIdPattern.test(run)) throw new AppError("run-unknown", { run });
  const file = journalFile(run);
  const bytes = await state.read(file);
  return bytes === null ? [] : readJournal(bytes, `${state.path}/${file}`).entries;
}

async function readPlan(state: ReadableState, view: RunView): Promise<Plan> {
  const file = `${runFolder(view.run)}/plan.json`;
  const plan = parsePlan((await state.read(file)) ?? new Uint8Array());
  if (plan === null || plan.digest !== view.planDigest || digestOfPlan(plan) !== view.planDigest) {
    throw new AppError("plan-invalid", {
      path: `${state.path}/${file}`,
      reason: "it is not the plan that the journal names",
    });
  }
  return plan;
}

/** null for what is no JSON; that it is the plan is told by its digest. */
function parsePlan(bytes: Uint8Array): Plan | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return isPlan(value) ? value : null;
  } catch {
    return null;
  }
}

function isPlan(value: unknown): value is Plan {
  if (typeof value !== "object" || value === null) return false;
  const { format, digest, phases } = value as Partial<Record<keyof Plan, unknown>>;
  return format === "perennial/plan/v1" && typeof digest === "string" && Array.isArray(phases);
}
