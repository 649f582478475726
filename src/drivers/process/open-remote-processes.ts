// The processes of a node that is reached through a host: which driver stands behind each consumer.
// INPUTS: the host's runtimes, systemd, /proc. OUTPUTS: those of the drivers, all of them on the host.
import { AppError } from "../../core/model/errors.ts";
import type { NodeProcesses } from "../../engine/ports/node-processes.ts";
import { dialThrough } from "../shared/dial.ts";
import type { Host } from "../shared/host.ts";
import type { ConsumerDriver } from "./consumer-driver.ts";
import type { Consumer, NodeProcessesOptions } from "./open-node-processes.ts";
import { findPodRuntimes, possibleSockets } from "./pod-runtimes.ts";
import { remoteLine, remoteRun } from "./remote-commands.ts";
import { bounceRemoteManifest, restoreRemoteManifest } from "./remote-manifest-bounce.ts";
import { lookAtNode, type RemoteNode } from "./remote-node.ts";
import { remotePlainProcess } from "./remote-plain-process.ts";
import type { RunCommand } from "./run-command.ts";
import { openRuntimeChoice, type RuntimeChoice } from "./runtime-choice.ts";
import { staticPod } from "./static-pods.ts";
import { hasUnit, systemdUnit } from "./systemd-unit.ts";
import { userCommands } from "./user-commands.ts";

/** As for this machine's; `workFolder` is the host's. */
export type RemoteProcessesOptions = Omit<NodeProcessesOptions, "root" | "run" | "find"> & {
  readonly host: Host;
};

/** More than the check itself, for the kubelet to act on what it saw. */
const patienceMarginSeconds = 5;

interface Ground {
  readonly node: RemoteNode;
  readonly runtimes: RuntimeChoice;
}

/** Nothing is asked before the first call. Rejects as the local one does, and with what the host rejects with. */
export function openRemoteProcesses(options: RemoteProcessesOptions): NodeProcesses {
  const { host, workFolder, consumers, runtimeEndpoint: endpoint, sockets = {} } = options;
  const pollMs = options.pollMs ?? 500;
  const run = remoteRun(host);
  const drivers = new Map<string, Promise<ConsumerDriver>>();
  let known: Promise<Ground> | null = null;

  function ground(): Promise<Ground> {
    const mine = (known ??= lookAround());
    mine.catch(() => {
      if (known === mine) known = null;
    });
    return mine;
  }

  async function lookAround(): Promise<Ground> {
    const node = await lookAtNode(host, possibleSockets({ endpoint, sockets }));
    const { find, isSocket } = node;
    const dial = dialThrough(host);
    const only = options.runtime ?? null;
    const found = findPodRuntimes({ root: "/", endpoint, only, sockets, run, find, pollMs, isSocket, dial });
    return { node, runtimes: openRuntimeChoice(found.candidates, found.absent) };
  }

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
    const { node, runtimes } = await ground();
    const usual =
      manifest === null ? await supervised(consumer, node) : pod(consumer, manifest, { node, runtimes });
    const commands = options.commands?.[name];
    return commands ? userCommands({ consumer: name, commands, usual, run: lineOf(name), pollMs }) : usual;
  }

  /** A line's output goes to a file: what it leaves in the background would hold the shell's own open. */
  function lineOf(consumer: string): RunCommand {
    const log = `${workFolder}/command-${consumer}.log`;
    return (_, [, line = ""], { timeoutMs }) => remoteLine(host, line, { name: consumer, timeoutMs, log });
  }

  async function supervised(consumer: Consumer, node: RemoteNode): Promise<ConsumerDriver> {
    const { name } = consumer;
    const program = node.find("systemctl");
    if (program !== null && node.hasSystemd) {
      const systemd = { consumer: name, unit: consumer.unit ?? `${name}.service`, program, run };
      const isThere = await hasUnit(systemd).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        const params = { consumer: name, tried: [error.message] };
        throw new AppError("process-unknowable", params, { cause: error });
      });
      if (isThere) return systemdUnit({ ...systemd, bootAt: node.bootAt ?? 0 });
    }
    return remotePlainProcess({ host, consumer: name, name, workFolder, pollMs });
  }

  function pod(consumer: Consumer, manifest: string, { node, runtimes }: Ground): ConsumerDriver {
    const container = consumer.container ?? consumer.name;
    return staticPod({
      consumer: consumer.name,
      container,
      pod: consumer.pod ?? null,
      runtimes,
      pollMs,
      insteadOfBounce: options.avoidManifestMove === true ? restartKubelet : null,
      bounceManifest: (bounce) => bounceRemoteManifest(host, bounce),
      bounce: {
        consumer: consumer.name,
        manifest,
        workFolder,
        container,
        patienceSeconds: (options.fileCheckSeconds ?? 20) + patienceMarginSeconds,
        graceSeconds: options.graceSeconds ?? 60,
        pollMs,
        find: node.find,
      },
    });
  }

  async function restartKubelet({ timeoutSeconds }: { readonly timeoutSeconds: number }): Promise<void> {
    const kubelet = consumers.find(({ name }) => name === "kubelet") ?? { name: "kubelet", manifest: null };
    await (await openConsumer(kubelet)).revive({ timeoutSeconds });
  }

  async function restore(): Promise<readonly string[]> {
    const restored: string[] = [];
    for (const { name, manifest } of consumers) {
      if (manifest === null) continue;
      if (await restoreRemoteManifest(host, { consumer: name, manifest, workFolder }))
        restored.push(manifest);
    }
    return restored;
  }

  return {
    returnsByItself: (name) => consumers.some((one) => one.name === name && one.manifest !== null),
    look: async (consumer, options_) => ({ consumer, ...(await (await driver(consumer)).look(options_)) }),
    stop: async (consumer, stopOptions) => (await driver(consumer)).stop(stopOptions),
    revive: async (consumer, reviveOptions) => (await driver(consumer)).revive(reviveOptions),
    restore,
  };
}
