// English: findings about runs: cut off, at work, or not to be read.
import type { FindingParams, NodePlace, RunOfCluster } from "../../../core/model/finding.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate } from "../../time.ts";
import { toolForRun } from "../own-run.ts";
import { helpAgainst, saidError } from "../said-error.ts";
import type { FindingMessages, Tool } from "../types.ts";
import { errors } from "./errors.ts";

type Codes = "run-unfinished" | "run-locked" | "runs-unreadable" | "journal-unreadable";

/** `run R`, or whose it is when it is not the cluster's. */
function named({ run, own, cluster }: FindingParams["run-unfinished"], node: string): string {
  if (cluster) {
    const { name, user, host, startedAt } = cluster;
    return `run ${run} of cluster ${name}, begun by ${user} on ${host} at ${formatDate(startedAt)},`;
  }
  return own === undefined ? `run ${run}` : `run ${run} of ${node} itself (not of the cluster)`;
}

/** Where the commands behind it are typed; empty for those of this call. */
function onThe(node: string, own: NodePlace | undefined): string {
  return own?.reach === "ssh" ? `log in to ${node} as root (ssh ${own.where}) and there: ` : "";
}

/** A cluster's run is gone on with where its file is, or wherever else that is. */
function onMachine({ name, host }: RunOfCluster): string {
  return `on ${host}, with the file of cluster ${name}: `;
}

function ofCluster(run: string, cluster: RunOfCluster, tool: Tool): readonly string[] {
  return [
    `${onMachine(cluster)}${tool("resume")} finishes it, ${tool(`rollback ${run}`)} restores what was there; until then leave its files (.perennial-...) here alone`,
    `without ${cluster.host}: the same on any machine that has such a file, and goes on from the copies on the nodes; if it has ended there already, that resume says so to this node too`,
  ];
}

function holderOf({ what, holder, host, pid, sinceAt }: FindingParams["run-locked"]): string {
  return `${what} by ${holder} on ${host} (pid ${pid}) since ${formatDate(sinceAt)}`;
}

export const findingsRuns = {
  "run-unfinished": {
    sentence: ({ params, node }) => `${named(params, node)} was cut off: some files may be new, others old`,
    next: ({ params, node, tool: ofCall }) => {
      const { run, own, cluster } = params;
      const tool = toolForRun(params, ofCall);
      if (cluster) return ofCluster(run, cluster, tool);
      return [
        `${onThe(node, own)}${tool("resume")} finishes it, ${tool(`rollback ${run}`)} restores what was there; ${tool(`runs show ${run}`)} says how far it came`,
      ];
    },
  },
  "run-locked": {
    sentence: ({ params, node }) =>
      ({
        alive: `${named(params, node)} is at work now: ${holderOf(params)}`,
        heard: `${named(params, node)} is at work now, as its lock says: ${holderOf(params)}, last heard of ${formatDate(params.heardAt)}`,
        silent: `${named(params, node)} is open, and whether it was cut off cannot be seen from here: its lock is held (${holderOf(params)}), and nothing was heard of it since ${formatDate(params.heardAt)}`,
      })[params.life],
    next: ({ params, node, tool: ofCall }) => {
      const { run, own, cluster, holder, host, pid, life } = params;
      const tool = toolForRun(params, ofCall);
      // On the node itself a dead holder is seen to be dead.
      const breaks = own === undefined ? ` ${flags.breakLock}` : "";
      const where = cluster ? onMachine(cluster) : onThe(node, own);
      return [
        `${life === "silent" ? "ask" : "wait for it, or ask"} ${holder}; on ${host}: ps -fp ${pid}`,
        life === "silent"
          ? `only when that process is gone: ${where}${tool(`resume${breaks}`)} finishes it, ${tool(`rollback ${run}${breaks}`)} restores what was there`
          : `then again: ${ofCall("check")}`,
      ];
    },
  },
  "runs-unreadable": {
    sentence: ({ params: { error } }) =>
      `what is kept of runs here cannot be read, so nobody knows whether one was cut off: ${saidError(error, errors)}`,
    next: ({ params: { error }, tool }) => [
      ...helpAgainst(error, { errors, tool }),
      `then again: ${tool("check")}`,
    ],
  },
  "journal-unreadable": {
    sentence: ({ params, node }) =>
      `what ${named(params, node)} has done is not known for certain: ${saidError(params.error, errors)}` +
      (params.isEnded ? "; other copies of its journal say that it has ended" : ""),
    next: ({ params: { run, own, error, isEnded }, node, path, tool: ofCall }) => [
      ...(isEnded
        ? []
        : helpAgainst(error, { errors, tool: toolForRun(own === undefined ? {} : { own }, ofCall) })),
      `once that is settled, set it aside${node === "" ? "" : ` on ${node}`}, or it is told again and no run can begin: mv ${shellQuote(`${path}/runs/${run}`)} ${shellQuote(`${path}/damaged-${run}`)}`,
    ],
  },
} satisfies FindingMessages<Codes>;
