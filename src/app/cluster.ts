// The nodes of a cluster file, each with the way to it; and what is stored on all of them, read at once.
import type { Cluster, ClusterNode, Reach } from "../core/model/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Facts } from "../core/policy/facts.ts";
import { mergeFacts } from "../core/policy/merge-facts.ts";
import { builtinProfile, builtinProfileIds } from "../core/profile/builtin.ts";
import { resolveParams } from "../core/profile/profile.ts";
import { type GatherOptions, type ProfileChoice, gather } from "./gather.ts";
import { inParallel } from "./in-parallel.ts";
import { type LiveChoice, type LocalNode, type ReadableNode, localNode } from "./local-node.ts";

export type SshNode = ClusterNode & { readonly reach: Extract<Reach, { readonly kind: "ssh" }> };

/** A node that holds something until it is closed. */
export interface ReachedNode extends ReadableNode {
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

export interface NodeAccess {
  readonly node: ClusterNode;
  /** The node itself when its files are on this machine (`local`, `root`). */
  readonly local: LocalNode | null;
  /** Reached at the first call, the same node or the same error at every later one. @throws AppError */
  readonly open: () => Promise<ReadableNode>;
}

export interface OpenCluster {
  readonly cluster: Cluster;
  readonly choice: ProfileChoice;
  readonly nodes: readonly NodeAccess[];
  close(): Promise<void>;
}

/** What came of one node. */
export type NodeOutcome =
  | { readonly node: ClusterNode; readonly state: "read"; readonly facts: Facts }
  | { readonly node: ClusterNode; readonly state: "failed"; readonly error: AppError };

export interface ClusterFacts {
  /** In the order of the file. */
  readonly outcomes: readonly NodeOutcome[];
  /** Of all nodes that were read; null when none was. */
  readonly facts: Facts | null;
}

/** How many nodes are reached and read at a time. */
export const nodesAtOnce = 32;

/** Nothing is reached yet. @throws AppError `profile-unknown`, `name-unknown` for what the file says of the profile */
export function openCluster(cluster: Cluster, options: OpenClusterOptions): OpenCluster {
  const { profile, params } = cluster;
  assertParams(cluster);
  const closers: (() => Promise<void>)[] = [];
  const nodes = cluster.nodes.map((node) => accessTo(node, options, closers));
  return {
    cluster,
    choice: { id: profile, params },
    nodes,
    close: async () => {
      await inParallel(closers.splice(0), nodesAtOnce, (close) => close());
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

function accessTo(
  node: ClusterNode,
  options: OpenClusterOptions,
  closers: (() => Promise<void>)[],
): NodeAccess {
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
    return { node, local, open: async () => local };
  }
  const { openSsh } = options;
  const reached = async (): Promise<ReadableNode> => {
    if (openSsh === undefined) throw new AppError("reach-unsupported", { node: node.name, reach: "ssh" });
    const opened = await openSsh({ ...node, reach });
    closers.push(() => opened.close());
    return { ...opened, nodeName: node.name };
  };
  let opening: Promise<ReadableNode> | null = null;
  return { node, local: null, open: () => (opening ??= reached()) };
}

/**
 * Everything stored on all nodes, for the instant `at` (ms). A node that cannot be reached or read is an outcome. Of what was read
 * only the facts are kept.
 * @throws AppError `profiles-differ`
 */
export async function gatherCluster(
  { cluster, nodes, choice }: OpenCluster,
  at: number,
  options: GatherOptions = { wipe: true },
): Promise<ClusterFacts> {
  const outcomes = await inParallel(nodes, nodesAtOnce, (access) =>
    outcomeOf(access, async (node) => (await gather(node, choice, at, options)).facts),
  );
  const parts = outcomes.flatMap((outcome) => (outcome.state === "read" ? [outcome.facts] : []));
  assertOneProfile(cluster, parts);
  return { outcomes, facts: parts.length === 0 ? null : mergeFacts(cluster.name, parts) };
}

async function outcomeOf(
  { node, open }: NodeAccess,
  read: (node: ReadableNode) => Promise<Facts>,
): Promise<NodeOutcome> {
  try {
    return { node, state: "read", facts: await read(await open()) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { node, state: "failed", error };
  }
}

function assertOneProfile({ name }: Cluster, parts: readonly Facts[]): void {
  const ids = [...new Set(parts.map(({ inventory }) => inventory.profile.id))];
  if (ids.length < 2) return;
  const profiles = ids.map((id) => {
    const own = parts.filter(({ inventory }) => inventory.profile.id === id);
    return `${id} (${own.flatMap(({ inventory }) => inventory.nodes.map(({ node }) => node)).join(", ")})`;
  });
  throw new AppError("profiles-differ", { cluster: name, profiles });
}
