// The engine's etcd port over the client: several endpoints tried in order, data saved into files and read back.
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError, isAppError, wordsOf } from "../../core/model/errors.ts";
import type { EtcdMember, Saved } from "../../engine/ports/live.ts";
import type { Dial } from "../shared/dial.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import type { MemberReading } from "../../core/model/quorum.ts";
import { readStatusOf } from "./etcd-reading.ts";
import { coldCopy as listColdFiles } from "./etcd-cold-copy.ts";
import type { Etcd, EtcdOptions } from "./etcd.ts";
import { firstAnswer, firstToAnswer } from "./etcd-endpoints.ts";
import { snapshotTo } from "./etcd-snapshot.ts";
import { createSnapshotFile, syncFolder } from "./snapshot-file.ts";

export const readDeadlineMs = 5000;
const snapshotDeadlineMs = 30_000;

/** How a member on another machine is reached. */
export interface FarMember {
  readonly dial: Dial;
  /** Where its files are copied is the driver's to say. */
  readonly coldCopy: EtcdMember["coldCopy"];
  readonly copied: NonNullable<EtcdMember["copied"]>;
}

/** `dataRoot` is the directory that is `/` for the node: data directories are below it. */
export function openEtcdMember(dataRoot: string, far?: FarMember): EtcdMember {
  const within = (deadlineMs: number): EtcdOptions => ({ deadlineMs, dial: far?.dial });
  return {
    ailment: (target, signal) =>
      failureOf(() =>
        firstToAnswer(target, within(readDeadlineMs), (etcd) => etcd.linearizableRead(withSignal(signal))),
      ),
    snapshot: (target, file, signal) =>
      firstAnswer(target, within(snapshotDeadlineMs), (etcd) => snapshot(etcd, file, signal)),
    reading: (target, signal) =>
      readMember(() =>
        firstToAnswer(target, within(readDeadlineMs), (etcd) => readStatusOf(etcd, withSignal(signal))),
      ),
    moveLeader: (target, memberId, signal) =>
      firstAnswer(target, within(readDeadlineMs), (etcd) =>
        etcd.moveLeader(BigInt(memberId), withSignal(signal)),
      ),
    coldCopy:
      far?.coldCopy ??
      ((dataDirectory, folder, signal) => coldCopy(join(dataRoot, dataDirectory), folder, signal)),
    ...(far ? { copied: far.copied } : {}),
  };
}

async function readMember(ask: () => Promise<MemberReading["answer"]>): Promise<MemberReading["answer"]> {
  try {
    return await ask();
  } catch (error) {
    if (isAppError(error)) return { unreachable: wordsOf(error) };
    throw error;
  }
}

/** Why there was no answer, in etcd's own words or the system's; null when there was one. */
export async function failureOf(ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    if (isAppError(error)) return wordsOf(error);
    throw error;
  }
}

/** Taken beside its place: one that is there already goes only when its successor is complete. */
async function snapshot(etcd: Etcd, path: string, signal?: AbortSignal): Promise<Saved> {
  const beside = `${path}.new`;
  await rm(beside, { force: true });
  const file = await createSnapshotFile(beside);
  try {
    const { sizeBytes, sha256 } = await snapshotTo(etcd, file, withSignal(signal));
    await moveIntoPlace(beside, path);
    return { bytes: sizeBytes, sha256, hasV2Data: false };
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  } finally {
    await file.close();
  }
}

/** Survives a loss of power once it resolves. */
async function moveIntoPlace(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
    await syncFolder(dirname(to));
  } catch (error) {
    throw writeFailed(to, "rename", error);
  }
}

function writeFailed(address: string, operation: string, error: unknown): unknown {
  const cause = errnoOf(error);
  if (cause === null) return error;
  return new AppError("store-write-failed", { address, operation, cause }, { cause: error });
}

async function coldCopy(dataDirectory: string, folder: string, signal?: AbortSignal): Promise<Saved> {
  const { files, missing, v2Keys } = await listColdFiles(dataDirectory);
  if (missing.length > 0)
    throw new AppError("snapshot-failed", {
      step: folder,
      reason: `${missing.join(", ")} is missing in ${dataDirectory}`,
    });
  const beside = `${folder}.new`;
  await rm(beside, { recursive: true, force: true });
  const hashes: string[] = [];
  try {
    for (const { path, name } of files) {
      signal?.throwIfAborted();
      hashes.push(`${await copyOne(path, join(beside, name))}  ${name}\n`);
    }
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    throw error;
  }
  await rm(folder, { recursive: true, force: true });
  await moveIntoPlace(beside, folder);
  const bytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const sha256 = createHash("sha256").update(hashes.join("")).digest("hex");
  return { bytes, sha256, hasV2Data: v2Keys === "present" };
}

/** 0600, synced, compared by hash; returns it (hex). */
async function copyOne(from: string, to: string): Promise<string> {
  try {
    await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    await copyFile(from, to, constants.COPYFILE_EXCL);
    const copy = await open(to, "r+");
    try {
      await copy.chmod(0o600);
      await copy.sync();
    } finally {
      await copy.close();
    }
    await syncFolder(dirname(to));
    const [original, copied] = [await hashOf(from), await hashOf(to)];
    if (original === copied) return copied;
    throw new AppError("snapshot-failed", { step: to, reason: "the copy differs: etcd is still writing" });
  } catch (error) {
    throw writeFailed(to, "copy", error);
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "r");
  for await (const chunk of file.createReadStream() as AsyncIterable<Uint8Array>) hash.update(chunk);
  return hash.digest("hex");
}

function withSignal(signal?: AbortSignal): { readonly signal?: AbortSignal } {
  return signal ? { signal } : {};
}
