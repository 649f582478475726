// The order of a plan over several nodes: rolling while etcd has its quorum, an outage when it has none. Pure.
//
//   both     snapshot ─▶ back-up on every node ─▶ archive ─▶ issue, stage on every node
//   rolling  per node: gate, swap, prove, bounces, gate
//   outage   swap and prove everywhere ─▶ kubelets ─▶ etcd everywhere ─▶ gate for the quorum ─▶ API servers ─▶ the others
//   both     proof from what runs, on every node
import type { NodeName } from "../model/address.ts";
import type { LiveFacts } from "../model/live.ts";
import type { BounceStep, GateMember, GateStep, PlanCluster } from "../model/live-step.ts";
import type { Phase, PhaseId, Step } from "../model/plan.ts";
import type { MemberReading } from "../model/quorum.ts";
import type { Facts } from "../policy/facts.ts";
import { quorumLack, quorumOf } from "../policy/quorum.ts";
import { etcdAccess, type LiveSteps } from "./live-steps.ts";
import type { Install } from "./pair-answers.ts";
import { isExpired } from "./still-expired.ts";

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
  readonly unreachable: readonly { readonly node: NodeName; readonly reason: string }[];
  /** True when the operator does without them. */
  readonly skipsUnreachable: boolean;
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
}

export function arrange(parts: Parts): readonly Phase[] {
  const { facts, files, live, cluster } = parts;
  const order = facts.inventory.nodes.map(({ node }) => node);
  const of = (id: PhaseId): ReadonlyMap<NodeName, readonly Step[]> =>
    new Map(files.find((each) => each.id === id)?.nodes.map(({ node, steps }) => [node, steps]) ?? []);
  const everywhere = (id: PhaseId): readonly Phase[] => phaseOf(id, order, (node) => of(id).get(node) ?? []);
  const changes =
    cluster.order === "rolling"
      ? rolling(parts, order, { swaps: of("swap"), proofs: of("prove") })
      : [...everywhere("swap"), ...everywhere("prove"), ...outage(parts, order)];
  return [
    ...snapshot(parts, order),
    ...everywhere("back-up"),
    ...everywhere("archive"),
    ...everywhere("issue"),
    ...everywhere("stage"),
    ...changes,
    ...phaseOf("prove-live", order, (node) => live.get(node)?.proof ?? []),
  ];
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

interface FileSteps {
  readonly swaps: ReadonlyMap<NodeName, readonly Step[]>;
  readonly proofs: ReadonlyMap<NodeName, readonly Step[]>;
}

function rolling(
  { live, cluster, part }: Parts,
  order: readonly NodeName[],
  { swaps, proofs }: FileSteps,
): readonly Phase[] {
  const gated = cluster.members.length > 0;
  // With a member away that cannot be asked not all can be well: the quorum has to do, and no member is stopped.
  const demand = part.unreachable.length > 0 ? "quorum" : "stable";
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

/** The order of starts: what others need comes first, and what judges others last. */
const starts: readonly string[] = [
  "kubelet",
  "etcd",
  "kube-apiserver",
  "kube-scheduler",
  "kube-controller-manager",
];

function outage({ live, cluster }: Parts, order: readonly NodeName[]): readonly Phase[] {
  const bounces = (consumer: string): readonly Phase[] =>
    phaseOf("restart", order, (node) =>
      (live.get(node)?.bounces ?? []).filter((step) => step.consumer === consumer).map(unattended),
    );
  const [first] = cluster.members;
  const quorum = first ? phaseOf("gate", [first.node], (node) => [gate(node, "quorum", "quorum")]) : [];
  return starts.flatMap((consumer) => [...bounces(consumer), ...(consumer === "etcd" ? quorum : [])]);
}

/** A member cannot be well before the others are back: what it presents is all that is asked of it. */
function unattended(step: BounceStep): BounceStep {
  return step.consumer === "etcd" ? { ...step, health: { form: "none" }, access: null } : step;
}

function phaseOf(
  id: PhaseId,
  order: readonly NodeName[],
  stepsOf: (node: NodeName) => readonly Step[],
): readonly Phase[] {
  const nodes = order.map((node) => ({ node, steps: stepsOf(node) })).filter(({ steps }) => steps.length > 0);
  return nodes.length === 0 ? [] : [{ id, nodes }];
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
