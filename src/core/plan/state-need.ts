// How much room a run may take where its state lies: an upper bound, made from the plan before anything is written.
import { parseAddress } from "../model/address.ts";
import type { Plan } from "../model/plan.ts";
import { allSteps, swapSteps } from "./steps.ts";

export interface StateNeed {
  readonly bytes: number;
  /** Files and folders: inodes, where a file system counts them. */
  readonly files: number;
}

/** A new certificate and key are at most so much longer than what they replace (a kubeconfig holds both, in base64). */
const growthBytes = 8 * 1024;

/** What the journal may say about one step, from its intent to its undoing, beside its names. */
const entriesBytes = 1024;

/** Journals of a resume and a rollback, labels of before-images, the lock, what a file system keeps for itself. */
const marginBytes = 64 * 1024;
const marginFiles = 16;

/** All that a lock needs: its folder, a claim, the draft of its release; and the parents of the folder. */
export const lockNeed: StateNeed = { bytes: 32 * 1024, files: 8 };

/**
 * Before-images with their folders, plan, journal, and the staged files as well: these lie beside their targets, most often on the
 * very same file system. `sizes` are the bytes of the live objects by formatAddress (absent ones need none); every file and
 * folder takes whole blocks of `blockBytes`.
 */
export function stateNeedOf(plan: Plan, sizes: ReadonlyMap<string, number>, blockBytes: number): StateNeed {
  const onDisk = (bytes: number): number => Math.ceil(bytes / blockBytes) * blockBytes;
  const objects = swapSteps(plan).map(({ object }) => object);
  const files = objects.flatMap((object) => {
    const size = sizes.get(object) ?? 0;
    return [size, size + growthBytes];
  });
  const folders = foldersOf(objects);
  const records = [bytesOf(plan), journalBytes(plan)];
  const bytes = [...files, ...records].reduce((sum, size) => sum + onDisk(size), 0);
  return {
    bytes: bytes + folders * blockBytes + marginBytes,
    files: files.length + records.length + folders + marginFiles,
  };
}

/** Folders of the before-images: `before`, one a node, and those on the paths. */
function foldersOf(objects: readonly string[]): number {
  const folders = new Set(["before"]);
  for (const object of objects) {
    const { node, path } = parseAddress(object);
    const names = path.split("/").slice(1, -1);
    for (let depth = 0; depth <= names.length; depth++)
      folders.add(`${node}/${names.slice(0, depth).join("/")}`);
  }
  return folders.size;
}

function journalBytes(plan: Plan): number {
  return allSteps(plan).reduce((sum, step) => sum + entriesBytes + 2 * bytesOf(step), 0);
}

/** As plan.json has it. */
function bytesOf(value: unknown): number {
  return new TextEncoder().encode(JSON.stringify(value, null, 2)).length;
}
