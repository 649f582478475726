// New bytes in a file of their own, complete and synced: what a rename then makes live.
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { AppError } from "../../core/model/errors.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import type { Failpoint } from "../../engine/failpoints.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { errnoOf, openForReading, readUpTo } from "./directory-handles.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

/** Longest name of most file systems, in bytes. */
const longestName = 255;

/** Run ids, and plain words for other callers: nothing that could be mistaken for the token. */
const runPattern = String.raw`(?:\d{8}T\d{6}Z-[0-9a-f]{6}|[A-Za-z0-9]+)`;
const namePattern = new RegExp(`^\\.perennial-(${runPattern})-(\\d+)-(.+)$`, "s");

/** `.perennial-RUN-TOKEN-NAME`: the dot keeps the kubelet from running it as a manifest. A long NAME is shortened, with a hash. */
export function temporaryName(run: string, token: number, name: string): string {
  if (!new RegExp(`^${runPattern}$`).test(run)) throw new TypeError(`not a run id: ${run}`);
  if (!Number.isSafeInteger(token) || token < 0) throw new TypeError(`not a token: ${token}`);
  const prefix = `.perennial-${run}-${token}-`;
  if (Buffer.byteLength(prefix + name) <= longestName) return prefix + name;
  const digest = sha256Hex(Buffer.from(name)).slice(0, 32);
  return `${prefix}${name.slice(0, 16)}-${digest}`;
}

/** The token in the name of a temporary file; null for any other name. */
export function tokenOfTemporary(name: string): number | null {
  const match = namePattern.exec(name);
  return match ? Number(match[2]) : null;
}

/** The run in the name of a temporary file; null for any other name. */
export function runOfTemporary(name: string): string | null {
  return namePattern.exec(name)?.[1] ?? null;
}

/** The same temporary name under another token; TypeError for any other name. */
export function withToken(name: string, token: number): string {
  const match = namePattern.exec(name);
  if (!match) throw new TypeError(`not a temporary name: ${name}`);
  const rest = match[0].slice(`.perennial-`.length);
  const run = rest.slice(0, rest.indexOf(`-${match[2]}-${match[3]}`));
  return `.perennial-${run}-${token}-${match[3]}`;
}

export interface NewFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** Null leaves what the system gives: our own, or the directory's group when it is setgid. */
  readonly uid: number | null;
  readonly gid: number | null;
  readonly mtimeMs: number | null;
  /** Labels to set; `file` is an open descriptor. */
  readonly label: ((file: number) => void) | null;
}

export interface WritingOptions {
  /** What errors name. */
  readonly object: string;
  readonly failpoints: Failpoints | undefined;
  /** Instead of fsync(2), for tests of a failing disk. */
  readonly sync?: (file: number) => void;
}

/**
 * Writes a file that must not exist: 0600 first, bytes, owner, labels, mode, time, fsync, read back. On any failure the file is
 * removed again and the first error thrown: `store-write-failed`, or `store-mismatch` when the disk gives other bytes back.
 */
export async function writeTemporary(file: NewFile, options: WritingOptions): Promise<void> {
  const { object, failpoints } = options;
  const descriptor = attempt(object, "create", () => createExclusively(file.path));
  try {
    await hit(failpoints, "file.after-open-temporary");
    await writeInTwo(descriptor, file.bytes, options);
    await hit(failpoints, "file.after-write");
    applyAttributes(descriptor, file, object);
    await hit(failpoints, "file.after-attributes");
    attempt(object, "fsync", () => (options.sync ?? fsyncSync)(descriptor));
    await hit(failpoints, "file.after-sync");
    expectBytes(file.path, file.bytes, object);
    await hit(failpoints, "file.after-read-back");
  } catch (error) {
    removeQuietly(file.path);
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/** Runs `action`; a system error becomes `store-write-failed` with its code as the cause. */
export function attempt<T>(object: string, operation: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const cause = errnoOf(error);
    if (cause === null) throw error;
    throw new AppError("store-write-failed", { address: object, operation, cause }, { cause: error });
  }
}

/** Best effort, for clean-up after an error that matters more. */
export function removeQuietly(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // What is left is swept at the next start.
  }
}

export async function hit(failpoints: Failpoints | undefined, point: Failpoint): Promise<void> {
  const pending = failpoints?.hit(point);
  if (pending) await pending;
}

/** Left-overs of the same name are ours, of the same run and token: nobody else can be writing them. */
function createExclusively(path: string): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  try {
    return openSync(path, flags, 0o600);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    unlinkSync(path);
    return openSync(path, flags, 0o600);
  }
}

async function writeInTwo(descriptor: number, bytes: Uint8Array, options: WritingOptions): Promise<void> {
  const half = options.failpoints ? bytes.length >> 1 : 0;
  attempt(options.object, "write", () => writeFully(descriptor, bytes.subarray(0, half)));
  await hit(options.failpoints, "file.after-first-bytes");
  attempt(options.object, "write", () => writeFully(descriptor, bytes.subarray(half)));
}

/** write(2) may take less than it was given. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  for (let written = 0; written < bytes.length;) {
    written += writeSync(descriptor, bytes, written);
  }
}

/** Owner before mode: chown clears setuid bits, and a mode must not open the file to the wrong group. */
function applyAttributes(descriptor: number, file: NewFile, object: string): void {
  const stats = fstatSync(descriptor);
  const uid = file.uid ?? stats.uid;
  const gid = file.gid ?? stats.gid;
  if (uid !== stats.uid || gid !== stats.gid)
    attempt(object, "chown", () => fchownSync(descriptor, uid, gid));
  const { label, mtimeMs } = file;
  if (label) attempt(object, "labels", () => label(descriptor));
  attempt(object, "chmod", () => fchmodSync(descriptor, file.mode));
  // Half a microsecond more: the system call is given whole microseconds, cut off.
  if (mtimeMs !== null) {
    const seconds = mtimeMs / 1000 + 0.5e-6;
    attempt(object, "utimes", () => futimesSync(descriptor, seconds, seconds));
  }
}

function expectBytes(path: string, bytes: Uint8Array, object: string): void {
  const file = attempt(object, "read-back", () => openForReading(path));
  try {
    const found = sha256Hex(attempt(object, "read-back", () => readUpTo(file, bytes.length, bytes.length)));
    const expected = sha256Hex(bytes);
    if (found !== expected) throw new AppError("store-mismatch", { address: object, expected, found });
  } finally {
    closeSync(file);
  }
}
