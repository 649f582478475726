// A line of the operator's, run by a shell. What it leaves in the background lives on: that may be the process it was to start.
// INPUTS: none. OUTPUTS: whatever the line does; what it says goes to a log file (0600).
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import { type CommandResult, killGroup, plainEnvironment } from "./run-command.ts";

export interface LineOptions {
  /** For errors: `kubelet.start`. */
  readonly name: string;
  readonly timeoutMs: number;
  /** Absolute; written anew. */
  readonly log: string;
}

export type RunLine = (line: string, options: LineOptions) => Promise<CommandResult>;

/** As much of the log's end as an error may need. */
const tailBytes = 4096;

/**
 * Waits for the shell, not for its output to be closed: a pipe would be held open by a daemon that was put into the background.
 * A non-zero exit is a result, with the end of the log in place of standard error; not startable, too late and killed are `command-failed`.
 */
export async function runLine(line: string, { name, timeoutMs, log }: LineOptions): Promise<CommandResult> {
  mkdirSync(dirname(log), { recursive: true, mode: 0o700 });
  const output = openSync(log, "w", 0o600);
  try {
    const code = await exitCode(line, { name, timeoutMs, output });
    return { code, stdout: "", stderr: readFileSync(log).subarray(-tailBytes).toString("utf8") };
  } finally {
    closeSync(output);
  }
}

function exitCode(
  line: string,
  { name, timeoutMs, output }: Pick<LineOptions, "name" | "timeoutMs"> & { readonly output: number },
): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = (reason: string, cause?: unknown): void =>
      reject(new AppError("command-failed", { command: name, reason }, { cause }));
    const child = spawn("/bin/sh", ["-c", line], {
      cwd: "/",
      stdio: ["ignore", output, output],
      env: plainEnvironment(),
      detached: true,
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid);
    }, timeoutMs);
    child.on("error", (error) => {
      clearTimeout(timer);
      fail(error.message, error);
    });
    child.on("exit", (code, killedBy) => {
      clearTimeout(timer);
      if (isLate) fail(`no answer within ${timeoutMs / 1000} s`);
      else if (code === null) fail(`killed by ${killedBy ?? "a signal"}`);
      else resolve(code);
    });
  });
}
