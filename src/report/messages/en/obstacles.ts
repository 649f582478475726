// English: what helps where a renewal by name would be refused.
import { flags } from "../../flags.ts";
import type { Obstacle } from "../../../core/model/finding.ts";
import type { Tool } from "../types.ts";
import { isOfCluster, toolOfOneNode } from "../way-on.ts";

export type ObstacleLines = {
  readonly [C in Obstacle["code"]]: (
    obstacle: Extract<Obstacle, { readonly code: C }>,
    tool: Tool,
  ) => readonly string[];
};

/** Before a command that works on one node at a time. */
export function onEach(tool: Tool): string {
  return isOfCluster(tool) ? "on each node: " : "";
}

export const obstacles: ObstacleLines = {
  observed: () => ["only observed, never written by this tool: whoever made it renews it"],
  "no-original": () => [
    "no certificate of this node is its original: have it issued anew where it came from, or remove the user",
  ],
  "original-unreadable": ({ original }) => [
    `first bring back ${original}, which seems to be its original: its own finding says how; then the copy follows it`,
  ],
  "authority-elsewhere": ({ authority }, tool) => [
    `the key of CA ${authority} is not on this node: ${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)} makes requests; have them signed where the key is kept, then ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
    `or bring the key here, ${tool("renew")}, and take the key away again`,
  ],
  "kubelet-elsewhere": ({ authority }) => [
    `the key of CA ${authority} is not on this node: on a node that has it: kubeadm kubeconfig user --org system:nodes --client-name system:node:NAME > kubelet.conf (kubeadm before 1.22: kubeadm alpha kubeconfig user)`,
    "put that file in place of /etc/kubernetes/kubelet.conf here (mode 0600), then on the node systemctl restart kubelet: it requests its own certificate",
  ],
  "authority-not-usable": ({ authority }, tool) => [
    `CA ${authority} cannot sign it now: ${tool("check")} says why, under the CA's own finding; renew this one after that`,
  ],
  "authority-recreatable": ({ authority }, tool) => [
    `CA ${authority} is missing, and may be put back from an old pair on this node or made anew: ${tool(`renew ${flags.recreateAuthority} ${authority}`)} (shows the plan first and asks)`,
  ],
  "not-read": () => ["its key, or that of its CA, could not be read: run as root (sudo), then renew it"],
  "key-encrypted": () => ["decrypt its private key first, as its own finding says; then renew it"],
};
