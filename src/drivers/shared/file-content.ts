// One regular file at a checked place: its bytes and attributes, read at once and never more than a limit.
import { closeSync, fstatSync, lstatSync, readdirSync, type Stats } from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import type { Attributes } from "../../engine/ports/store.ts";
import { childPath, errnoOf, fileType, openForReading, readUpTo } from "./directory-handles.ts";
import type { RememberingLabels } from "./file-labels.ts";
import type { Place } from "./node-walk.ts";

const defaultLimitBytes = 1024 * 1024;

/** What a file held at one moment. */
export interface FileContent {
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly stats: Stats;
}

/** Throws `store-not-regular`, `store-too-large` and system errors. */
export function readAt(
  place: Place,
  stats: Stats,
  object: string,
  limitBytes = defaultLimitBytes,
  labels?: RememberingLabels,
): FileContent & { readonly attributes: Attributes } {
  // The type is looked at before opening: opening a device may do something, a watchdog for instance starts.
  refuseIrregular(stats, object);
  const file = openForReading(childPath(place.directory, place.name));
  try {
    const opened = fstatSync(file);
    refuseIrregular(opened, object);
    refuseLarge(opened.size, limitBytes, object);
    const bytes = readUpTo(file, opened.size, limitBytes);
    refuseLarge(bytes.length, limitBytes, object);
    const attributes = attributesOf(opened, labels?.read(file, () => openSiblings(place)) ?? {});
    return { bytes, sha256: sha256Hex(bytes), stats: opened, attributes };
  } finally {
    closeSync(file);
  }
}

/** Whoever writes one file of a folder usually writes its neighbours next. */
const mostSiblings = 64;

/** Regular files beside the place, opened for reading; one that cannot be opened is not missed here. */
function openSiblings(place: Place): readonly number[] {
  const names = readdirSync(childPath(place.directory, ".")).filter((name) => name !== place.name);
  return names.slice(0, mostSiblings).flatMap((name) => {
    const path = childPath(place.directory, name);
    try {
      return lstatSync(path).isFile() ? [openForReading(path)] : [];
    } catch (error) {
      if (errnoOf(error) === null) throw error;
      return [];
    }
  });
}

function refuseIrregular(stats: Stats, object: string): void {
  if (!stats.isFile()) throw new AppError("store-not-regular", { address: object, type: fileType(stats) });
}

function refuseLarge(bytes: number, limitBytes: number, object: string): void {
  if (bytes > limitBytes) throw new AppError("store-too-large", { address: object, bytes, limitBytes });
}

/** Times to the microsecond: that is what can be set again. */
export function attributesOf(stats: Stats, xattrs: Readonly<Record<string, string>> = {}): Attributes {
  return {
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    mtimeMs: Math.round(stats.mtimeMs * 1000) / 1000,
    xattrs,
  };
}
