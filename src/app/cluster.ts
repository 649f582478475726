// The nodes of a cluster file, each with the way to it; and what is stored on all of them, read at once.
import { join } from "node:path";
import type { Cluster, ClusterNode, Reach } from "../core/model/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Facts } from "../core/policy/facts.ts";
import { builtinProfile, builtinProfileIds } from "../core/profile/builtin.ts";
import { resolveParams } from "../core/profile/profile.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import type { ReadableState } from "../engine/runs.ts";
import { defaultStateDirectory } from "./cluster-state.ts";
import { type GatherOptions, type ProfileChoice, gather } from "./gather.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";
import { type KeptRuns, keptRuns, type LifeOf } from "./kept-runs.ts";
import {
  type LiveChoice,
  type LocalNode,
  type ReadableNode,
  localNode,
  lockDirectoryOf,
} from "./local-node.ts";
import { factsOfCluster } from "./facts-of-cluster.ts";

export type SshNode = ClusterNode & { readonly reach: Extract<Reach, { readonly kind: "ssh" }> };

/** A node, and what it keeps for runs. */
export interface OpenNode extends ReadableNode {
  /** A folder of the node's own `var/lib/perennial`. */
  state(path: string): ReadableState;
  /** Whether the holder of a lock still runs; default: as far as this machine knows. */
  readonly lifeOf?: LifeOf;
}

/** A node that holds something until it is closed. */
export interface ReachedNode extends OpenNode {
  close(): Promise<void>;
}

/** Opens a node of another machine; called once per node. Throws AppErrors for what cannot be reached. */
export type NodeOpener = (node: SshNode) => Promise<ReachedNode>;

export interface OpenClusterOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Without it nodes of other machines are `reach-unsupported`. */
  readonly openSsh?: NodeOpener;
  /** How the processes of the `local` node are found; default null: files only. */
  readonly live?: LiveChoice | null;
  readonly allowLinksTo?: readonly string[];
}

/** A node that is read and never written (node-access.ts has the ones that are). */
export interface ReadAccess {
  readonly node: ClusterNode;
  /** The node itself when its files are on this machine (`local`, `root`). */
  readonly local: LocalNode | null;
  /** Reached at the first call, the same node or the same error at every later one. @throws AppError */
  readonly open: () => Promise<OpenNode>;
  /** Ends what `open` began; the next `open` begins anew. */
  readonly leave: () => Promise<void>;
}

export interface OpenCluster {
  readonly cluster: Cluster;
  readonly choice: ProfileChoice;
  readonly nodes: readonly ReadAccess[];
  /** Absolute path of the operator's own part of the runs. */
  readonly stateDirectory: string;
  close(): Promise<void>;
}

/** What came of one node. */
export type NodeOutcome =
  | {
      readonly node: ClusterNode;
      readonly state: "read";
      readonly facts: Facts;
      /** Of the cluster and of the node itself; null without any. */
      readonly runs: KeptRuns | null;
    }
  | { readonly node: ClusterNode; readonly state: "failed"; readonly error: AppError };

export interface ClusterFacts {
  /** In the order of the file. */
  readonly outcomes: readonly NodeOutcome[];
  /** Of all nodes that were read; null when none was. */
  readonly facts: Facts | null;
}

/** Nothing is reached yet. @throws AppError `profile-unknown`, `name-unknown` for what the file says of the profile */
export function openCluster(cluster: Cluster, options: OpenClusterOptions): OpenCluster {
  const { profile, params } = cluster;
  assertParams(cluster);
  const nodes = cluster.nodes.map((node) => accessTo(node, options));
  return {
    cluster,
    choice: { id: profile, params },
    nodes,
    stateDirectory: defaultStateDirectory(cluster.name, options.environment),
    close: async () => {
      await inParallel(nodes, nodesAtOnce, ({ leave }) => leave());
    },
  };
}

/** A wrong parameter is one error of the file and not one of every node. */
function assertParams({ profile, params }: Cluster): void {
  const ids = profile === null ? builtinProfileIds() : [profile];
  const attempts = ids.map((id) => {
    try {
      resolveParams(builtinProfile(id).profile, params);
      return null;
    } catch (error) {
      return error;
    }
  });
  if (attempts.every((error) => error !== null)) throw attempts[0];
}

function accessTo(node: ClusterNode, options: OpenClusterOptions): ReadAccess {
  const { reach } = node;
  if (reach.kind !== "ssh") {
    const local = localNode({
      root: reach.kind === "root" ? reach.root : "/",
      stateDirectory: null,
      allowLinksTo: options.allowLinksTo ?? [],
      environment: options.environment,
      live: reach.kind === "local" ? (options.live ?? null) : null,
      nodeName: node.name,
    });
    const state = (path: string): ReadableState => openStateDirectory(join(lockDirectoryOf(local), path));
    return { node, local, open: async () => ({ ...local, state }), leave: async () => {} };
  }
  const { openSsh } = options;
  const reached = async (): Promise<ReachedNode> => {
    if (openSsh === undefined) throw new AppError("reach-unsupported", { node: node.name, reach: "ssh" });
    return { ...(await openSsh({ ...node, reach })), nodeName: node.name };
  };
  let opening: Promise<ReachedNode> | null = null;
  return {
    node,
    local: null,
    open: () => (opening ??= reached()),
    leave: async () => {
      // What could not be opened has nothing to close.
      const opened = await opening?.catch(() => null);
      opening = null;
      await opened?.close();
    },
  };
}

/**
 * Everything stored on all nodes, for the instant `at` (ms). A node that cannot be reached or read is an outcome. Of what was read
 * only the facts and the journals of the cluster's runs are kept, and each node is left as soon as it was read: never more than {@link nodesAtOnce} connections.
 * @throws AppError `profiles-differ`
 */
export async function gatherCluster(
  { cluster, nodes, choice }: OpenCluster,
  at: number,
  options: GatherOptions = { wipe: true },
): Promise<ClusterFacts> {
  const outcomes = await inParallel(nodes, nodesAtOnce, (access) =>
    outcomeOf(access, async (node) => {
      const { facts } = await gather(node, choice, at, options);
      const state = (path: string): ReadableState => node.state(path);
      const { lifeOf } = node;
      const runs = await keptRuns({ node: access.node.name, cluster: cluster.name, state, lifeOf });
      return { facts, runs };
    }),
  );
  const parts = outcomes.flatMap((outcome) => (outcome.state === "read" ? [outcome.facts] : []));
  return { outcomes, facts: parts.length === 0 ? null : factsOfCluster(cluster.name, parts) };
}

async function outcomeOf(
  { node, open, leave }: ReadAccess,
  read: (node: OpenNode) => Promise<{ readonly facts: Facts; readonly runs: KeptRuns | null }>,
): Promise<NodeOutcome> {
  try {
    return { node, state: "read", ...(await read(await open())) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { node, state: "failed", error };
  } finally {
    await leave();
  }
}
