// Where an encrypted archive may go. INPUTS: the directory's state. OUTPUTS: none that stays; `tryPlace` makes a file and removes it.
import { accessSync, closeSync, constants, lstatSync, openSync, rmSync, type Stats, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { ArchiveProblem } from "../../core/model/errors-runs.ts";
import type { ArchiveChoice } from "../../core/model/plan.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { diskSpaceAt } from "../shared/disk-space.ts";

export type ArchivePlace = Pick<ArchiveChoice, "directory" | "name">;

/** A directory that is there, or a file that is not, in one that is. @throws AppError `archive-target` */
export function placeOf(path: string): ArchivePlace {
  const full = resolve(path);
  const found = look(full);
  const isFolder = path.endsWith("/") || found?.isDirectory() === true;
  const place = isFolder
    ? { directory: full, name: null }
    : { directory: dirname(full), name: basename(full) };
  checkPlace(place);
  return place;
}

/** Changes nothing. @throws AppError `archive-target` */
export function checkPlace({ directory, name }: ArchivePlace): void {
  const found = look(directory);
  if (!found) refusePlace(directory, "missing");
  if (!found.isDirectory()) refusePlace(directory, "not-a-directory");
  if (name !== null && lookAtName(join(directory, name))) refusePlace(join(directory, name), "exists");
  attemptIn(directory, () => accessSync(directory, constants.W_OK | constants.X_OK));
}

/** Only writing tells what a server of files lets us write. @throws AppError `archive-target`, `archive-full` */
export function tryPlace(place: ArchivePlace, neededBytes: number): void {
  checkPlace(place);
  const { directory } = place;
  const path = join(directory, `.perennial-trial-${process.pid}`);
  attemptIn(directory, () => {
    rmSync(path, { force: true });
    closeSync(openSync(path, "wx", 0o600));
    rmSync(path);
  });
  refuseFull(directory, neededBytes);
}

/** @throws AppError `archive-full` */
export function refuseFull(directory: string, neededBytes: number): void {
  const { freeBytes } = diskSpaceAt(directory);
  if (freeBytes !== null && freeBytes < neededBytes)
    throw new AppError("archive-full", { path: directory, needed: neededBytes, free: freeBytes });
}

/** Links are followed: they lead to what is mounted elsewhere. */
function look(path: string): Stats | undefined {
  return attemptIn(path, () => statSync(path, { throwIfNoEntry: false }));
}

/** A link that leads nowhere has the name, too. */
export function lookAtName(path: string): Stats | undefined {
  return attemptIn(path, () => lstatSync(path, { throwIfNoEntry: false }));
}

function attemptIn<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const cause = errnoOf(error);
    if (cause === null) throw error;
    return refusePlace(path, cause === "ENOTDIR" ? "not-a-directory" : "not-writable", cause);
  }
}

export function refusePlace(path: string, problem: ArchiveProblem, cause = ""): never {
  throw new AppError("archive-target", { path, problem, cause });
}
