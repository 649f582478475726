// The engine's port for a running node behind a host: listeners dialled from there, processes looked at and restarted there.
import { posix } from "node:path";
import type { CommandsByProcess, LiveInventory } from "../core/model/live.ts";
import { openApiServer } from "../drivers/health/api-server.ts";
import { openEtcdMember } from "../drivers/health/etcd-member.ts";
import { openProbes } from "../drivers/health/probes.ts";
import { remoteColdCopy, remoteCopied } from "../drivers/health/remote-cold-copy.ts";
import { openRemoteProcesses } from "../drivers/process/open-remote-processes.ts";
import { dialThrough } from "../drivers/shared/dial.ts";
import type { Host } from "../drivers/shared/host.ts";
import type { Live } from "../engine/ports/live.ts";
import { isMoveUnsafe, systemTimer } from "./live.ts";
import type { LiveChoice } from "./local-node.ts";

/** ms, on top of the way there. */
const hurriedMs = 1500;

export interface RemoteLiveOptions {
  /** The node's own, absolute: `/var/lib/perennial`. */
  readonly stateDirectory: string;
  /** The folder there that holds `runs`. */
  readonly runs: string;
}

/**
 * Opens the drivers for the processes that discovery found. Nothing is dialled yet, and the host stays the caller's. A peer behind the tunnel is
 * verified, or pinned, here. Snapshots of etcd become files of this machine; the cold copy of a stopped member stays on the node, in the
 * same run's folder of its own state directory, and is read from there when it goes into an encrypted archive.
 */
export function openRemoteLive(
  host: Host,
  { runtime, commands }: LiveChoice & { readonly commands: CommandsByProcess },
  inventory: LiveInventory,
  { stateDirectory, runs }: RemoteLiveOptions,
): Live {
  const { processes, runtimeEndpoint } = inventory;
  const dial = dialThrough(host);
  const copies = { host, stateDirectory: runs };
  return {
    processes: openRemoteProcesses({
      host,
      consumers: processes.map(({ consumer, manifest }) => ({ name: consumer, manifest })),
      runtimeEndpoint,
      workFolder: posix.join(stateDirectory, "processes"),
      commands,
      ...(runtime === null ? {} : { runtime }),
      avoidManifestMove: isMoveUnsafe(processes),
      pollMs: 200,
    }),
    probes: openProbes({ dial }),
    hurriedProbes: openProbes({ dial, deadlineMs: hurriedMs }),
    etcd: openEtcdMember("/", { dial, coldCopy: remoteColdCopy(copies), copied: remoteCopied(copies) }),
    api: openApiServer(dial),
    timer: systemTimer,
  };
}
