// The state directory: lock, journals, before-images, saved plans. 0700, on the node it protects.
import type { Actor } from "../../core/model/run.ts";
import type { FolderAttributes } from "./store.ts";

/**
 * Files below `var/lib/perennial` of the node (or `--state-dir`). Paths are relative and use `/`; the directory is created 0700,
 * files 0600. Every method is durable when it resolves: data synced, then the directory entry.
 * A state directory that is a link, or that others may write to, is refused with `state-unsafe`.
 */
export interface StateDirectory {
  /** Absolute path for messages. */
  readonly path: string;
  /** null when absent. */
  read(file: string): Promise<Uint8Array | null>;
  /** Creates and fills a file that must not exist; resolves false, changing nothing, when it does. */
  create(file: string, bytes: Uint8Array): Promise<boolean>;
  /**
   * Appends to an existing or new file; a failed sync is an error and is never retried. After any failure a part of the bytes may
   * lie at the end: it is not taken back, since others may have appended behind it.
   */
  append(file: string, bytes: Uint8Array): Promise<void>;
  /** Atomic replacement of `to` by `from`. */
  rename(from: string, to: string): Promise<void>;
  /** A file with these bytes, 0600, whatever was there: the old ones or the new ones, never a mix. Identical bytes are left alone. */
  replace(file: string, bytes: Uint8Array): Promise<void>;
  /** How many calls of `keep` may be under way at once; default 1. */
  readonly together?: number;
  /** Absent resolves. Directories are removed with their contents. */
  remove(file: string): Promise<void>;
  /** Names of the entries of a directory, sorted; empty when absent. */
  list(directory: string): Promise<readonly string[]>;
  /**
   * Keeps a copy of bytes with the given attributes (mode, owner, time, xattrs), for `cp -a` by hand. The innermost folders
   * of `file` get the attributes in `folders` (outermost first), or `cp -a` would close the live ones to everybody; what
   * protects the copies is the 0700 folder around them.
   * Identical bytes already there are left alone.
   */
  keep(
    file: string,
    bytes: Uint8Array,
    attributes: {
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
      readonly mtimeMs: number;
      readonly xattrs: Readonly<Record<string, string>>;
      readonly folders?: readonly FolderAttributes[];
    },
  ): Promise<void>;
}

/** Who we are, and whether the holder of a lock still runs. */
export interface Processes {
  self(): Actor;
  /** `unknown` when the holder is on another host or boot information is missing. A process of an earlier boot is dead. */
  isAlive(actor: Actor): "alive" | "dead" | "unknown";
}
