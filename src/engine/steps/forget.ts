// Step kind `forget`: removes pending keys whose certificates are proved. The request goes first: a key without one waits for nothing.
//
// OUTPUTS  pending/NODE/NAME.{json,key} of the state directory, removed
import type { ForgetStep } from "../../core/model/making-step.ts";
import type { PhaseId, Plan } from "../../core/model/plan.ts";
import { removePending } from "../pending-keys.ts";
import { stepsOf } from "../phases.ts";
import { checkSignal, type RunContext } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

export const forget: StepHandler<ForgetStep> = {
  changesLive: false,
  apply: forgetAll,
  recover: forgetAll,
  // The key lies with its certificate until a rollback: then the answer is void, and a new request is needed.
  prepareUndo: nothingToUndo,
};

async function forgetAll(context: RunContext, steps: readonly ForgetStep[]): Promise<void> {
  const { ports, plan, tell } = context;
  for (const step of steps) {
    checkSignal(context);
    await context.lock.fence();
    await ports.failpoints.hit("pending.before-remove");
    await removePending(ports, step.file);
    tell({ type: "step-done", phase: phaseOf(plan, step), step, changed: true });
  }
}

/** The last one of the plan, whichever that is. */
function phaseOf(plan: Plan, step: ForgetStep): PhaseId {
  return plan.phases.find((phase) => stepsOf(phase).includes(step))?.id ?? "prove";
}
