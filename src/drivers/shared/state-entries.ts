// Files and folders inside the state directory: their paths, reading them, the folders they lie in.
import { closeSync, fstatSync, lstatSync, readdirSync } from "node:fs";
import { posix } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { childPath, errnoOf, openForReading, readUpTo, syncDirectory } from "./directory-handles.ts";
import type { Labels } from "./file-labels.ts";
import { mkdirOnce, syncPath, type StateBase } from "./state-base.ts";

/** Names of files not yet complete; a crash may leave one, `list` does not show it. */
export const unfinished = ".new-";

/** Against a file that somebody has blown up; the longest journal is far smaller. */
const limitBytes = 256 * 1024 * 1024;

export interface State extends StateBase {
  readonly failpoints: Failpoints | undefined;
  readonly labels: () => Labels;
  readonly dataSync: (file: number) => void;
}

/** A relative path inside; `""` is the directory itself. TypeError for anything that could lead out. */
export function entryPath(base: number, file: string): string {
  refuseLeadingOut(file);
  return childPath(base, file === "" ? "." : file);
}

export function refuseLeadingOut(file: string): void {
  const names = file === "" ? [] : file.split("/");
  if (names.some((name) => name === "" || name === "." || name === ".." || name.includes("\0"))) {
    throw new TypeError(`not a path inside the state directory: ${JSON.stringify(file)}`);
  }
}

/** null when absent. Throws `store-unreadable`. */
export function readFile(state: State, base: number, file: string): Uint8Array | null {
  const path = entryPath(base, file);
  try {
    const descriptor = openForReading(path);
    try {
      return readUpTo(descriptor, fstatSync(descriptor).size, limitBytes);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const code = errnoOf(error);
    if (code === "ENOENT") return null;
    throw unreadable(state, file, error);
  }
}

/** Names, sorted; empty when absent. */
export function listDirectory(state: State, base: number, directory: string): readonly string[] {
  try {
    const names = readdirSync(entryPath(base, directory));
    return names.filter((name) => !name.startsWith(unfinished)).sort();
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw unreadable(state, directory, error);
  }
}

function unreadable(state: State, file: string, error: unknown): unknown {
  const code = errnoOf(error);
  if (code === null) return error;
  const address = posix.join(state.path, file);
  return new AppError("store-unreadable", { address, reason: code, cause: code }, { cause: error });
}

/** Makes the name of a file durable. */
export function syncParent(state: State, base: number, file: string): void {
  const parent = posix.dirname(file);
  if (parent === ".") syncDirectory(base, state.sync);
  else syncPath(entryPath(base, parent), state.sync);
}

/** Makes the directories a file is to lie in, 0700 each, and makes them durable. */
export function makeFolders(state: State, base: number, file: string): void {
  const parent = posix.dirname(file);
  if (parent === "." || lstatSync(entryPath(base, parent), { throwIfNoEntry: false })) return;
  makeFolders(state, base, parent);
  mkdirOnce(entryPath(base, parent));
  syncParent(state, base, parent);
}
