// What a node keeps of runs, read while the way to it is open: the way may be closed when it is judged.
//
// INPUTS  var/lib/perennial of the node: runs/*/journal.jsonl, clusters/NAME/runs/*/journal.jsonl, lock/*
import type { NodeName } from "../core/model/address.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Actor } from "../core/model/run.ts";
import { type Life, systemProcesses } from "../drivers/shared/processes.ts";
import type { LockRecord } from "../engine/lock.ts";
import type { ReadableState } from "../engine/runs.ts";
import { partOf } from "./cluster-state.ts";
import { stateOnNode } from "./local-node.ts";

/** Whether a process still runs; `unknown` when it is on a machine that was not asked. */
export type LifeOf = (actor: Actor) => Promise<Life>;

/** A lock that was not given back. */
export interface HeldLock {
  readonly record: LockRecord;
  readonly life: Life;
}

export interface KeptRuns {
  readonly node: NodeName;
  /** The node's `var/lib/perennial`: answers what was asked while it was read, errors among them. */
  readonly state: ReadableState;
  /** null for a lock that is free. */
  readonly lock: HeldLock | AppError | null;
}

export interface KeepingNode {
  readonly node: NodeName;
  readonly cluster: string;
  /** Opens a folder of its `var/lib/perennial`. */
  readonly state: (path: string) => ReadableState;
  /** Default: that of {@link lifeHere}. */
  readonly lifeOf?: LifeOf | undefined;
}

/** As far as this machine knows. */
export const lifeHere: LifeOf = async (actor) => systemProcesses().isAlive(actor);

/** null for a node on which nothing is known of any run. Coded errors are kept, for whoever asks for what they stand in the way of. */
export async function keptRuns({
  node,
  cluster,
  state: open,
  lifeOf = lifeHere,
}: KeepingNode): Promise<KeptRuns | null> {
  const state = remembered(openedOrRefusing(() => open(""), `/${stateOnNode}`));
  const folders = ["", `${partOf(cluster)}/`];
  const names = await Promise.all(folders.map((folder) => orError(state.list(`${folder}runs`))));
  if (names.every((each) => !isAppError(each) && each.length === 0)) return null;
  const { journalFile } = await import("../engine/journal.ts");
  const journals = folders.flatMap((folder, index) => {
    const found = names[index] ?? [];
    return isAppError(found) ? [] : found.map((run) => `${folder}${journalFile(run)}`);
  });
  const [lock] = await Promise.all([
    orError(heldLock(state, lifeOf)),
    ...journals.map((file) => orError(state.read(file))),
  ]);
  return { node, state, lock };
}

/** @throws AppError `store-unreadable` for a record that is none; what the state directory throws */
export async function heldLock(state: ReadableState, lifeOf: LifeOf): Promise<HeldLock | null> {
  const { lockFolder, readLock } = await import("../engine/lock.ts");
  const record = await readLock(state);
  if (record?.state !== "held") return null;
  if (!isWhole(record))
    throw new AppError("store-unreadable", {
      address: `${state.path}/${lockFolder}`,
      reason: "not the record of a lock",
      cause: "",
    });
  return { record, life: await lifeOf(record.holder) };
}

/** Only what sentences are made of: the rest of a record that somebody else wrote is compared and no more. */
function isWhole({ what, sinceAt, holder }: LockRecord): boolean {
  const texts: readonly unknown[] = [what, holder.user, holder.host];
  const numbers: readonly unknown[] = [sinceAt, holder.pid];
  return (
    texts.every((each) => typeof each === "string") && numbers.every((each) => Number.isSafeInteger(each))
  );
}

/** One that cannot even be opened says so to every question. `path` is for messages. */
export function openedOrRefusing(open: () => ReadableState, path: string): ReadableState {
  try {
    return open();
  } catch (error) {
    if (!isAppError(error)) throw error;
    const refuse = async (): Promise<never> => {
      throw error;
    };
    return { path, list: refuse, read: refuse };
  }
}

function remembered(state: ReadableState): ReadableState {
  const lists = new Map<string, Promise<readonly string[]>>();
  const files = new Map<string, Promise<Uint8Array | null>>();
  return {
    path: state.path,
    list: (folder) => once(lists, folder, (what) => state.list(what)),
    read: (file) => once(files, file, (what) => state.read(what)),
  };
}

function once<T>(
  answers: Map<string, Promise<T>>,
  what: string,
  ask: (what: string) => Promise<T>,
): Promise<T> {
  const answer = answers.get(what) ?? ask(what);
  answers.set(what, answer);
  return answer;
}

export async function orError<T>(answer: Promise<T>): Promise<T | AppError> {
  try {
    return await answer;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}
