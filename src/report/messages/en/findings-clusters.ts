// English: findings about the nodes of a cluster.
import type { ErrorCode, ErrorParams } from "../../../core/model/errors.ts";
import { shellQuote } from "../../shell.ts";
import type { FindingMessages, FindingView, Tool } from "../types.ts";
import { errors } from "./errors.ts";

function said<C extends ErrorCode>(code: C, params: ErrorParams[C]): string {
  return errors[code].sentence(params);
}

/** Why a node was not reached. */
export function reasonOf({ params: { error } }: FindingView<"node-unreachable">): string {
  return said(error.code, error.params);
}

function helps<C extends ErrorCode>(code: C, params: ErrorParams[C], tool: Tool): readonly string[] {
  return errors[code].hint(params, tool);
}

export const findingsClusters = {
  "node-unreachable": {
    sentence: ({ params: { reach, where, roles, error } }) =>
      `the node could not be reached or read (${reach === "local" ? "this machine" : `${reach} ${where}`}): ${said(error.code, error.params)}; nothing is known of its certificates, and no plan can renew them` +
      (roles.includes("etcd") ? "; as an etcd member it counts as absent for the quorum" : ""),
    next: ({ params: { reach, where, error }, tool }) => [
      ...(reach === "root"
        ? [
            `what is there: ls ${shellQuote(`${where}/etc/kubernetes`)}; its place is root: in the cluster file`,
          ]
        : helps(error.code, error.params, tool)),
      `then again: ${tool("check")}`,
    ],
  },
} satisfies FindingMessages<"node-unreachable">;
