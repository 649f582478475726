// The composition root for one node's files: which drivers stand behind the ports.
import { join, resolve } from "node:path";
import type { Archives } from "../engine/ports/archives.ts";
import type { Live } from "../engine/ports/live.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { ListingStore } from "../engine/ports/store.ts";
import type { Failpoints, Audience } from "../engine/ports/world.ts";
import { systemProcesses } from "../drivers/shared/processes.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import {
  failpointsFromEnvironment,
  systemClock,
  systemRandomness,
  threadPoolKeyGenerator,
} from "../drivers/shared/world.ts";
import { type FileStore, openFileStore } from "../drivers/store/files.ts";
import { type RuntimeName, runtimeNames } from "../drivers/process/pod-runtime.ts";
import { readableRoots, routedStore } from "./routed-store.ts";
import { toolVersion } from "./version.ts";

export interface LocalNodeOptions {
  /** `--root`; `/` is the live node. */
  readonly root: string;
  /** `--state-dir`; null for `var/lib/perennial` below the root. */
  readonly stateDirectory: string | null;
  /** `--allow-links-to`, paths as seen on the node. */
  readonly allowLinksTo: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** How the running node is reached; null when only its files are worked on (`--root` without `--probe`). */
  readonly live?: LiveChoice | null;
  /** True when times come from this machine's clock: only then its files, its journals and other machines speak of it. */
  readonly isMachineClock?: boolean;
  /** As in {@link ReadableNode}. */
  readonly nodeName?: string;
}

export { runtimeNames };

/** What the operator says of the processes. */
export interface LiveChoice {
  /** `--runtime`; null takes the one that lists the pods. */
  readonly runtime: RuntimeName | null;
}

/** A node whose files can be read: the local one, or one that was collected elsewhere. */
export interface ReadableNode {
  /** `/` is the live node. */
  readonly root: string;
  /** Opens the files under the node's name; the caller closes it. */
  openStore(node: string): ListingStore & { close(): void };
  /** For a node whose files do not say it; default is this machine's, below `/`. */
  readonly hostName?: string;
  /** What a cluster file calls it; files that say otherwise are `node-is-another`. */
  readonly nodeName?: string;
  /** Each question is a way there and back, and many at once are one: what will be asked for is asked for together. */
  readonly isFar?: true;
}

export interface LocalNode extends LocalNodeOptions {
  readonly failpoints: Failpoints;
  /** Opens the files under the node's name; the caller closes it. */
  openStore(node: string): FileStore;
}

export function localNode(options: LocalNodeOptions): LocalNode {
  const root = resolve(options.root);
  const failpoints = failpointsFromEnvironment(options.environment);
  const { allowLinksTo } = options;
  return {
    ...options,
    root,
    failpoints,
    openStore: (node) => openFileStore({ root, node, allowLinksTo, failpoints }),
  };
}

/** Narrows to a node whose files are on this machine. */
export function isLocal(node: ReadableNode): node is LocalNode {
  return "failpoints" in node;
}

/** Narrows to a node whose processes may be dialled and restarted. */
export function isLive(local: LocalNode): local is LocalNode & { readonly live: LiveChoice } {
  return local.live !== null && local.live !== undefined;
}

/** Where lock, journals and before-images of this node are. */
export function stateDirectoryOf(local: Pick<LocalNode, "root" | "stateDirectory">): string {
  return local.stateDirectory === null ? join(local.root, stateOnNode) : resolve(local.stateDirectory);
}

/** Where this node's lock is, whatever the state directory. */
export function lockDirectoryOf(local: LocalNode): string {
  return join(local.root, stateOnNode);
}

export const stateOnNode = "var/lib/perennial";

/** Everything the engine asks for, with the real world behind it. */
export function enginePorts(
  local: LocalNode,
  store: FileStore,
  {
    audience,
    live,
    archives,
  }: { readonly audience: Audience; readonly live?: Live; readonly archives?: Archives },
): EnginePorts {
  const { failpoints } = local;
  return {
    store: routedStore(store, readableRoots(stateDirectoryOf(local))),
    state: openStateDirectory(stateDirectoryOf(local), { failpoints }),
    locks: [{ node: null, state: openStateDirectory(lockDirectoryOf(local), { failpoints }) }],
    processes: systemProcesses(),
    clock: systemClock,
    randomness: systemRandomness,
    keys: threadPoolKeyGenerator(),
    failpoints,
    audience,
    toolVersion,
    ...(live ? { live: () => live } : {}),
    ...(archives ? { archives } : {}),
  };
}
