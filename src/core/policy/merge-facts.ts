// The facts of several nodes as the facts of their cluster.
import type { Facts } from "./facts.ts";
import type { Remains } from "./remains.ts";

/**
 * Nodes stay in the order given. All parts are of one profile and one instant, each node is in one of them: anything else is a
 * TypeError, and so is no part at all.
 */
export function mergeFacts(cluster: string, parts: readonly Facts[]): Facts {
  const [first] = parts;
  if (first === undefined) throw new TypeError("there are no facts to merge");
  const { at } = first;
  const { profile } = first.inventory;
  const nodes = parts.flatMap(({ inventory }) => inventory.nodes);
  if (parts.some((part) => part.at !== at || part.inventory.profile.digest !== profile.digest))
    throw new TypeError("facts of different instants or profiles");
  if (new Set(nodes.map(({ node }) => node)).size < nodes.length)
    throw new TypeError("facts of one node twice");
  const remains = mergedRemains(parts);
  return {
    at,
    inventory: { cluster, profile, nodes },
    slots: new Map(parts.flatMap(({ slots }) => [...slots])),
    authorities: new Map(parts.flatMap(({ authorities }) => [...authorities])),
    keyPairs: parts.flatMap(({ keyPairs }) => keyPairs),
    ...(remains === null ? {} : { remains }),
  };
}

/** A node's own address is no server for its neighbours: only what every node names is left of the servers. */
function mergedRemains(parts: readonly Facts[]): Remains | null {
  const all = parts.flatMap(({ remains }) => (remains === undefined ? [] : [remains]));
  const [first, ...others] = all;
  if (first === undefined) return null;
  const isCommon = (url: string): boolean =>
    others.every(({ servers }) => servers.some((server) => server.url === url));
  return {
    roles: new Map(all.flatMap(({ roles }) => [...roles])),
    certificates: new Map(all.flatMap(({ certificates }) => [...certificates])),
    authorities: new Map(all.flatMap(({ authorities }) => [...authorities])),
    keyPairs: new Map(all.flatMap(({ keyPairs }) => [...keyPairs])),
    recreatable: new Map(all.flatMap(({ recreatable }) => [...recreatable])),
    servers: first.servers.filter(({ url }) => isCommon(url)),
    clusterName: first.clusterName,
    missingBootstrap:
      all.map(({ missingBootstrap }) => missingBootstrap).find((path) => path !== null) ?? null,
  };
}
