// A consumer whose user knows better how it is stopped and started. What it is doing is still looked up the usual way.
// OUTPUTS: whatever the user's commands do.
import { AppError, isAppError } from "../../core/model/errors.ts";
import { waitUntil, type ConsumerDriver } from "./consumer-driver.ts";
import { complaintOf, type CommandResult, type RunCommand } from "./run-command.ts";

/** Lines for `sh -c`; the environment says which consumer by its own means, nothing is substituted. */
export interface UserCommands {
  readonly stop?: string;
  readonly start?: string;
}

export interface UserCommandOptions {
  readonly consumer: string;
  readonly commands: UserCommands;
  /** For looking, and for what no command was given for. */
  readonly usual: ConsumerDriver;
  readonly run: RunCommand;
  readonly pollMs: number;
}

const through = "command";

export function userCommands({ consumer, commands, usual, run, pollMs }: UserCommandOptions): ConsumerDriver {
  const shell = (line: string, seconds: number): Promise<CommandResult> =>
    run("/bin/sh", ["-c", line], { timeoutMs: seconds * 1000 });

  /** null where nobody can be asked: that may be why there is a command. */
  async function idsNow(): Promise<readonly string[] | null> {
    try {
      const { instances } = await usual.look();
      return instances.filter(({ state }) => state === "running").map(({ id }) => id);
    } catch (error) {
      if (isAppError(error, "process-unknowable")) return null;
      throw error;
    }
  }

  return {
    look: (options) => usual.look(options),
    async stop(options) {
      if (commands.stop === undefined) return usual.stop(options);
      const before = await idsNow();
      options.signal?.throwIfAborted();
      const result = await shell(commands.stop, options.graceSeconds + 120);
      const ids = before ?? [];
      const fail = (reason: string): never => {
        throw new AppError("process-not-stopped", { consumer, through, ids, reason });
      };
      if (result.code !== 0) fail(complaintOf(result));
      const isGone = await waitUntil(
        async () => {
          const now = (await idsNow()) ?? [];
          return !ids.some((id) => now.includes(id));
        },
        { seconds: options.graceSeconds, pollMs },
      );
      if (!isGone) fail("the command has ended, and it still runs");
      return ids;
    },
    async revive(options) {
      if (commands.start === undefined) return usual.revive(options);
      options.signal?.throwIfAborted();
      const result = await shell(commands.start, options.timeoutSeconds);
      if (result.code === 0) return;
      throw new AppError("process-not-revived", { consumer, through, reason: complaintOf(result) });
    },
  };
}
