// Snapshots of etcd: checked while they come, and again as they lie on the disk.
import { createHash } from "node:crypto";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { SnapshotFault } from "../../core/model/errors-servers.ts";
import { readBoltHead, boltHeadBytes } from "./bolt-meta.ts";
import type { Etcd } from "./etcd.ts";

/** SHA-256 of all bytes before (etcd server/etcdserver/api/v3rpc/maintenance.go, Snapshot). */
const trailerBytes = 32;

/** Where a snapshot goes: a file, or what stands for one. Its `write`s come one after the other. */
export interface SnapshotSink {
  /** What errors name. */
  readonly name: string;
  write(bytes: Uint8Array): Promise<void>;
  /** Nothing more comes; resolves once the bytes would survive a loss of power. */
  sync(): Promise<void>;
  /** The bytes as they are stored, from the first. */
  readBack(): AsyncIterable<Uint8Array>;
}

export interface SnapshotReceipt {
  /** Of the whole file, trailer included. */
  readonly sizeBytes: number;
  /** Of the whole file, hex: what `sha256sum` prints. */
  readonly sha256: string;
  readonly pageSizeBytes: number;
  /** The store's revision just before: the snapshot holds at least that. null when the member would not say. */
  readonly revisionAtLeast: bigint | null;
}

/** Passes a snapshot on and checks it at its end. @throws AppError snapshot-damaged */
export async function* verifiedSnapshot(
  blobs: AsyncIterable<Uint8Array>,
  source: string,
): AsyncGenerator<Uint8Array> {
  const check = startCheck(source);
  for await (const blob of blobs) {
    check.add(blob);
    yield blob;
  }
  check.finish();
}

/**
 * Takes a snapshot, syncs it and reads it back: hash at its end, bbolt's head, every byte as it was sent.
 * What was written so far is the caller's to remove when this throws.
 * @throws AppError snapshot-damaged, and what `snapshot` and the sink throw
 */
export async function snapshotTo(
  etcd: Etcd,
  sink: SnapshotSink,
  options: { readonly signal?: AbortSignal } = {},
): Promise<SnapshotReceipt> {
  const revisionAtLeast = await revisionOf(etcd, options);
  const sent = createHash("sha256");
  for await (const blob of etcd.snapshot(options)) {
    sent.update(blob);
    await sink.write(blob);
  }
  await sink.sync();
  const check = startCheck(sink.name);
  for await (const chunk of sink.readBack()) {
    options.signal?.throwIfAborted();
    check.add(chunk);
  }
  const found = check.finish();
  const expected = sent.digest("hex");
  if (found.sha256 !== expected) {
    throw damaged(sink.name, "read-back-differs", `${found.sha256} instead of ${expected}`);
  }
  return { ...found, revisionAtLeast };
}

/** A member that does not tell its state may still give its data: that is worth more. */
async function revisionOf(etcd: Etcd, options: { readonly signal?: AbortSignal }): Promise<bigint | null> {
  try {
    return (await etcd.status(options)).header.revision;
  } catch (error) {
    if (isAppError(error, "rpc-failed") || isAppError(error, "endpoint-unreachable")) return null;
    throw error;
  }
}

interface SnapshotCheck {
  add(chunk: Uint8Array): void;
  finish(): Omit<SnapshotReceipt, "revisionAtLeast">;
}

/** Holds back the last 32 bytes, which are not part of what is hashed, and keeps the head. */
function startCheck(source: string): SnapshotCheck {
  const content = createHash("sha256");
  const whole = createHash("sha256");
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let sizeBytes = 0;
  return {
    add: (chunk) => {
      whole.update(chunk);
      sizeBytes += chunk.length;
      if (head.length < boltHeadBytes) head = Buffer.concat([head, chunk]).subarray(0, boltHeadBytes);
      const joined = Buffer.concat([tail, chunk]);
      const hashed = Math.max(0, joined.length - trailerBytes);
      content.update(joined.subarray(0, hashed));
      tail = joined.subarray(hashed);
    },
    finish: () => {
      if (sizeBytes < boltHeadBytes + trailerBytes) throw damaged(source, "too-short", `${sizeBytes} bytes`);
      if (!content.digest().equals(tail)) throw damaged(source, "hash-differs", `${sizeBytes} bytes`);
      const bolt = readBoltHead(head, sizeBytes - trailerBytes);
      if ("fault" in bolt) throw damaged(source, "not-bbolt", bolt.fault);
      return { sizeBytes, sha256: whole.digest("hex"), pageSizeBytes: bolt.pageSizeBytes };
    },
  };
}

function damaged(source: string, reason: SnapshotFault, detail: string): AppError<"snapshot-damaged"> {
  return new AppError("snapshot-damaged", { source, reason, detail });
}
