// The store port: where certificates, keys and kubeconfigs live. One contract suite runs against every store.
import type { Address, NodeName } from "../../core/model/address.ts";
import type { AppError } from "../../core/model/errors.ts";
import type { Staged } from "../../core/model/run.ts";

/** Everything beside the bytes that a write must keep and a rollback must restore. */
export interface Attributes {
  /** Permission bits, 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Modification time, ms since the epoch. */
  readonly mtimeMs: number;
  /** Extended attributes by name (`security.selinux`, `user.*`, POSIX ACLs), values base64. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** What `cp -a` of a folder would set on the folder it copies over. */
export interface FolderAttributes {
  /** Permission bits, 0..0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

/** An object that is there. What is in it is enough to undo a later write. */
export interface Present {
  readonly state: "present";
  readonly address: Address;
  /** The reader's own copy, which it may overwrite (keys are zeroed after use). */
  readonly bytes: Uint8Array;
  /** sha256 of the bytes, hex: the revision that `expect` compares. */
  readonly sha256: string;
  readonly attributes: Attributes;
  /** Path (as seen on the node) where the bytes really live when links led there; null without links. */
  readonly link: string | null;
  /**
   * The folders on the object's path, outermost first, for stores that have folders. Only with `labels`, before a write: a
   * before-image lies in folders like them.
   */
  readonly folders?: readonly FolderAttributes[];
  /** True when the links lead out of the trees that may be written without an explicit word. */
  readonly linkLeavesTree: boolean;
  /** Set by a store of collected facts: public halves stand for private keys, so the bytes are not those of the object. */
  readonly isKeyFree?: true;
}

/** Absent is a value. `danglingLink` is set when a link is there that leads nowhere. */
export interface Absent {
  readonly state: "absent";
  readonly address: Address;
  readonly danglingLink: string | null;
}

export type Observation = Present | Absent;

export interface ReadOptions {
  readonly signal?: AbortSignal;
  /** Bytes read at most; larger objects are `store-too-large`. Default 1 MiB. */
  readonly limitBytes?: number;
  /** Reads extended attributes too; default false, since it may start a process per object. Ask for it before a write. */
  readonly labels?: boolean;
}

export interface StageOptions {
  readonly signal?: AbortSignal;
  /** sha256 of the live bytes, or "absent". */
  readonly expect: string;
  /**
   * Attributes of the new object. `uid`, `gid` and `xattrs` default to the live object's; `mtimeMs` to the time of writing,
   * since tools that copy by time and size would miss a new certificate. A rollback gives all of them.
   */
  readonly attributes: Partial<Attributes> & { readonly mode: number };
  readonly run: string;
  /** Fencing token of the lock: part of the temporary name, so that a thief can sweep it. */
  readonly token: number;
}

export interface CommitOptions {
  readonly signal?: AbortSignal;
  /** Called as late as possible before the live bytes change; throws `lock-lost` when the lock is not ours. */
  readonly fence: () => Promise<void>;
}

export interface CommitAllOptions {
  readonly signal?: AbortSignal;
  /** As in {@link CommitOptions}, of the node whose objects come next; called once for each of them. */
  readonly fence: (node: NodeName) => Promise<void>;
}

/** What came of many commits. */
export interface CommitReport {
  /** Live now, in the order given. */
  readonly committed: readonly Staged[];
  /** Why some are not; null when all are. What is in neither may be live or not: only a look says so. */
  readonly failure: { readonly error: unknown } | null;
}

/**
 * Contract (architecture, section 4):
 * (1) absent is a value, "could not look" is an error (`store-unreadable`, `store-not-regular`, `store-too-large`);
 * (2) `stage` and `commit` fail with `store-conflict` and change nothing when the live bytes are not `expect`;
 * (3) a crash during `commit` leaves old bytes or new ones, never a mix;
 * (4) after `commit` resolves anyone reads exactly the staged bytes;
 * (5) identical bytes and attributes are `unchanged` and touch nothing;
 * (6) neighbours survive, and links keep their meaning;
 * (7) a staged file is 0600 before its first byte and gets its mode, owner and labels before its name;
 * (8) what `read` returns is enough to undo;
 * (9) a read-only store has no `stage`;
 * (10) `signal` is honoured before each effect;
 * (11) no error ever contains bytes of the object.
 */
export interface Store {
  readonly id: string;
  read(address: Address, options?: ReadOptions): Promise<Observation>;
}

export interface WritableStore extends Store {
  /** Writes, syncs and reads back the new bytes beside the target; the live object is not touched. */
  stage(address: Address, bytes: Uint8Array, options: StageOptions): Promise<Staged>;
  /**
   * Makes staged bytes live. Idempotent: live bytes that already are the staged ones resolve "unchanged"
   * (a resume after a crash between rename and journal). A lost temporary file is `store-write-failed`.
   */
  commit(staged: Staged, options: CommitOptions): Promise<"written" | "unchanged">;
  /**
   * Hands a staged file to the holder of a newer lock: renames the temporary file atomically to the name it has under
   * `token`, so that a woken writer that knows only the older name can no longer make it live; the live object is not
   * touched. The file may lie under the token in `staged` or under any later one up to `token` (a crash during an earlier
   * adoption): the bytes must be `staged.sha256`. Adopted already resolves with the same result. No such file, or one
   * with other bytes, is `store-write-failed`.
   */
  adopt(staged: Staged, token: number): Promise<Staged>;
  /** Removes the temporary file, if it is still there. */
  discard(staged: Staged): Promise<void>;
  /** Undo of a creation: removes the object if its bytes are `expect`; absent resolves. */
  remove(address: Address, options: { readonly expect: string } & CommitOptions): Promise<void>;
  /**
   * Removes temporary files left beside `addresses` by tokens lower than `token`; returns their paths.
   * After it, a writer holding an older token can no longer rename anything into place.
   */
  sweep(addresses: readonly Address[], token: number): Promise<readonly string[]>;
  /** How many calls of `stage`, `adopt`, `discard` may be under way at once; default 1. More where a call is a way to a node and back. */
  readonly together?: number;
  /**
   * `commit` of many for one way to a node and back, where that counts; each of them keeps the contract of `commit`. On one node they
   * follow each other in the order given, a group's back to back, and the first that fails is the last that was begun; nodes go side by
   * side, and what fails on one does not stop another. Never rejects.
   */
  commitAll?(groups: readonly (readonly Staged[])[], options: CommitAllOptions): Promise<CommitReport>;
}

/** A store whose objects lie in directories. */
export interface ListingStore extends Store {
  /** Names in a directory, sorted; null when it is absent or no directory. Throws `store-unreadable`. */
  list(directory: Address): Promise<readonly string[] | null>;
}

/** A store that can say beforehand whether a write would be possible. */
export interface PreflightStore {
  /**
   * The error that `stage` or `commit` would end with (read-only file system, immutable file, mount point, missing permission,
   * full disk, refused link), or null. Changes nothing, and cannot promise: the world may move.
   * `bytes` is the size of the new object, default 64 KiB.
   */
  preflight(address: Address, options?: PreflightOptions): Promise<AppError | null>;
}

export interface PreflightOptions {
  readonly signal?: AbortSignal;
  readonly bytes?: number;
}
