// What to copy of a stopped etcd, when no snapshot can be taken. INPUTS: names and sizes below the data directory, and the
// newest raft snapshot for the hint on v2 keys. OUTPUTS: none. etcd must be down: of a running one the files do not fit together.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import { errnoOf } from "../shared/directory-handles.ts";
import { decodeMessage } from "../shared/protobuf.ts";

export interface ColdFile {
  /** Where it lies now. */
  readonly path: string;
  /** Where it belongs below a data directory: `member/wal/0000000000000000-0000000000000000.wal`. */
  readonly name: string;
  readonly sizeBytes: number;
}

export interface ColdCopy {
  /** Sorted by name. */
  readonly files: readonly ColdFile[];
  /** What a member cannot start without and which is not there. */
  readonly missing: readonly ("member/snap/db" | "member/wal")[];
  readonly v2Keys: V2Keys;
}

/**
 * Whether keys of the v2 API (flannel, calico of old) are in there, which no v3 snapshot holds. A hint only: the newest raft
 * snapshot (`*.snap`) holds the whole v2 store as JSON, cluster data below `/0`, users' keys below `/1`; what was written
 * since then is in the WAL alone. `unknown`: no raft snapshot yet, a very large one, or one that is not as expected.
 */
export type V2Keys = "present" | "none-in-raft-snapshot" | "unknown";

export interface ColdCopyOptions {
  /** etcd's --wal-dir, when it has one; a link at member/wal needs none. */
  readonly walDir?: string;
}

const limitBytes = 64 * 2 ** 20;

/** @throws AppError store-unreadable */
export async function coldCopy(dataDir: string, options: ColdCopyOptions = {}): Promise<ColdCopy> {
  const snapDir = join(dataDir, "member/snap");
  const walDir = options.walDir ?? join(dataDir, "member/wal");
  await look(dataDir, () => stat(dataDir));
  const snap = await filesIn(snapDir, "member/snap", /^db$|\.snap$/);
  const wal = await filesIn(walDir, "member/wal", /\.wal$/);
  return {
    files: [...snap, ...wal],
    missing: [
      ...(snap.some((file) => file.name === "member/snap/db") ? [] : (["member/snap/db"] as const)),
      ...(wal.length > 0 ? [] : (["member/wal"] as const)),
    ],
    // Term and index in the name are hexadecimal with leading zeros, so the last name is the newest.
    v2Keys: await v2KeysIn(snap.findLast((file) => file.name.endsWith(".snap"))),
  };
}

async function filesIn(dir: string, prefix: string, pattern: RegExp): Promise<readonly ColdFile[]> {
  const names = await look(dir, () => readdir(dir).catch(nothingIfAbsent));
  const files: ColdFile[] = [];
  for (const name of names.filter((entry) => pattern.test(entry)).sort()) {
    const path = join(dir, name);
    const { size } = await look(path, () => stat(path));
    files.push({ path, name: `${prefix}/${name}`, sizeBytes: size });
  }
  return files;
}

function nothingIfAbsent(error: unknown): readonly string[] {
  if (errnoOf(error) === "ENOENT") return [];
  throw error;
}

async function look<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const cause = errnoOf(error);
    if (cause === null) throw error;
    throw new AppError("store-unreadable", { address: path, reason: "cold copy", cause }, { cause: error });
  }
}

async function v2KeysIn(file: ColdFile | undefined): Promise<V2Keys> {
  if (!file || file.sizeBytes > limitBytes) return "unknown";
  return v2KeysOf(await look(file.path, () => readFile(file.path)));
}

/** `snapshot`: the bytes of a raft snapshot. */
export function v2KeysOf(snapshot: Uint8Array): V2Keys {
  try {
    // snappb.Snapshot: crc 1, data 2, which is a raftpb.Snapshot: data 1, metadata 2.
    const store = decodeMessage(decodeMessage(snapshot).bytes(2)).text(1);
    return keysOfUsers(JSON.parse(store)) > 0 ? "present" : "none-in-raft-snapshot";
  } catch {
    // A hint: a torn or foreign snapshot is for etcd to judge, the copy is made of it all the same.
    return "unknown";
  }
}

/** `{"Root":{"Children":{"0":{...},"1":{"Children":{...}}}}}` (etcd api/v2store/store.go, Save). */
function keysOfUsers(store: unknown): number {
  const users = childOf(childOf(store, "Root"), "1");
  if (users === undefined) throw new TypeError("no v2 store");
  const { Children: children } = users as { readonly Children?: unknown };
  return typeof children === "object" && children !== null ? Object.keys(children).length : 0;
}

function childOf(node: unknown, name: string): unknown {
  const fields = (node ?? {}) as Readonly<Record<string, unknown>>;
  const inside = (fields["Children"] ?? fields) as Readonly<Record<string, unknown>>;
  return inside[name];
}
