// What a plan with an encrypted archive needs, of one node or of several; the library behind it is loaded only then.
import type { Plan } from "../core/model/plan.ts";
import { archiveSteps } from "../core/plan/steps.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { Store } from "../engine/ports/store.ts";
import type { Failpoints } from "../engine/ports/world.ts";

export async function archivesOfPlan(
  plan: Plan,
  failpoints?: Failpoints,
): Promise<Pick<EnginePorts, "archives">> {
  if (archiveSteps(plan).length === 0) return {};
  return { archives: (await import("./archive.ts")).openArchives(failpoints) };
}

/** Before the lock is taken, with nothing changed. @throws AppError as `preflightArchive` */
export async function preflightArchives(plan: Plan, store: Store): Promise<void> {
  if (archiveSteps(plan).length === 0) return;
  await (await import("./archive.ts")).preflightArchive(plan, store);
}
