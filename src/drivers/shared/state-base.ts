// The state directory itself: found safe, or refused, or made. INPUTS and OUTPUTS: the directory, where missing its parents.
import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Stats,
} from "node:fs";
import { posix } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { StateFault } from "../../core/model/errors-runs.ts";
import { childPath, errnoOf, openDirectory } from "./directory-handles.ts";
import { attempt } from "./temporary-file.ts";

export interface StateBase {
  /** Absolute. */
  readonly path: string;
  readonly sync: (file: number) => void;
}

/** A handle of the directory, checked; null when there is none. Throws `state-unsafe`. */
export function openState(state: StateBase): number | null {
  refuseLink(posix.dirname(state.path));
  refuseLink(state.path);
  let base: number;
  try {
    base = openDirectory(state.path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return null;
    throw notOpened(state.path, error);
  }
  try {
    refuseUnsafe(state.path, fstatSync(base));
    return base;
  } catch (error) {
    closeSync(base);
    throw error;
  }
}

function refuseLink(path: string): void {
  const stats = statsOf(path);
  if (stats?.isSymbolicLink()) throw unsafe(path, `link to ${readlinkSync(path)}`);
  if (stats && !stats.isDirectory()) throw unsafe(path, "not a directory");
}

/** A folder on the way that may not be entered keeps even this from being asked. */
function statsOf(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw notOpened(path, error);
  }
}

function refuseUnsafe(path: string, stats: Stats): void {
  const uid = process.geteuid?.() ?? stats.uid;
  if (stats.uid !== uid)
    throw refusal(path, stats.uid === 0 ? "of-root" : "unsafe", `owned by uid ${stats.uid}`);
  if ((stats.mode & 0o022) !== 0)
    throw unsafe(path, `mode ${(stats.mode & 0o7777).toString(8).padStart(4, "0")}`);
}

function notOpened(path: string, cause: unknown): AppError {
  return new AppError(
    "state-unsafe",
    { path, fault: "not-opened", reason: errnoOf(cause) ?? "unreadable" },
    { cause },
  );
}

function unsafe(path: string, reason: string): AppError {
  return refusal(path, "unsafe", reason);
}

function refusal(path: string, fault: StateFault, reason: string): AppError {
  return new AppError("state-unsafe", { path, fault, reason });
}

/** Makes the directory, durable, and opens it. */
export function makeState(state: StateBase): number {
  const parent = posix.dirname(state.path);
  attempt(state.path, "mkdir", () => {
    makeParents(parent, state.sync);
    mkdirOnce(state.path);
    syncPath(parent, state.sync);
  });
  const base = openState(state);
  if (base === null) throw unsafe(state.path, "vanished");
  return base;
}

/** What this tool keeps in its state directory; with what a file system of its own begins with. */
const ownEntries = /^(?:runs|lock|clusters|pending|processes|by-hand-.+|lost\+found)$/;

/**
 * An earlier hand may have left it readable; before-images of keys go in. A folder that has anything else in it is somebody's (`/etc`, `/tmp`):
 * closing that would break the machine. Throws `state-unsafe`.
 */
export function closeToOthers(path: string, base: number): void {
  if ((fstatSync(base).mode & 0o7777) === 0o700) return;
  const other = readdirSync(childPath(base, ".")).find((name) => !ownEntries.test(name));
  if (other !== undefined) throw refusal(path, "in-use", `it holds other things: ${other}`);
  chmodSync(childPath(base, "."), 0o700);
}

/** `/var/lib` and above, where they are missing (a root that is no whole system): ordinary directories. */
function makeParents(path: string, sync: (file: number) => void): void {
  if (lstatSync(path, { throwIfNoEntry: false })) return;
  makeParents(posix.dirname(path), sync);
  mkdirSync(path, { mode: 0o755 });
  syncPath(posix.dirname(path), sync);
}

export function mkdirOnce(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
  }
}

export function syncPath(path: string, sync: (file: number) => void): void {
  const directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    sync(directory);
  } finally {
    closeSync(directory);
  }
}
