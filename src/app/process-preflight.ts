// Processes that a plan would restart, asked before anything is written whether somebody could start them again.
import { AppError } from "../core/model/errors.ts";
import type { Refusal } from "../core/model/refusal.ts";
import type { Plan } from "../core/model/plan.ts";
import { notStartable } from "../core/plan/not-startable.ts";
import { bounceSteps, nodesOfSteps } from "../core/plan/steps.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";

/** A process that would be stopped, or is gone by now, and that nobody could start. @throws AppError `refused` */
export async function preflightProcesses(plan: Plan, { live }: EnginePorts): Promise<void> {
  if (live === undefined) return;
  const nodes = nodesOfSteps(plan);
  const answers = await inParallel(bounceSteps(plan), nodesAtOnce, async ({ id, consumer }) => {
    const node = nodes.get(id) ?? "";
    const startability = await live(node).processes.startability(consumer);
    const isRefused = startability.state === "cannot";
    return isRefused ? [notStartable({ node, consumer, why: startability.why })] : [];
  });
  const refusals: readonly Refusal[] = answers.flat();
  if (refusals.length > 0) throw new AppError("refused", { refusals });
}
