// Which step of a plan an error belongs to: for the journal, and for whoever reads what failed.
import type { AppError } from "../core/model/errors.ts";
import type { Plan, Step } from "../core/model/plan.ts";
import { allSteps } from "../core/plan/steps.ts";
import type { RunView, StepRecord } from "./derive-run.ts";

type Records = Pick<RunView, "steps">;

/** The step, slot or object that an error names; an error of a process is that of its restart. Empty when it names none. */
export function stepOf(plan: Plan, view: Records, { code, params }: AppError): string {
  if ("step" in params) return params.step;
  if ("consumer" in params) {
    const { consumer } = params;
    return openStep(plan, view, (step) => step.kind === "bounce" && step.consumer === consumer);
  }
  if (code === "live-proof-failed") return openStep(plan, view, ({ kind }) => kind === "prove-live");
  if ("slot" in params) return params.slot;
  return "address" in params ? params.address : "";
}

/**
 * The first such step that is neither done nor proved: the one under way. Nodes that are worked on side by side report in the order
 * of the plan, so this holds for them too.
 */
export function openStep(plan: Plan, { steps }: Records, isMeant: (step: Step) => boolean): string {
  const meant = allSteps(plan).filter(isMeant);
  return (meant.find(({ id }) => !isFinished(steps.get(id))) ?? meant[0])?.id ?? "";
}

function isFinished(record: StepRecord | undefined): boolean {
  return record !== undefined && (record.effect !== null || record.proof !== null);
}
