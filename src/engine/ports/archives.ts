// Encrypted copies of a run's backup, written for people whose keys are not here.
import type { Archive, RunId } from "../../core/model/run.ts";
import type { Attributes, FolderAttributes } from "./store.ts";

/**
 * An archive is a tar file (POSIX.1-2001 ustar, pax records where ustar has no room) in the age format (age-encryption.org/v1). It is
 * encrypted as it is written: no plain byte of it ever lies on a disk. A file of somebody else is never replaced.
 */
export interface Archives {
  /**
   * Writes the whole archive beside its place, mode 0600, syncs it, reads it back and decrypts it with the key that is still in
   * memory. What an earlier, cut off try of the same run left there is replaced. Leaves nothing behind when it fails.
   * @throws AppError `archive-target`, `archive-full`, `store-write-failed`, `store-unreadable`, `archive-damaged`; `store-mismatch`
   * for a file that is not what it is said to be; the signal's reason
   */
  write(request: ArchiveRequest, signal?: AbortSignal): Promise<WrittenArchive>;
  /**
   * Gives it its name, durable when it resolves. A file that has the name already is replaced only when its hash is one of `own`.
   * @throws AppError `archive-target` (`exists`), `store-write-failed`
   */
  publish(written: WrittenArchive, own: readonly string[]): Promise<void>;
  /** Removes what was written and not published; a target that is gone meanwhile is no error. */
  discard(written: WrittenArchive): Promise<void>;
}

export interface WrittenArchive extends Archive {
  /** Absolute path at which it lies until it is published. */
  readonly temporary: string;
}

export interface ArchiveRequest {
  readonly run: RunId;
  /** Absolute path of the archive. */
  readonly file: string;
  readonly recipients: readonly string[];
  /** Hashes (sha256, hex) of archives of this run that may lie at `file` already. */
  readonly own: readonly string[];
  /** Name of the one folder that everything in the archive is in. */
  readonly top: string;
  /** Absolute path of the folder that `parts` which are files are relative to. */
  readonly folder: string;
  /** In the order in which they are written. */
  readonly parts: readonly ArchivePart[];
}

export type ArchivePart =
  /** Bytes that are in no file; `at` is its time, ms since the epoch. */
  | { readonly form: "bytes"; readonly path: string; readonly bytes: Uint8Array; readonly at: number }
  /** An object as it was read: on this machine it is in memory only. `folders` are the innermost ones that it lies in, outermost first. */
  | {
      readonly form: "kept";
      readonly path: string;
      readonly bytes: Uint8Array;
      readonly sha256: string;
      readonly attributes: Pick<Attributes, "mode" | "uid" | "gid" | "mtimeMs">;
      readonly folders?: readonly FolderAttributes[];
    }
  /** What comes from a node while it is encrypted; `at` as above. */
  | {
      readonly form: "stream";
      readonly path: string;
      readonly sizeBytes: number;
      readonly sha256: string;
      readonly at: number;
      read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
    }
  /** `sha256` (hex) is what the file has to be; null for any. */
  | { readonly form: "file"; readonly path: string; readonly sha256: string | null }
  /** A folder and everything below it. */
  | { readonly form: "tree"; readonly path: string };
