// The folder of a file that somebody has moved away whole (`mv pki pki.old`): made again, so that what belongs into it can be.
// OUTPUTS: one directory, below one of the trees, whose parent is there and is reached without a link.
import { chmodSync, closeSync, fstatSync, mkdirSync } from "node:fs";
import { posix } from "node:path";
import { formatAddress, type Address } from "../../core/model/address.ts";
import { childPath, errnoOf, syncDirectory } from "./directory-handles.ts";
import { explainReading } from "./explain-reading.ts";
import type { Replacing } from "./file-replacing.ts";
import type { NodeFiles } from "./node-files.ts";
import type { Place } from "./node-walk.ts";
import { attempt } from "./temporary-file.ts";

/**
 * Where the missing directory of a file could be made, for `action`; it gets null when the directory is there, when more than
 * one is missing (a file system that is not mounted), behind a link, and outside of the trees.
 */
export function withMissingFolder<T>(
  files: NodeFiles,
  address: Address,
  action: (place: Place | null) => T,
): T {
  const folder = { ...address, path: posix.dirname(address.path) };
  if (!files.isInTree(folder.path)) return action(null);
  const located = explainReading(formatAddress(address), () => files.locate(folder));
  try {
    const isMissing = located.state === "absent" && located.danglingLink === null;
    return action(isMissing && located.place?.isLinked === false ? located.place : null);
  } finally {
    if (located.place) closeSync(located.place.directory);
  }
}

/** Throws `store-write-failed` (`make-directory`). As its parent has it, less what lets others write. */
export function makeMissingFolder(store: Replacing, address: Address): void {
  withMissingFolder(store.files, address, (place) => {
    if (!place) return;
    const object = formatAddress(address);
    const path = childPath(place.directory, place.name);
    attempt(object, "make-directory", () => {
      try {
        mkdirSync(path, 0o700);
      } catch (error) {
        if (errnoOf(error) === "EEXIST") return;
        throw error;
      }
      chmodSync(path, fstatSync(place.directory).mode & 0o755);
      syncDirectory(place.directory, store.sync);
    });
  });
}
