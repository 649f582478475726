// English: findings about the nodes of a cluster.
import { shellQuote } from "../../shell.ts";
import { say } from "../../say.ts";
import { helpAgainst, saidError } from "../said-error.ts";
import { standingEn } from "../quorum.ts";
import type { FindingMessages, FindingView } from "../types.ts";
import { diagnoseThere } from "../way-on.ts";
import { errors } from "./errors.ts";

/** Why a node was not reached. */
export function reasonOf({ params: { error } }: FindingView<"node-unreachable">): string {
  return saidError(error, errors);
}

export const findingsClusters = {
  "node-unreachable": {
    sentence: ({ params: { reach, where, roles, error } }) =>
      `the node could not be reached or read (${reach === "local" ? "this machine" : `${reach} ${where}`}): ${saidError(error, errors)}; nothing is known of its certificates, and no plan can renew them` +
      (roles.includes("etcd") ? "; as an etcd member it counts as absent for the quorum" : ""),
    next: ({ params: { reach, where, error }, tool }) => [
      ...(reach === "root"
        ? [
            `what is there: ls ${shellQuote(`${where}/etc/kubernetes`)}; its place is root: in the cluster file`,
          ]
        : helpAgainst(error, { errors, tool })),
      `then again: ${tool("check")}`,
    ],
  },
  "authority-differs-between-nodes": {
    sentence: ({ params: { path, others } }) =>
      `${path} is another authority than on ${others.join(", ")}: what the one signs is refused by the others`,
    next: ({ params: { path, others } }) => [
      `compare on all nodes: openssl x509 -in ${shellQuote(path)} -noout -fingerprint -sha256`,
      `if ${others.join(", ")} are right: copy certificate and key of this authority from there, then renew what it signed here`,
    ],
  },
  "etcd-cluster-unwell": {
    sentence: ({ params: { objections } }) =>
      `etcd's members do not make one healthy cluster: ${objections.map((one) => say(one, standingEn)).join("; ")}`,
    next: ({ tool }) => [
      "what the members say: etcdctl endpoint status --cluster -w table; etcdctl member list -w table",
      `what their logs mean, on each node: ${diagnoseThere(tool) ?? tool("diagnose")}`,
    ],
  },
} satisfies FindingMessages<"node-unreachable" | "authority-differs-between-nodes" | "etcd-cluster-unwell">;
