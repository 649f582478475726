// The part of a plan that only several nodes have: their order, what it costs, and why it may be refused.
import type { NodeName } from "../model/address.ts";
import type { Refusal } from "../model/refusal.ts";
import type { SlotId } from "../model/inventory.ts";
import type { CommandsByProcess, LiveFacts } from "../model/live.ts";
import type { PlanCluster } from "../model/live-step.ts";
import type { Notice } from "../model/notice.ts";
import type { Phase } from "../model/plan.ts";
import type { Facts } from "../policy/facts.ts";
import { quorumLack, quorumOf } from "../policy/quorum.ts";
import {
  arrange,
  batchesOf,
  clusterOf,
  type ManyPart,
  orderOf,
  outageMembers,
  snapshotNode,
} from "./arrange.ts";
import { type LiveSteps, liveSteps, noLiveSteps } from "./live-steps.ts";
import { startNotices, startRefusals } from "./not-startable.ts";
import type { Install } from "./pair-answers.ts";
import { type Apis, apisOf, defaultMinReady } from "./readiness.ts";

export interface ManyCase {
  readonly part: ManyPart;
  readonly files: readonly Phase[];
  /** Slots whose stored bytes the plan changes. */
  readonly changed: ReadonlySet<SlotId>;
  /** What was signed elsewhere for this plan. */
  readonly installs: readonly Install[];
  /** False when the files alone are reason enough to refuse. */
  readonly isPossible: boolean;
  /** The operator's own, for the processes of every node. */
  readonly commands: CommandsByProcess;
}

export interface Many {
  readonly cluster: PlanCluster;
  readonly phases: readonly Phase[];
  /** Of all nodes. */
  readonly live: LiveSteps;
  readonly notices: readonly Notice[];
  readonly refusals: readonly Refusal[];
}

export function planMany(facts: Facts, many: ManyCase): Many {
  const { part, files, installs, isPossible } = many;
  const order = clusterOf(facts, part, installs);
  const live = isPossible ? liveByNode(facts, many) : new Map<NodeName, LiveSteps>();
  const known = apisOf(facts, part.live, many.changed);
  const phases = isPossible ? arrange({ facts, files, live, cluster: order, part, apis: known.apis }) : [];
  const cluster = { ...order, ...batchesOf(part, phases) };
  return {
    cluster,
    phases,
    live: { ...joined(live), reads: [...joined(live).reads, ...readsOf(phases, known)] },
    notices: [
      ...noticesOf(cluster, part, phases),
      ...readinessNotices(cluster, part, phases),
      ...ofStarts(part, live, startNotices),
    ],
    refusals: isPossible
      ? [
          ...refusalsOf(cluster, part, phases),
          ...snapshotRefusals(facts, part, live),
          ...ofStarts(part, live, startRefusals),
        ]
      : [],
  };
}

/** Kubeconfigs that API servers are asked with, when they are. */
function readsOf(phases: readonly Phase[], { reads }: Apis): Apis["reads"] {
  const steps = phases.flatMap(({ nodes }) => nodes.flatMap((each) => each.steps));
  return steps.some(({ kind }) => kind === "ready") ? reads : [];
}

/** Controller-managers that are started without anybody having been waited for. */
function readinessNotices(cluster: PlanCluster, part: ManyPart, phases: readonly Phase[]): readonly Notice[] {
  const steps = phases.flatMap(({ nodes }) => nodes.flatMap((each) => each.steps));
  const isStarted = steps.some(
    (step) => step.kind === "bounce" && step.consumer === "kube-controller-manager",
  );
  const isAwaited = steps.some((step) => step.kind === "ready" && step.need !== null);
  if (cluster.order !== "outage" || !isStarted || isAwaited) return [];
  const { minReady = defaultMinReady } = part;
  return [{ code: "nodes-not-awaited", because: minReady === null ? "not-wanted" : "not-askable" }];
}

function liveByNode(
  facts: Facts,
  { part: { live, takesSnapshot }, changed, installs, commands }: ManyCase,
): ReadonlyMap<NodeName, LiveSteps> {
  return new Map(
    live.map((each) => {
      const { node } = each.inventory;
      const own = new Set([...changed].filter((slot) => slot.startsWith(`${node}/`)));
      const nodePart = { facts: each, takesSnapshot, isGated: true, commands };
      return [node, liveSteps(facts, nodePart, { changed: own, installs })];
    }),
  );
}

/** What is to be said of the processes that a node's plan starts, of all nodes. */
function ofStarts<T>(
  part: ManyPart,
  live: ReadonlyMap<NodeName, LiveSteps>,
  ask: (steps: LiveSteps, facts: LiveFacts) => readonly T[],
): readonly T[] {
  return part.live.flatMap((facts) => ask(live.get(facts.inventory.node) ?? noLiveSteps, facts));
}

function joined(live: ReadonlyMap<NodeName, LiveSteps>): LiveSteps {
  const all = [...live];
  return {
    ...noLiveSteps,
    restarts: all.flatMap(([node, { restarts }]) => restarts.map((each) => ({ ...each, node }))),
    reads: all.flatMap(([, { reads }]) => reads),
    notices: all.flatMap(([, { notices }]) => notices),
  };
}

/** Only of the member that is to be saved. */
function snapshotRefusals(
  facts: Facts,
  part: ManyPart,
  live: ReadonlyMap<NodeName, LiveSteps>,
): readonly Refusal[] {
  const order = orderOf(facts);
  const chosen = snapshotNode({ live, part }, order);
  return chosen === undefined ? [] : (live.get(chosen)?.refusals ?? []);
}

function noticesOf(cluster: PlanCluster, part: ManyPart, phases: readonly Phase[]): readonly Notice[] {
  const restarts = phases
    .flatMap(({ nodes }) => nodes.flatMap(({ steps }) => steps))
    .filter(({ kind }) => kind === "bounce").length;
  const hasQuorum = part.members.length > 0 && quorumLack(part.members).length === 0;
  return [
    ...(cluster.order === "outage" && restarts > 0
      ? [{ code: "outage-order" as const, hasQuorum, restarts }]
      : []),
    ...(part.unreachable.length > 0 && part.skipsUnreachable
      ? [{ code: "nodes-skipped" as const, nodes: part.unreachable.map(({ node }) => node) }]
      : []),
  ];
}

/** Of a node that cannot be worked on. */
export function unreachable({ node, reason, error }: ManyPart["unreachable"][number]): Refusal {
  const refusal = { code: "node-unreachable" as const, slot: node, address: "", detail: reason };
  return error === undefined ? refusal : { ...refusal, error };
}

/** The detail of an outage is `NEEDED/VOTERS`. */
function refusalsOf(cluster: PlanCluster, part: ManyPart, phases: readonly Phase[]): readonly Refusal[] {
  const { members } = cluster;
  const stopped = part.acceptOutage ? [] : outageMembers(phases, { members, part });
  const missing = part.skipsUnreachable ? [] : part.unreachable;
  const away = missing.map(unreachable);
  if (stopped.length === 0) return away;
  return [
    ...away,
    {
      code: "outage-not-accepted",
      slot: stopped.map((node) => `${node}/etcd`).join(", "),
      address: "",
      detail: `${quorumOf(members.length)}/${members.length}`,
    },
  ];
}
