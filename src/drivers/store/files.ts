// The store of files on one node: replaced by rename, beside the target, in the directory that was checked.
// INPUTS: files below the root. OUTPUTS: `.perennial-RUN-TOKEN-NAME` beside a target, then the target itself.
// Lost by a rename: hard links (other names keep the old bytes) and, without getfattr, POSIX ACLs. Nothing is ever written in place.
import { fsyncSync, unlinkSync } from "node:fs";
import { parseAddress, type Address } from "../../core/model/address.ts";
import { isAppError, type AppError } from "../../core/model/errors.ts";
import type { Staged } from "../../core/model/run.ts";
import type {
  CommitOptions,
  ListingStore,
  PreflightOptions,
  PreflightStore,
  WritableStore,
} from "../../engine/ports/store.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { childPath, syncDirectory } from "../shared/directory-handles.ts";
import { rememberingLabels, systemLabels, type Labels } from "../shared/file-labels.ts";
import { preflightFile } from "../shared/file-preflight.ts";
import { failForMissingDirectory, unlinkIfThere, type Replacing } from "../shared/file-replacing.ts";
import { stageFile } from "../shared/file-staging.ts";
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
import { adoptFile, discardFile, sweepFiles } from "../shared/file-temporaries.ts";
import { withMissingFolder } from "../shared/missing-folder.ts";
import { openNodeFiles } from "../shared/node-files.ts";
import { attempt, hit } from "../shared/temporary-file.ts";

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
    stage: (address, bytes, wanted) => stageFile(replacing, address, bytes, wanted),
    commit: (staged, wanted) => commit(replacing, staged, wanted),
    adopt: async (staged, token) => adoptFile(replacing, staged, token),
    discard: async (staged) => discardFile(replacing, staged),
    remove: (address, wanted) => remove(replacing, address, wanted),
    sweep: async (addresses, token) => sweepFiles(replacing, addresses, token),
    preflight: (address, wanted) => preflight(replacing, address, wanted),
    list: async (directory) => files.list(directory),
    close: () => files.close(),
  };
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

async function preflight(
  store: Replacing,
  address: Address,
  options: PreflightOptions = {},
): Promise<AppError | null> {
  options.signal?.throwIfAborted();
  try {
    await withTarget(store.files, address, (target, object) => {
      const bytes = options.bytes ?? 64 * 1024;
      if (target) return preflightFile(target, bytes);
      withMissingFolder(store.files, address, (place) => {
        if (!place) failForMissingDirectory(object);
        preflightFile({ object, place, content: null }, bytes);
      });
    });
    return null;
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}
