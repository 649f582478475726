// The state directory on disk: lock, journals, before-images. INPUTS and OUTPUTS: everything below one 0700 directory.
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  closeSync,
  fdatasyncSync,
  fsyncSync,
  linkSync,
  lstatSync,
  renameSync,
  rmSync,
} from "node:fs";
import { posix } from "node:path";
import type { StateDirectory } from "../../engine/ports/state.ts";
import type { FolderAttributes } from "../../engine/ports/store.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { errnoOf } from "./directory-handles.ts";
import { systemLabels, type Labels } from "./file-labels.ts";
import { append } from "./state-append.ts";
import { closeToOthers, makeState, openState } from "./state-base.ts";
import {
  entryPath,
  listDirectory,
  makeFolders,
  readFile,
  refuseLeadingOut,
  syncParent,
  unfinished,
  type State,
} from "./state-entries.ts";
import { attempt, hit, removeQuietly, writeTemporary } from "./temporary-file.ts";

export interface StateDirectoryOptions {
  readonly failpoints?: Failpoints;
  readonly labels?: Labels;
  /** Instead of fsync(2) and fdatasync(2), for tests of a failing disk. */
  readonly sync?: (file: number) => void;
}

/**
 * Opens `path` (absolute); it is made by the first write, so that a `check` leaves nothing behind. Throws `state-unsafe` now and at
 * every later use: the directory or its parent is a link, or the directory is open to writing by others or owned by another.
 */
export function openStateDirectory(path: string, options: StateDirectoryOptions = {}): StateDirectory {
  if (!path.startsWith("/")) throw new TypeError(`not an absolute path: ${path}`);
  const state: State = {
    path: posix.normalize(path).replace(/(?<=.)\/$/, ""),
    failpoints: options.failpoints,
    labels: () => options.labels ?? systemLabels(),
    sync: options.sync ?? fsyncSync,
    dataSync: options.sync ?? fdatasyncSync,
  };
  const existing = openState(state);
  if (existing !== null) closeSync(existing);
  return {
    path: state.path,
    read: (file) => whenThere(state, file, { missing: null, action: (base) => readFile(state, base, file) }),
    list: (folder) =>
      whenThere(state, folder, { missing: [], action: (base) => listDirectory(state, base, folder) }),
    remove: (file) =>
      whenThere(state, file, { missing: undefined, action: (base) => removeEntry(state, base, file) }),
    create: (file, bytes) => inside(state, (base) => create(state, base, file, bytes)),
    append: (file, bytes) => inside(state, (base) => append(state, base, file, bytes)),
    rename: (from, to) => inside(state, (base) => rename(state, base, from, to)),
    replace: (file, bytes) => inside(state, (base) => putWhole(state, base, { file, bytes, attributes: {} })),
    keep: (file, bytes, attributes) =>
      inside(state, (base) => keep(state, base, { file, bytes, attributes })),
  };
}

async function whenThere<T>(
  state: State,
  file: string,
  { missing, action }: { readonly missing: T; readonly action: (base: number) => T },
): Promise<T> {
  refuseLeadingOut(file);
  const base = openState(state);
  if (base === null) return missing;
  try {
    return action(base);
  } finally {
    closeSync(base);
  }
}

/** Makes the directory if need be; every operation checks it anew and works through the handle that was checked. */
async function inside<T>(state: State, action: (base: number) => Promise<T>): Promise<T> {
  const base = openState(state) ?? makeState(state);
  try {
    attempt(state.path, "chmod", () => closeToOthers(state.path, base));
    return await action(base);
  } finally {
    closeSync(base);
  }
}

function removeEntry(state: State, base: number, file: string): void {
  const path = entryPath(base, file);
  if (file === "") throw new TypeError("the state directory itself is not removed");
  attempt(posix.join(state.path, file), "remove", () => {
    if (!lstatSync(path, { throwIfNoEntry: false })) return;
    rmSync(path, { recursive: true, force: true });
    syncParent(state, base, file);
  });
}

/** The whole content appears with the name, or not at all: link(2) neither overwrites nor shows half a file. */
async function create(state: State, base: number, file: string, bytes: Uint8Array): Promise<boolean> {
  const object = posix.join(state.path, file);
  const path = entryPath(base, file);
  attempt(object, "mkdir", () => makeFolders(state, base, file));
  if (lstatSync(path, { throwIfNoEntry: false })) return false;
  const name = `${unfinished}${process.pid}-${randomBytes(6).toString("hex")}`;
  const temporary = entryPath(base, posix.join(posix.dirname(file), name));
  await writeNew(state, object, { path: temporary, bytes });
  try {
    const isCreated = attempt(object, "create", () => linkIfFree(temporary, path));
    if (!isCreated) return false;
  } finally {
    removeQuietly(temporary);
  }
  attempt(object, "sync-directory", () => syncParent(state, base, file));
  await hit(state.failpoints, "state.after-create");
  return true;
}

function linkIfFree(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST") return false;
    throw error;
  }
}

type NewStateFile = { readonly path: string; readonly bytes: Uint8Array } & Partial<Kept["attributes"]>;

/** Without the failpoints of replaced files: those stand for live ones. */
async function writeNew(state: State, object: string, file: NewStateFile): Promise<void> {
  const { mode = 0o600, uid = null, gid = null, mtimeMs = null, xattrs = {} } = file;
  const hasLabels = Object.keys(xattrs).length > 0;
  const label = hasLabels ? (descriptor: number) => state.labels().write(descriptor, xattrs) : null;
  const whole = { path: file.path, bytes: file.bytes, mode, uid, gid, mtimeMs, label };
  await writeTemporary(whole, { object, failpoints: undefined, sync: state.sync });
}

async function rename(state: State, base: number, from: string, to: string): Promise<void> {
  const object = posix.join(state.path, to);
  attempt(object, "rename", () => {
    makeFolders(state, base, to);
    renameSync(entryPath(base, from), entryPath(base, to));
  });
  attempt(object, "sync-directory", () => {
    syncParent(state, base, to);
    if (posix.dirname(from) !== posix.dirname(to)) syncParent(state, base, from);
  });
}

/** Gives the innermost folders of a kept file the mode and owner of the live ones, innermost first: an outer one may lock us out. */
function likenFolders(base: number, file: string, folders: readonly FolderAttributes[]): void {
  let folder = posix.dirname(file);
  for (const { mode, uid, gid } of folders.toReversed()) {
    const path = entryPath(base, folder);
    const now = lstatSync(path);
    if (now.uid !== uid || now.gid !== gid) chownSync(path, uid, gid);
    if ((now.mode & 0o7777) !== mode) chmodSync(path, mode);
    folder = posix.dirname(folder);
  }
}

interface Kept {
  readonly file: string;
  readonly bytes: Uint8Array;
  readonly attributes: Parameters<StateDirectory["keep"]>[2];
}

async function keep(state: State, base: number, kept: Kept): Promise<void> {
  const { file, attributes } = kept;
  await putWhole(state, base, kept);
  attempt(posix.join(state.path, file), "chmod-folders", () =>
    likenFolders(base, file, attributes.folders ?? []),
  );
  await hit(state.failpoints, "state.after-keep");
}

type Whole = Pick<Kept, "file" | "bytes"> & { readonly attributes: Partial<Kept["attributes"]> };

/** One writer per run's folder, by the lock: the unfinished name is fixed, and a key left in it is overwritten by the next try. */
async function putWhole(state: State, base: number, { file, bytes, attributes }: Whole): Promise<void> {
  const object = posix.join(state.path, file);
  const path = entryPath(base, file);
  attempt(object, "mkdir", () => makeFolders(state, base, file));
  const before = readFile(state, base, file);
  if (before !== null && Buffer.compare(before, bytes) === 0) return;
  const name = `${unfinished}${posix.basename(file)}`.slice(0, 200);
  const temporary = entryPath(base, posix.join(posix.dirname(file), name));
  await writeNew(state, object, { ...attributes, path: temporary, bytes });
  attempt(object, "rename", () => renameSync(temporary, path));
  attempt(object, "sync-directory", () => syncParent(state, base, file));
}
