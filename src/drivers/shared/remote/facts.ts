// What has to be known of a host before anything is done there, asked in one script: its clock, who we are, room, missing programs.
import { posix } from "node:path";
import { AppError } from "../../../core/model/errors.ts";
import type { DiskSpace } from "../disk-space.ts";
import type { Host } from "../host.ts";
import { quote, shellText } from "./quote.ts";
import { openScriptQueue, textOf } from "./script-queue.ts";

/** Instants in ms since the epoch. */
export interface RemoteClock {
  /** The host's, at some moment between the two of this machine. */
  readonly nodeAt: number;
  readonly sentAt: number;
  readonly receivedAt: number;
  /** The host's clock minus ours lies between these: the round trip and the clock's own unit are in them. */
  readonly aheadAtLeastMs: number;
  readonly aheadAtMostMs: number;
}

export interface RemoteFacts {
  readonly clock: RemoteClock;
  /** As `uname -n` says it. */
  readonly hostname: string;
  /** Empty where the kernel does not tell. */
  readonly bootId: string;
  /** `x86_64`, `aarch64`. */
  readonly machine: string;
  readonly uid: number;
  readonly isRoot: boolean;
  /** One for each path asked for, in that order. */
  readonly disks: readonly DiskSpace[];
  /** Programs that the scripts of the store and the state directory need. Empty when all is there. */
  readonly missing: readonly string[];
}

export interface RemoteFactsOptions {
  /** Absolute paths; each is answered for itself or its nearest parent that exists. */
  readonly paths?: readonly string[];
  /** This machine's clock, ms since the epoch. */
  readonly now?: () => number;
}

const programs: readonly string[] =
  "base64 cat chmod chown date dd head id ln ls mkdir mv readlink rm rmdir sed sha256sum stat sync touch uname".split(
    " ",
  );

const largestBlockBytes = 64 * 1024;
const smallestBlockBytes = 4 * 1024;

const prelude = shellText(String.raw`
out() { for value; do printf '+%s\0' "$value"; done; }

facts() {
  missing=''
  for program in $programs; do
    command -v "$program" >/dev/null 2>&1 || missing="$missing $program"
  done
  boot=''
  read -r boot </proc/sys/kernel/random/boot_id
  out facts "$(date +%s.%N)" "$(uname -n)" "$boot" "$(uname -m)" "$(id -u)" "$missing"
  for path; do
    while [ ! -e "$path" ] && [ "$path" != / ]; do
      path=@{path%/*}
      path=@{path:-/}
    done
    out "$path" "$(stat -L -c '%d' "$path" 2>/dev/null)" "$(stat -f -c '%S %b %f %a %c %d' "$path" 2>/dev/null)"
  done
  printf '.\0'
}
`);

/** Rejects with what the host rejects with; a host that cannot even say who we are is `command-failed`. */
export async function remoteFacts(host: Host, options: RemoteFactsOptions = {}): Promise<RemoteFacts> {
  const { paths = [], now = Date.now } = options;
  const queue = openScriptQueue(host, prelude);
  const words = paths.map((path) => quote(posix.normalize(path)));
  const text = `programs=${quote(programs.join(" "))}\nfacts ${words.join(" ")}`;
  const sentAt = now();
  const [kind, ...fields] = await queue.ask({ text });
  const receivedAt = now();
  const [time = "", hostname = "", boot = "", machine = "", id = "", missing = "", ...disks] =
    fields.map(textOf);
  const uid = Number.parseInt(id, 10);
  if (kind !== "facts" || Number.isNaN(uid))
    throw new AppError("command-failed", { command: "sh", reason: `${host.name}: no answer` });
  return {
    clock: clockOf(time, sentAt, receivedAt),
    hostname: hostname.trim(),
    bootId: boot.trim(),
    machine: machine.trim(),
    uid,
    isRoot: uid === 0,
    disks: paths.map((_, index) => diskOf(disks.slice(index * 3, index * 3 + 3), uid === 0)),
    missing: missing.split(" ").filter((name) => name !== ""),
  };
}

/** `SECONDS.NANOSECONDS`, or `SECONDS.` and whatever a `date` without nanoseconds makes of it. */
function clockOf(time: string, sentAt: number, receivedAt: number): RemoteClock {
  const [seconds = "", fraction = ""] = time.trim().split(".");
  const isFine = /^\d{9}$/.test(fraction);
  const nodeAt = Number(seconds) * 1000 + (isFine ? Math.floor(Number(fraction) / 1e6) : 0);
  const unitMs = isFine ? 1 : 1000;
  return {
    nodeAt,
    sentAt,
    receivedAt,
    aheadAtLeastMs: nodeAt - receivedAt,
    aheadAtMostMs: nodeAt + unitMs - sentAt,
  };
}

/** Path, device, and `%S %b %f %a %c %d` of `stat -f`. */
function diskOf([path = "", device = "", room = ""]: readonly string[], isRoot: boolean): DiskSpace {
  const [block = 0, blocks = 0, free = 0, available = 0, files = 0, freeFiles = 0] = room
    .split(" ")
    .map(Number);
  return {
    path,
    device: Number(device),
    blockBytes: Math.min(Math.max(block, smallestBlockBytes), largestBlockBytes),
    freeBytes: blocks === 0 ? null : (isRoot ? free : available) * block,
    freeFiles: files === 0 ? null : freeFiles,
  };
}
