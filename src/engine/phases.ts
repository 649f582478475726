// The order of work: phases one after the other, in each the nodes and steps as the plan gives them.
import type { Phase, PhaseId, Plan, Step } from "../core/model/plan.ts";

export interface StepGroup {
  readonly phase: PhaseId;
  readonly kind: Step["kind"];
  readonly steps: readonly Step[];
}

/** The steps of all phases, handed to their handlers kind by kind. */
export function stepsByKind({ phases }: Plan): readonly StepGroup[] {
  return phases.flatMap(groupsOf);
}

/** Where whole nodes are done the kinds alternate, and their order counts: a group is a run of steps of one kind on one node. */
export function groupsOf(phase: Phase): readonly StepGroup[] {
  if (isByNode(phase))
    return phase.nodes.flatMap(({ steps }) => runsOfKind(steps).map((run) => ({ phase: phase.id, ...run })));
  const steps = stepsOf(phase);
  const kinds = [...new Set(steps.map(({ kind }) => kind))];
  return kinds.map((kind) => ({
    phase: phase.id,
    kind,
    steps: steps.filter((step) => step.kind === kind),
  }));
}

/** Phases in which a node is done from its first step to its last. */
export function isByNode({ id }: Phase): boolean {
  return id === "roll" || id === "workers";
}

function runsOfKind(steps: readonly Step[]): readonly Omit<StepGroup, "phase">[] {
  const runs: { readonly kind: Step["kind"]; readonly steps: Step[] }[] = [];
  for (const step of steps) {
    const last = runs.at(-1);
    if (last?.kind === step.kind) last.steps.push(step);
    else runs.push({ kind: step.kind, steps: [step] });
  }
  return runs;
}

export function stepsOf({ nodes }: Phase): readonly Step[] {
  return nodes.flatMap(({ steps }) => steps);
}
