// A phase over several nodes: those that have nothing to do are left out.
import type { NodeName } from "../model/address.ts";
import type { Phase, PhaseId, Step } from "../model/plan.ts";

/** Steps over files, by node. */
export interface FileSteps {
  readonly swaps: ReadonlyMap<NodeName, readonly Step[]>;
  readonly proofs: ReadonlyMap<NodeName, readonly Step[]>;
}

/** One phase, or none when no node has a step in it. */
export function phaseOf(
  id: PhaseId,
  order: readonly NodeName[],
  stepsOf: (node: NodeName) => readonly Step[],
): readonly Phase[] {
  const nodes = order.map((node) => ({ node, steps: stepsOf(node) })).filter(({ steps }) => steps.length > 0);
  return nodes.length === 0 ? [] : [{ id, nodes }];
}
