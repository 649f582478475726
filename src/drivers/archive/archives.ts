// Encrypted archives on disk. INPUTS: the run's folder. OUTPUTS: one file, 0600; until it is complete it is `.perennial-RUN-0-NAME`.
import { createHash } from "node:crypto";
import { constants, linkSync, renameSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { ArchiveRequest, Archives, WrittenArchive } from "../../engine/ports/archives.ts";
import type { Failpoints } from "../../engine/ports/world.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { attempt, hit, removeQuietly, temporaryName } from "../shared/temporary-file.ts";
import { encrypted, type Encrypted } from "./age.ts";
import { chunksOf, entriesOf, tarOf } from "./parts.ts";
import { tarSize } from "./tar.ts";
import { checkPlace, lookAtName, refusePlace, refuseFull } from "./target.ts";

const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;

export function openArchives(failpoints?: Failpoints): Archives {
  return {
    write: (request, signal) => write(request, { failpoints, signal }),
    publish: (written, own) => publish(written, own),
    discard: async ({ temporary }) => removeQuietly(temporary),
  };
}

interface Watch {
  readonly failpoints: Failpoints | undefined;
  readonly signal: AbortSignal | undefined;
}

async function write(request: ArchiveRequest, watch: Watch): Promise<WrittenArchive> {
  const { file, run, recipients } = request;
  const directory = dirname(file);
  checkPlace({ directory, name: null });
  await refuseForeign(file, request.own);
  const temporary = join(directory, temporaryName(run, 0, basename(file)));
  attempt(temporary, "remove", () => rmSync(temporary, { force: true }));
  const entries = await entriesOf(request);
  const plainHash = createHash("sha256");
  const made = await encrypted(counted(tarOf(entries, watch.signal), plainHash), recipients);
  const bytes = made.sizeFor(tarSize(entries));
  try {
    refuseFull(directory, bytes);
    const sha256 = await writeFile(temporary, made, watch);
    await hit(watch.failpoints, "archive.after-write");
    const found = await readBack(temporary, made, watch.signal);
    const isWhole =
      found.sha256 === sha256 && found.plain === plainHash.digest("hex") && found.bytes === bytes;
    if (!isWhole) throw new AppError("archive-damaged", { path: temporary });
    await hit(watch.failpoints, "archive.after-read-back");
    const files = entries.filter(({ content }) => content.form !== "folder").length;
    return { file, temporary, bytes, sha256, files };
  } catch (error) {
    removeQuietly(temporary);
    throw error;
  } finally {
    made.forget();
  }
}

type Hash = ReturnType<typeof createHash>;

async function* counted(chunks: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Resolves to the hash of what was written. */
async function writeFile(
  path: string,
  { chunks }: Encrypted,
  { failpoints, signal }: Watch,
): Promise<string> {
  const hash = createHash("sha256");
  const flags = O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY;
  const file = await writing(path, "create", () => open(path, flags, 0o600));
  try {
    let isFirst = true;
    for await (const chunk of counted(chunks, hash)) {
      signal?.throwIfAborted();
      await writing(path, "write", () => file.writeFile(chunk));
      if (isFirst) await hit(failpoints, "archive.after-first-bytes");
      isFirst = false;
    }
    await writing(path, "fsync", () => file.sync());
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/** What is on the disk, and what it decrypts to. */
async function readBack(
  path: string,
  made: Encrypted,
  signal: AbortSignal | undefined,
): Promise<{ readonly sha256: string; readonly plain: string; readonly bytes: number }> {
  const [hash, plain] = [createHash("sha256"), createHash("sha256")];
  let bytes = 0;
  async function* read(): AsyncGenerator<Uint8Array> {
    for await (const chunk of counted(chunksOf(path), hash)) {
      bytes += chunk.length;
      yield chunk;
    }
  }
  try {
    for await (const chunk of await made.decrypted(read())) {
      signal?.throwIfAborted();
      plain.update(chunk);
    }
  } catch (error) {
    if (signal?.aborted === true || error instanceof AppError) throw error;
    // The library refuses what was changed; its words say no more.
    throw new AppError("archive-damaged", { path }, { cause: error });
  }
  return { sha256: hash.digest("hex"), plain: plain.digest("hex"), bytes };
}

async function publish({ temporary, file }: WrittenArchive, own: readonly string[]): Promise<void> {
  await refuseForeign(file, own);
  attempt(file, "rename", () => {
    if (lookAtName(file)) return renameSync(temporary, file);
    return linkOrRename(temporary, file);
  });
  await syncFolder(dirname(file));
}

/** link(2) does not replace what came in between; FAT and some servers of files have none. */
function linkOrRename(temporary: string, file: string): void {
  try {
    linkSync(temporary, file);
    rmSync(temporary);
  } catch (error) {
    const code = errnoOf(error);
    if (code === "EEXIST") refusePlace(file, "exists");
    if (!["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"].includes(code ?? "")) throw error;
    renameSync(temporary, file);
  }
}

/** A crash behind the renaming leaves our own file there. */
async function refuseForeign(file: string, own: readonly string[]): Promise<void> {
  const found = lookAtName(file);
  if (!found) return;
  if (!found.isFile() || own.length === 0) refusePlace(file, "exists");
  const hash = createHash("sha256");
  for await (const chunk of chunksOf(file)) hash.update(chunk);
  if (!own.includes(hash.digest("hex"))) refusePlace(file, "exists");
}

/** Some servers of files know no fsync of a directory. */
async function syncFolder(path: string): Promise<void> {
  const folder = await writing(path, "sync-directory", () => open(path, "r"));
  try {
    await folder.sync();
  } catch (error) {
    if (!["EINVAL", "ENOTSUP", "EOPNOTSUPP"].includes(errnoOf(error) ?? ""))
      throw writeFailed(path, "sync-directory", error);
  } finally {
    await folder.close();
  }
}

async function writing<T>(path: string, operation: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw writeFailed(path, operation, error);
  }
}

function writeFailed(address: string, operation: string, error: unknown): unknown {
  const cause = errnoOf(error);
  if (cause === null) return error;
  return new AppError("store-write-failed", { address, operation, cause }, { cause: error });
}
