// The processes of this machine, or of a tree below another root.
// INPUTS: the runtimes' sockets and programs, systemd, /proc. OUTPUTS: those of the drivers.
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { NodeProcesses } from "../../engine/ports/node-processes.ts";
import type { ConsumerDriver } from "./consumer-driver.ts";
import { bounceManifest, heldManifest, restoreManifest } from "./manifest-bounce.ts";
import { plainProcess } from "./plain-process.ts";
import type { RuntimeName } from "./pod-runtime.ts";
import { findPodRuntimes, type PodRuntimesOptions } from "./pod-runtimes.ts";
import { type Consumer, type Ground, type ProcessesOptions, processesOn } from "./processes-on.ts";
import { bootTime } from "./proc-files.ts";
import { findProgram, runCommand, type RunCommand } from "./run-command.ts";
import { runLine } from "./run-line.ts";
import { openRuntimeChoice } from "./runtime-choice.ts";

/** Where containers of a node are looked for. */
export interface RuntimeOptions {
  /** The kubelet's `container-runtime-endpoint` flag, else `containerRuntimeEndpoint` of its configuration, else null. */
  readonly runtimeEndpoint: string | null;
  /** `--runtime`. */
  readonly runtime?: RuntimeName;
  readonly sockets?: PodRuntimesOptions["sockets"];
}

export interface NodeProcessesOptions extends ProcessesOptions, RuntimeOptions {
  /** The directory that is `/` for the node. */
  readonly root: string;
  /** Default runCommand, findProgram. */
  readonly run?: RunCommand;
  readonly find?: (name: string) => string | null;
}

export function openNodeProcesses(options: NodeProcessesOptions): NodeProcesses {
  const { root, workFolder, runtimeEndpoint: endpoint, sockets = {} } = options;
  const run = options.run ?? runCommand;
  const find = options.find ?? findProgram;
  const pollMs = options.pollMs ?? 500;
  const proc = join(root, "proc");
  const onNode = (path: string): string => (root === "/" ? path : join(root, path));
  const only = options.runtime ?? null;
  const { candidates, absent } = findPodRuntimes({ root, endpoint, only, sockets, run, find, pollMs });
  const runtimes = openRuntimeChoice(candidates, absent);

  function ground(): Promise<Ground> {
    const hasSystemd = existsSync(onNode("/run/systemd/system"));
    return Promise.resolve({ runtimes, find, hasSystemd, bootAt: () => bootTime(proc) });
  }

  function plain({ name, flags = [] }: Consumer): ConsumerDriver {
    const own = {
      name,
      flags: flags.map((flag) => ({ ...flag, path: onNode(flag.path) })),
      // A root elsewhere has a /proc of its own making.
      sameRoot: root === "/",
    };
    return plainProcess({ consumer: name, own, proc, workFolder, pollMs });
  }

  function restore(consumer: string, manifest: string): Promise<boolean> {
    const isThere = existsSync(onNode(manifest.replace(/\/[^/]*$/, "")));
    const place = heldManifest({ consumer, manifest: onNode(manifest), workFolder });
    return Promise.resolve(isThere && restoreManifest(consumer, place));
  }

  return processesOn({ ground, run, runLine, proc, onNode, plain, bounceManifest, restore }, options);
}
