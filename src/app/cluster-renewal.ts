// The use cases plan, renew, apply, resume, rollback, runs for the nodes of a cluster.yaml.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { parseAddress, type NodeName } from "../core/model/address.ts";
import type { ClockWitness } from "../core/model/clock.ts";
import type { Cluster } from "../core/model/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { LiveInventory } from "../core/model/live.ts";
import type { Plan, RenewRequest } from "../core/model/plan.ts";
import { buildPlan } from "../core/plan/build.ts";
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
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { Live } from "../engine/ports/live.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import { resumeRun } from "../engine/resume-run.ts";
import { rollbackRun } from "../engine/rollback-run.ts";
import type { RunOptions } from "../engine/run-context.ts";
import { runPlan } from "../engine/run-plan.ts";
import type { RunResult } from "../engine/run-result.ts";
import { lastUndoable, showRun, unfinishedRun } from "../engine/runs.ts";
import { copiesOnNodes, stateOfNodes, storeOfNodes } from "./cluster-ports.ts";
import { gatherLiveInventory, type ProfileChoice } from "./gather.ts";
import { factsOfNodes, gatherNodes, readEtcd } from "./gather-nodes.ts";
import { refuseStrangers } from "./live.ts";
import type { NodeAccess } from "./node-access.ts";
import { preflightProcesses } from "./process-preflight.ts";
import { toolVersion } from "./version.ts";

/** A cluster with the ways to its nodes open. */
export interface ClusterSession {
  readonly cluster: Cluster;
  readonly accesses: readonly NodeAccess[];
  /** Absolute path of the operator's own part of lock, plans and journals. */
  readonly stateDirectory: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Below the node's state directory for root, who may be on a node; else where the XDG specification puts state. */
export function defaultStateDirectory(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (process.getuid?.() === 0) return join("/var/lib/perennial", partOf(name));
  const base = environment["XDG_STATE_HOME"];
  const home = environment["HOME"] ?? homedir();
  return join(
    base === undefined || base === "" ? join(home, ".local/state") : resolve(base),
    "perennial",
    name,
  );
}

/** Where a node keeps what belongs to runs over several nodes, below its state directory. */
export function partOf(name: string): string {
  return `clusters/${name}`;
}

export interface ClusterRequest {
  readonly request: RenewRequest;
  readonly at: number;
  readonly acceptOutage: boolean;
  readonly skipsUnreachable: boolean;
}

/** Reads every node and plans; changes nothing. @throws AppError `nodes-unreadable` when none could be read */
export async function planCluster(
  open: ClusterSession,
  choice: ProfileChoice,
  { request, at, acceptOutage, skipsUnreachable }: ClusterRequest,
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
        unreachable: gathered.unread,
        skipsUnreachable,
      },
    });
  } finally {
    for (const store of stores.values()) store.close();
  }
}

/** What each machine says the time is, against this one's; the benefit of the doubt is the way there and back. */
async function clocksOf(accesses: readonly NodeAccess[]): Promise<readonly ClockWitness[]> {
  const told = await Promise.all(
    accesses.map(async (access): Promise<readonly ClockWitness[]> => {
      const clock = await access.clock();
      if (clock === null) return [];
      const askedAt = systemClock.now();
      const offBy = Math.max(0, Math.abs(clock.offsetMs) - clock.uncertaintyMs);
      const at = askedAt + Math.sign(clock.offsetMs) * offBy;
      return [{ kind: "peer", endpoint: access.node.name, at, askedAt }];
    }),
  );
  return told.flat();
}

function noNode(unread: readonly { readonly node: NodeName; readonly reason: string }[]): AppError {
  return new AppError("refused", {
    refusals: unread.map(({ node, reason }) => ({
      code: "node-unreachable",
      slot: node,
      address: "",
      detail: reason,
    })),
  });
}

/** Does exactly what the plan says, on every node that it names. */
export async function applyToCluster(
  open: ClusterSession,
  plan: Plan,
  options: RunOptions,
): Promise<RunResult> {
  checkPlan(plan);
  refuseOtherCluster(open, plan);
  return withCluster(open, plan, async (ports, stores) => {
    await preflight(plan, stores);
    await preflightProcesses(plan, ports);
    return runPlan(ports, plan, options);
  });
}

export async function resumeCluster(
  open: ClusterSession,
  run: string | null,
  options: RunOptions,
): Promise<{ readonly result: RunResult; readonly plan: Plan } | null> {
  const state = mainState(open);
  const id = run ?? (await unfinishedRun(state))?.run ?? null;
  if (id === null) return null;
  const { plan } = await showRun(state, id);
  refuseOtherCluster(open, plan);
  const result = await withCluster(open, plan, (ports) => resumeRun(ports, id, options));
  return { result, plan };
}

export async function rollbackCluster(
  open: ClusterSession,
  run: string,
  options: RunOptions & { readonly acceptExpired: boolean },
): Promise<RunResult> {
  const state = mainState(open);
  const id = run === "last" ? await lastUndoable(state) : run;
  const { plan } = await showRun(state, id);
  refuseOtherCluster(open, plan);
  return withCluster(open, plan, (ports) => rollbackRun(ports, id, options));
}

function refuseOtherCluster({ cluster }: ClusterSession, plan: Plan): void {
  if (plan.nodes !== undefined && plan.cluster === cluster.name) return;
  throw new AppError("plan-invalid", {
    path: plan.cluster,
    reason: `it was made for cluster ${plan.cluster}, not ${cluster.name}`,
  });
}

function mainState({ stateDirectory, environment }: ClusterSession): StateDirectory {
  return openStateDirectory(stateDirectory, { failpoints: failpointsFromEnvironment(environment) });
}

function worldPorts(): Pick<EnginePorts, "clock" | "randomness" | "keys"> {
  return { clock: systemClock, randomness: systemRandomness, keys: threadPoolKeyGenerator() };
}

function openStores(accesses: readonly NodeAccess[]): ReadonlyMap<NodeName, FileStore> {
  return new Map(accesses.map((access) => [access.node.name, access.openStore()]));
}

/** Every node that the plan speaks of, open for the engine. */
async function withCluster<T>(
  open: ClusterSession,
  plan: Plan,
  action: (ports: EnginePorts, stores: ReadonlyMap<NodeName, FileStore>) => Promise<T>,
): Promise<T> {
  const accesses = accessesOf(open, plan);
  const live = hasLiveSteps(plan) ? await livePorts(accesses, plan) : null;
  const stores = openStores(accesses);
  try {
    return await action(portsOf(open, { accesses, stores, live }), stores);
  } finally {
    for (const store of stores.values()) store.close();
  }
}

function accessesOf(open: ClusterSession, plan: Plan): readonly NodeAccess[] {
  const named = [
    ...plan.guards.map(({ address }) => parseAddress(address).node),
    ...plan.phases.flatMap(({ nodes }) => nodes.map(({ node }) => node)),
  ];
  return [...new Set(named)].toSorted().map((node) => {
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

function portsOf(open: ClusterSession, { accesses, stores, live }: Opened): EnginePorts {
  const main = mainState(open);
  const part = partOf(open.cluster.name);
  const states = new Map(accesses.map((access) => [access.node.name, access.state(part)]));
  return {
    ...worldPorts(),
    store: storeOfNodes(stores),
    state: stateOfNodes(main, states),
    locks: [
      { node: null, state: main },
      ...accesses.map((access) => ({ node: access.node.name, state: access.state("") })),
    ],
    copies: copiesOnNodes(main, states),
    processes: systemProcesses(),
    failpoints: failpointsFromEnvironment(open.environment),
    audience: { tell: () => {} },
    toolVersion,
    ...(live === null ? {} : { live: (node: NodeName) => liveOn(live, node) }),
  };
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
  const found = await Promise.all(
    accesses.map(async (access): Promise<readonly (readonly [NodeName, Live])[]> => {
      const inventory = (): Promise<LiveInventory> =>
        gatherLiveInventory(access.readable, choice, discoverLive);
      const port = await access.live(await inventory(), commands);
      if (port === null) return [];
      const isComplete = (await port.processes.restore()).length === 0;
      const whole = isComplete ? port : await access.live(await inventory(), commands);
      return whole === null ? [] : [[access.node.name, whole]];
    }),
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
