// The facts of several nodes as those of their cluster, which is of one distribution.
import { AppError } from "../core/model/errors.ts";
import type { Facts } from "../core/policy/facts.ts";
import { mergeFacts } from "../core/policy/merge-facts.ts";

/** @throws AppError `profiles-differ`; TypeError without a node */
export function factsOfCluster(cluster: string, parts: readonly Facts[]): Facts {
  assertOneProfile(cluster, parts);
  return mergeFacts(cluster, parts);
}

/** Each node is recognised by itself, unless the cluster file says what they are. */
function assertOneProfile(cluster: string, parts: readonly Facts[]): void {
  const ids = [...new Set(parts.map(({ inventory }) => inventory.profile.id))];
  if (ids.length < 2) return;
  const profiles = ids.map((id) => {
    const own = parts.filter(({ inventory }) => inventory.profile.id === id);
    return `${id} (${own.flatMap(({ inventory }) => inventory.nodes.map(({ node }) => node)).join(", ")})`;
  });
  throw new AppError("profiles-differ", { cluster, profiles });
}
