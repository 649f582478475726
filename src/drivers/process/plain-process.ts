// A consumer that nobody supervises: found in /proc by the name it was started with, stopped by signals, started again as it was.
// INPUTS: /proc. OUTPUTS: signals; the launch record (0600: an environment may hold secrets) and log in the work folder; a new process.
import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { Startability } from "../../core/model/live.ts";
import type { ProcessInstance, StopOptions } from "../../engine/ports/node-processes.ts";
import { newestFirst, waitUntil, type ConsumerDriver, type ConsumerObservation } from "./consumer-driver.ts";
import { findProcesses, readLaunch, type FoundProcess, type Launch, type OwnProcess } from "./proc-files.ts";

export interface PlainProcessOptions {
  readonly consumer: string;
  readonly own: OwnProcess;
  /** `/proc`, or the one of another root. */
  readonly proc: string;
  /** Absolute; 0700, created. */
  readonly workFolder: string;
  readonly pollMs: number;
}

const through = "process";

export function plainProcess(options: PlainProcessOptions): ConsumerDriver {
  const { consumer, proc, own, pollMs } = options;
  const record = join(options.workFolder, `launch-${consumer}.json`);
  const running = (): readonly FoundProcess[] => findProcesses(proc, own);

  function processes(): readonly FoundProcess[] {
    try {
      return running();
    } catch (error) {
      const tried = [`${proc}: ${messageOf(error)}`];
      throw new AppError("process-unknowable", { consumer, tried }, { cause: error });
    }
  }

  function observe(): ConsumerObservation {
    return { through, instances: newestFirst(processes().map(instanceOf)) };
  }

  /** Nothing is stopped that could not be started again. The record stays: it is how a later death can be mended. */
  function remember(found: FoundProcess): Launch {
    try {
      const launch = readLaunch(proc, found.pid);
      mkdirSync(dirname(record), { recursive: true, mode: 0o700 });
      rmSync(record, { force: true });
      writeFileSync(record, JSON.stringify(launch), { mode: 0o600, flag: "wx" });
      return launch;
    } catch (error) {
      const reason = `how it was started could not be read, so it was not stopped: ${messageOf(error)}`;
      throw new AppError("process-not-stopped", { consumer, through, ids: [idOf(found)], reason });
    }
  }

  async function stop({ graceSeconds, signal }: StopOptions): Promise<readonly string[]> {
    signal?.throwIfAborted();
    const found = running();
    const [first, second] = found;
    if (!first) throw new AppError("process-not-found", { consumer, through });
    if (second) {
      const pods = found.map(idOf);
      throw new AppError("process-ambiguous", { consumer, through, pods });
    }
    remember(first);
    const isGone = (): Promise<boolean> =>
      Promise.resolve(!running().some((other) => idOf(other) === idOf(first)));
    send(first.pid, "SIGTERM");
    if (!(await waitUntil(isGone, { seconds: graceSeconds, pollMs }))) {
      send(first.pid, "SIGKILL");
      if (!(await waitUntil(isGone, { seconds: 10, pollMs }))) {
        const ids = [idOf(first)];
        throw new AppError("process-not-stopped", { consumer, through, ids, reason: "it survived SIGKILL" });
      }
    }
    return [idOf(first)];
  }

  return {
    look: async () => Promise.resolve(observe()),
    stop,
    async revive({ timeoutSeconds, signal }) {
      const graceSeconds = Math.max(1, Math.min(30, timeoutSeconds - 15));
      if (observe().instances.length > 0) await stop({ graceSeconds, ...(signal && { signal }) });
      signal?.throwIfAborted();
      const launch = readRecord(record);
      if (!launch) {
        const reason = "it does not run, and how it was started is not known";
        throw new AppError("process-not-revived", { consumer, through, reason });
      }
      try {
        await launchAgain(launch, join(options.workFolder, `${consumer}.log`));
      } catch (error) {
        throw new AppError("process-not-revived", { consumer, through, reason: messageOf(error) });
      }
    },
    startability: async () => Promise.resolve(startability()),
    remember() {
      for (const found of running()) remember(found);
    },
  };

  function startability(): Startability {
    const [first, second] = processes();
    if (second) return { state: "cannot", why: "ambiguous" };
    if (first) return isReadable(first) ? { state: "can" } : { state: "cannot", why: "launch-unreadable" };
    const launch = readRecord(record);
    if (!launch || !existsSync(launch.executable)) return { state: "cannot", why: "not-known" };
    return { state: "recorded", command: launch.argv.join(" "), recordedAt: statSync(record).mtimeMs };
  }

  function isReadable({ pid }: FoundProcess): boolean {
    try {
      readLaunch(proc, pid);
      return true;
    } catch {
      return false;
    }
  }
}

function idOf({ pid, startTicks }: FoundProcess): string {
  return `${pid}@${startTicks}`;
}

function instanceOf(found: FoundProcess): ProcessInstance {
  return { id: idOf(found), state: "running", startedAt: found.startedAt, image: null, pid: found.pid };
}

function send(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It went by itself; the wait that follows sees that.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readRecord(path: string): Launch | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as Launch;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Resolves when the program runs; it has a session of its own and outlives us. */
async function launchAgain(launch: Launch, log: string): Promise<void> {
  const [argv0 = "", ...args] = launch.argv;
  const outputs = [launch.stdout, launch.stderr].map((path) => openForAppending(path, log));
  const [stdout = -1, stderr = -1] = outputs;
  try {
    const child = spawn(launch.executable, args, {
      argv0,
      cwd: launch.cwd,
      env: launch.environment,
      uid: launch.uid,
      gid: launch.gid,
      detached: true,
      stdio: ["ignore", stdout, stderr],
    });
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
  } finally {
    for (const file of outputs) closeSync(file);
  }
}

/** Pipes, sockets and deleted files cannot be opened again: the output goes into a log of ours then. */
function openForAppending(path: string | null, log: string): number {
  const { O_WRONLY, O_APPEND, O_NOCTTY, O_CREAT } = constants;
  const isThere = path !== null && statSync(path, { throwIfNoEntry: false }) !== undefined;
  if (isThere) return openSync(path, O_WRONLY | O_APPEND | O_NOCTTY);
  return openSync(log, O_WRONLY | O_APPEND | O_CREAT, 0o600);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
