// Processes as /proc shows them (proc(5)): by name, when they started, how they were started.
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import { parseStat } from "../shared/processes.ts";

export interface FoundProcess {
  readonly pid: number;
  /** Clock ticks since the system came up: with the pid, a process's identity. */
  readonly startTicks: string;
  /** ms since the epoch, to 10 ms. */
  readonly startedAt: number | null;
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

/** Processes with this base name, outside pods. Zombies are gone. Throws the system's error when /proc cannot be read. */
export function findProcesses(proc: string, name: string): readonly FoundProcess[] {
  const bootAt = bootTime(proc);
  return readdirSync(proc)
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const folder = join(proc, entry);
      const argv0 = wordsIn(readOrGone(join(folder, "cmdline")))[0] ?? "";
      if (basename(argv0) !== name || isInPod(folder)) return [];
      const stat = parseStat(readOrGone(join(folder, "stat")));
      if (!stat || stat.isZombie) return [];
      const sinceBootMs = (Number(stat.start) * 1000) / ticksPerSecond;
      const startedAt = bootAt === null ? null : bootAt + sinceBootMs;
      return [{ pid: Number(entry), startTicks: stat.start, startedAt }];
    });
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
