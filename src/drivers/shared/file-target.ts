// The object a write is about to replace, seen once and held against what was expected until the moment of the rename.
import { closeSync, linkSync, lstatSync, renameSync, unlinkSync, type Stats } from "node:fs";
import { posix } from "node:path";
import type { Address } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { Staged } from "../../core/model/run.ts";
import { childPath, errnoOf, fileType } from "./directory-handles.ts";
import { explainReading } from "./explain-reading.ts";
import type { FileContent } from "./file-content.ts";
import type { NodeFiles } from "./node-files.ts";
import { joinNodePath, type Place } from "./node-walk.ts";
import { attempt, removeQuietly, tokenOfTemporary } from "./temporary-file.ts";

/** Larger than anything we stage; only against a temporary file that somebody else has blown up. */
const temporaryLimitBytes = 64 * 1024 * 1024;

export interface Target {
  /** formatAddress */
  readonly object: string;
  readonly place: Place;
  /** Null when absent. */
  readonly content: FileContent | null;
}

/**
 * Looks at an object with the intent to write; closes its directory after `action`. The target is null when the directory
 * it would be in is missing. Throws `store-link-refused` for links that leave the trees or lead nowhere, and what a read throws.
 */
export async function withTarget<T>(
  files: NodeFiles,
  address: Address,
  action: (target: Target | null, object: string) => Promise<T> | T,
): Promise<T> {
  const object = files.object(address);
  const located = explainReading(object, () => files.locate(address));
  try {
    if (located.state === "absent" && located.danglingLink !== null) {
      throw new AppError("store-link-refused", { address: object, target: located.danglingLink });
    }
    const place = located.place;
    if (place === null) return await action(null, object);
    if (files.leavesTree(place)) {
      const target = joinNodePath(place.directoryPath, place.name);
      throw new AppError("store-link-refused", { address: object, target });
    }
    const content =
      located.state === "absent"
        ? null
        : explainReading(object, () => files.readAt(place, located.stats, object));
    return await action({ object, place, content }, object);
  } finally {
    if (located.place) closeSync(located.place.directory);
  }
}

/** What is live: sha256 or `absent`. */
export function revisionOf(target: Target | null): string {
  return target?.content?.sha256 ?? "absent";
}

/** Throws `store-conflict` when other bytes are live than expected. */
export function expectLive(target: Target | null, object: string, expected: string): void {
  const found = revisionOf(target);
  if (found !== expected) throw new AppError("store-conflict", { address: object, expected, found });
}

/** The same once more, just before the change: whoever wrote meanwhile, without our lock, is not overwritten. */
export function expectStill(files: NodeFiles, target: Target): void {
  const { object, place } = target;
  const expected = revisionOf(target);
  const stats = explainReading(object, () => statsOf(childPath(place.directory, place.name)));
  const found = stats ? nowAt(files, target, stats) : "absent";
  if (found !== expected) throw new AppError("store-conflict", { address: object, expected, found });
}

function nowAt(files: NodeFiles, target: Target, stats: Stats): string {
  if (!stats.isFile()) return fileType(stats);
  return explainReading(target.object, () => files.readAt(target.place, stats, target.object)).sha256;
}

/** Throws `store-write-failed` (`verify-temporary`) unless the staged file lies, whole, beside the target. */
export function verifyTemporary(files: NodeFiles, target: Target, staged: Staged): void {
  const name = nameOfTemporary(staged);
  const fail = (cause: string): never => {
    throw new AppError("store-write-failed", {
      address: target.object,
      operation: "verify-temporary",
      cause,
    });
  };
  if (posix.dirname(staged.temporary) !== target.place.directoryPath) return fail("directory-moved");
  const stats = attempt(target.object, "verify-temporary", () =>
    statsOf(childPath(target.place.directory, name)),
  );
  if (!stats) return fail("ENOENT");
  if (!stats.isFile()) return fail("not-regular");
  const place = { ...target.place, name };
  const content = explainReading(target.object, () =>
    files.readAt(place, stats, target.object, temporaryLimitBytes),
  );
  if (content.sha256 !== staged.sha256) return fail("bytes-changed");
}

/** Gives the temporary file its name. Where nothing was, link(2) instead of rename(2): it fails rather than overwrite. */
export function makeLive(target: Target, staged: Staged): void {
  const { object, place } = target;
  const temporary = childPath(place.directory, nameOfTemporary(staged));
  const live = childPath(place.directory, place.name);
  if (staged.expect !== "absent") {
    try {
      return attempt(object, "rename", () => renameSync(temporary, live));
    } catch (error) {
      removeQuietly(temporary);
      throw error;
    }
  }
  linkAnew(temporary, live, object);
  attempt(object, "unlink-temporary", () => unlinkSync(temporary));
}

function linkAnew(temporary: string, live: string, object: string): void {
  try {
    linkSync(temporary, live);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") {
      throw new AppError(
        "store-conflict",
        { address: object, expected: "absent", found: "present" },
        { cause: error },
      );
    }
    removeQuietly(temporary);
    attempt(object, "link", () => {
      throw error;
    });
  }
}

/** The name of a staged file; throws `value-invalid` for one that this store cannot have made. */
export function nameOfTemporary(staged: Staged): string {
  const name = posix.basename(staged.temporary);
  if (tokenOfTemporary(name) === null) {
    throw new AppError("value-invalid", {
      what: "temporary",
      value: staged.temporary,
      expected: ".perennial-RUN-TOKEN-NAME",
    });
  }
  return name;
}

/** Stats without following a link; null when absent. */
export function statsOf(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}
