// The one connection to a host that everything else goes over: logging in, forwarding, and its end.
// INPUTS: the user's SSH configuration, agent and known hosts. OUTPUTS: sockets in the runtime folder; a process that `stop` ends.
import type { ChildProcessWithoutNullStreams } from "node:child_process";
import { AppError } from "../../core/model/errors.ts";
import { firstLine } from "./host-of-pool.ts";
import { askSsh, missing, startSsh, type SshProgram } from "./run-ssh.ts";
import { configurationArguments, controlArguments, masterArguments, type SshPlace } from "./ssh-arguments.ts";
import { loginFault } from "./ssh-faults.ts";
import { readSshLog, type SshLog } from "./ssh-log.ts";
import { makeAskpass, type Askpass } from "./ssh-password.ts";
import { within } from "./within.ts";

export interface SshMaster {
  readonly log: SshLog;
  isAlive(): boolean;
  /** What ssh said last. */
  words(): string;
  stop(): Promise<void>;
}

export interface MasterOptions {
  readonly ssh: SshProgram;
  readonly place: SshPlace;
  readonly folder: string;
  readonly word: string;
  readonly password: (() => Promise<string>) | null;
  readonly timeoutMs: number;
}

const stopMs = 3000;

/** @throws AppError ssh-missing, host-key-unknown, host-key-changed, login-refused, host-unreachable */
export async function startMaster(options: MasterOptions): Promise<SshMaster> {
  const { ssh, place, password } = options;
  const askpass = password ? await askpassOf(options) : null;
  const child = startSsh(ssh, masterArguments(place, password !== null), askpass?.env);
  const log = readSshLog(child.stderr);
  child.stdin.on("error", () => undefined);
  child.stdout.resume();
  const failed =
    askpass && password ? answer({ child, log, askpass, password }) : new Promise<never>(() => undefined);
  const code = await Promise.race([ended(options, child), failed]).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  child.stdin.destroy();
  child.stdout.destroy();
  if (code !== 0) {
    // A proxy may hold the stream a moment longer than ssh.
    await within(log.ended, stopMs, undefined);
    throw loginFault(ssh.host, log);
  }
  (child.stderr as { unref?: () => void }).unref?.();
  return master(options, child, log);
}

async function askpassOf({ ssh, place, folder, word }: MasterOptions): Promise<Askpass> {
  const { code, stdout, stderr } = await askSsh(ssh, configurationArguments(place));
  if (code !== 0) {
    const detail = firstLine(stderr) || "ssh -G";
    throw new AppError("host-unreachable", { host: ssh.host, reason: "configuration", detail });
  }
  const value = (name: string): string => new RegExp(`^${name} (.*)$`, "m").exec(stdout)?.[1] ?? "";
  return makeAskpass({ folder, word, user: value("user"), hostname: value("hostname") });
}

interface Answering {
  readonly child: ChildProcessWithoutNullStreams;
  readonly log: SshLog;
  readonly askpass: Askpass;
  readonly password: () => Promise<string>;
}

/** Gives the password once, when it is asked for; rejects when there is none to give. */
function answer({ child, log, askpass, password }: Answering): Promise<never> {
  return new Promise((_, reject) => {
    let isGiven = false;
    log.onLine((line) => {
      if (line !== askpass.mark || isGiven) return;
      isGiven = true;
      password().then((text) => child.stdin.write(`${text}\n`), reject);
    });
  });
}

/** The exit code: 0 when it went into the background. */
function ended(
  { ssh, timeoutMs }: MasterOptions,
  child: ChildProcessWithoutNullStreams,
): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const params = {
        host: ssh.host,
        reason: "timeout",
        detail: `no login within ${timeoutMs / 1000} s`,
      } as const;
      reject(new AppError("host-unreachable", params));
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(missing(ssh, error));
    });
    child.on("exit", (code) => {
      clearTimeout(timer);
      resolve(code);
    });
  });
}

function master(
  { ssh, place }: MasterOptions,
  child: ChildProcessWithoutNullStreams,
  log: SshLog,
): SshMaster {
  return {
    log,
    isAlive: () => !log.isOver(),
    words: () => log.messages().at(-1) ?? "",
    stop: async () => {
      if (log.isOver()) return;
      const running = await askSsh(ssh, controlArguments(place, "check"));
      await askSsh(ssh, controlArguments(place, "exit"));
      const isGone = await within(
        log.ended.then(() => true),
        stopMs,
        false,
      );
      const pid = Number(/pid=(\d+)/.exec(running.stderr + running.stdout)?.[1] ?? 0);
      if (!isGone && pid > 1) killProcess(pid);
      child.stderr.destroy();
    },
  };
}

function killProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    // Gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
