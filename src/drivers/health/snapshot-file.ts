// A snapshot as a new file: 0600 before its first byte, synced with its folder. OUTPUTS: one file, which must not exist.
import { constants } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import type { SnapshotSink } from "./etcd-snapshot.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_RDWR } = constants;

export interface SnapshotFile extends SnapshotSink {
  close(): Promise<void>;
}

/** @throws AppError store-write-failed, also from each write and sync */
export async function createSnapshotFile(path: string): Promise<SnapshotFile> {
  const file = await attempt(path, "create", () => open(path, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR, 0o600));
  return {
    name: path,
    write: (bytes) => attempt(path, "write", () => file.writeFile(bytes)),
    sync: () =>
      attempt(path, "fsync", async () => {
        await file.sync();
        await syncFolder(dirname(path));
      }),
    readBack: () => readFrom(path, file),
    close: () => file.close(),
  };
}

/** Names in it survive a loss of power once it resolves. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function* readFrom(path: string, file: FileHandle): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.alloc(2 ** 18);
  for (let position = 0; ;) {
    const at = position;
    const { bytesRead } = await attempt(path, "read-back", () => file.read(buffer, 0, buffer.length, at));
    if (bytesRead === 0) return;
    position += bytesRead;
    yield Buffer.from(buffer.subarray(0, bytesRead));
  }
}

async function attempt<T>(path: string, operation: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const cause = errnoOf(error);
    if (cause === null) throw error;
    throw new AppError("store-write-failed", { address: path, operation, cause }, { cause: error });
  }
}
