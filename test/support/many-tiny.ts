// Three tiny masters, and workers, with the plan that the real arrangement makes for them.
import type { LiveFacts, ProcessSlot } from "../../src/core/model/live.ts";
import type { ApiAccess, BounceStep, GateMember } from "../../src/core/model/live-step.ts";
import type { ArchiveStep, Plan, Step } from "../../src/core/model/plan.ts";
import type { MinReady } from "../../src/core/model/readiness.ts";
import { arrange, batchesOf, type ManyPart } from "../../src/core/plan/arrange.ts";
import { noLiveSteps } from "../../src/core/plan/live-steps.ts";
import type { Facts } from "../../src/core/policy/facts.ts";
import { ManyWorld } from "./many-world.ts";
import { MemoryLive } from "./memory-live.ts";
import { type MemoryWorld, startOfTime } from "./memory-world.ts";
import { installTinyCluster, paths, planFor, sealed } from "./tiny-cluster.ts";
import { accessOf, bounceOf, livePlanFor } from "./tiny-live.ts";

export interface ManyOptions {
  readonly masters?: readonly string[];
  readonly workers?: readonly string[];
  /** Default true: all certificates ended a day ago. */
  readonly expired?: boolean;
  readonly order?: "rolling" | "outage";
  /** False for etcd before 3.2, which has to be stopped. */
  readonly etcdReloads?: boolean;
  readonly acceptOutage?: boolean;
  readonly minReady?: MinReady | null;
  readonly batch?: number;
  readonly archive?: ArchiveStep;
}

export interface ManyScene {
  readonly many: ManyWorld;
  readonly plan: Plan;
  readonly before: Record<string, Record<string, string>>;
}

export const masters = ["m1", "m2", "m3"] as const;
export const masterConsumers = [
  "kubelet",
  "etcd",
  "kube-apiserver",
  "kube-scheduler",
  "kube-controller-manager",
] as const;

/** What each process presents or has in memory first. */
export const presented: Readonly<Record<string, string>> = {
  kubelet: paths.node,
  etcd: paths.etcdServer,
  "kube-apiserver": paths.apiserver,
  "kube-scheduler": paths.admin,
  "kube-controller-manager": paths.copy,
};

export function manyScene(options: ManyOptions = {}): ManyScene {
  const { masters: names = masters, workers = [], expired = true, etcdReloads = true } = options;
  const many = new ManyWorld(names, workers);
  many.now = expired ? startOfTime : startOfTime - 10 * 86_400_000;
  for (const node of names) many.adopt(node, startMaster(many.world(node), etcdReloads));
  for (const node of workers) many.adopt(node, startWorker(many.world(node)));
  if (!etcdReloads) many.version = "3.1.20";
  many.log.length = 0;
  return { many, plan: manyPlan(many, options), before: many.trees() };
}

function startMaster(world: MemoryWorld, etcdReloads: boolean): MemoryLive {
  installTinyCluster(world);
  const live = new MemoryLive(world, [
    { name: "kubelet", returns: false, files: [paths.node], port: null, healthPort: 10248 },
    { name: "etcd", returns: true, files: [paths.etcdServer], port: 2379 },
    {
      name: "kube-apiserver",
      returns: true,
      files: [paths.apiserver, paths.kubeletClient],
      port: 6443,
      needs: ["etcd"],
    },
    { name: "kube-scheduler", returns: true, files: [paths.admin], port: null, healthPort: 10259 },
    { name: "kube-controller-manager", returns: true, files: [paths.copy], port: null, healthPort: 10257 },
  ]);
  live.behaviour("etcd").reloadsAfterMs = etcdReloads ? 0 : null;
  return live;
}

function startWorker(world: MemoryWorld): MemoryLive {
  installTinyCluster(world);
  return new MemoryLive(world, [
    { name: "kubelet", returns: false, files: [paths.node], port: null, healthPort: 10248 },
  ]);
}

/** The tiny plan of `m1` as one of another node; its steps begin with the node's name. */
function ofNode(node: string, plan: Plan): Plan {
  const text = JSON.stringify(plan).replaceAll('"m1/', `"${node}/`).replaceAll("file:m1:", `file:${node}:`);
  const other = JSON.parse(text.replaceAll('"node":"m1"', `"node":"${node}"`)) as Plan;
  const named = <S extends Step>(step: S): S =>
    step.id.startsWith(`${node}/`) ? step : { ...step, id: `${node}/${step.id}` };
  const phases = other.phases.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map((each) => ({ ...each, steps: each.steps.map(named) })),
  }));
  return { ...other, phases };
}

/** The kubelet's certificate is all that a worker has. */
function ofWorker(plan: Plan): Plan {
  const isIts = (step: Step): boolean =>
    "slot" in step ? step.slot.endsWith("/node") : "object" in step ? step.object.endsWith(paths.node) : true;
  const phases = plan.phases.map(({ id, nodes }) => ({
    id,
    nodes: nodes.map((each) => ({ ...each, steps: each.steps.filter(isIts) })),
  }));
  return { ...plan, phases };
}

function controllerBounce(world: MemoryWorld): BounceStep {
  const step = bounceOf(world, "kube-scheduler");
  const endpoint = { scheme: "https" as const, host: "127.0.0.1", port: 10257, serverName: null };
  return {
    ...step,
    id: "m1/bounce/kube-controller-manager",
    consumer: "kube-controller-manager",
    health: { form: "http", endpoint, path: "/healthz" },
  };
}

/** By the arrangement of src/core/plan: only what discovery would find is made up here. */
export function manyPlan(many: ManyWorld, options: ManyOptions = {}): Plan {
  const { workers = [], order = "rolling", etcdReloads = true, acceptOutage = false } = options;
  const { minReady, batch } = options;
  const { masters: names } = many;
  const tiny = new Map<string, Plan>([
    ...names.map((node): [string, Plan] => [
      node,
      ofNode(node, withController(many.world(node), etcdReloads)),
    ]),
    ...workers.map((node): [string, Plan] => [node, ofWorker(ofNode(node, planFor(many.world(node))))]),
  ]);
  const stepsOf = (node: string, kind: Step["kind"]): readonly Step[] =>
    tiny
      .get(node)
      ?.phases.flatMap(({ nodes }) =>
        nodes.flatMap(({ steps }) => steps.filter((step) => step.kind === kind)),
      ) ?? [];
  const all = [...names, ...workers];
  const archiveOn = (node: string): readonly Step[] =>
    options.archive && node === names[0] ? [options.archive] : [];
  const files = (["back-up", "archive", "issue", "stage", "swap", "prove"] as const).map((id) => ({
    id,
    nodes: all.map((node) => ({ node, steps: id === "archive" ? archiveOn(node) : stepsOf(node, id) })),
  }));
  const workerBounce = (node: string): Step =>
    ofStep(node, { ...bounceOf(many.world(node), "kubelet"), demands: [] });
  const live = new Map(
    all.map((node) => [
      node,
      {
        ...noLiveSteps,
        snapshot: stepsOf(node, "snapshot") as never,
        bounces: (workers.includes(node) ? [workerBounce(node)] : stepsOf(node, "bounce")) as never,
        proof: stepsOf(node, "prove-live") as never,
      },
    ]),
  );
  const members = names.map((node): GateMember => ({
    node,
    access: ofStep(node, { id: "", access: accessOf(many.world(node)) }).access,
  }));
  const cluster = { order, members, acceptOutage } as const;
  const part: ManyPart = {
    live: all.map((node) => liveFacts(node, workers.includes(node))),
    takesSnapshot: true,
    members: [],
    acceptOutage,
    unreachable: [],
    skipsUnreachable: false,
    ...(minReady === undefined ? {} : { minReady }),
    ...(batch === undefined ? {} : { batch: { form: "nodes", count: batch } as const }),
  };
  const apis = names.map((node): ApiAccess => ({
    node,
    kubeconfig: `file:${node}:${paths.admin}`,
    user: "kubernetes-admin",
    endpoint: { scheme: "https", host: "127.0.0.1", port: 6443, serverName: null },
  }));
  const facts = factsOf(all, names, many.operator.now);
  const phases = arrange({ facts, files, live, cluster, part, apis });
  const { digest: _, ...first } = tiny.get(names[0] ?? "") as Plan;
  return sealed({
    ...first,
    cluster: "tiny",
    guards: [...tiny.values()].flatMap(({ guards }) => guards),
    phases,
    nodes: { ...cluster, ...batchesOf(part, phases) },
  });
}

function ofStep<T>(node: string, step: T): T {
  const text = JSON.stringify(step).replaceAll('"m1/', `"${node}/`).replaceAll("file:m1:", `file:${node}:`);
  return JSON.parse(text) as T;
}

function withController(world: MemoryWorld, etcdReloads: boolean): Plan {
  const plan = livePlanFor(world);
  const bounced = (steps: readonly Step[]): readonly Step[] =>
    [...steps, controllerBounce(world)].map((step) =>
      step.kind === "bounce" && step.consumer === "etcd" && !etcdReloads
        ? { ...step, when: "always" as const, reloadSeconds: 0 }
        : step,
    );
  const phases = plan.phases.map(({ id, nodes }) => ({
    id,
    nodes: id === "restart" ? nodes.map((each) => ({ ...each, steps: bounced(each.steps) })) : nodes,
  }));
  return { ...plan, phases };
}

/** What is looked at to tell workers from masters, and a controller-manager's kubeconfig from others. */
function liveFacts(node: string, isWorker: boolean): LiveFacts {
  const process = (consumer: string): ProcessSlot => ({
    node,
    consumer,
    manifest: null,
    version: null,
    reads: consumer === "kube-controller-manager" ? [`${node}/copy`] : [],
    endpoints: [],
    health: { form: "none" },
    graceSeconds: 30,
  });
  const consumers = isWorker ? ["kubelet"] : masterConsumers;
  const etcd = isWorker ? null : ({ members: 3 } as never);
  return {
    inventory: { node, processes: consumers.map(process), etcd, runtimeEndpoint: null },
    processes: new Map(),
    served: new Map(),
  };
}

function factsOf(all: readonly string[], names: readonly string[], at: number): Facts {
  const certificate = { state: "present", value: { leaf: { notAfter: startOfTime - 86_400_000 } } };
  const slots = names.map((node): [string, unknown] => [
    `${node}/copy`,
    {
      certificate,
      slot: {
        holder: {
          form: "kubeconfig",
          file: { store: "file", node, path: paths.copy },
          user: "kubernetes-admin",
        },
      },
    },
  ]);
  const inventory = {
    cluster: "tiny",
    profile: { id: "kubeadm", digest: "" },
    nodes: all.map((node) => ({ node, consumers: [] })),
  };
  return { at, inventory, slots: new Map(slots) } as never;
}
