// The addresses of a rehearsed cluster, in the lab's network only: on the link, each with a route of its own, and no way out of the rooms.
import { isIP, isIPv6 } from "node:net";
import type { Lab, LabNetwork } from "./places.ts";

/** Lines of shell: the addresses `own` for `device`, and routes to all others with the own one of their family as their source. */
export function collectedWays(
  { hosts, network }: Lab,
  { own, device }: { readonly own: readonly string[]; readonly device: string },
): string {
  const fronts = network ? frontsNotIn(network) : [];
  const all = [...hosts.flatMap(({ rehearsed }) => rehearsed?.addresses ?? []), ...fronts].filter(isAddress);
  const far = [...new Set(all)].filter((address) => !own.includes(address));
  const routes = far.map((address) => {
    const from = own.find((one) => isIPv6(one) === isIPv6(address));
    return `ip route replace ${alone(address)} dev ${device}${from === undefined ? "" : ` src ${from}`}`;
  });
  return [
    ...own
      .filter(isAddress)
      .map((address) => `ip addr add ${alone(address)} dev ${device}${isIPv6(address) ? " nodad" : ""}`),
    ...routes,
    "",
  ].join("\n");
}

/** It becomes a word of a shell. */
function isAddress(address: string): boolean {
  return isIP(address) > 0 && !address.includes("%");
}

function alone(address: string): string {
  return isIPv6(address) ? `${address}/128` : `${address}/32`;
}

/** The balancer's own address is on its bridge already. */
export function frontsNotIn({ fronts = [], endpoint }: LabNetwork): readonly string[] {
  return [...new Set(fronts.map(({ address }) => address))].filter((address) => address !== endpoint);
}
