// The order of work: phases one after the other, in each the nodes and steps as the plan gives them.
import type { Phase, PhaseId, Plan, Step } from "../core/model/plan.ts";

export interface StepGroup {
  readonly phase: PhaseId;
  readonly kind: Step["kind"];
  readonly steps: readonly Step[];
}

/** The steps of each phase, handed to their handlers kind by kind (today every phase has one kind). */
export function stepsByKind(plan: Plan): readonly StepGroup[] {
  return plan.phases.flatMap((phase) => {
    const steps = stepsOf(phase);
    const kinds = [...new Set(steps.map(({ kind }) => kind))];
    return kinds.map((kind) => ({
      phase: phase.id,
      kind,
      steps: steps.filter((step) => step.kind === kind),
    }));
  });
}

export function stepsOf({ nodes }: Phase): readonly Step[] {
  return nodes.flatMap(({ steps }) => steps);
}
