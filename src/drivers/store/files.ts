// The store of files on one node: replaced by rename, beside the target, in the directory that was checked.
// INPUTS: files below the root. OUTPUTS: `.perennial-RUN-TOKEN-NAME` beside a target, then the target itself.
// Lost by a rename: hard links (other names keep the old bytes) and, without getfattr, POSIX ACLs. Nothing is ever written in place.
import { closeSync, fsyncSync, readdirSync, renameSync, unlinkSync } from "node:fs";
import { posix } from "node:path";
import { parseAddress, type Address } from "../../core/model/address.ts";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { Staged } from "../../core/model/run.ts";
import type {
  CommitOptions,
  ListingStore,
  PreflightOptions,
  PreflightStore,
  StageOptions,
  WritableStore,
} from "../../engine/ports/store.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { childPath, errnoOf, openForReading, syncDirectory } from "../shared/directory-handles.ts";
import { rememberingLabels, systemLabels, type Labels } from "../shared/file-labels.ts";
import { explainReading } from "../shared/explain-reading.ts";
import { preflightFile } from "../shared/file-preflight.ts";
import {
  expectLive,
  expectStill,
  makeLive,
  nameOfTemporary,
  revisionOf,
  statsOf,
  verifyTemporary,
  withTarget,
  type Target,
} from "../shared/file-target.ts";
import { attributesOf, openNodeFiles, sha256Hex, type NodeFiles } from "../shared/node-files.ts";
import { joinNodePath, type Place } from "../shared/node-walk.ts";
import {
  attempt,
  hit,
  temporaryName,
  tokenOfTemporary,
  withToken,
  writeTemporary,
} from "../shared/temporary-file.ts";

export interface FileStoreOptions {
  /** The directory that is `/` for the node; `/` is the live system. */
  readonly root: string;
  readonly node: string;
  /** More trees, as absolute paths of the node, that links may lead into and files be written through. */
  readonly allowLinksTo?: readonly string[];
  readonly failpoints?: Failpoints;
  /** Default: whatever the machine has (systemLabels). */
  readonly labels?: Labels;
  /** Instead of fsync(2), for tests of a failing disk. */
  readonly sync?: (file: number) => void;
}

export type FileStore = WritableStore & PreflightStore & ListingStore & { close(): void };

/**
 * Opens the files of one node. Open one per command or pass and close it: handles of directories are kept (and keep mounts busy).
 * Throws `not-a-node`. Addresses of other stores, nodes, or with an entry are a TypeError.
 */
export function openFileStore(options: FileStoreOptions): FileStore {
  const labels = rememberingLabels(options.labels ?? systemLabels());
  const files = openNodeFiles({ ...options, labels });
  const replacing: Replacing = {
    files,
    labels,
    failpoints: options.failpoints,
    sync: options.sync ?? fsyncSync,
  };
  return {
    id: `file:${options.node}`,
    read: async (address, wanted) => files.read(address, wanted),
    stage: (address, bytes, wanted) => stage(replacing, address, bytes, wanted),
    commit: (staged, wanted) => commit(replacing, staged, wanted),
    adopt: async (staged, token) => adopt(replacing, staged, token),
    discard: async (staged) => discard(replacing, staged),
    remove: (address, wanted) => remove(replacing, address, wanted),
    sweep: async (addresses, token) => sweep(replacing, addresses, token),
    preflight: (address, wanted) => preflight(replacing, address, wanted),
    list: async (directory) => files.list(directory),
    close: () => files.close(),
  };
}

interface Replacing {
  readonly files: NodeFiles;
  readonly labels: Labels;
  readonly failpoints: Failpoints | undefined;
  readonly sync: (file: number) => void;
}

function stage(
  store: Replacing,
  address: Address,
  bytes: Uint8Array,
  options: StageOptions,
): Promise<Staged> {
  options.signal?.throwIfAborted();
  return withTarget(store.files, address, async (target, object) => {
    expectLive(target, object, options.expect);
    if (!target) return failForMissingDirectory(object);
    const name = temporaryName(options.run, options.token, target.place.name);
    const temporary = joinNodePath(target.place.directoryPath, name);
    const staged = { object, temporary, expect: options.expect, sha256: sha256Hex(bytes) };
    if (isUnchanged(store.labels, target, staged.sha256, options)) return { ...staged, unchanged: true };
    await writeBeside(store, target, bytes, { name, attributes: options.attributes });
    return { ...staged, unchanged: false };
  });
}

async function writeBeside(
  store: Replacing,
  target: Target,
  bytes: Uint8Array,
  options: { readonly name: string; readonly attributes: StageOptions["attributes"] },
): Promise<void> {
  const { mode, uid, gid, mtimeMs, xattrs } = options.attributes;
  const file = {
    path: childPath(target.place.directory, options.name),
    bytes,
    mode,
    uid: uid ?? target.content?.stats.uid ?? null,
    gid: gid ?? target.content?.stats.gid ?? null,
    mtimeMs: mtimeMs ?? null,
    label: (descriptor: number) => giveLabels(store.labels, target, descriptor, xattrs ?? {}),
  };
  await writeTemporary(file, { object: target.object, failpoints: store.failpoints, sync: store.sync });
}

/** Labels asked for, or the live file's. None asked for means that nobody looked: the live ones are kept then too. */
function giveLabels(
  labels: Labels,
  target: Target,
  descriptor: number,
  xattrs: Readonly<Record<string, string>>,
): void {
  if (Object.keys(xattrs).length > 0) labels.write(descriptor, xattrs);
  else withLive(target, (live) => labels.copy(live, descriptor));
}

function withLive<T>(target: Target, action: (file: number) => T): T | null {
  if (!target.content) return null;
  const file = openForReading(childPath(target.place.directory, target.place.name));
  try {
    return action(file);
  } finally {
    closeSync(file);
  }
}

function isUnchanged(labels: Labels, target: Target, sha256: string, options: StageOptions): boolean {
  if (!target.content || target.content.sha256 !== sha256) return false;
  const live = attributesOf(target.content.stats);
  const { mode, uid, gid, mtimeMs, xattrs } = options.attributes;
  const isSame =
    mode === live.mode &&
    (uid ?? live.uid) === live.uid &&
    (gid ?? live.gid) === live.gid &&
    (mtimeMs ?? live.mtimeMs) === live.mtimeMs;
  if (!isSame || xattrs === undefined || Object.keys(xattrs).length === 0) return isSame;
  const found = explainReading(target.object, () => withLive(target, (file) => labels.read(file))) ?? {};
  return Object.entries(xattrs).every(([name, value]) => found[name] === value);
}

async function commit(
  store: Replacing,
  staged: Staged,
  options: CommitOptions,
): Promise<"written" | "unchanged"> {
  options.signal?.throwIfAborted();
  return withTarget(store.files, parseAddress(staged.object), async (target, object) => {
    if (target && isAlreadyLive(target, staged)) {
      if (!staged.unchanged) finishEarlier(store, target, staged);
      return "unchanged";
    }
    expectLive(target, object, staged.expect);
    if (!target) return failForMissingDirectory(object);
    verifyTemporary(store.files, target, staged);
    await hit(store.failpoints, "file.before-rename");
    options.signal?.throwIfAborted();
    await options.fence();
    options.signal?.throwIfAborted();
    // From here to the rename nothing is awaited.
    expectStill(store.files, target);
    makeLive(target, staged);
    await hit(store.failpoints, "file.after-rename");
    attempt(object, "sync-directory", () => syncDirectory(target.place.directory, store.sync));
    await hit(store.failpoints, "file.after-directory-sync");
    return "written";
  });
}

/** Same bytes with a temporary file left are a change of mode or owner still to be made, if that was what was staged. */
function isAlreadyLive(target: Target, staged: Staged): boolean {
  if (revisionOf(target) !== staged.sha256) return false;
  if (staged.unchanged || staged.expect !== staged.sha256) return true;
  return statsOf(childPath(target.place.directory, nameOfTemporary(staged))) === null;
}

/** A crash may have come between the new name and the removal of the old one, or before the directory was synced. */
function finishEarlier(store: Replacing, target: Target, staged: Staged): void {
  unlinkIfThere(target.place, nameOfTemporary(staged), target.object);
  attempt(target.object, "sync-directory", () => syncDirectory(target.place.directory, store.sync));
}

/** Renames the temporary to its name under the newer token; an adoption that a crash cut short is found under a token between. */
function adopt(store: Replacing, staged: Staged, token: number): Staged {
  if (staged.unchanged) return staged;
  const directoryPath = posix.dirname(staged.temporary);
  const newName = withToken(nameOfTemporary(staged), token);
  const adopted = { ...staged, temporary: joinNodePath(directoryPath, newName) };
  const directory = explainReading(staged.object, () =>
    store.files.locateDirectory(directoryPath, staged.object),
  );
  if (!directory) return failForMissingDirectory(staged.object);
  try {
    const oldName = earlierName(directory, staged, token);
    if (oldName !== null && oldName !== newName) {
      attempt(staged.object, "adopt-temporary", () =>
        renameSync(childPath(directory.directory, oldName), childPath(directory.directory, newName)),
      );
      attempt(staged.object, "sync-directory", () => syncDirectory(directory.directory, store.sync));
    }
    verifyTemporary(store.files, { object: staged.object, place: directory, content: null }, adopted);
    return adopted;
  } finally {
    closeSync(directory.directory);
  }
}

/** The temporary's name under the highest token that has one, up to `token`; null when there is none. */
function earlierName(place: Place, staged: Staged, token: number): string | null {
  const given = nameOfTemporary(staged);
  const first = tokenOfTemporary(given) ?? token;
  const isSame = (name: string, found: number): boolean =>
    found >= first && found <= token && withToken(name, token) === withToken(given, token);
  const names = explainReading(staged.object, () => readdirSync(childPath(place.directory, ".")));
  const [newest] = names
    .map((name) => ({ name, found: tokenOfTemporary(name) }))
    .filter((candidate) => candidate.found !== null && isSame(candidate.name, candidate.found))
    .sort((a, b) => (b.found ?? 0) - (a.found ?? 0));
  return newest?.name ?? null;
}

function discard(store: Replacing, staged: Staged): void {
  if (staged.unchanged) return;
  const name = nameOfTemporary(staged);
  const directory = explainReading(staged.object, () =>
    store.files.locateDirectory(posix.dirname(staged.temporary), staged.object),
  );
  if (!directory) return;
  try {
    unlinkIfThere(directory, name, staged.object);
  } finally {
    closeSync(directory.directory);
  }
}

async function remove(
  store: Replacing,
  address: Address,
  options: { readonly expect: string } & CommitOptions,
): Promise<void> {
  options.signal?.throwIfAborted();
  return withTarget(store.files, address, async (target, object) => {
    if (!target?.content) return;
    expectLive(target, object, options.expect);
    await options.fence();
    options.signal?.throwIfAborted();
    expectStill(store.files, target);
    attempt(object, "unlink", () => unlinkSync(childPath(target.place.directory, target.place.name)));
    attempt(object, "sync-directory", () => syncDirectory(target.place.directory, store.sync));
  });
}

function sweep(store: Replacing, addresses: readonly Address[], token: number): readonly string[] {
  const swept = new Set<string>();
  for (const address of addresses) {
    const object = store.files.object(address);
    for (const directory of directoriesOf(store.files, address, object)) {
      try {
        for (const path of sweepDirectory(store, directory, token, object)) swept.add(path);
      } finally {
        closeSync(directory.directory);
      }
    }
  }
  return [...swept].sort();
}

/** The directory that is named, and the one that links lead to if it is ours to write: temporaries lie in the latter. */
function directoriesOf(files: NodeFiles, address: Address, object: string): readonly Place[] {
  const named = explainReading(object, () => files.locateDirectory(posix.dirname(address.path), object));
  const located = explainReading(object, () => files.locate(address));
  const places = [named, located.place].filter((place) => place !== null);
  const [ours, others] = [
    places.filter((place) => !files.leavesTree(place)),
    places.filter((place) => files.leavesTree(place)),
  ];
  for (const place of others) closeSync(place.directory);
  return ours;
}

function sweepDirectory(store: Replacing, place: Place, token: number, object: string): readonly string[] {
  const names = explainReading(object, () => readdirSync(childPath(place.directory, ".")));
  const old = names.filter((name) => (tokenOfTemporary(name) ?? token) < token);
  for (const name of old) unlinkIfThere(place, name, object);
  if (old.length > 0) attempt(object, "sync-directory", () => syncDirectory(place.directory, store.sync));
  return old.map((name) => joinNodePath(place.directoryPath, name));
}

async function preflight(
  store: Replacing,
  address: Address,
  options: PreflightOptions = {},
): Promise<AppError | null> {
  options.signal?.throwIfAborted();
  try {
    await withTarget(store.files, address, (target, object) => {
      if (target) preflightFile(target, options.bytes ?? 64 * 1024);
      else failForMissingDirectory(object);
    });
    return null;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}

/** This store makes files, no directories. */
function failForMissingDirectory(object: string): never {
  throw new AppError("store-write-failed", { address: object, operation: "open-directory", cause: "ENOENT" });
}

function unlinkIfThere(place: Place, name: string, object: string): void {
  attempt(object, "unlink-temporary", () => {
    try {
      unlinkSync(childPath(place.directory, name));
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
    }
  });
}
