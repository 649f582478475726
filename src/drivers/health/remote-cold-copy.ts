// The data of a stopped etcd member on a host, copied there: nothing of it travels but names, sizes and hashes, until somebody reads the copy.
// INPUTS: the data directory. OUTPUTS: a folder of a run below the host's own state directory, 0700 with files of 0600.
import { createHash } from "node:crypto";
import { posix } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { EtcdMember, Saved } from "../../engine/ports/live.ts";
import type { Host } from "../shared/host.ts";
import { assign, quote, shellText } from "../shared/remote/quote.ts";
import { v2KeysOf } from "./etcd-cold-copy.ts";

export interface RemoteColdCopyOptions {
  readonly host: Host;
  /** The host's own, absolute: `/var/lib/perennial`. */
  readonly stateDirectory: string;
}

/** A database of 8 GiB is read three times and written once. */
const copyMs = 30 * 60 * 1000;
const lookMs = 60_000;
/** Of a raft snapshot that is fetched for the hint on v2 keys; larger ones count as without. */
const snapshotLimitBytes = 8 * 2 ** 20;

const script = shellText(String.raw`
fail() {
  rm -rf "$new"
  printf 'failed %s\n' "$1"
  exit 0
}

copy() {
  err=$(cp "$1" "$new/$1" 2>&1) || fail "$err"
  chmod 600 "$new/$1"
  err=$(sync "$new/$1" 2>&1) || fail "$err"
  one=$(sha256sum <"$1") || fail "$1 cannot be read"
  other=$(sha256sum <"$new/$1") || fail "$new/$1 cannot be read"
  [ "$one" = "$other" ] || fail 'the copy differs: etcd is still writing'
  printf 'file %s %s %s\n' "@{one%% *}" "$(stat -c %s "$new/$1")" "$1"
}

umask 077
[ ! -L "$state" ] || fail "$state is a link"
err=$(cd "$data" 2>&1) || fail "$err"
cd "$data" || exit 1
lacking=''
[ -f member/snap/db ] || lacking=member/snap/db
wal=''
for file in member/wal/*.wal; do [ ! -f "$file" ] || wal=yes; done
[ -n "$wal" ] || lacking="@{lacking:+$lacking, }member/wal"
[ -z "$lacking" ] || { printf 'missing %s\n' "$lacking"; exit 0; }
rm -rf "$new"
err=$(mkdir -p "$new/member/snap" "$new/member/wal" 2>&1) || fail "$err"
for file in member/snap/*.snap member/snap/db member/wal/*.wal; do
  [ ! -f "$file" ] || copy "$file"
done
err=$(sync "$new/member/snap" "$new/member/wal" "$new/member" "$new" 2>&1) || fail "$err"
rm -rf "$folder"
err=$(mv "$new" "$folder" 2>&1) || fail "$err"
err=$(sync "@{folder%/*}" 2>&1) || fail "$err"
echo done
`);

/**
 * The same copy, hash and refusals as on this machine; the part of `folder` from `runs/` on is its place below the host's state
 * directory. Rejects with `snapshot-failed`, or what the host rejects with. TypeError for a folder that is no run's.
 */
export function remoteColdCopy({ host, stateDirectory }: RemoteColdCopyOptions): EtcdMember["coldCopy"] {
  return async (dataDirectory, folder, signal) => {
    signal?.throwIfAborted();
    const place = placeOf(stateDirectory, folder);
    const values = assign({ data: dataDirectory, state: stateDirectory, folder: place, new: `${place}.new` });
    const { stdout } = await host.sh(`${values}\n${script}`, { timeoutMs: copyMs, signal });
    const lines = Buffer.from(stdout).toString("utf8").trim().split("\n");
    const last = lines.at(-1) ?? "";
    const refuse = (reason: string): AppError => new AppError("snapshot-failed", { step: folder, reason });
    if (last.startsWith("missing ")) throw refuse(`${last.slice(8)} is missing in ${dataDirectory}`);
    if (last !== "done") throw refuse(last.replace(/^failed /, "") || "the copy on the node was cut off");
    const files = lines.slice(0, -1).map(fileIn);
    const newest = files.findLast(({ name }) => name.endsWith(".snap"));
    const hasV2Data =
      newest !== undefined && (await hasV2Keys(host, `${place}/${newest.name}`, newest.bytes));
    return { ...savedOf(files), hasV2Data };
  };
}

const listScript = shellText(String.raw`
cd "$folder" || exit 1
for file in member/snap/*.snap member/snap/db member/wal/*.wal; do
  [ -f "$file" ] || continue
  sum=$(sha256sum <"$file") || exit 1
  printf 'file %s %s %s
' "@{sum%% *}" "$(stat -c %s "$file")" "$file"
done
`);

/** As base64 it is 6 MB: well below what a script may print, and few enough ways to the host and back. */
const pieceBytes = 4 * 2 ** 20;
const pieceMs = 120_000;

/** The files of such a copy, each hashed anew on the host; see EtcdMember. Rejects with `store-mismatch`, or what the host rejects with. */
export function remoteCopied({
  host,
  stateDirectory,
}: RemoteColdCopyOptions): NonNullable<EtcdMember["copied"]> {
  return async (folder, sha256, signal) => {
    const place = placeOf(stateDirectory, folder);
    const list = `${assign({ folder: place })}\n${listScript}`;
    const { code, stdout } = await host.sh(list, { timeoutMs: copyMs, signal });
    const lines = Buffer.from(stdout).toString("utf8").split("\n").slice(0, -1);
    const files = code === 0 ? lines.map(fileIn) : [];
    const found = savedOf(files).sha256;
    if (found !== sha256) throw new AppError("store-mismatch", { address: place, expected: sha256, found });
    return files.map((file) => ({
      ...file,
      read: (stop?: AbortSignal) => pieces({ host, path: `${place}/${file.name}`, bytes: file.bytes }, stop),
    }));
  };
}

interface Piecewise {
  readonly host: Host;
  readonly path: string;
  readonly bytes: number;
}

async function* pieces(
  { host, path, bytes }: Piecewise,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at * pieceBytes < bytes; at++) {
    signal?.throwIfAborted();
    const read = `dd if=${quote(path)} bs=${pieceBytes} skip=${at} count=1 2>/dev/null | base64`;
    const { stdout } = await host.sh(read, { timeoutMs: pieceMs, signal });
    const piece = Buffer.from(Buffer.from(stdout).toString("latin1"), "base64");
    if (piece.length === 0)
      throw new AppError("command-failed", { command: "dd", reason: "its output is cut" });
    yield piece;
  }
}

/** `runs/RUN/etcd-data` of any state directory, below the host's. */
function placeOf(stateDirectory: string, folder: string): string {
  const [, inner] = /^.*\/(runs\/.+)$/.exec(posix.normalize(folder)) ?? [];
  if (inner === undefined) throw new TypeError(`not a folder of a run: ${folder}`);
  return posix.join(stateDirectory, inner);
}

interface CopiedFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly name: string;
}

function fileIn(line: string): CopiedFile {
  const [, sha256 = "", bytes = "", name = ""] = /^file ([0-9a-f]{64}) (\d+) (member\/.+)$/.exec(line) ?? [];
  if (name === "") throw new AppError("command-failed", { command: "sh", reason: "its output is cut" });
  return { sha256, bytes: Number(bytes), name };
}

/** As the local copy: the hash of the list that `sha256sum` would print. */
function savedOf(files: readonly CopiedFile[]): Omit<Saved, "hasV2Data"> {
  const list = files.map(({ sha256, name }) => `${sha256}  ${name}\n`).join("");
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  return { bytes, sha256: createHash("sha256").update(list).digest("hex") };
}

async function hasV2Keys(host: Host, path: string, bytes: number): Promise<boolean> {
  if (bytes > snapshotLimitBytes) return false;
  const { code, stdout } = await host.sh(`base64 <${quote(path)}`, { timeoutMs: lookMs });
  if (code !== 0) return false;
  return v2KeysOf(Buffer.from(Buffer.from(stdout).toString("latin1"), "base64")) === "present";
}
