// The processes of a lab: started, found again by the lab's id in their environment, ended by their process ids.
// INPUTS: /proc. OUTPUTS: processes of our own, signals to them.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync, readdirSync, realpathSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseStat } from "../drivers/shared/processes.ts";
import { type Lab, type LabHost, labVariable, rootOf } from "./places.ts";

export interface LabProcess {
  readonly pid: number;
  /** Clock ticks since boot: with the pid, who it is. */
  readonly start: string;
  /** argv[0]. */
  readonly name: string;
  /** The host it belongs to. */
  readonly host: string;
}

const hostVariable = "PERENNIAL_LAB_HOST";

export function environmentOf(lab: Lab, host: LabHost): Readonly<Record<string, string>> {
  return {
    PATH: process.env["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
    LANG: "C",
    [labVariable]: lab.id,
    [hostVariable]: host.name,
  };
}

/** The file that Node.js runs at this moment, links followed. */
export function ownScript(): string {
  return realpathSync(process.argv[1] ?? "");
}

/** Words behind Node's own that run a part of the lab: this very program, so that nothing else is needed. */
export function wordsFor(lab: Lab, host: LabHost, role: string): readonly string[] {
  const [, script = ""] = process.argv;
  return [script, "lab", "run", role, "--dir", lab.directory, "--host", host.name];
}

/** Starts a part that outlives us; what it says goes to a file below the host's root. */
export async function startPart(lab: Lab, host: LabHost, role: string): Promise<void> {
  const log = join(rootOf(lab, host), `var/log/${role}.out`);
  mkdirSync(dirname(log), { recursive: true });
  const output = openSync(log, "a", 0o600);
  try {
    const child = spawn(process.execPath, wordsFor(lab, host, role), {
      argv0: role,
      cwd: "/",
      env: environmentOf(lab, host),
      detached: true,
      stdio: ["ignore", output, output],
    });
    await spawned(child);
    child.unref();
  } finally {
    closeSync(output);
  }
}

export function spawned(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
}

/** Every process of this lab, whoever started it, whether its parent lives or not. */
export function processesOf(lab: Lab): readonly LabProcess[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      const environment = readOrEmpty(`/proc/${entry}/environ`).split("\0");
      if (!environment.includes(`${labVariable}=${lab.id}`)) return [];
      const stat = parseStat(readOrEmpty(`/proc/${entry}/stat`));
      if (!stat || stat.isZombie) return [];
      const [name = ""] = readOrEmpty(`/proc/${entry}/cmdline`).split("\0");
      const host = environment.find((word) => word.startsWith(`${hostVariable}=`));
      return [
        { pid: Number(entry), start: stat.start, name, host: host?.slice(hostVariable.length + 1) ?? "" },
      ];
    })
    .filter(({ pid }) => pid !== process.pid);
}

/** SIGTERM, then SIGKILL for what is left; twice, for a child that was being born. */
export async function endProcesses(lab: Lab, isMeant: (one: LabProcess) => boolean): Promise<number> {
  const ended = new Set<number>();
  for (const { signal, patienceMs } of rounds) {
    const found = processesOf(lab).filter(isMeant);
    for (const one of found) {
      ended.add(one.pid);
      send(one, signal);
    }
    await untilGone(lab, isMeant, patienceMs);
  }
  return ended.size;
}

const rounds = [
  { signal: "SIGTERM", patienceMs: 3000 },
  { signal: "SIGKILL", patienceMs: 3000 },
  { signal: "SIGKILL", patienceMs: 3000 },
] as const;

async function untilGone(lab: Lab, isMeant: (one: LabProcess) => boolean, patienceMs: number): Promise<void> {
  const end = performance.now() + patienceMs;
  while (processesOf(lab).some(isMeant) && performance.now() < end) await sleep(50);
}

/** Only to the very process that was found. */
export function send({ pid, start }: LabProcess, signal: NodeJS.Signals): void {
  if (parseStat(readOrEmpty(`/proc/${pid}/stat`))?.start !== start) return;
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    // Ended meanwhile, or somebody else's.
    return "";
  }
}
