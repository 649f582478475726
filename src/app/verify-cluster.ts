// The use case `verify` over the nodes of a cluster: each node's own proofs, what etcd's members say together, and one sweep for all.
import type { ClusterNode } from "../core/model/cluster.ts";
import { AppError } from "../core/model/errors.ts";
import type { LiveFacts } from "../core/model/live.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import type { Looked, Proof, RunningState, Sweep } from "../core/model/verification.ts";
import { decideRestarts } from "../core/plan/restarts.ts";
import { worstFirst, worstOf } from "../core/policy/check.ts";
import type { Facts } from "../core/policy/facts.ts";
import { etcdClusterFindings, etcdClusterProofs, etcdReportOf } from "../core/policy/verify/cluster.ts";
import { nodeProofs, sweepProofs } from "../core/policy/verify/proofs.ts";
import { sweepFindings } from "../core/policy/verify/sweep-findings.ts";
import { verify } from "../core/policy/verify/verify.ts";
import { systemClock, systemRandomness, threadPoolKeyGenerator } from "../drivers/shared/world.ts";
import type { Live } from "../engine/ports/live.ts";
import { resultOfCluster } from "./check-cluster.ts";
import type { NodeOutcome } from "./cluster.ts";
import type { ClusterSession } from "./cluster-renewal.ts";
import { storeOfNodes } from "./cluster-ports.ts";
import {
  factsOfNodes,
  gatherNodes,
  type GatheredNode,
  type GatheredNodes,
  readEtcd,
} from "./gather-nodes.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";
import { keptRuns } from "./kept-runs.ts";
import { isLocal } from "./local-node.ts";
import type { NodeAccess } from "./node-access.ts";
import type { VerifyRequest, VerifyResult } from "./verify.ts";
import { type ApiAccess, openApi, swept, written } from "./verify-api.ts";

/** A node that runs, everything looked at. */
interface Running {
  readonly access: NodeAccess;
  readonly live: LiveFacts;
  readonly port: Live;
}

/**
 * A node that cannot be read is a finding and hinders none of the others.
 * @throws AppError `usage` for trees of files that are not dialled; `profiles-differ`
 */
export async function verifyCluster(open: ClusterSession, request: VerifyRequest): Promise<VerifyResult> {
  refuseTrees(open);
  const { choice, at, signal } = request;
  const gathered = await gatherNodes(open.accesses, choice, { at, commands: {} });
  signal.throwIfAborted();
  const facts = gathered.nodes.length === 0 ? null : factsOfNodes(open.cluster.name, gathered);
  const check = await storedOn(open, gathered, { facts, request });
  if (facts === null) return { check, proofs: [] };
  const nodes = gathered.nodes.flatMap(({ access, live }): readonly Running[] =>
    live === null ? [] : [{ access, live: live.facts, port: live.port }],
  );
  const stores = openStores(gathered.nodes);
  try {
    const read = await readMembers(open, gathered, { facts, stores });
    const api = await askApis(nodes, { facts, stores, request });
    const state = stateOf(facts, read, api);
    const findings = worstFirst([
      ...nodes.flatMap((node) => verify(facts, state(node))),
      ...etcdClusterFindings(read),
      ...sweepFindings(api.sweep.answer, { node: api.sweep.node, at: facts.at }),
      ...check.findings,
    ]);
    const proofs = [
      ...nodes.flatMap((node) => proofsOf(facts, state(node))),
      ...etcdClusterProofs(read),
      ...sweepProofs(api.sweep.answer),
    ];
    return { check: { ...check, findings, worst: worstOf(findings) }, proofs };
  } finally {
    for (const store of stores.values()) store.close();
  }
}

/** A proof is taken from what runs, or there is none. */
function refuseTrees({ accesses }: ClusterSession): void {
  const trees = accesses.filter(({ isDialled }) => !isDialled).map(({ node }) => node.name);
  if (trees.length === 0) return;
  throw new AppError("needs-probe", { nodes: trees });
}

function openStores(
  nodes: readonly GatheredNode[],
): ReadonlyMap<string, ReturnType<NodeAccess["openStore"]>> {
  return new Map(nodes.map(({ access }) => [access.node.name, access.openStore()]));
}

type Stores = ReturnType<typeof openStores>;

/** What `check -f` says. */
async function storedOn(
  { cluster, accesses, stateDirectory }: ClusterSession,
  { nodes: readNodes, unread }: GatheredNodes,
  { facts, request }: { readonly facts: Facts | null; readonly request: VerifyRequest },
): Promise<VerifyResult["check"]> {
  const nodes = accesses.map(({ node, readable }) => ({ node, local: isLocal(readable) ? readable : null }));
  const failed = unread.flatMap(({ node: name, error }): readonly NodeOutcome[] =>
    cluster.nodes
      .filter((node) => node.name === name)
      .map((node) => ({ node, state: "failed" as const, error })),
  );
  const read = await inParallel(readNodes, nodesAtOnce, async ({ access, facts: own }) => ({
    node: access.node,
    state: "read" as const,
    facts: own,
    runs: await keptRuns({
      node: access.node.name,
      cluster: cluster.name,
      state: (path) => access.state(path),
      lifeOf: access.lifeOf,
    }),
  }));
  return resultOfCluster(
    { cluster, nodes, stateDirectory },
    { facts, outcomes: [...read, ...failed] },
    request,
  );
}

/** Members on nodes that could not be read count as absent. */
async function readMembers(
  { cluster }: ClusterSession,
  gathered: GatheredNodes,
  { facts, stores }: { readonly facts: Facts; readonly stores: Stores },
): Promise<readonly MemberReading[]> {
  const ports = {
    store: storeOfNodes(stores),
    clock: systemClock,
    keys: threadPoolKeyGenerator(),
    randomness: systemRandomness,
  };
  const read = await readEtcd(ports, facts, gathered);
  if (read.length === 0) return [];
  const isMember = (name: string): boolean =>
    cluster.nodes.some((node: ClusterNode) => node.name === name && node.roles.includes("etcd"));
  const absent = gathered.unread.flatMap(({ node, reason }): readonly MemberReading[] =>
    isMember(node) ? [{ node, answer: { unreachable: reason } }] : [],
  );
  return [...read, ...absent];
}

interface Asked {
  readonly isReadOnly: boolean;
  readonly writes: ReadonlyMap<string, Looked<true>>;
  readonly sweep: { readonly node: string; readonly answer: Looked<Sweep> };
}

/** Each API server is written through; the sweep asks the first that answers. */
async function askApis(
  nodes: readonly Running[],
  {
    facts,
    stores,
    request,
  }: { readonly facts: Facts; readonly stores: Stores; readonly request: VerifyRequest },
): Promise<Asked> {
  const opened = await Promise.all(
    nodes.map(async (node): Promise<readonly (Running & { readonly api: ApiAccess })[]> => {
      const { live, access } = node;
      const store = stores.get(access.node.name);
      const api = store && (await openApi({ facts, live }, { store, dial: access.dial }));
      return api ? [{ ...node, api }] : [];
    }),
  );
  const servers = opened.flat();
  try {
    const writes = request.isReadOnly
      ? []
      : await Promise.all(
          servers.map(async ({ access, port, api }): Promise<readonly [string, Looked<true>]> => [
            access.node.name,
            await written(port.api, api, request.signal),
          ]),
        );
    return {
      isReadOnly: request.isReadOnly,
      writes: new Map(writes),
      sweep: await sweepThroughAny(servers, request),
    };
  } finally {
    for (const { api } of servers) api.forget();
  }
}

async function sweepThroughAny(
  servers: readonly (Running & { readonly api: ApiAccess })[],
  { at, signal }: VerifyRequest,
): Promise<Asked["sweep"]> {
  const starts = servers.flatMap(({ live }) => live.processes.get("kube-apiserver")?.startedAt ?? []);
  const startedAt = starts.length === 0 ? null : Math.max(...starts);
  let last: Asked["sweep"] = {
    node: servers[0]?.access.node.name ?? "",
    answer: { state: "skipped", because: "no-identity" },
  };
  for (const { access, api } of servers) {
    last = { node: access.node.name, answer: await swept(api, { at, startedAt, signal }) };
    if (last.answer.state === "seen" && last.answer.value.nodes.state === "seen") return last;
  }
  return last;
}

function stateOf(
  facts: Facts,
  read: readonly MemberReading[],
  { writes, isReadOnly }: Asked,
): (node: Running) => RunningState {
  return ({ live, access: { node } }) => ({
    live,
    restarts: decideRestarts({ facts, live, changed: new Set() }),
    etcd: etcdReportOf(read, node.name),
    write: writes.get(node.name) ?? {
      state: "skipped",
      because: isReadOnly ? "read-only" : "no-identity",
    },
    // Told once, for all.
    sweep: { state: "skipped" },
  });
}

/** Without lines about what a node does not have. */
function proofsOf(facts: Facts, state: RunningState): readonly Proof[] {
  const { node, processes } = state.live.inventory;
  const has = (consumer: string): boolean => processes.some((each) => each.consumer === consumer);
  return nodeProofs(facts, state)
    .filter(({ kind }) => (kind !== "etcd" || has("etcd")) && (kind !== "write" || has("kube-apiserver")))
    .map((proof) => ({ ...proof, node }));
}
