// Processes that a plan would restart, asked before anything is written whether somebody could start them again.
import { AppError, type Refusal } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import { notStartable } from "../core/plan/not-startable.ts";
import { bounceSteps, nodesOfSteps } from "../core/plan/steps.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";

/** A process that would be stopped, or is gone by now, and that nobody could start. @throws AppError `refused` */
export async function preflightProcesses(plan: Plan, { live }: EnginePorts): Promise<void> {
  if (live === undefined) return;
  const refusals: Refusal[] = [];
  const nodes = nodesOfSteps(plan);
  for (const { id, consumer } of bounceSteps(plan)) {
    const node = nodes.get(id) ?? "";
    const startability = await live(node).processes.startability(consumer);
    if (startability.state !== "cannot") continue;
    refusals.push(notStartable({ node, consumer, why: startability.why }));
  }
  if (refusals.length > 0) throw new AppError("refused", { refusals });
}
