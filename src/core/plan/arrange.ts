// The order of a plan over several nodes: rolling while etcd has its quorum, an outage when it has none. Pure.
//
//   both     snapshot ─▶ back-up on every node ─▶ archive ─▶ issue, stage on every node
//   rolling  per master: gate, swap, prove, bounces, gate; hosts of etcd alone before those of API servers ─▶ workers
//   outage   swap and prove on every master ─▶ kubelets ─▶ etcd everywhere ─▶ gate for the quorum ─▶ API servers ─▶ schedulers
//            ─▶ workers ─▶ enough kubelets report ─▶ controller-managers get their kubeconfigs, and start
//   both     proof from what runs, on every master ─▶ how many nodes are ready, where there are workers
//   workers  batch by batch: swap, prove, kubelet, proof, ready
import { starts } from "./order-of-starts.ts";
import type { NodeName } from "../model/address.ts";
import type { CodedError } from "../model/errors.ts";
import type { LiveFacts } from "../model/live.ts";
import type { BounceStep, GateMember, GateStep, PlanCluster } from "../model/live-step.ts";
import type { Phase, PhaseId, Step } from "../model/plan.ts";
import type { MemberReading } from "../model/quorum.ts";
import type { BatchSize, MinReady } from "../model/readiness.ts";
import type { Facts } from "../policy/facts.ts";
import { quorumLack, quorumOf } from "../policy/quorum.ts";
import { heldBack, isHeld } from "./held-back.ts";
import { etcdAccess } from "./etcd-access.ts";
import type { LiveSteps } from "./live-steps.ts";
import type { Install } from "./pair-answers.ts";
import { type FileSteps, phaseOf } from "./phase-of.ts";
import { type Apis, batchOf, clusterReady, defaultBatch, defaultMinReady, toleratedOf } from "./readiness.ts";
import { isExpired } from "./still-expired.ts";
import { batches, workersOf } from "./workers.ts";

/** What is known of the nodes of a `cluster.yaml` beside their files. */
export interface ManyPart {
  /** Of the nodes that may be dialled. */
  readonly live: readonly LiveFacts[];
  /** False when the operator said `--no-snapshot`. */
  readonly takesSnapshot: boolean;
  /** etcd's members as they answered when the plan was made. */
  readonly members: readonly MemberReading[];
  readonly acceptOutage: boolean;
  /** Nodes that could not be read. */
  readonly unreachable: readonly {
    readonly node: NodeName;
    readonly reason: string;
    readonly error?: CodedError;
  }[];
  /** True when the operator does without them. */
  readonly skipsUnreachable: boolean;
  /** Nodes that the cluster file calls workers and nothing else. */
  readonly workers?: readonly NodeName[];
  /** How many nodes have to report before controller-managers are started; null waits for none. */
  readonly minReady?: MinReady | null;
  readonly batch?: BatchSize;
}

/** Seconds that a gate waits: a member that has just come back needs an election and its peers. */
const gateSeconds = 90;

export function clusterOf(facts: Facts, part: ManyPart, installs: readonly Install[] = []): PlanCluster {
  const members = part.live.flatMap((live): readonly GateMember[] => {
    const access = etcdAccess(facts, live, installs);
    return access === null ? [] : [{ node: live.inventory.node, access }];
  });
  const order = needsOutage(facts, part) ? "outage" : "rolling";
  return { order, members, acceptOutage: part.acceptOutage };
}

/** What a plan says of its workers; nothing when it has no steps for any. */
export function batchesOf(
  { batch = defaultBatch }: ManyPart,
  phases: readonly Phase[],
): Pick<PlanCluster, "workers"> {
  const workers = phases.filter(({ id }) => id === "workers").flatMap(({ nodes }) => nodes).length;
  if (workers === 0) return {};
  return { workers: { batch: batchOf(batch, workers), tolerated: toleratedOf(workers) } };
}

/** No quorum now, or none any more once connections are made anew: a quorum of members holds certificates that have expired. */
function needsOutage(facts: Facts, { live, members }: ManyPart): boolean {
  if (members.length > 0 && quorumLack(members).length > 0) return true;
  const etcds = live.flatMap(({ inventory }) =>
    inventory.processes.filter((each) => each.consumer === "etcd"),
  );
  const valid = etcds.filter(({ reads }) => !reads.some((slot) => isExpired(facts, slot)));
  return etcds.length > 0 && valid.length < quorumOf(etcds.length);
}

export interface Parts {
  readonly facts: Facts;
  /** Phases over files; their steps begin with the name of their node. */
  readonly files: readonly Phase[];
  readonly live: ReadonlyMap<NodeName, LiveSteps>;
  readonly cluster: PlanCluster;
  readonly part: ManyPart;
  /** API servers that can say which nodes report. */
  readonly apis: Apis["apis"];
}

export function arrange(parts: Parts): readonly Phase[] {
  const { facts, files, live, cluster, part } = parts;
  const order = orderOf(facts);
  const workers = workersOf(part, order);
  const masters = order.filter((node) => !workers.includes(node));
  const of = (id: PhaseId): ReadonlyMap<NodeName, readonly Step[]> =>
    new Map(files.find((each) => each.id === id)?.nodes.map(({ node, steps }) => [node, steps]) ?? []);
  const everywhere = (id: PhaseId): readonly Phase[] => phaseOf(id, order, (node) => of(id).get(node) ?? []);
  const steps = { swaps: of("swap"), proofs: of("prove") };
  const repaired = batches(parts, workers, steps);
  const changes =
    cluster.order === "rolling"
      ? [...rolling(parts, masters, steps), ...repaired]
      : outage(parts, masters, { ...steps, workers: repaired });
  return [
    ...snapshot(parts, order),
    ...everywhere("back-up"),
    ...everywhere("archive"),
    ...everywhere("issue"),
    ...everywhere("stage"),
    ...changes,
    ...phaseOf("prove-live", masters, (node) => live.get(node)?.proof ?? []),
    ...(repaired.length === 0 ? [] : counted(parts, masters, { need: null, name: "count" })),
  ];
}

/** As the cluster file has it, but what API servers need comes before them. */
export function orderOf(facts: Facts): readonly NodeName[] {
  const nodes = facts.inventory.nodes.map(({ node }) => node);
  const hosts = new Set(etcdHosts(facts));
  return [...nodes.filter((node) => hosts.has(node)), ...nodes.filter((node) => !hosts.has(node))];
}

/** Nodes with a member of etcd and no API server. */
function etcdHosts(facts: Facts): readonly NodeName[] {
  return facts.inventory.nodes.flatMap(({ node, consumers }) => {
    const names = new Set(consumers.map(({ name }) => name));
    return names.has("etcd") && !names.has("kube-apiserver") ? [node] : [];
  });
}

/** By the first master with an API server; nothing where none can be asked. */
function counted(
  { apis, facts, part }: Parts,
  nodes: readonly NodeName[],
  how: { readonly need: MinReady | null; readonly name: string },
): readonly Phase[] {
  const hosts = new Set(etcdHosts(facts));
  const first = nodes.find((node) => !hosts.has(node));
  if (first === undefined || apis.length === 0) return [];
  return phaseOf("ready", [first], (node) => [clusterReady(node, { apis, without: skipped(part), ...how })]);
}

function skipped({ unreachable, skipsUnreachable }: ManyPart): readonly NodeName[] {
  return skipsUnreachable ? unreachable.map(({ node }) => node) : [];
}

/** One member's is the cluster's: of one that runs and can be asked, else of one that runs; undefined without any. */
export function snapshotNode(
  { live, part }: Pick<Parts, "live" | "part">,
  order: readonly NodeName[],
): NodeName | undefined {
  const able = order.filter((node) => (live.get(node)?.snapshot ?? []).length > 0);
  const running = able.filter((node) =>
    part.live.some((each) => each.inventory.node === node && each.processes.get("etcd")?.state === "running"),
  );
  const askable = running.find((node) => live.get(node)?.refusals.length === 0);
  return askable ?? running[0] ?? able[0];
}

function snapshot({ live, part }: Parts, order: readonly NodeName[]): readonly Phase[] {
  const chosen = snapshotNode({ live, part }, order);
  if (chosen === undefined) return [];
  return phaseOf("snapshot", [chosen], (node) => live.get(node)?.snapshot ?? []);
}

/** The leader comes last among its own kind: API servers follow when all of etcd is done. */
function rolling(parts: Parts, order: readonly NodeName[], steps: FileSteps): readonly Phase[] {
  const hosts = new Set(etcdHosts(parts.facts));
  return [
    ...rollOf(
      parts,
      order.filter((node) => hosts.has(node)),
      steps,
    ),
    ...rollOf(
      parts,
      order.filter((node) => !hosts.has(node)),
      steps,
    ),
  ];
}

function rollOf(
  { live, cluster, part }: Parts,
  order: readonly NodeName[],
  { swaps, proofs }: FileSteps,
): readonly Phase[] {
  const gated = cluster.members.length > 0;
  // With a member away that cannot be asked not all can be well: the quorum has to do, and no member is stopped.
  const away = part.unreachable.filter(({ node }) => part.workers?.includes(node) !== true);
  const demand = away.length > 0 ? "quorum" : "stable";
  return phaseOf("roll", order, (node) => {
    const work = [
      ...(swaps.get(node) ?? []),
      ...(proofs.get(node) ?? []),
      ...(live.get(node)?.bounces ?? []),
    ];
    if (work.length === 0 || !gated) return work;
    return [gate(node, "before", demand), ...work, gate(node, "after", demand)];
  });
}

function gate(node: NodeName, when: string, demand: GateStep["demand"]): GateStep {
  return { kind: "gate", id: `${node}/gate/${when}`, demand, timeoutSeconds: gateSeconds };
}

const judge = "kube-controller-manager";

function outage(
  parts: Parts,
  order: readonly NodeName[],
  { swaps, proofs, workers }: FileSteps & { readonly workers: readonly Phase[] },
): readonly Phase[] {
  const { live, cluster, part } = parts;
  const bounces = (consumer: string): readonly Phase[] =>
    phaseOf("restart", order, (node) =>
      (live.get(node)?.bounces ?? []).filter((step) => step.consumer === consumer).map(unattended),
    );
  const { minReady = defaultMinReady } = part;
  const isJudging = bounces(judge).length > 0 && minReady !== null;
  const enough = isJudging ? counted(parts, order, { need: minReady, name: "enough" }) : [];
  const held = enough.length === 0 ? new Set<string>() : heldBack(parts.facts, part.live);
  const files = (isLate: boolean): readonly Phase[] => [
    ...phaseOf("swap", order, (node) =>
      (swaps.get(node) ?? []).filter((step) => isHeld(held, step) === isLate),
    ),
    ...phaseOf("prove", order, (node) =>
      (proofs.get(node) ?? []).filter((step) => isHeld(held, step) === isLate),
    ),
  ];
  const [first] = cluster.members;
  const quorum = first ? phaseOf("gate", [first.node], (node) => [gate(node, "quorum", "quorum")]) : [];
  return [
    ...files(false),
    ...starts.flatMap((consumer) => [...bounces(consumer), ...(consumer === "etcd" ? quorum : [])]),
    ...workers,
    ...enough,
    ...files(true),
    ...bounces(judge),
  ];
}

/** A member cannot be well before the others are back: what it presents is all that is asked of it. */
function unattended(step: BounceStep): BounceStep {
  return step.consumer === "etcd" ? { ...step, health: { form: "none" }, access: null } : step;
}

/** Members that the plan stops although their absence costs the quorum; empty when nothing of the kind is planned. */
export function outageMembers(phases: readonly Phase[], { members, part }: OutageCase): readonly NodeName[] {
  // Where there is no quorum none is lost.
  if (part.members.length > 0 && quorumLack(part.members).length > 0) return [];
  const tolerance = members.length - quorumOf(members.length);
  const stopped = phases.flatMap(({ nodes }) =>
    nodes.filter(({ steps }) =>
      steps.some((step) => step.kind === "bounce" && step.consumer === "etcd" && step.when === "always"),
    ),
  );
  return tolerance === 0 || phases.some(({ id }) => id === "restart") ? stopped.map(({ node }) => node) : [];
}

interface OutageCase {
  readonly members: PlanCluster["members"];
  readonly part: ManyPart;
}
