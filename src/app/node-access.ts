// One node of a cluster as the use cases need it, whatever the way to it.
import { join } from "node:path";
import type { ClusterNode } from "../core/model/cluster.ts";
import type { CommandsByProcess, LiveInventory } from "../core/model/live.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import type { Live } from "../engine/ports/live.ts";
import type { Dial } from "../drivers/shared/dial.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import type { FileStore } from "../drivers/store/files.ts";
import type { LifeOf } from "./kept-runs.ts";
import { isLive, localNode, type LiveChoice, type ReadableNode, stateOnNode } from "./local-node.ts";

export interface NodeAccess {
  readonly node: ClusterNode;
  /** For discovery. */
  readonly readable: ReadableNode;
  /** False for a tree of files: nothing of it is dialled. */
  readonly isDialled: boolean;
  /** The way to its listeners; undefined: from this machine. */
  readonly dial: Dial | undefined;
  /** Opens its files under its name; the caller closes it. */
  openStore(): FileStore;
  /** A folder of the node's own `var/lib/perennial`; the empty path is that itself. */
  state(path: string): StateDirectory;
  /** Whether the holder of a lock still runs; undefined: as far as this machine knows. */
  readonly lifeOf?: LifeOf;
  /** What runs there, with the operator's own commands for it; null when only its files are worked on. Nothing is dialled yet. */
  live(inventory: LiveInventory, commands: CommandsByProcess): Promise<Live | null>;
  /** Its clock against this machine's; null when they are the same clock. */
  clock(): Promise<{ readonly offsetMs: number; readonly uncertaintyMs: number } | null>;
  close(): Promise<void>;
}

export interface AccessOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly allowLinksTo: readonly string[];
  /** How running nodes are reached; null works on files only. */
  readonly live: LiveChoice | null;
  /** Where a node keeps what belongs to runs over several nodes, below its `var/lib/perennial`. */
  readonly runsIn?: string;
}

/** This machine, or a tree of files on it. A tree is dialled only when `isProbed`. */
export function localAccess(
  node: ClusterNode,
  options: AccessOptions,
  { isProbed }: { readonly isProbed: boolean },
): NodeAccess {
  const { reach } = node;
  if (reach.kind === "ssh") throw new TypeError(`${node.name} is reached through SSH`);
  const root = reach.kind === "root" ? reach.root : "/";
  const { live } = options;
  const local = localNode({
    ...options,
    root,
    nodeName: node.name,
    stateDirectory: null,
    live: reach.kind === "local" || isProbed ? live : null,
  });
  return {
    node,
    readable: local,
    isDialled: isLive(local),
    dial: undefined,
    openStore: () => local.openStore(node.name),
    state: (path) =>
      openStateDirectory(join(local.root, stateOnNode, path), { failpoints: local.failpoints }),
    live: async (inventory, commands) => {
      if (!isLive(local)) return null;
      const { openLive } = await import("./live.ts");
      return openLive(local, { ...local.live, commands }, inventory);
    },
    clock: async () => Promise.resolve(null),
    close: async () => {},
  };
}
