// What a run that goes on from a copy of its journal may have done, read from the world.
import { type NodeName, parseAddress } from "../core/model/address.ts";
import { swapSteps } from "../core/plan/steps.ts";
import type { RunView } from "./derive-run.ts";
import { revisionOf } from "./revision.ts";
import type { RunContext } from "./run-context.ts";

/**
 * Behind a copy of the journal: nodes whose processes may have loaded what is taken back. Those that hold the run's own bytes; once the
 * rollback was begun, all, since their old bytes may be back already and their processes not.
 */
export async function touchedNodes(
  { plan, ports }: RunContext,
  view: RunView,
): Promise<ReadonlySet<NodeName>> {
  if (!view.adopted) return new Set();
  const nodes = await Promise.all(
    swapSteps(plan).map(async ({ object }): Promise<readonly NodeName[]> => {
      const address = parseAddress(object);
      const staged = view.staged.get(object);
      if (staged === undefined || staged.unchanged) return [];
      const isOurs =
        view.state === "rolling-back" || revisionOf(await ports.store.read(address)) === staged.sha256;
      return isOurs ? [address.node] : [];
    }),
  );
  return new Set(nodes.flat());
}
