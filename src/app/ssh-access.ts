// A node of a cluster that is reached through SSH: its files, its own state directory, what runs there.
import { posix } from "node:path";
import type { ClusterNode } from "../core/model/cluster.ts";
import { openSshHost, type OpenSshHostOptions } from "../drivers/exec/open-ssh-host.ts";
import type { Host } from "../drivers/shared/host.ts";
import { remoteFacts } from "../drivers/shared/remote/facts.ts";
import { openRemoteStateDirectory } from "../drivers/shared/remote/state-directory.ts";
import type { FileStore } from "../drivers/store/files.ts";
import { openRemoteFileStore } from "../drivers/store/remote-files.ts";
import { stateOnNode } from "./local-node.ts";
import type { AccessOptions, NodeAccess } from "./node-access.ts";
import { openRemoteLive } from "./remote-live.ts";

export interface SshAccessOptions extends AccessOptions {
  /** How ssh is called and who is asked for passwords. */
  readonly ssh?: Omit<OpenSshHostOptions, "name" | "reach">;
}

/**
 * Logs in once, to learn what the node calls itself. `close` ends the connection.
 * @throws AppError as the host does (open-ssh-host.ts); TypeError for a node that is reached in another way
 */
export async function openSshAccess(node: ClusterNode, options: SshAccessOptions): Promise<NodeAccess> {
  const { name, reach } = node;
  if (reach.kind !== "ssh") throw new TypeError(`${name} is not reached through SSH`);
  const host = openSshHost({ ...options.ssh, name, reach });
  try {
    return await accessThrough(host, node, options);
  } catch (error) {
    await host.close();
    throw error;
  }
}

/** The same over a host that is open; `close` closes it. */
export async function accessThrough(
  host: Host,
  node: ClusterNode,
  { allowLinksTo, live }: AccessOptions,
): Promise<NodeAccess> {
  const { hostname } = await remoteFacts(host);
  const stateDirectory = posix.join("/", stateOnNode);
  const openStore = (name: string): FileStore => ({
    ...openRemoteFileStore({ host, node: name, allowLinksTo }),
    // Nothing is held open there; the host is closed with the access.
    close: () => {},
  });
  return {
    node,
    readable: { root: "/", openStore, hostName: hostname },
    openStore: () => openStore(node.name),
    state: (path) => openRemoteStateDirectory({ host, path: posix.join(stateDirectory, path) }),
    live: async (inventory) =>
      Promise.resolve(live === null ? null : openRemoteLive(host, live, inventory, { stateDirectory })),
    clock: async () => {
      const { clock } = await remoteFacts(host);
      const offsetMs = Math.round((clock.aheadAtLeastMs + clock.aheadAtMostMs) / 2);
      return { offsetMs, uncertaintyMs: Math.ceil((clock.aheadAtMostMs - clock.aheadAtLeastMs) / 2) };
    },
    close: () => host.close(),
  };
}
