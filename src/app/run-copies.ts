// A run's plan and journal as the nodes have them: kept up to date there, found by a colleague, and taken over from there.
//
// OUTPUTS  nodes: clusters/NAME/runs/RUN/{plan.json,journal.jsonl}; the operator's state directory: the same, when a run is taken over
import type { NodeName } from "../core/model/address.ts";
import { AppError, attempt, isAppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import type { Actor, JournalEntry, RunId } from "../core/model/run.ts";
import { chooseJournal, type KnownJournal, withEntry } from "../engine/choose-journal.ts";
import { deriveRun, isOpen, type RunView } from "../engine/derive-run.ts";
import { journalFile, runFolder } from "../engine/journal.ts";
import type { Adopted, RunCopies } from "../engine/ports/engine-ports.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import { readJournal } from "../engine/read-journal.ts";
import { isRunId, type ReadableState, showRun } from "../engine/runs.ts";
import { copiesOnNodes } from "./cluster-ports.ts";

/** A place with runs; `node` is null for the operator's own state directory. */
export interface RunPlace {
  readonly node: NodeName | null;
  readonly state: ReadableState;
}

interface CopyPlaces {
  readonly main: StateDirectory;
  readonly nodes: ReadonlyMap<NodeName, StateDirectory>;
  /** Nodes that get copies: all but the one whose part is `main` itself. */
  readonly copied: readonly NodeName[];
  readonly self: () => Actor;
}

export function runCopies({ main, nodes, copied, self }: CopyPlaces): RunCopies {
  const places: readonly RunPlace[] = [
    { node: null, state: main },
    ...[...nodes].map(([node, state]) => ({ node, state })),
  ];
  return {
    ...copiesOnNodes(main, nodes, copied),
    adopt: (run, claim) => adopt({ main, places, self }, run, claim),
  };
}

interface Adopting {
  readonly main: StateDirectory;
  readonly places: readonly RunPlace[];
  readonly self: () => Actor;
}

/** null when the operator's own journal is the newest. What is taken over is in place at once or not at all. */
async function adopt(
  { main, places, self }: Adopting,
  run: RunId,
  { at, token }: { readonly at: number; readonly token: number },
): Promise<Adopted | null> {
  const newest = chooseJournal(await journalsOf(places, run));
  if (newest === undefined || newest.from.node === null) return null;
  const { node, state } = newest.from;
  const view = deriveRun(newest.entries);
  if (view === null) return null;
  await copyPlan(main, state, run);
  const text = withEntry(newest.entries, { at, token, body: { type: "adopted", actor: self(), from: node } });
  const file = journalFile(run);
  await main.remove(`${file}.new`);
  await main.create(`${file}.new`, new TextEncoder().encode(text));
  await main.rename(`${file}.new`, file);
  const hasSnapshot = view.snapshots.some(({ form }) => form === "snapshot");
  return { run, from: node, begunBy: view.actor, hasSnapshot };
}

async function copyPlan(main: StateDirectory, from: ReadableState, run: RunId): Promise<void> {
  const file = `${runFolder(run)}/plan.json`;
  const bytes = await from.read(file);
  if (bytes !== null) await main.create(file, bytes);
}

type Known = KnownJournal<RunPlace>;

/** @throws AppError `journal-damaged`: one that cannot be read might be the newest */
async function journalsOf(places: readonly RunPlace[], run: RunId): Promise<readonly Known[]> {
  const found = await Promise.all(places.map((place) => journalAt(place, run)));
  return found.flat();
}

/** Empty where it is not known. @throws AppError `journal-damaged`; what the place throws */
async function journalAt(from: RunPlace, run: RunId): Promise<readonly Known[]> {
  const path = `${from.state.path}/${journalFile(run)}`;
  const bytes = await from.state.read(journalFile(run));
  const entries: readonly JournalEntry[] = bytes === null ? [] : readJournal(bytes, path).entries;
  return entries.length === 0 ? [] : [{ from, path, entries }];
}

export interface FoundRun {
  readonly run: RunId;
  /** As the newest journal says. */
  readonly view: RunView;
  /** Where that is. */
  readonly from: RunPlace;
  /** Of its newest entry, ms. */
  readonly heardAt: number;
}

/** What could not be read: the place as a whole, then `run` is null, or its journal of one run. */
export interface RunFault {
  readonly place: RunPlace;
  readonly run: RunId | null;
  readonly error: AppError;
}

export interface RunSurvey {
  /** Newest first; each as the newest of its whole journals says. */
  readonly found: readonly FoundRun[];
  readonly faults: readonly RunFault[];
}

/**
 * The newest run of every place, and every one that is not known here, newest first; each as its newest journal says. A place that cannot be
 * asked is passed over; `needed`, when given, says which places have to answer, and without it one of them when nothing is found at all.
 * @throws AppError `journal-damaged`; what a place throws
 */
export async function findRuns(
  places: readonly RunPlace[],
  needed?: (place: RunPlace) => boolean,
): Promise<readonly FoundRun[]> {
  const { found, faults } = await surveyRuns(places);
  const isNeeded = needed ?? (() => found.length === 0);
  // One that cannot be read might be the newest, or the one that is open.
  const fault = faults.find(({ run, place }) => run !== null || isNeeded(place));
  if (fault) throw fault.error;
  return found;
}

/** The same for somebody who only looks: what cannot be read is told beside what can. */
export async function surveyRuns(places: readonly RunPlace[]): Promise<RunSurvey> {
  const listed = await Promise.all(places.map(listRunsOf));
  const own = new Set(listed.find(({ place }) => place.node === null)?.names);
  const wanted = listed.flatMap(({ names }) => names.filter((run, at) => at === 0 || !own.has(run)));
  const asked = listed.filter(({ error }) => error === null).map(({ place }) => place);
  const runs = await Promise.all([...new Set(wanted)].map((run) => surveyRun(asked, run)));
  const unlisted = listed.flatMap(({ place, error }) =>
    error === null ? [] : [{ place, run: null, error }],
  );
  return {
    found: runs.flatMap(({ found }) => found).toSorted((a, b) => b.view.startedAt - a.view.startedAt),
    faults: [...unlisted, ...runs.flatMap(({ faults }) => faults)],
  };
}

async function surveyRun(places: readonly RunPlace[], run: RunId): Promise<RunSurvey> {
  const read = await Promise.all(places.map((place) => journalOrFault(place, run)));
  const faults = read.flatMap((each) => ("error" in each ? [each] : []));
  let newest: Known | undefined;
  for (const journal of read.flatMap((each) => ("error" in each ? [] : each))) {
    const chosen = attempt(() => chooseJournal(newest === undefined ? [journal] : [newest, journal]));
    if (isAppError(chosen)) faults.push({ place: journal.from, run, error: chosen });
    else newest = chosen;
  }
  const view = newest ? deriveRun(newest.entries) : null;
  if (newest === undefined || view === null) return { found: [], faults };
  const heardAt = newest.entries.at(-1)?.at ?? view.startedAt;
  return { found: [{ run, view, from: newest.from, heardAt }], faults };
}

async function journalOrFault(place: RunPlace, run: RunId): Promise<readonly Known[] | RunFault> {
  try {
    return await journalAt(place, run);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { place, run, error };
  }
}

interface Listed {
  readonly place: RunPlace;
  /** Newest first. */
  readonly names: readonly RunId[];
  readonly error: AppError | null;
}

async function listRunsOf(place: RunPlace): Promise<Listed> {
  try {
    const names = (await place.state.list("runs")).filter(isRunId);
    return { place, names: names.toReversed(), error: null };
  } catch (error) {
    if (isAppError(error)) return { place, names: [], error };
    throw error;
  }
}

/** The one that waits for `resume` or `rollback`, wherever it was begun. */
export function openAmong(runs: readonly FoundRun[]): FoundRun | undefined {
  return runs.find(({ view }) => isOpen(view));
}

/** The plan of a run, from here or from whichever node has it. @throws AppError `run-unknown`, `plan-invalid`, `journal-damaged` */
export async function planOfRun(places: readonly RunPlace[], run: RunId): Promise<Plan> {
  const { plan } = await whereKnown(places, run, (state) => showRun(state, run));
  return plan;
}

/** What the first place says that knows the run. @throws AppError `run-unknown`, and what `look` throws */
export async function whereKnown<T>(
  places: readonly RunPlace[],
  run: string,
  look: (state: ReadableState) => Promise<T>,
): Promise<T> {
  for (const { state } of places) {
    try {
      return await look(state);
    } catch (error) {
      if (!isAppError(error, "run-unknown")) throw error;
    }
  }
  throw new AppError("run-unknown", { run });
}
