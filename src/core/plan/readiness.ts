// The steps that wait for kubelets: who is asked, how many are needed, how long. Pure.
import { formatAddress, type NodeName } from "../model/address.ts";
import type { SlotId } from "../model/inventory.ts";
import type { LiveFacts } from "../model/live.ts";
import type { ApiAccess, ReadyStep } from "../model/live-step.ts";
import type { BatchSize, MinReady } from "../model/readiness.ts";
import { neededOf } from "../policy/readiness.ts";
import type { Facts, ObjectFacts } from "../policy/facts.ts";
import { adminOf } from "./live-steps.ts";
import { staysUnwell } from "./still-expired.ts";

/**
 * Three quarters: the controller-manager itself slows or stops evictions only where 55 % and more are away
 * (kubernetes/cmd/kube-controller-manager, --unhealthy-zone-threshold), so that "more than half" would be its most dangerous moment.
 */
export const defaultMinReady: MinReady = { form: "share", percent: 75 };
export const defaultBatch: BatchSize = { form: "nodes", count: 10 };

/** A client that lost its server without a word notices after 30 + 15 s (k8s.io/apimachinery/pkg/util/net, ReadIdleTimeout, PingTimeout). */
const settleSeconds = 45;
/** The kubelet's lease is renewed every 10 s, its longest pause after failures is 7 s: five minutes are many tries. */
const clusterSeconds = 300;
/** A kubelet that was started anew reports within seconds, one that has to start its runtime's pods within a minute. */
const nodeSeconds = 120;
/** One in ten, at least one: what fails more often has a cause that the others will share. */
const toleratedPercent = 10;

export interface Apis {
  readonly apis: readonly ApiAccess[];
  /** What has to be as it was planned: the kubeconfigs. */
  readonly reads: readonly ObjectFacts[];
}

/** Every API server that will be well and has an administrator's kubeconfig beside it, in the order of the nodes. */
export function apisOf(facts: Facts, live: readonly LiveFacts[], changed: ReadonlySet<SlotId>): Apis {
  const found = live.flatMap((each) => {
    const outcome = { facts, live: each, changed };
    const apiserver = each.inventory.processes.find(({ consumer }) => consumer === "kube-apiserver");
    const [first] = apiserver?.endpoints ?? [];
    const isThere = each.processes.get("kube-apiserver")?.state !== "unknown";
    const admin = adminOf(outcome);
    if (!apiserver || !first || !isThere || !admin || staysUnwell(outcome, apiserver)) return [];
    const { user, file, objects } = admin;
    const { node } = each.inventory;
    return [{ api: { node, kubeconfig: formatAddress(file), user, endpoint: first.endpoint }, objects }];
  });
  return { apis: found.map(({ api }) => api), reads: found.flatMap(({ objects }) => objects) };
}

interface Waiting {
  readonly apis: readonly ApiAccess[];
  readonly without: readonly NodeName[];
}

/** Behind the restart of a node's kubelet. */
export function nodeReady(node: NodeName, { apis }: Waiting): ReadyStep {
  return {
    kind: "ready",
    id: `${node}/ready`,
    of: "node",
    need: null,
    without: [],
    settleSeconds: 0,
    timeoutSeconds: nodeSeconds,
    apis,
  };
}

/** `name` tells the steps of one plan apart: `enough` before the controller-managers, `count` at the end. */
export function clusterReady(
  node: NodeName,
  { apis, without, need, name }: Waiting & { readonly need: MinReady | null; readonly name: string },
): ReadyStep {
  return {
    kind: "ready",
    id: `${node}/ready/${name}`,
    of: "cluster",
    need,
    without,
    settleSeconds,
    timeoutSeconds: need === null ? settleSeconds : clusterSeconds,
    apis,
  };
}

export function batchOf(size: BatchSize, workers: number): number {
  return Math.max(1, neededOf(size, workers));
}

export function toleratedOf(workers: number): number {
  return Math.max(1, Math.floor((workers * toleratedPercent) / 100));
}
