// A node of a cluster that is reached through SSH: its files, its own state directory, what runs there.
import { posix } from "node:path";
import type { ClusterNode } from "../core/model/cluster.ts";
import { openSshHost, type OpenSshHostOptions } from "../drivers/exec/open-ssh-host.ts";
import { dialThrough } from "../drivers/shared/dial.ts";
import type { Host } from "../drivers/shared/host.ts";
import { lockFolder } from "../engine/lock.ts";
import { remoteFacts } from "../drivers/shared/remote/facts.ts";
import { remoteLife } from "../drivers/shared/remote/process-life.ts";
import { openRemoteStateDirectory } from "../drivers/shared/remote/state-directory.ts";
import type { FileStore } from "../drivers/store/files.ts";
import { openRemoteFileStore } from "../drivers/store/remote-files.ts";
import { lifeHere } from "./kept-runs.ts";
import { stateOnNode } from "./local-node.ts";
import type { AccessOptions, NodeAccess } from "./node-access.ts";
import { openRemoteLive } from "./remote-live.ts";

export interface SshAccessOptions extends AccessOptions {
  /** How ssh is called and who is asked for passwords. */
  readonly ssh?: Omit<OpenSshHostOptions, "name" | "reach">;
}

/**
 * Nothing is dialled before the first use, whose errors are those of the host (open-ssh-host.ts). `close` ends the connection.
 * @throws TypeError for a node that is reached in another way
 */
export function openSshAccess(node: ClusterNode, options: SshAccessOptions): NodeAccess {
  const { name, reach } = node;
  if (reach.kind !== "ssh") throw new TypeError(`${name} is not reached through SSH`);
  const { sshConfig } = reach;
  const config = sshConfig === null ? {} : { sshConfig };
  return accessThrough(openSshHost({ ...config, ...options.ssh, name, reach }), node, options);
}

/** The same over a host that is open; `close` closes it. */
export function accessThrough(
  host: Host,
  node: ClusterNode,
  { allowLinksTo, live, runsIn = "" }: AccessOptions,
): NodeAccess {
  const stateDirectory = posix.join("/", stateOnNode);
  const openStore = (name: string): FileStore => ({
    ...openRemoteFileStore({ host, node: name, allowLinksTo, lock: posix.join(stateDirectory, lockFolder) }),
    // Nothing is held open there; the host is closed with the access.
    close: () => {},
  });
  return {
    node,
    readable: { root: "/", openStore, nodeName: node.name, isFar: true },
    isDialled: live !== null,
    dial: dialThrough(host),
    openStore: () => openStore(node.name),
    state: (path) => openRemoteStateDirectory({ host, path: posix.join(stateDirectory, path) }),
    lifeOf: async (actor) => {
      const life = await lifeHere(actor);
      return life === "unknown" ? remoteLife(host, actor) : life;
    },
    live: async (inventory, commands) =>
      Promise.resolve(
        live === null
          ? null
          : openRemoteLive(host, { ...live, commands }, inventory, {
              stateDirectory,
              runs: posix.join(stateDirectory, runsIn),
            }),
      ),
    clock: async () => {
      const { clock } = await remoteFacts(host);
      const offsetMs = Math.round((clock.aheadAtLeastMs + clock.aheadAtMostMs) / 2);
      return { offsetMs, uncertaintyMs: Math.ceil((clock.aheadAtMostMs - clock.aheadAtLeastMs) / 2) };
    },
    close: () => host.close(),
  };
}
