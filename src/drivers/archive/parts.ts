// The entries of an archive, and their bytes as a stream. INPUTS: the files of a run's folder.
import { createHash } from "node:crypto";
import { type BigIntStats, constants } from "node:fs";
import { lstat, open, readdir } from "node:fs/promises";
import { join, posix } from "node:path";
import { AppError, assertNever } from "../../core/model/errors.ts";
import type { ArchivePart, ArchiveRequest } from "../../engine/ports/archives.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { tarEnd, type TarEntry, tarHeader, tarPadding } from "./tar.ts";

const { O_NOFOLLOW, O_RDONLY } = constants;

export interface Entry extends TarEntry {
  readonly content:
    | { readonly form: "folder" }
    | { readonly form: "bytes"; readonly bytes: Uint8Array; readonly sha256: string | null }
    | { readonly form: "file"; readonly file: string; readonly sha256: string | null }
    | {
        readonly form: "stream";
        readonly sha256: string;
        read(signal?: AbortSignal): AsyncIterable<Uint8Array>;
      };
}

/** Folders come before what is in them, with the mode and owner that they have. @throws AppError `store-unreadable` */
export async function entriesOf(request: ArchiveRequest): Promise<readonly Entry[]> {
  const top = await folderAt(request, "");
  const entries: Entry[] = [top];
  const known = new Set<string>();
  for (const part of request.parts) {
    for (const folder of await foldersOf(request, part, top)) {
      if (!known.has(folder.path)) entries.push(folder);
      known.add(folder.path);
    }
    entries.push(...(await entriesOfPart(request, part)));
  }
  return entries;
}

/** Those above a part. Of what is no file here they are like the folder of all, but for those that are known. */
async function foldersOf(request: ArchiveRequest, part: ArchivePart, top: Entry): Promise<readonly Entry[]> {
  const names = part.path.split("/").slice(0, -1);
  const paths = names.map((_, index) => names.slice(0, index + 1).join("/"));
  if (part.form === "file" || part.form === "tree")
    return Promise.all(paths.map((path) => folderAt(request, path)));
  const live = part.form === "kept" ? (part.folders ?? []) : [];
  return paths.map((path, index) => ({
    ...top,
    ...live[index - paths.length + live.length],
    path: `${posix.join(request.top, path)}/`,
  }));
}

async function entriesOfPart(request: ArchiveRequest, part: ArchivePart): Promise<readonly Entry[]> {
  const path = `${request.top}/${part.path}`;
  switch (part.form) {
    case "tree":
      return treeAt(request, part.path);
    case "file":
      return [await fileAt(request, part.path, part.sha256)];
    case "kept": {
      const { bytes, sha256, attributes } = part;
      const { mode, uid, gid, mtimeMs } = attributes;
      const content = { form: "bytes", bytes, sha256 } as const;
      return [{ path, mode, uid, gid, mtimeNs: nsOf(mtimeMs), sizeBytes: bytes.length, content }];
    }
    case "bytes": {
      const { bytes, at } = part;
      const content = { form: "bytes", bytes, sha256: null } as const;
      return [{ path, ...ownFile, mtimeNs: nsOf(at), sizeBytes: bytes.length, content }];
    }
    case "stream": {
      const { sizeBytes, sha256, at } = part;
      const content = { form: "stream", sha256, read: (stop?: AbortSignal) => part.read(stop) } as const;
      return [{ path, ...ownFile, mtimeNs: nsOf(at), sizeBytes, content }];
    }
    default:
      return assertNever(part);
  }
}

const ownFile = { mode: 0o600, uid: 0, gid: 0 } as const;

/** A double holds no ns of our time: what is left of a ms is taken for itself, and never rounded up to the next. */
function nsOf(ms: number): bigint {
  const whole = Math.floor(ms);
  return BigInt(whole) * 1_000_000n + BigInt(Math.floor((ms - whole) * 1e6));
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

/** The whole archive, chunk by chunk. @throws AppError `store-unreadable`, `store-mismatch` for what is not what was promised */
export async function* tarOf(
  entries: readonly Entry[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (const entry of entries) {
    signal?.throwIfAborted();
    yield tarHeader(entry);
    if (entry.content.form !== "folder") yield* contentOf(entry, signal);
    yield tarPadding(entry.sizeBytes);
  }
  yield tarEnd;
}

async function* contentOf(
  { path, sizeBytes, content }: Entry,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  if (content.form === "folder") return;
  const hash = createHash("sha256");
  let count = 0;
  for await (const chunk of chunksOfContent(content, signal)) {
    signal?.throwIfAborted();
    hash.update(chunk);
    count += chunk.length;
    // More than the header says would make everything behind it unreadable.
    if (count > sizeBytes) break;
    yield chunk;
  }
  const found = hash.digest("hex");
  const { sha256 } = content;
  if (count === sizeBytes && (sha256 === null || found === sha256)) return;
  const address = content.form === "file" ? content.file : path;
  const expected = sha256 ?? `${sizeBytes} bytes`;
  throw new AppError("store-mismatch", { address, expected, found });
}

type Content = Exclude<Entry["content"], { readonly form: "folder" }>;

function chunksOfContent(
  content: Content,
  signal: AbortSignal | undefined,
): AsyncIterable<Uint8Array> | readonly Uint8Array[] {
  if (content.form === "bytes") return content.bytes.length === 0 ? [] : [content.bytes];
  return content.form === "file" ? chunksOf(content.file) : content.read(signal);
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
