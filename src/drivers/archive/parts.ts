// The entries of an archive, and their bytes as a stream. INPUTS: the files of a run's folder.
import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { ArchivePart, ArchiveRequest } from "../../engine/ports/archives.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar.ts";

const { O_NOFOLLOW, O_RDONLY } = constants;

export interface Entry extends TarEntry {
  readonly content:
    | { readonly form: "folder" }
    | { readonly form: "bytes"; readonly bytes: Uint8Array }
    | { readonly form: "file"; readonly file: string; readonly sha256: string | null };
}

/** Folders come before what is in them, with the mode and owner that they have. @throws AppError `store-unreadable` */
export async function entriesOf(request: ArchiveRequest): Promise<readonly Entry[]> {
  const entries: Entry[] = [await folderAt(request, "")];
  const known = new Set([""]);
  for (const part of request.parts) {
    for (const folder of foldersAbove(part.path)) {
      if (!known.has(folder)) entries.push(await folderAt(request, folder));
      known.add(folder);
    }
    entries.push(...(await entriesOfPart(request, part)));
  }
  return entries;
}

function foldersAbove(path: string): readonly string[] {
  const names = path.split("/").slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join("/"));
}

async function entriesOfPart(request: ArchiveRequest, part: ArchivePart): Promise<readonly Entry[]> {
  const path = `${request.top}/${part.path}`;
  if (part.form === "tree") return treeAt(request, part.path);
  if (part.form === "file") return [await fileAt(request, part.path, part.sha256)];
  const { bytes, at } = part;
  const [sizeBytes, content] = [bytes.length, { form: "bytes", bytes } as const];
  return [{ path, mode: 0o600, uid: 0, gid: 0, mtimeNs: BigInt(at) * 1_000_000n, sizeBytes, content }];
}

async function treeAt(request: ArchiveRequest, path: string): Promise<readonly Entry[]> {
  const folder = join(request.folder, path);
  const children = await attempt(folder, () => readdir(folder, { withFileTypes: true }));
  const sorted = children.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const below: Entry[] = [];
  for (const child of sorted) {
    const inside = posix.join(path, child.name);
    if (child.isDirectory()) below.push(...(await treeAt(request, inside)));
    else below.push(await fileAt(request, inside, null));
  }
  return [await folderAt(request, path), ...below];
}

async function folderAt({ folder, top }: ArchiveRequest, path: string): Promise<Entry> {
  const full = join(folder, path);
  const stats = await attempt(full, () => lstat(full, { bigint: true }));
  const name = `${posix.join(top, path)}/`;
  return { path: name, ...attributesOf(stats), sizeBytes: 0, content: { form: "folder" } };
}

async function fileAt({ folder, top }: ArchiveRequest, path: string, sha256: string | null): Promise<Entry> {
  const file = join(folder, path);
  const stats = await attempt(file, () => lstat(file, { bigint: true }));
  if (!stats.isFile()) throw new AppError("store-not-regular", { address: file, type: "not a file" });
  const sizeBytes = Number(stats.size);
  return {
    path: posix.join(top, path),
    ...attributesOf(stats),
    sizeBytes,
    content: { form: "file", file, sha256 },
  };
}

function attributesOf({ mode, uid, gid, mtimeNs }: BigIntStats): Omit<TarEntry, "path" | "sizeBytes"> {
  return { mode: Number(mode), uid: Number(uid), gid: Number(gid), mtimeNs };
}

/** The whole archive, chunk by chunk. @throws AppError `store-unreadable`, `store-mismatch` for a file that is not what was promised */
export async function* tarOf(
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    signal?.throwIfAborted();
    yield tarHeader(entry);
    if (entry.content.form === "bytes") yield entry.content.bytes;
    if (entry.content.form === "file") yield* fileBytes(entry, entry.content, signal);
    yield tarPadding(entry.sizeBytes);
  }
  yield tarEnd;
}

async function* fileBytes(
  { sizeBytes }: Entry,
  { file, sha256 }: { readonly file: string; readonly sha256: string | null },
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  let count = 0;
  for await (const chunk of chunksOf(file)) {
    signal?.throwIfAborted();
    hash.update(chunk);
    count += chunk.length;
    // More than the header says would make everything behind it unreadable.
    if (count > sizeBytes) break;
    yield chunk;
  }
  const found = hash.digest("hex");
  if (count === sizeBytes && (sha256 === null || found === sha256)) return;
  const expected = sha256 ?? `${sizeBytes} bytes`;
  throw new AppError("store-mismatch", { address: file, expected, found });
}

/** A file in pieces, none of which is used again by the next. @throws AppError `store-unreadable` */
export async function* chunksOf(path: string): AsyncGenerator<Uint8Array> {
  const file = await attempt(path, () => open(path, O_RDONLY | O_NOFOLLOW));
  try {
    for (;;) {
      const buffer = Buffer.allocUnsafeSlow(2 ** 18);
      const { bytesRead } = await attempt(path, () => file.read(buffer, 0, buffer.length, null));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function attempt<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const cause = errnoOf(error);
    if (cause === null) throw error;
    throw new AppError("store-unreadable", { address: path, reason: "archive", cause }, { cause: error });
  }
}
