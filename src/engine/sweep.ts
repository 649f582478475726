// Removes what holders of older locks left beside the objects of a plan.
import { parseAddress } from "../core/model/address.ts";
import { stageSteps } from "../core/plan/steps.ts";
import type { RunContext } from "./run-context.ts";

/** After it, no writer with an older token can rename anything into place. */
export async function sweepOlder({
  ports,
  plan,
  lock,
  tell,
}: Pick<RunContext, "ports" | "plan" | "lock" | "tell">): Promise<void> {
  const addresses = stageSteps(plan).map(({ object }) => parseAddress(object));
  const paths = await ports.store.sweep(addresses, lock.token);
  if (paths.length > 0) tell({ type: "swept", paths });
}
