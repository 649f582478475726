// The processes of one node: which driver stands behind each consumer.
// INPUTS: the runtimes' sockets and programs, systemd, /proc. OUTPUTS: those of the drivers.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "../../core/model/errors.ts";
import type { CommandsByProcess, ProcessCommands } from "../../core/model/live.ts";
import type { NodeProcesses } from "../../engine/ports/node-processes.ts";
import type { ConsumerDriver } from "./consumer-driver.ts";
import { heldManifest, restoreManifest } from "./manifest-bounce.ts";
import { plainProcess } from "./plain-process.ts";
import type { RuntimeName } from "./pod-runtime.ts";
import { findPodRuntimes, type PodRuntimesOptions } from "./pod-runtimes.ts";
import { bootTime, type OwnFlag } from "./proc-files.ts";
import { findProgram, runCommand, type RunCommand } from "./run-command.ts";
import { openRuntimeChoice } from "./runtime-choice.ts";
import { staticPod } from "./static-pods.ts";
import { hasUnit, systemdUnit } from "./systemd-unit.ts";
import { runLine } from "./run-line.ts";
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

export interface NodeProcessesOptions {
  /** The directory that is `/` for the node. */
  readonly root: string;
  readonly consumers: readonly Consumer[];
  /** The kubelet's `container-runtime-endpoint` flag, else `containerRuntimeEndpoint` of its configuration, else null. */
  readonly runtimeEndpoint: string | null;
  /** Absolute folder for scripts, their status and launch records; 0700. */
  readonly workFolder: string;
  /** `--runtime`. */
  readonly runtime?: RuntimeName;
  readonly commands?: CommandsByProcess;
  /** Kubelets of 1.22 and 1.23 lose a static pod that comes back too soon (kubernetes/kubernetes#104648): restart them instead. */
  readonly avoidManifestMove?: boolean;
  /** The kubelet's fileCheckFrequency, seconds; default 20. */
  readonly fileCheckSeconds?: number;
  /** SIGTERM to SIGKILL inside `revive`, seconds; default 60, which etcd needs. */
  readonly graceSeconds?: number;
  readonly sockets?: PodRuntimesOptions["sockets"];
  /** Default runCommand, findProgram, 500 ms. */
  readonly run?: RunCommand;
  readonly find?: (name: string) => string | null;
  readonly pollMs?: number;
}

/** More than the check itself, for the kubelet to act on what it saw. */
const patienceMarginSeconds = 5;

export function openNodeProcesses(options: NodeProcessesOptions): NodeProcesses {
  const { root, workFolder, consumers } = options;
  const run = options.run ?? runCommand;
  const find = options.find ?? findProgram;
  const pollMs = options.pollMs ?? 500;
  const proc = join(root, "proc");
  const onRoot = (path: string): string => (root === "/" ? path : join(root, path));
  const drivers = new Map<string, Promise<ConsumerDriver>>();
  const { candidates, absent } = findPodRuntimes({
    root,
    endpoint: options.runtimeEndpoint,
    only: options.runtime ?? null,
    sockets: options.sockets ?? {},
    run,
    find,
    pollMs,
  });
  const runtimes = openRuntimeChoice(candidates, absent);

  function driver(name: string): Promise<ConsumerDriver> {
    const consumer = consumers.find((one) => one.name === name);
    if (!consumer) throw new TypeError(`unknown consumer ${name}`);
    const known = drivers.get(name) ?? openConsumer(consumer);
    drivers.set(name, known);
    // A systemd that did not answer may do so next time.
    known.catch(() => drivers.delete(name));
    return known;
  }

  async function openConsumer(consumer: Consumer): Promise<ConsumerDriver> {
    const { name, manifest } = consumer;
    const usual = async (): Promise<ConsumerDriver> =>
      manifest === null ? supervised(consumer) : pod(consumer, manifest);
    const commands = commandsFor(name);
    if (!commands) return usual();
    return userCommands({ consumer: name, commands, usual, run, runLine, proc, workFolder, pollMs });
  }

  function commandsFor(name: string): ProcessCommands | undefined {
    const { commands = {} } = options;
    return Object.hasOwn(commands, name) ? commands[name] : undefined;
  }

  async function supervised(consumer: Consumer): Promise<ConsumerDriver> {
    const { name } = consumer;
    const unit = consumer.unit ?? `${name}.service`;
    const program = find("systemctl");
    // sd_booted(3): otherwise systemctl is only an installed program.
    if (program !== null && existsSync(onRoot("/run/systemd/system"))) {
      const systemd = { consumer: name, unit, program, run };
      const isThere = await hasUnit(systemd).catch((error: unknown) => {
        if (!(error instanceof AppError)) throw error;
        throw new AppError(
          "process-unknowable",
          { consumer: name, tried: [error.message] },
          { cause: error },
        );
      });
      if (isThere) return systemdUnit({ ...systemd, bootAt: bootTime(proc) ?? 0 });
    }
    const own = {
      name,
      flags: (consumer.flags ?? []).map((flag) => ({ ...flag, path: onRoot(flag.path) })),
      // A root elsewhere has a /proc of its own making.
      sameRoot: root === "/",
    };
    return plainProcess({ consumer: name, own, proc, workFolder, pollMs });
  }

  function pod(consumer: Consumer, manifest: string): ConsumerDriver {
    const container = consumer.container ?? consumer.name;
    return staticPod({
      consumer: consumer.name,
      container,
      pod: consumer.pod ?? null,
      runtimes,
      proc,
      pollMs,
      insteadOfBounce: options.avoidManifestMove === true ? restartKubelet : null,
      bounce: {
        consumer: consumer.name,
        manifest: onRoot(manifest),
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

  return {
    // A static pod; a unit or a process of its own stays stopped until it is started, and so does what has a command for that.
    returnsByItself: (name) =>
      consumers.some((one) => one.name === name && one.manifest !== null) &&
      commandsFor(name)?.start === undefined,
    startability: async (consumer) => (await driver(consumer)).startability(),
    look: async (consumer, options_) => ({ consumer, ...(await (await driver(consumer)).look(options_)) }),
    stop: async (consumer, stopOptions) => (await driver(consumer)).stop(stopOptions),
    revive: async (consumer, reviveOptions) => (await driver(consumer)).revive(reviveOptions),
    restore: async () =>
      Promise.resolve(
        consumers.flatMap(({ name, manifest }) => {
          if (manifest === null || !existsSync(onRoot(manifest.replace(/\/[^/]*$/, "")))) return [];
          const place = heldManifest({ consumer: name, manifest: onRoot(manifest), workFolder });
          return restoreManifest(name, place) ? [manifest] : [];
        }),
      ),
  };
}
