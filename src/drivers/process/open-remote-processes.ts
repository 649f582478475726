// The processes of a node that is reached through a host.
// INPUTS: the host's runtimes, systemd, /proc. OUTPUTS: those of the drivers, all of them on the host.
import type { NodeProcesses } from "../../engine/ports/node-processes.ts";
import { dialThrough } from "../shared/dial.ts";
import type { Host } from "../shared/host.ts";
import type { RuntimeOptions } from "./open-node-processes.ts";
import { findPodRuntimes, possibleSockets } from "./pod-runtimes.ts";
import { type Ground, type ProcessesOptions, processesOn } from "./processes-on.ts";
import { remoteLine, remoteRun } from "./remote-commands.ts";
import { bounceRemoteManifest, restoreRemoteManifest } from "./remote-manifest-bounce.ts";
import { lookAtNode } from "./remote-node.ts";
import { remotePlainProcess } from "./remote-plain-process.ts";
import { openRuntimeChoice } from "./runtime-choice.ts";

/** As for this machine's; `workFolder` is the host's. */
export type RemoteProcessesOptions = ProcessesOptions & RuntimeOptions & { readonly host: Host };

/** Nothing is asked before the first call. Rejects as the local one does, and with what the host rejects with. */
export function openRemoteProcesses(options: RemoteProcessesOptions): NodeProcesses {
  const { host, workFolder, runtimeEndpoint: endpoint, sockets = {} } = options;
  const pollMs = options.pollMs ?? 500;
  const run = remoteRun(host);
  let known: Promise<Ground> | null = null;

  function ground(): Promise<Ground> {
    const mine = (known ??= lookAround());
    mine.catch(() => {
      if (known === mine) known = null;
    });
    return mine;
  }

  async function lookAround(): Promise<Ground> {
    const { find, isSocket, hasSystemd, bootAt } = await lookAtNode(
      host,
      possibleSockets({ endpoint, sockets }),
    );
    const dial = dialThrough(host);
    const only = options.runtime ?? null;
    const found = findPodRuntimes({ root: "/", endpoint, only, sockets, run, find, pollMs, isSocket, dial });
    return {
      runtimes: openRuntimeChoice(found.candidates, found.absent),
      find,
      hasSystemd,
      bootAt: () => bootAt,
    };
  }

  const way = {
    ground,
    run,
    runLine: remoteLine.bind(null, host),
    proc: null,
    onNode: (path: string) => path,
    plain: ({ name }: { readonly name: string }) =>
      remotePlainProcess({ host, consumer: name, name, workFolder, pollMs }),
    bounceManifest: bounceRemoteManifest.bind(null, host),
    restore: (consumer: string, manifest: string) =>
      restoreRemoteManifest(host, { consumer, manifest, workFolder }),
  };
  return processesOn(way, options);
}
