// Facts of all nodes of a cluster at one instant: files, processes, listeners, etcd's members; nodes in parallel.
import type { NodeName } from "../core/model/address.ts";
import type { ClockWitness } from "../core/model/clock.ts";
import { type AppError, isAppError, wordsOf } from "../core/model/errors.ts";
import type { CommandsByProcess, LiveFacts } from "../core/model/live.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import { etcdAccess } from "../core/plan/etcd-access.ts";
import type { Facts } from "../core/policy/facts.ts";
import { discoverLive } from "../drivers/discovery/live.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import { systemClock } from "../drivers/shared/world.ts";
import { type EtcdPorts, withEtcdTarget } from "../engine/etcd-target.ts";
import { orUnreachable } from "../engine/members.ts";
import type { Live } from "../engine/ports/live.ts";
import { gatherLive, type ProfileChoice } from "./gather.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";
import { hurriedBy, lookLive } from "./live.ts";
import type { NodeAccess } from "./node-access.ts";
import { factsOfCluster } from "./facts-of-cluster.ts";

export interface GatheredNode {
  readonly access: NodeAccess;
  readonly facts: Facts;
  /** null when the node is not dialled. */
  readonly live: { readonly facts: LiveFacts; readonly port: Live } | null;
}

export interface UnreadNode {
  readonly node: NodeName;
  /** In the words of the error itself. */
  readonly reason: string;
  readonly error: AppError;
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
  const results = await inParallel(accesses, nodesAtOnce, (access) => gatherOne(access, choice, options));
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
    if (isAppError(error)) return { node: name, reason: wordsOf(error), error };
    throw error;
  }
}

/** The whole cluster's. @throws AppError `profiles-differ`; TypeError without a node */
export function factsOfNodes(cluster: string, { nodes }: GatheredNodes): Facts {
  return factsOfCluster(
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
  const readings = await inParallel(
    nodes,
    nodesAtOnce,
    async ({ live, access: { node } }): Promise<readonly MemberReading[]> => {
      const access = live && etcdAccess(facts, live.facts);
      if (!live || !access) return [];
      const answer = await orUnreachable(() =>
        withEtcdTarget(ports, access, (target) => live.port.etcd.reading(target)),
      );
      return [{ node: node.name, answer }];
    },
  );
  return readings.flat();
}

/** What each machine says the time is, against this one's; the benefit of the doubt is the way there and back. */
export async function clocksOf(accesses: readonly NodeAccess[]): Promise<readonly ClockWitness[]> {
  const told = await inParallel(accesses, nodesAtOnce, async (access): Promise<readonly ClockWitness[]> => {
    const clock = await access.clock();
    if (clock === null) return [];
    const askedAt = systemClock.now();
    const offBy = Math.max(0, Math.abs(clock.offsetMs) - clock.uncertaintyMs);
    const at = askedAt + Math.sign(clock.offsetMs) * offBy;
    return [{ kind: "peer", endpoint: access.node.name, at, askedAt }];
  });
  return told.flat();
}
