// The processes of a node, here or elsewhere: which driver stands behind each consumer.
import { AppError } from "../../core/model/errors.ts";
import type { CommandsByProcess, ProcessCommands } from "../../core/model/live.ts";
import type { NodeProcesses } from "../../engine/ports/node-processes.ts";
import type { ConsumerDriver } from "./consumer-driver.ts";
import type { bounceManifest } from "./manifest-bounce.ts";
import type { RunCommand } from "./run-command.ts";
import type { RunLine } from "./run-line.ts";
import type { RuntimeChoice } from "./runtime-choice.ts";
import { staticPod } from "./static-pods.ts";
import { hasUnit, systemdUnit } from "./systemd-unit.ts";
import type { OwnFlag } from "./proc-files.ts";
import { userCommands } from "./user-commands.ts";

/** A process whose name the profile knows. */
export interface Consumer {
  /** `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubelet`. */
  readonly name: string;
  /** As seen on the node; null: no static pod, but a systemd unit or a process of its own. */
  readonly manifest: string | null;
  /** Container in the manifest; default the name. */
  readonly container?: string;
  /** `etcd-m1`: the manifest's metadata.name and the node's. Default: whichever pod has such a container. */
  readonly pod?: string;
  /** Default `NAME.service`. */
  readonly unit?: string;
  /** Of a process outside pods: flags with the node's own files, to tell it from another node's. */
  readonly flags?: readonly OwnFlag[];
}

/** How the processes of a node are looked for and restarted, wherever the node is. */
export interface ProcessesOptions {
  readonly consumers: readonly Consumer[];
  /** Absolute folder on the node for scripts, their status and launch records; 0700. */
  readonly workFolder: string;
  readonly commands?: CommandsByProcess;
  /** Kubelets of 1.22 and 1.23 lose a static pod that comes back too soon (kubernetes/kubernetes#104648): restart them instead. */
  readonly avoidManifestMove?: boolean;
  /** The kubelet's fileCheckFrequency, seconds; default 20. */
  readonly fileCheckSeconds?: number;
  /** SIGTERM to SIGKILL inside `revive`, seconds; default 60, which etcd needs. */
  readonly graceSeconds?: number;
  /** Default 500 ms. */
  readonly pollMs?: number;
}

/** What the node has. */
export interface Ground {
  readonly runtimes: RuntimeChoice;
  /** Path of a program there; null when it is not installed. */
  readonly find: (name: string) => string | null;
  /** sd_booted(3): otherwise systemctl is only an installed program. */
  readonly hasSystemd: boolean;
  /** ms since the epoch; null when nobody can say. */
  readonly bootAt: () => number | null;
}

/** The way to the node. */
export interface Way {
  readonly ground: () => Promise<Ground>;
  readonly run: RunCommand;
  readonly runLine: RunLine;
  /** `/proc`, or the one of another root; null where it cannot be read from here. */
  readonly proc: string | null;
  /** A path of the node as the programs that run there have it. */
  readonly onNode: (path: string) => string;
  readonly plain: (consumer: Consumer) => ConsumerDriver;
  readonly bounceManifest: typeof bounceManifest;
  /** Puts a manifest back that a dead restart has taken out; false when there was none. */
  readonly restore: (consumer: string, manifest: string) => Promise<boolean>;
}

/** More than the check itself, for the kubelet to act on what it saw. */
const patienceMarginSeconds = 5;

/** Nothing is asked before the first call. */
export function processesOn(way: Way, options: ProcessesOptions): NodeProcesses {
  const { workFolder, consumers } = options;
  const { run, runLine, proc } = way;
  const pollMs = options.pollMs ?? 500;
  const drivers = new Map<string, Promise<ConsumerDriver>>();

  function driver(name: string): Promise<ConsumerDriver> {
    const consumer = consumers.find((one) => one.name === name);
    if (!consumer) throw new TypeError(`unknown consumer ${name}`);
    const opened = drivers.get(name) ?? openConsumer(consumer);
    drivers.set(name, opened);
    // What could not be asked may be asked next time.
    opened.catch(() => drivers.delete(name));
    return opened;
  }

  async function openConsumer(consumer: Consumer): Promise<ConsumerDriver> {
    const { name, manifest } = consumer;
    const ground = await way.ground();
    const usual = async (): Promise<ConsumerDriver> =>
      manifest === null ? supervised(consumer, ground) : pod(consumer, manifest, ground);
    const commands = commandsFor(name);
    if (!commands) return usual();
    return userCommands({ consumer: name, commands, usual, run, runLine, proc, workFolder, pollMs });
  }

  function commandsFor(name: string): ProcessCommands | undefined {
    const { commands = {} } = options;
    return Object.hasOwn(commands, name) ? commands[name] : undefined;
  }

  async function supervised(
    consumer: Consumer,
    { find, hasSystemd, bootAt }: Ground,
  ): Promise<ConsumerDriver> {
    const { name } = consumer;
    const program = find("systemctl");
    if (program !== null && hasSystemd) {
      const systemd = { consumer: name, unit: consumer.unit ?? `${name}.service`, program, run };
      const isThere = await hasUnit(systemd).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        const params = { consumer: name, tried: [error.message] };
        throw new AppError("process-unknowable", params, { cause: error });
      });
      if (isThere) return systemdUnit({ ...systemd, bootAt: bootAt() ?? 0 });
    }
    return way.plain(consumer);
  }

  function pod(consumer: Consumer, manifest: string, { runtimes, find }: Ground): ConsumerDriver {
    const container = consumer.container ?? consumer.name;
    return staticPod({
      consumer: consumer.name,
      container,
      pod: consumer.pod ?? null,
      runtimes,
      proc,
      pollMs,
      insteadOfBounce: options.avoidManifestMove === true ? restartKubelet : null,
      bounceManifest: way.bounceManifest,
      bounce: {
        consumer: consumer.name,
        manifest: way.onNode(manifest),
        workFolder,
        container,
        patienceSeconds: (options.fileCheckSeconds ?? 20) + patienceMarginSeconds,
        graceSeconds: options.graceSeconds ?? 60,
        pollMs,
        find,
      },
    });
  }

  async function restartKubelet({ timeoutSeconds }: { readonly timeoutSeconds: number }): Promise<void> {
    const kubelet = consumers.find(({ name }) => name === "kubelet") ?? { name: "kubelet", manifest: null };
    await (await openConsumer(kubelet)).revive({ timeoutSeconds });
  }

  async function restore(): Promise<readonly string[]> {
    const restored = await Promise.all(
      consumers.map(async ({ name, manifest }) =>
        manifest !== null && (await way.restore(name, manifest)) ? [manifest] : [],
      ),
    );
    return restored.flat();
  }

  return {
    // A static pod; a unit or a process of its own stays stopped until it is started, and so does what has a command for that.
    returnsByItself: (name) =>
      consumers.some((one) => one.name === name && one.manifest !== null) &&
      commandsFor(name)?.start === undefined,
    startability: async (consumer) => (await driver(consumer)).startability(),
    look: async (consumer, options_) => ({ consumer, ...(await (await driver(consumer)).look(options_)) }),
    stop: async (consumer, stopOptions) => (await driver(consumer)).stop(stopOptions),
    revive: async (consumer, reviveOptions) => (await driver(consumer)).revive(reviveOptions),
    restore,
  };
}
