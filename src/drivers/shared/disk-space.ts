// The room that a file system has. INPUTS: statfs(2) of a path or its nearest parent that exists. OUTPUTS: none.
import { statSync, statfsSync } from "node:fs";
import { posix } from "node:path";
import { explainReading } from "./explain-reading.ts";

export interface DiskSpace {
  /** The path asked for, or its nearest parent that exists: what `df` can be asked about. */
  readonly path: string;
  /** Tells file systems apart. */
  readonly device: number;
  /** What one more byte takes. */
  readonly blockBytes: number;
  /** For this user; null where the file system does not say. */
  readonly freeBytes: number | null;
  /** Inodes; null where the file system does not count them. */
  readonly freeFiles: number | null;
}

/** Network file systems give the size of a transfer as their block. */
const largestBlockBytes = 64 * 1024;
const smallestBlockBytes = 4 * 1024;

/** Links on the way are followed. Throws `store-unreadable`. */
export function diskSpaceAt(path: string): DiskSpace {
  const found = nearestExisting(posix.normalize(path));
  return explainReading(found, () => {
    const disk = statfsSync(found);
    const free = process.geteuid?.() === 0 ? disk.bfree : disk.bavail;
    return {
      path: found,
      device: statSync(found).dev,
      blockBytes: Math.min(Math.max(disk.bsize, smallestBlockBytes), largestBlockBytes),
      freeBytes: disk.blocks === 0 ? null : free * disk.bsize,
      freeFiles: disk.files === 0 ? null : disk.ffree,
    };
  });
}

function nearestExisting(path: string): string {
  if (path === "/" || explainReading(path, () => statSync(path, { throwIfNoEntry: false }))) return path;
  return nearestExisting(posix.dirname(path));
}
