// What a killed process of ours had stopped and not started again comes first when a run goes on, whatever else may keep it from going on.
import { isAppError } from "../core/model/errors.ts";
import type { BounceStep } from "../core/model/live-step.ts";
import { bounceSteps } from "../core/plan/steps.ts";
import { isOfProcess } from "./process-errors.ts";
import { liveOf, type RunContext, viewOf } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";

/**
 * Starting what does not run takes nothing from anybody: no gate is asked. What does not start now is told, and is tried again, and dealt
 * with, in its turn.
 */
export async function startStopped(context: RunContext): Promise<void> {
  const stopped = (await Promise.all(begun(context).map((step) => ifStopped(context, step)))).flat();
  const ends = await Promise.allSettled(stopped.map((step) => handlerOf("bounce").recover(context, [step])));
  for (const end of ends) if (end.status === "rejected" && !isOfProcess(end.reason)) throw end.reason;
}

/** Begun, and neither done nor taken back. */
function begun(context: RunContext): readonly BounceStep[] {
  const { steps } = viewOf(context);
  return bounceSteps(context.plan).filter(({ id }) => {
    const record = steps.get(id);
    return record !== undefined && record.instances !== null && record.effect === null && !record.undone;
  });
}

/** A node that cannot be looked at now is met again in its turn. */
async function ifStopped(context: RunContext, step: BounceStep): Promise<readonly BounceStep[]> {
  try {
    const { processes } = liveOf(context, step);
    await processes.restore();
    const { instances } = await processes.look(step.consumer);
    return instances.some(({ state }) => state === "running") ? [] : [step];
  } catch (error) {
    if (isAppError(error)) return [];
    throw error;
  }
}
