// A consumer whose user knows better how it is stopped, started, looked at. What no command was given for is done the usual way.
// OUTPUTS: whatever the user's commands do; their output in the work folder.
import { join } from "node:path";
import { AppError, isAppError, wordsOf } from "../../core/model/errors.ts";
import type { ProcessCommands } from "../../core/model/live.ts";
import type { StopOptions } from "../../engine/ports/node-processes.ts";
import { waitUntil, type ConsumerDriver, type ConsumerObservation } from "./consumer-driver.ts";
import { processAt } from "./proc-files.ts";
import { complaintOf, type CommandResult, type RunCommand } from "./run-command.ts";
import type { RunLine } from "./run-line.ts";

export interface UserCommandOptions {
  readonly consumer: string;
  readonly commands: ProcessCommands;
  /** For what no command was given for; opened only when it is needed. */
  readonly usual: () => Promise<ConsumerDriver>;
  /** For `status`. */
  readonly run: RunCommand;
  /** For `stop` and `start`. */
  readonly runLine: RunLine;
  /** `/proc`, or the one of another root; null where it cannot be read from here. */
  readonly proc: string | null;
  /** Absolute; 0700, created. */
  readonly workFolder: string;
  readonly pollMs: number;
}

const through = "command";
const statusTimeoutMs = 20_000;
/** LSB 5.0, "Init Script Actions": program is not running. `systemctl status` does as it says. */
const notRunning = 3;
/** Beside the grace: what the command itself needs. */
const stopSeconds = 120;

export function userCommands(options: UserCommandOptions): ConsumerDriver {
  const { consumer, commands, usual, pollMs } = options;

  const shell = (what: "stop" | "start", line: string, seconds: number): Promise<CommandResult> =>
    options.runLine(line, {
      name: `${consumer}.${what}`,
      timeoutMs: seconds * 1000,
      log: join(options.workFolder, `${consumer}-${what}.log`),
    });

  /** null where nobody can be asked: that may be why there is a command. */
  async function idsNow(): Promise<readonly string[] | null> {
    try {
      const { instances } = await look();
      return instances.filter(({ state }) => state === "running").map(({ id }) => id);
    } catch (error) {
      if (isAppError(error, "process-unknowable")) return null;
      throw error;
    }
  }

  async function look(signal?: AbortSignal): Promise<ConsumerObservation> {
    if (commands.status === undefined) return (await usual()).look(signal ? { signal } : {});
    const tell = (reason: string, cause?: unknown): never => {
      throw new AppError(
        "process-unknowable",
        { consumer, tried: [`${consumer}.status: ${reason}`] },
        { cause },
      );
    };
    const result = await options
      .run("/bin/sh", ["-c", commands.status], { timeoutMs: statusTimeoutMs, signal })
      .catch((error: unknown) => {
        if (!isAppError(error, "command-failed")) throw error;
        signal?.throwIfAborted();
        return tell(wordsOf(error), error);
      });
    if (result.code !== 0 && result.code !== notRunning) tell(complaintOf(result));
    const life = result.code === 0 ? lifeIn(result.stdout) : null;
    return { through, instances: life === null ? [] : [instanceOf(life, options.proc)] };
  }

  async function stop({ graceSeconds, signal }: StopOptions): Promise<readonly string[]> {
    if (commands.stop === undefined) return (await usual()).stop({ graceSeconds, ...(signal && { signal }) });
    // Without a command that starts it again, how it runs has to be known before it is gone.
    if (commands.start === undefined) (await usual()).remember?.();
    const ids = (await idsNow()) ?? [];
    signal?.throwIfAborted();
    const fail = (reason: string): never => {
      throw new AppError("process-not-stopped", { consumer, through, ids, reason });
    };
    const result = await shell("stop", commands.stop, graceSeconds + stopSeconds).catch((error: unknown) =>
      fail(reasonIn(error)),
    );
    if (result.code !== 0) fail(complaintOf(result));
    const isGone = await waitUntil(
      async () => {
        const now = (await idsNow()) ?? [];
        return !ids.some((id) => now.includes(id));
      },
      { seconds: graceSeconds, pollMs },
    );
    if (!isGone) fail("the command has ended, and it still runs");
    return ids;
  }

  return {
    look: ({ signal } = {}) => look(signal),
    stop,
    async revive({ timeoutSeconds, signal }) {
      const { start } = commands;
      if (start === undefined && commands.stop === undefined)
        return (await usual()).revive({ timeoutSeconds, ...(signal && { signal }) });
      const running = await idsNow();
      const graceSeconds = Math.max(1, Math.min(60, timeoutSeconds - 15));
      // Unknown is not absent: a command of the user's that stops it is asked, nobody else.
      if (running === null ? commands.stop !== undefined : running.length > 0)
        await stop({ graceSeconds, ...(signal && { signal }) });
      if (start === undefined) return (await usual()).revive({ timeoutSeconds, ...(signal && { signal }) });
      signal?.throwIfAborted();
      const fail = (reason: string): never => {
        throw new AppError("process-not-revived", { consumer, through, reason });
      };
      const result = await shell("start", start, timeoutSeconds).catch((error: unknown) =>
        fail(reasonIn(error)),
      );
      if (result.code !== 0) fail(complaintOf(result));
    },
    startability: async () =>
      commands.start === undefined ? (await usual()).startability() : { state: "can" },
  };
}

function reasonIn(error: unknown): string {
  if (isAppError(error, "command-failed")) return wordsOf(error);
  throw error;
}

/** null: nothing runs. `systemctl show -p MainPID --value` says 0 then. */
function lifeIn(stdout: string): string | null {
  const line = stdout
    .split("\n")
    .map((text) => text.trim())
    .find((text) => text !== "");
  return line === undefined || line === "0" ? null : line.slice(0, 200);
}

/** A pid may be another process's later: with its start it is one life. */
function instanceOf(life: string, proc: string | null): ConsumerObservation["instances"][number] {
  const found = proc !== null && /^\d{1,10}$/.test(life) ? processAt(proc, Number(life)) : null;
  return {
    id: found ? `${found.pid}@${found.startTicks}` : life,
    state: "running",
    startedAt: found?.startedAt ?? null,
    image: null,
    pid: found?.pid ?? null,
  };
}
