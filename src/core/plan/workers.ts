// Workers: which nodes they are, and their steps batch by batch. Pure.
import type { NodeName } from "../model/address.ts";
import type { Phase, Step } from "../model/plan.ts";
import type { ManyPart, Parts } from "./arrange.ts";
import { type FileSteps, phaseOf } from "./phase-of.ts";
import { batchOf, defaultBatch, nodeReady } from "./readiness.ts";

/**
 * Nodes that lose nothing others need while they are away. What runs there decides; the cluster file only where nothing can be seen, since
 * a node that is called a worker may have been made a master.
 */
export function workersOf({ live, workers = [] }: ManyPart, order: readonly NodeName[]): readonly NodeName[] {
  return order.filter((node) => {
    const seen = live.find(({ inventory }) => inventory.node === node)?.inventory;
    if (seen === undefined || seen.processes.length === 0) return workers.includes(node);
    return seen.etcd === null && seen.processes.every(({ consumer }) => consumer === "kubelet");
  });
}

/** One phase per batch, of the workers that have something to do. */
export function batches(
  { live, apis, part: { batch = defaultBatch } }: Parts,
  workers: readonly NodeName[],
  { swaps, proofs }: FileSteps,
): readonly Phase[] {
  const stepsOf = (node: NodeName): readonly Step[] => {
    const { bounces = [], proof = [] } = live.get(node) ?? {};
    const work = [...(swaps.get(node) ?? []), ...(proofs.get(node) ?? []), ...bounces, ...proof];
    const reports = bounces.length > 0 && apis.length > 0;
    return reports ? [...work, nodeReady(node, { apis, without: [] })] : work;
  };
  const busy = workers.filter((node) => stepsOf(node).length > 0);
  const size = batchOf(batch, busy.length);
  return Array.from({ length: Math.ceil(busy.length / size) }, (_, index) =>
    phaseOf("workers", busy.slice(index * size, (index + 1) * size), stepsOf),
  ).flat();
}
