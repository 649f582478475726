// Programs of the node, run without a shell: arguments as they are, a deadline, bounded output, the C locale.
// INPUTS: the program's own. OUTPUTS: the program's own; nothing outlives its deadline.
import { spawn } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { basename, delimiter, isAbsolute, join } from "node:path";
import { AppError } from "../../core/model/errors.ts";

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  /** The first 4 KiB. */
  readonly stderr: string;
}

export interface CommandOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Standard output at most; default 16 MiB. */
  readonly limitBytes?: number;
}

/** A non-zero exit is a result; not startable, too late, too much and killed are `command-failed`. */
export type RunCommand = (
  program: string,
  args: readonly string[],
  options: CommandOptions,
) => Promise<CommandResult>;

/** `sudo` and cron leave these out of PATH, and container tools live there. */
const usualFolders = [
  "/usr/local/bin",
  "/usr/bin",
  "/bin",
  "/usr/local/sbin",
  "/usr/sbin",
  "/sbin",
  "/opt/bin",
];

/** These lead the tools to other machines, namespaces and sockets than this node's; its own are given as arguments. */
const misleading = /^(DOCKER_|CONTAINERD_|CONTAINER_RUNTIME_|IMAGE_SERVICE_|CRI_|NERDCTL_|SYSTEMD_PAGER$)/;

const defaultLimitBytes = 16 * 1024 * 1024;
const stderrLimit = 4096;

/** The program's path, from the absolute folders of PATH and the usual ones; null when it is not installed. */
export function findProgram(name: string, path: string = process.env["PATH"] ?? ""): string | null {
  const folders = [...path.split(delimiter), ...usualFolders].filter((folder) => isAbsolute(folder));
  return folders.map((folder) => join(folder, name)).find(isExecutable) ?? null;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The environment of every program: the caller's without what misleads, in the C locale. */
export function plainEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !misleading.test(entry[0]),
  );
  return { ...Object.fromEntries(kept), LC_ALL: "C", SYSTEMD_PAGER: "" };
}

export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  options.signal?.throwIfAborted();
  const command = [basename(program), ...args].join(" ").slice(0, 200);
  const limit = options.limitBytes ?? defaultLimitBytes;
  return new Promise((resolve, reject) => {
    // A group of its own: the terminal's Ctrl-C does not reach a stop under way, and children die with it.
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: plainEnvironment(),
      detached: true,
    });
    const output: Buffer[] = [];
    let [size, stderr, failure] = [0, "", null as string | null];
    const giveUp = (reason: string): void => {
      failure ??= reason;
      killGroup(child.pid);
    };
    const onAbort = (): void => giveUp("interrupted");
    const timer = setTimeout(
      () => giveUp(`no answer within ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    );
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.stdout.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) giveUp(`more than ${limit} bytes of output`);
      else output.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      stderr = (stderr + chunk.toString("utf8")).slice(0, stderrLimit);
    });
    const settle = (): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    };
    child.on("error", (error) => {
      settle();
      reject(new AppError("command-failed", { command, reason: error.message }, { cause: error }));
    });
    child.on("close", (code, killedBy) => {
      settle();
      const reason = failure ?? (code === null ? `killed by ${killedBy ?? "a signal"}` : null);
      if (code === null || reason !== null) {
        reject(new AppError("command-failed", { command, reason: reason ?? "no exit code" }));
      } else resolve({ code, stdout: Buffer.concat(output).toString("utf8"), stderr });
    });
  });
}

export function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Gone already: that is what was wanted.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** What a failed program said, in one line. */
export function complaintOf({ code, stderr }: CommandResult): string {
  const line = stderr
    .split("\n")
    .map((text) => text.trim())
    .findLast((text) => text !== "");
  return line ?? `exit code ${code}`;
}
