// Open runs that are not of our own state directory but work on the same node: of a cluster, whose plan and journal are copied there, or the
// node's own. Their staged files lie beside the live ones; who works there meanwhile would sweep them.
//
//   place of a lock (a node's var/lib/perennial)  ─▶ runs/             the node's own
//                                                 ─▶ clusters/NAME/runs/  copies, of which ours are those that our state directory has as well
import { AppError, isAppError } from "../core/model/errors.ts";
import type { RunId } from "../core/model/run.ts";
import { isOpen, type RunView } from "./derive-run.ts";
import type { LockPlace } from "./cluster-lock.ts";
import { journalFile } from "./journal.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import { below, listRuns, type ReadableState } from "./runs.ts";

interface Folder {
  readonly place: LockPlace;
  /** Empty for the node's own runs. */
  readonly cluster: string;
  readonly state: ReadableState;
}

/** Only under the lock. @throws AppError `run-unfinished-elsewhere`, `journal-damaged` */
export async function refuseIfOpenElsewhere(ports: EnginePorts): Promise<void> {
  const own = new Set(await ports.state.list("runs"));
  const places = ports.locks ?? [{ node: null, state: ports.state }];
  const open = await Promise.all(places.map((place) => firstOpen(ports, place, own)));
  const first = open.find((each) => each !== null);
  if (first) throw first;
}

/**
 * Copies on nodes of runs that have ended here: a node that could not be reached at their end still has them open. Resolves to the runs
 * whose copies were brought up to date. Needs no lock: the journal of a run that has ended stays as it is. A node that cannot be reached
 * now either keeps its copy.
 */
export async function endStaleCopies(ports: EnginePorts): Promise<readonly RunId[]> {
  const ended = (await listRuns(ports.state)).flatMap(({ run, view }) =>
    view && !isOpen(view) ? [run] : [],
  );
  const places = ports.locks ?? [];
  const stale = new Set((await Promise.all(places.map((place) => staleAt(ports, place, ended)))).flat());
  for (const run of stale) await ports.copies?.update(run);
  return [...stale];
}

async function staleAt(
  ports: EnginePorts,
  place: LockPlace,
  ended: readonly RunId[],
): Promise<readonly RunId[]> {
  try {
    const stale: RunId[] = [];
    for (const { state } of await foldersOf(ports, place)) {
      const names = (await state.list("runs")).filter((run) => ended.includes(run));
      for (const run of names) if (!(await isSameJournal(ports.state, state, run))) stale.push(run);
    }
    return stale;
  } catch (error) {
    if (isAppError(error)) return [];
    throw error;
  }
}

async function isSameJournal(a: ReadableState, b: ReadableState, run: RunId): Promise<boolean> {
  const [ours, copy] = [await a.read(journalFile(run)), await b.read(journalFile(run))];
  return ours?.length === copy?.length;
}

async function firstOpen(
  ports: EnginePorts,
  place: LockPlace,
  own: ReadonlySet<RunId>,
): Promise<AppError<"run-unfinished-elsewhere"> | null> {
  for (const folder of await foldersOf(ports, place)) {
    // What our own journals speak of is known from there, and the copies may be older.
    const others = await listRuns(without(folder.state, own));
    const damaged = others.find(({ error }) => error !== null);
    if (damaged?.error) throw damaged.error;
    const open = others.find(({ view }) => view !== null && isOpen(view))?.view;
    if (open) return refusal(folder, open);
  }
  return null;
}

async function foldersOf(ports: EnginePorts, place: LockPlace): Promise<readonly Folder[]> {
  const clusters = await place.state.list("clusters");
  const all: readonly Folder[] = [
    { place, cluster: "", state: place.state },
    ...clusters.map((cluster) => ({ place, cluster, state: below(place.state, `clusters/${cluster}`) })),
  ];
  // The same path on another machine is another folder.
  const isHere = place.node === null || place.isHere === true;
  return all.filter(({ state }) => !isHere || state.path !== ports.state.path);
}

function without(state: ReadableState, runs: ReadonlySet<RunId>): ReadableState {
  const list = async (directory: string): Promise<readonly string[]> => {
    const names = await state.list(directory);
    return directory === "runs" ? names.filter((name) => !runs.has(name)) : names;
  };
  return { ...state, list, read: (file) => state.read(file) };
}

function refusal({ place, cluster, state }: Folder, view: RunView): AppError<"run-unfinished-elsewhere"> {
  const { user, sudoUser, host } = view.actor;
  return new AppError("run-unfinished-elsewhere", {
    run: view.run,
    cluster,
    node: place.node ?? "",
    path: `${state.path}/${journalFile(view.run)}`,
    user: sudoUser ?? user,
    host,
    startedAt: view.startedAt,
  });
}
