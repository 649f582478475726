// One table of container runtimes that are asked by their command lines: how to list, stop and remove, how to read the answers.
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../core/model/errors.ts";
import { parseCrictl, parseCtr, parseInspect, parseTasks } from "./parse-listings.ts";
import { ofSystem, podLabels, systemNamespace, type PodListing, type PodRuntime } from "./pod-runtime.ts";
import { complaintOf, type CommandResult, type RunCommand } from "./run-command.ts";

export type CommandLineName = "crictl" | "docker" | "nerdctl" | "ctr";

/** Runs the program with these arguments behind the leading ones; a non-zero exit is thrown by `ask`, returned by `run`. */
interface Console {
  readonly ask: (args: readonly string[]) => Promise<string>;
  readonly run: (args: readonly string[]) => Promise<CommandResult>;
}

interface CommandLine {
  /** Leading arguments: which daemon, which namespace. */
  readonly leading: (socket: string) => readonly string[];
  list(console: Console): Promise<PodListing>;
  /** `waits`: one command that does all and returns at the end; `signals`: one a signal, and we wait. */
  readonly stop:
    | {
        readonly by: "waits";
        readonly args: (ids: readonly string[], graceSeconds: number) => readonly string[];
      }
    | {
        readonly by: "signals";
        readonly args: (id: string, signal: "SIGTERM" | "SIGKILL") => readonly string[];
      };
  readonly removes: boolean;
  /** Each of these is tried, whatever becomes of those before. */
  remove(ids: readonly string[]): readonly (readonly string[])[];
  stopSandboxes(ids: readonly string[]): readonly (readonly string[])[];
  removeSandboxes(ids: readonly string[]): readonly (readonly string[])[];
}

const kill = (id: string, signal: string): readonly string[] => ["tasks", "kill", "-s", signal, id];

/** docker's words, which nerdctl shares. A sandbox is a container like others there. */
const dockerWords = {
  removes: true,
  stop: {
    by: "waits",
    args: (ids, graceSeconds) => ["stop", "-t", String(graceSeconds), ...ids],
  },
  remove: (ids) => [["rm", "-f", ...ids]],
  stopSandboxes: (ids) => [["stop", "-t", "5", ...ids]],
  removeSandboxes: (ids) => [["rm", "-f", ...ids]],
} as const satisfies Partial<CommandLine>;

/** What the CRI plugin made is the CRI plugin's to remove. */
const removesNothing = {
  removes: false,
  remove: () => [],
  removeSandboxes: () => [],
} as const satisfies Partial<CommandLine>;

const commandLines: Readonly<Record<CommandLineName, CommandLine>> = {
  crictl: {
    removes: true,
    // The default deadline of 2 s is too short for a disk under pressure; stop adds its own grace to it.
    leading: (socket) => ["-r", `unix://${socket}`, "-t", "20s"],
    list: async ({ ask }) =>
      parseCrictl(await ask(["ps", "-a", "-o", "json"]), await ask(["pods", "-o", "json"])),
    stop: {
      by: "waits",
      args: (ids, graceSeconds) => ["stop", "-t", String(graceSeconds), ...ids],
    },
    // The first id that is gone ends crictl 1.2x: one command each.
    remove: (ids) => ids.map((id) => ["rm", id]),
    stopSandboxes: (ids) => ids.map((id) => ["stopp", id]),
    removeSandboxes: (ids) => ids.map((id) => ["rmp", id]),
  },
  docker: {
    ...dockerWords,
    leading: (socket) => ["-H", `unix://${socket}`],
    list: async (console) => {
      const filter = `label=${podLabels.namespace}=${systemNamespace}`;
      return inspectAll(console, ["ps", "-a", "-q", "--no-trunc", "--filter", filter]);
    },
  },
  nerdctl: {
    ...dockerWords,
    ...removesNothing,
    leading: (socket) => ["-a", `unix://${socket}`, "-n", "k8s.io"],
    // Old ones know no --filter.
    list: async (console) => inspectAll(console, ["ps", "-a", "-q", "--no-trunc"]),
  },
  ctr: {
    leading: (socket) => ["-a", socket, "-n", "k8s.io"],
    list: async ({ ask, run }) => {
      const filter = `labels."${podLabels.namespace}"==${systemNamespace}`;
      const ids = words(await ask(["containers", "ls", "-q", filter]));
      const infos: string[] = [];
      for (const id of ids) {
        const { code, stdout } = await run(["containers", "info", id]);
        // Removed since it was listed.
        if (code === 0) infos.push(stdout);
      }
      return parseCtr(infos, await ask(["tasks", "ls"]));
    },
    stop: { by: "signals", args: kill },
    ...removesNothing,
    stopSandboxes: (ids) => ids.map((id) => kill(id, "SIGKILL")),
  },
};

/** What was removed between the list and the look is missing in the answer, and makes the exit code 1. */
async function inspectAll({ ask, run }: Console, list: readonly string[]): Promise<PodListing> {
  const ids = words(await ask(list));
  if (ids.length === 0) return { containers: [], sandboxes: [] };
  const result = await run(["inspect", ...ids]);
  if (result.code !== 0 && !result.stdout.trimStart().startsWith("[")) {
    throw new AppError("command-failed", { command: "inspect", reason: complaintOf(result) });
  }
  return parseInspect(result.stdout);
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

export interface CommandLineOptions {
  readonly program: string;
  readonly socket: string;
  readonly run: RunCommand;
  /** Between two looks at a task that is being stopped, ms. */
  readonly pollMs: number;
}

/** Beside the grace a stop asks for. */
const commandTimeoutMs = 30_000;

export function commandLineRuntime(name: CommandLineName, options: CommandLineOptions): PodRuntime {
  const line = commandLines[name];
  const { program, socket, pollMs } = options;

  function console(signal?: AbortSignal, graceSeconds = 0): Console {
    const run = (args: readonly string[]): Promise<CommandResult> =>
      options.run(program, [...line.leading(socket), ...args], {
        timeoutMs: commandTimeoutMs + graceSeconds * 1000,
        signal,
      });
    return {
      run,
      async ask(args) {
        const result = await run(args);
        if (result.code === 0) return result.stdout;
        const command = [name, ...args.slice(0, 2)].join(" ");
        throw new AppError("command-failed", { command, reason: complaintOf(result) });
      },
    };
  }

  /** An effect under way is left to finish, so the signal only counts before each. */
  async function each(commands: readonly (readonly string[])[], signal?: AbortSignal): Promise<void> {
    const failures: string[] = [];
    for (const args of commands) {
      signal?.throwIfAborted();
      const result = await console().run(args);
      if (result.code !== 0) failures.push(complaintOf(result));
    }
    if (failures.length > 0) {
      throw new AppError("command-failed", { command: name, reason: failures.join("; ") });
    }
  }

  async function stop(ids: readonly string[], graceSeconds: number, signal?: AbortSignal): Promise<void> {
    if (ids.length === 0) return;
    signal?.throwIfAborted();
    if (line.stop.by === "waits") {
      await console(undefined, graceSeconds).ask(line.stop.args(ids, graceSeconds));
      return;
    }
    const send = line.stop.args;
    await each(ids.map((id) => send(id, "SIGTERM"))).catch(ignoreGone);
    const left = await waitForTasks(ids, graceSeconds);
    await each(left.map((id) => send(id, "SIGKILL"))).catch(ignoreGone);
    await waitForTasks(left, 10);
  }

  /** Those of `ids` that still run when `seconds` are over. */
  async function waitForTasks(ids: readonly string[], seconds: number): Promise<readonly string[]> {
    const until = performance.now() + seconds * 1000;
    for (;;) {
      const running = new Set(parseTasks(await console().ask(["tasks", "ls"])).map(({ id }) => id));
      const left = ids.filter((id) => running.has(id));
      if (left.length === 0 || performance.now() >= until) return left;
      await sleep(pollMs);
    }
  }

  return {
    name,
    socket,
    removes: line.removes,
    through: `${name} ${socket}`,
    list: async (signal) => ofSystem(await line.list(console(signal))),
    stop,
    remove: (ids, signal) => (ids.length === 0 ? Promise.resolve() : each(line.remove(ids), signal)),
    stopSandboxes: (ids, signal) =>
      ids.length === 0 ? Promise.resolve() : each(line.stopSandboxes(ids), signal),
    removeSandboxes: (ids, signal) =>
      ids.length === 0 ? Promise.resolve() : each(line.removeSandboxes(ids), signal),
  };
}

/** A task that ended by itself in between cannot be signalled; the wait that follows tells the difference. */
function ignoreGone(error: unknown): void {
  if (!(error instanceof AppError)) throw error;
}
