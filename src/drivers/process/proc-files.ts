// Processes as /proc shows them (proc(5)): by name, when they started, how they were started.
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { parseStat } from "../shared/processes.ts";

export interface FoundProcess {
  readonly pid: number;
  /** Clock ticks since the system came up: with the pid, a process's identity. */
  readonly startTicks: string;
  /** ms since the epoch, to 10 ms. */
  readonly startedAt: number | null;
  /** Pid of its parent. */
  readonly parent: number;
}

/** What it takes to start the same process again. */
export interface Launch {
  readonly executable: string;
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly uid: number;
  readonly gid: number;
  /** Path; null for a pipe, a socket, a terminal or a deleted file. */
  readonly stdout: string | null;
  readonly stderr: string | null;
}

/** USER_HZ: what the kernel tells user space in, whatever its own. */
const ticksPerSecond = 100;

/** When the system came up, ms since the epoch; null when /proc does not say. */
export function bootTime(proc: string): number | null {
  const [, seconds] = /^btime (\d+)$/m.exec(readFileSync(join(proc, "stat"), "utf8")) ?? [];
  return seconds === undefined ? null : Number(seconds) * 1000;
}

/** How the node's own process is told from another control plane's on the same machine. */
export interface OwnProcess {
  /** Base name of its argv[0]. */
  readonly name: string;
  /**
   * Flags that name the node's own files (`--kubeconfig`). Who has one of them with another path, and none with its own, is another
   * node's.
   */
  readonly flags: readonly OwnFlag[];
  /** True when only those count whose root directory is ours: not the ones of nodes in containers. */
  readonly sameRoot: boolean;
}

export interface OwnFlag {
  /** Without dashes. */
  readonly name: string;
  readonly path: string;
}

/** The node's own processes of that name, outside pods. Zombies are gone. Throws the system's error when /proc cannot be read. */
export function findProcesses(proc: string, own: OwnProcess): readonly FoundProcess[] {
  const found = readdirSync(proc)
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const folder = join(proc, entry);
      const argv = wordsIn(readOrGone(join(folder, "cmdline")));
      if (basename(argv[0] ?? "") !== own.name || isInPod(folder)) return [];
      if (isForeign(argv, own.flags) || (own.sameRoot && hasOtherRoot(folder))) return [];
      return processAt(proc, Number(entry)) ?? [];
    });
  // A child that was forked has its parent's words until it runs a program of its own.
  const pids = new Set(found.map(({ pid }) => pid));
  return found.filter(({ parent }) => !pids.has(parent));
}

/** null when there is none with this number any more. */
export function processAt(proc: string, pid: number): FoundProcess | null {
  const stat = parseStat(readOrGone(join(proc, String(pid), "stat")));
  if (!stat || stat.isZombie) return null;
  const bootAt = bootTime(proc);
  const sinceBootMs = (Number(stat.start) * 1000) / ticksPerSecond;
  const startedAt = bootAt === null ? null : bootAt + sinceBootMs;
  return { pid, startTicks: stat.start, startedAt, parent: stat.parent };
}

function isForeign(argv: readonly string[], flags: readonly OwnFlag[]): boolean {
  const told = flags.flatMap(({ name, path }) => {
    const value = flagIn(argv, name);
    return value?.startsWith("/") ? [isSameFile(value, path)] : [];
  });
  return told.length > 0 && !told.includes(true);
}

/** `--name=value` or `--name value`, with one dash or two, as pflag and flag take them. */
function flagIn(argv: readonly string[], name: string): string | undefined {
  const at = argv.findIndex((word) => word === `--${name}` || word === `-${name}`);
  if (at > 0) return argv[at + 1];
  return argv.flatMap((word) =>
    /^--?([^=]+)=(.*)$/s.exec(word)?.[1] === name ? [word.slice(word.indexOf("=") + 1)] : [],
  )[0];
}

function isSameFile(one: string, other: string): boolean {
  return resolve(one) === resolve(other) || (placeOf(one) !== null && placeOf(one) === placeOf(other));
}

/** A process in a container of another node has a root directory of its own. Whose root we may not see is not told apart. */
function hasOtherRoot(folder: string): boolean {
  const [theirs, ours] = [placeOf(join(folder, "root")), placeOf("/")];
  return theirs !== null && theirs !== ours;
}

/** Device and inode; null when nobody says. */
function placeOf(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
}

/** The kubelet puts pods below `kubepods`, whatever its cgroup driver and version. */
function isInPod(folder: string): boolean {
  return /kubepods/.test(readOrGone(join(folder, "cgroup")));
}

/** Throws the system's error when anything of it cannot be read. */
export function readLaunch(proc: string, pid: number): Launch {
  const folder = join(proc, String(pid));
  const status = readFileSync(join(folder, "status"), "utf8");
  const argv = wordsIn(readFileSync(join(folder, "cmdline"), "utf8"));
  if (argv.length === 0) throw new Error("it has no command line");
  return {
    // An upgrade replaces the file under a running process; the new one is what is started.
    executable: readlinkSync(join(folder, "exe")).replace(/ \(deleted\)$/, ""),
    argv,
    cwd: readlinkSync(join(folder, "cwd")),
    environment: environmentIn(readFileSync(join(folder, "environ"), "utf8")),
    uid: idIn(status, "Uid"),
    gid: idIn(status, "Gid"),
    stdout: outputOf(join(folder, "fd", "1")),
    stderr: outputOf(join(folder, "fd", "2")),
  };
}

function wordsIn(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\0$/, "").split("\0");
}

function environmentIn(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    wordsIn(text).flatMap((word) => {
      const equals = word.indexOf("=");
      return equals > 0 ? [[word.slice(0, equals), word.slice(equals + 1)]] : [];
    }),
  );
}

/** The effective one. */
function idIn(status: string, name: "Uid" | "Gid"): number {
  const [, id] = new RegExp(`^${name}:\\s+\\d+\\s+(\\d+)`, "m").exec(status) ?? [];
  if (id === undefined) throw new Error(`no ${name} in its status`);
  return Number(id);
}

function outputOf(link: string): string | null {
  const target = readlinkSync(link);
  const isPath = target.startsWith("/") && !target.endsWith(" (deleted)");
  return isPath && !/^\/dev\/(pts|tty|console)/.test(target) ? target : null;
}

/** "" when the process has ended meanwhile, or is somebody else's whom we may not see. */
function readOrGone(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
