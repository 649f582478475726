// What is to be said of a platform above the cluster: which it is, what it keeps by token, why it is left alone.
import { fileAddress } from "../model/address.ts";
import type { AnyFinding } from "../model/finding.ts";
import type { NodeInventory } from "../model/inventory.ts";
import { findingOf } from "./finding-of.ts";

export function platformFindings({ node, platform: found }: NodeInventory): readonly AnyFinding[] {
  if (found === undefined) return [];
  const { id: platform, mark, role, cluster, leftAlone: why, tokenKubeconfigs } = found;
  const path = mark ?? "/";
  const report = findingOf({ id: `${node}/${platform}`, node, name: platform }, fileAddress(node, path));
  if (why?.code === "no-marks") return [report("platform-left-alone", "warning", { platform, why })];
  return [
    ...(why === null ? [] : [report("platform-left-alone", "warning", { platform, why })]),
    report("platform-recognised", "info", { platform, role, cluster }),
    ...tokenKubeconfigs.map((token) => {
      const of = findingOf({ id: `${node}${token}`, node, name: token.slice(1) }, fileAddress(node, token));
      return of("token-kubeconfig-left", "info", { platform, path: token });
    }),
  ];
}
