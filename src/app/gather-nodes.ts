// Facts of all nodes of a cluster at one instant: files, processes, listeners, etcd's members; nodes in parallel.
import type { NodeName } from "../core/model/address.ts";
import { isAppError, wordsOf } from "../core/model/errors.ts";
import type { CommandsByProcess, LiveFacts } from "../core/model/live.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import { etcdAccess } from "../core/plan/live-steps.ts";
import type { Facts } from "../core/policy/facts.ts";
import { mergeFacts } from "../core/policy/merge-facts.ts";
import { discoverLive } from "../drivers/discovery/live.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import { type EtcdPorts, withEtcdTarget } from "../engine/etcd-target.ts";
import type { Live } from "../engine/ports/live.ts";
import { gatherLive, type ProfileChoice } from "./gather.ts";
import { hurriedBy, lookLive } from "./live.ts";
import type { NodeAccess } from "./node-access.ts";

export interface GatheredNode {
  readonly access: NodeAccess;
  readonly facts: Facts;
  /** null when the node is not dialled. */
  readonly live: { readonly facts: LiveFacts; readonly port: Live } | null;
}

export interface UnreadNode {
  readonly node: NodeName;
  readonly reason: string;
}

export interface GatheredNodes {
  readonly nodes: readonly GatheredNode[];
  readonly unread: readonly UnreadNode[];
}

export interface GatherNodesOptions {
  readonly at: number;
  /** The operator's own, for the processes of every node. */
  readonly commands: CommandsByProcess;
}

/** A node that cannot be read is told, and hinders none of the others. */
export async function gatherNodes(
  accesses: readonly NodeAccess[],
  choice: ProfileChoice,
  options: GatherNodesOptions,
): Promise<GatheredNodes> {
  const results = await Promise.all(accesses.map((access) => gatherOne(access, choice, options)));
  return {
    nodes: results.flatMap((result) => ("facts" in result ? [result] : [])),
    unread: results.flatMap((result) => ("reason" in result ? [result] : [])),
  };
}

async function gatherOne(
  access: NodeAccess,
  choice: ProfileChoice,
  { at, commands }: GatherNodesOptions,
): Promise<GatheredNode | UnreadNode> {
  const { name } = access.node;
  try {
    const { facts, live } = await gatherLive(access.readable, choice, {
      at,
      discover: discoverLive,
      remains: discoverRemains,
    });
    const port = await access.live(live, commands);
    return {
      access,
      facts,
      live: port === null ? null : { facts: await lookLive(port, live, hurriedBy(facts)), port },
    };
  } catch (error) {
    if (isAppError(error)) return { node: name, reason: wordsOf(error) };
    throw error;
  }
}

/** The whole cluster's. @throws TypeError without a node */
export function factsOfNodes(cluster: string, { nodes }: GatheredNodes): Facts {
  return mergeFacts(
    cluster,
    nodes.map(({ facts }) => facts),
  );
}

/** Every member on a node that is dialled; empty without etcd there. */
export async function readEtcd(
  ports: EtcdPorts,
  facts: Facts,
  { nodes }: GatheredNodes,
): Promise<readonly MemberReading[]> {
  const readings = await Promise.all(
    nodes.map(async ({ live, access: { node } }): Promise<readonly MemberReading[]> => {
      const access = live && etcdAccess(facts, live.facts);
      if (!live || !access) return [];
      return [{ node: node.name, answer: await askMember(ports, access, live.port) }];
    }),
  );
  return readings.flat();
}

async function askMember(
  ports: EtcdPorts,
  access: NonNullable<ReturnType<typeof etcdAccess>>,
  live: Live,
): Promise<MemberReading["answer"]> {
  try {
    return await withEtcdTarget(ports, access, (target) => live.etcd.reading(target));
  } catch (error) {
    if (isAppError(error)) return { unreachable: wordsOf(error) };
    throw error;
  }
}
