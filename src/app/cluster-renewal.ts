// The use cases plan, renew, apply for the nodes of a cluster.yaml.
import { parseAddress, type NodeName } from "../core/model/address.ts";
import type { Cluster } from "../core/model/cluster.ts";
import { AppError, codedError, isAppError } from "../core/model/errors.ts";
import type { LiveInventory } from "../core/model/live.ts";
import type { Plan, RenewRequest } from "../core/model/plan.ts";
import type { BatchSize, MinReady } from "../core/model/readiness.ts";
import { buildPlan } from "../core/plan/build.ts";
import { unreachable } from "../core/plan/plan-many.ts";
import { commandsInPlan, hasLiveSteps } from "../core/plan/steps.ts";
import { discoverLive } from "../drivers/discovery/live.ts";
import { systemProcesses } from "../drivers/shared/processes.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import {
  failpointsFromEnvironment,
  systemClock,
  systemRandomness,
  threadPoolKeyGenerator,
} from "../drivers/shared/world.ts";
import type { FileStore } from "../drivers/store/files.ts";
import { checkPlan } from "../engine/check-plan.ts";
import { refuseWhereHeld } from "../engine/cluster-lock.ts";
import { membersOf } from "../engine/members.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { Live } from "../engine/ports/live.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import type { RunOptions } from "../engine/run-context.ts";
import { runPlan } from "../engine/run-plan.ts";
import type { RunResult } from "../engine/run-result.ts";
import { archivesOfPlan, preflightArchives } from "./archive-of-plan.ts";
import { stateOfNodes, storeOfNodes } from "./cluster-ports.ts";
import { partOf } from "./cluster-state.ts";
import { gatherLiveInventory, type ProfileChoice } from "./gather.ts";
import { clocksOf, factsOfNodes, gatherNodes, readEtcd, type UnreadNode } from "./gather-nodes.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";
import { refuseStrangers } from "./live.ts";
import type { NodeAccess } from "./node-access.ts";
import { preflightProcesses } from "./process-preflight.ts";
import { findRuns, openAmong, runCopies, type RunPlace } from "./run-copies.ts";
import { toolVersion } from "./version.ts";

/** A cluster with the ways to its nodes open. */
export interface ClusterSession {
  readonly cluster: Cluster;
  readonly accesses: readonly NodeAccess[];
  /** Absolute path of the operator's own part of lock, plans and journals. */
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export interface ClusterRequest {
  readonly request: RenewRequest;
  readonly at: number;
  readonly acceptOutage: boolean;
  readonly skipsUnreachable: boolean;
  /** How many nodes have to report before controller-managers are started; null for none, absent for the plan's own default. */
  readonly minReady?: MinReady | null;
  /** How many workers are repaired side by side. */
  readonly batch?: BatchSize;
}

/** Reads every node and plans; changes nothing. @throws AppError `refused` when none could be read; `profiles-differ` */
export async function planCluster(
  open: ClusterSession,
  choice: ProfileChoice,
  { request, at, acceptOutage, skipsUnreachable, minReady, batch }: ClusterRequest,
): Promise<Plan> {
  const { processes: commands = {} } = request;
  const gathered = await gatherNodes(open.accesses, choice, { at, commands });
  if (gathered.nodes.length === 0) throw noNode(gathered.unread);
  refuseStrangers(
    commands,
    gathered.nodes.flatMap(({ live }) => live?.facts.inventory.processes ?? []),
  );
  const clock = await clocksOf(gathered.nodes.map(({ access }) => access));
  const facts = { ...factsOfNodes(open.cluster.name, gathered), clock };
  const stores = openStores(gathered.nodes.map(({ access }) => access));
  try {
    const members = await readEtcd({ ...worldPorts(), store: storeOfNodes(stores) }, facts, gathered);
    return buildPlan(facts, request, {
      toolVersion,
      root: "/",
      many: {
        live: gathered.nodes.flatMap(({ live }) => live?.facts ?? []),
        takesSnapshot: request.noSnapshot !== true,
        members,
        acceptOutage,
        unreachable: gathered.unread.map(asData),
        skipsUnreachable,
        workers: workersOf(open.cluster),
        ...(minReady === undefined ? {} : { minReady }),
        ...(batch === undefined ? {} : { batch }),
      },
    });
  } finally {
    for (const store of stores.values()) store.close();
  }
}

function workersOf({ nodes }: Cluster): readonly NodeName[] {
  return nodes.filter(({ roles }) => roles.every((role) => role === "worker")).map(({ name }) => name);
}

function noNode(unread: readonly UnreadNode[]): AppError {
  return new AppError("refused", { refusals: unread.map((node) => unreachable(asData(node))) });
}

function asData({ node, reason, error }: UnreadNode): Parameters<typeof unreachable>[0] {
  return { node, reason, error: codedError(error) };
}

/** @throws AppError `run-unfinished`; `locked` for a colleague's run that goes on: it is open as well, and was not cut off */
export async function refuseWhileClusterOpen(open: ClusterSession, plan: Plan): Promise<void> {
  const own = new Set(nodesOf(plan));
  const others = openAmong(await findRuns(placesOf(open), ({ node }) => node === null || own.has(node)));
  if (!others) return;
  await refuseWhereHeld(portsOf(open, { accesses: open.accesses, stores: new Map(), live: null }));
  throw new AppError("run-unfinished", { run: others.run });
}

/** Does exactly what the plan says, on every node that it names. */
export async function applyToCluster(
  open: ClusterSession,
  plan: Plan,
  options: RunOptions,
): Promise<RunResult> {
  checkPlan(plan);
  refuseOtherCluster(open, plan);
  await refuseWhileClusterOpen(open, plan);
  return withCluster(open, plan, async (ports, stores) => {
    await preflight(plan, stores);
    await preflightProcesses(plan, ports);
    await preflightArchives(plan, ports.store);
    return runPlan(ports, plan, options);
  });
}

/** The operator's own runs, and the copies on every node of the file. */
export function placesOf(open: ClusterSession): readonly RunPlace[] {
  const part = partOf(open.cluster.name);
  return [
    { node: null, state: mainState(open) },
    ...open.accesses.map((access) => ({ node: access.node.name, state: access.state(part) })),
  ];
}

export function refuseOtherCluster({ cluster }: ClusterSession, plan: Plan): void {
  if (plan.nodes !== undefined && plan.cluster === cluster.name) return;
  throw new AppError("plan-invalid", {
    path: plan.cluster,
    reason: `it was made for cluster ${plan.cluster}, not ${cluster.name}`,
  });
}

export function mainState({ stateDirectory, environment }: ClusterSession): StateDirectory {
  return openStateDirectory(stateDirectory, { failpoints: failpointsFromEnvironment(environment) });
}

function worldPorts(): Pick<EnginePorts, "clock" | "randomness" | "keys"> {
  return { clock: systemClock, randomness: systemRandomness, keys: threadPoolKeyGenerator() };
}

function openStores(accesses: readonly NodeAccess[]): ReadonlyMap<NodeName, FileStore> {
  return new Map(accesses.map((access) => [access.node.name, access.openStore()]));
}

/** Every node that the plan speaks of, open for the engine; those that have nothing but a member of etcd to be asked are neither locked nor written to. */
export async function withCluster<T>(
  open: ClusterSession,
  plan: Plan,
  action: (ports: EnginePorts, stores: ReadonlyMap<NodeName, FileStore>) => Promise<T>,
): Promise<T> {
  const accesses = accessesTo(open, nodesOf(plan));
  const all = accessesTo(open, [...nodesOf(plan), ...membersOf({ plan }).map(({ node }) => node)]);
  const live = hasLiveSteps(plan) ? await livePorts(all, plan) : null;
  const stores = openStores(all);
  try {
    const ports = portsOf(open, { accesses, stores, live });
    const archives = await archivesOfPlan(plan, ports.failpoints);
    return await action({ ...ports, ...archives }, stores);
  } finally {
    for (const store of stores.values()) store.close();
  }
}

/** Nodes that the plan reads or writes files of, or has steps for. */
function nodesOf(plan: Plan): readonly NodeName[] {
  return [
    ...plan.guards.map(({ address }) => parseAddress(address).node),
    ...plan.phases.flatMap(({ nodes }) => nodes.map(({ node }) => node)),
  ];
}

function accessesTo(open: ClusterSession, names: readonly NodeName[]): readonly NodeAccess[] {
  return [...new Set(names)].toSorted().map((node) => {
    const access = open.accesses.find((each) => each.node.name === node);
    if (access) return access;
    throw new AppError("plan-invalid", { path: node, reason: `there is no node ${node} in the cluster` });
  });
}

interface Opened {
  readonly accesses: readonly NodeAccess[];
  readonly stores: ReadonlyMap<NodeName, FileStore>;
  readonly live: ReadonlyMap<NodeName, Live> | null;
}

export function portsOf(open: ClusterSession, { accesses, stores, live }: Opened): EnginePorts {
  const main = mainState(open);
  const part = partOf(open.cluster.name);
  const states = new Map(accesses.map((access) => [access.node.name, access.state(part)]));
  // Who works on one of the nodes has his own part there: it is no copy.
  const copied = accesses
    .filter((access) => !isHere(access) || states.get(access.node.name)?.path !== main.path)
    .map((access) => access.node.name);
  return {
    ...worldPorts(),
    store: storeOfNodes(stores),
    state: stateOfNodes(main, states),
    locks: [
      { node: null, state: main },
      ...accesses.map((access) => ({
        node: access.node.name,
        state: access.state(""),
        isHere: isHere(access),
      })),
    ],
    copies: runCopies({ main, nodes: states, copied, self: () => systemProcesses().self() }),
    processes: systemProcesses(),
    failpoints: failpointsFromEnvironment(open.environment),
    audience: { tell: () => {} },
    toolVersion,
    ...(live === null ? {} : { live: (node: NodeName) => liveOn(live, node) }),
  };
}

/** The same path on another machine is another folder. */
function isHere({ node }: NodeAccess): boolean {
  return node.reach.kind !== "ssh";
}

function liveOn(live: ReadonlyMap<NodeName, Live>, node: NodeName): Live {
  const found = live.get(node);
  if (found) return found;
  throw new AppError("plan-invalid", { path: node, reason: `the processes of ${node} cannot be reached` });
}

/** Manifests that a killed restart took away are put back first, or discovery would not find their processes. */
async function livePorts(accesses: readonly NodeAccess[], plan: Plan): Promise<ReadonlyMap<NodeName, Live>> {
  const choice = { id: plan.profile.id, params: {} };
  const commands = commandsInPlan(plan);
  const found = await inParallel(
    accesses,
    nodesAtOnce,
    async (access): Promise<readonly (readonly [NodeName, Live])[]> => {
      const inventory = (): Promise<LiveInventory> =>
        gatherLiveInventory(access.readable, choice, discoverLive);
      const port = await access.live(await inventory(), commands);
      if (port === null) return [];
      const isComplete = (await port.processes.restore()).length === 0;
      const whole = isComplete ? port : await access.live(await inventory(), commands);
      return whole === null ? [] : [[access.node.name, whole]];
    },
  );
  return new Map(found.flat());
}

/** On all nodes, with nothing changed anywhere. */
async function preflight(plan: Plan, stores: ReadonlyMap<NodeName, FileStore>): Promise<void> {
  const written = plan.guards.filter(({ use }) => use === "written");
  const errors = await Promise.all(
    written.map(async ({ address }) => {
      const parsed = parseAddress(address);
      return (await stores.get(parsed.node)?.preflight(parsed)) ?? null;
    }),
  );
  const first = errors.find((error) => isAppError(error));
  if (first) throw first;
}
