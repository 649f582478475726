// How far one node of several has come, by the journal.
import type { NodeName } from "../core/model/address.ts";
import type { Phase } from "../core/model/plan.ts";
import { allSteps, planOfNode } from "../core/plan/steps.ts";
import { type RunContext, viewOf } from "./run-context.ts";

/** Whether something of a node was changed by this run and not taken back since. */
export function isTouched(context: RunContext, node: NodeName): boolean {
  const { steps } = viewOf(context);
  return allSteps(planOfNode(context.plan, node)).some(({ id, kind }) => {
    const record = steps.get(id);
    if (record === undefined || record.undone) return false;
    return kind === "swap" ? record.intent : kind === "bounce" && record.instances !== null;
  });
}

/** Whether everything that a phase has for a node is done and proved, its gates aside. */
export function isNodeDone(context: RunContext, { steps: own }: Phase["nodes"][number]): boolean {
  const { steps, staged } = viewOf(context);
  return own.every((step) => {
    if (step.kind === "gate") return true;
    if (step.kind === "swap" && staged.get(step.object)?.unchanged === true) return true;
    const record = steps.get(step.id);
    return record !== undefined && (record.effect !== null || record.proof !== null);
  });
}
