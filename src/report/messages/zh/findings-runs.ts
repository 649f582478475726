// 中文：关于运行的结果：中断的、正在进行的、无法读取的。
import type { FindingParams, NodePlace, RunOfCluster } from "../../../core/model/finding.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso as date } from "../../time.ts";
import type { findingsRuns as english } from "../en/findings-runs.ts";
import { toolForRun } from "../own-run.ts";
import { helpAgainst, saidError } from "../said-error.ts";
import type { Tool } from "../types.ts";
import { errors } from "./errors.ts";

/** 后接中文；右括号后不留空格。 */
function named(params: FindingParams["run-unfinished"], node: string): string {
  const text = nameOf(params, node);
  return text.endsWith("）") ? text : `${text} `;
}

function nameOf({ run, own, cluster }: FindingParams["run-unfinished"], node: string): string {
  if (cluster) {
    const { name, user, host, startedAt } = cluster;
    return `集群 ${name} 的运行 ${run}（${user} 于 ${date(startedAt)} 在 ${host} 上开始）`;
  }
  return own === undefined ? `运行 ${run}` : `${node} 自身（不属于集群）的运行 ${run}`;
}

function onThe(node: string, own: NodePlace | undefined): string {
  return own?.reach === "ssh" ? `以 root 登录 ${node}（ssh ${own.where}），在那里执行：` : "";
}

function onMachine({ name, host }: RunOfCluster): string {
  return `在 ${host} 上，用集群 ${name} 的文件执行：`;
}

function ofCluster(run: string, cluster: RunOfCluster, tool: Tool): readonly string[] {
  return [
    `${onMachine(cluster)}${tool("resume")} 继续完成，${tool(`rollback ${run}`)} 回滚到运行前；在此之前不要动本节点上它的文件（.perennial-...）`,
    `${cluster.host} 不可用时：在任何一台有该集群文件的机器上执行同样的命令，会从各节点上的副本继续；如果它在那里早已结束，该 resume 也会让本节点得知`,
  ];
}

function holderOf({ what, holder, host, pid, sinceAt }: FindingParams["run-locked"]): string {
  return `${holder} 在 ${host} 上执行 ${what}（pid ${pid}），始于 ${date(sinceAt)}`;
}

export const findingsRuns: typeof english = {
  "run-unfinished": {
    sentence: ({ params, node }) => `${named(params, node)}中途中断：部分文件可能是新的，部分仍是旧的`,
    next: ({ params, node, tool: ofCall }) => {
      const { run, own, cluster } = params;
      const tool = toolForRun(params, ofCall);
      if (cluster) return ofCluster(run, cluster, tool);
      return [
        `${onThe(node, own)}${tool("resume")} 继续完成，${tool(`rollback ${run}`)} 回滚到运行前；${tool(`runs show ${run}`)} 查看进度`,
      ];
    },
  },
  "run-locked": {
    sentence: ({ params, node }) =>
      ({
        alive: `${named(params, node)}正在进行：${holderOf(params)}`,
        heard: `${named(params, node)}正在进行（依据其锁）：${holderOf(params)}，最近的记录在 ${date(params.heardAt)}`,
        silent: `${named(params, node)}尚未结束，从这里看不出是否已中断：它的锁仍被持有（${holderOf(params)}），而 ${date(params.heardAt)} 之后没有任何记录`,
      })[params.life],
    next: ({ params, node, tool: ofCall }) => {
      const { run, own, cluster, holder, host, pid, life } = params;
      const tool = toolForRun(params, ofCall);
      const breaks = own === undefined ? ` ${flags.breakLock}` : "";
      const where = cluster ? onMachine(cluster) : onThe(node, own);
      return [
        `${life === "silent" ? "询问" : "等它结束，或询问"} ${holder}；在 ${host} 上：ps -fp ${pid}`,
        life === "silent"
          ? `确认该进程已不存在后才可：${where}${tool(`resume${breaks}`)} 继续完成，${tool(`rollback ${run}${breaks}`)} 回滚到运行前`
          : `然后再次执行：${ofCall("check")}`,
      ];
    },
  },
  "runs-unreadable": {
    sentence: ({ params: { error } }) =>
      `无法读取此处的运行记录，因此不知道是否有中断的运行：${saidError(error, errors)}`,
    next: ({ params: { error }, tool }) => [
      ...helpAgainst(error, { errors, tool }),
      `然后再次执行：${tool("check")}`,
    ],
  },
  "journal-unreadable": {
    sentence: ({ params, node }) =>
      `无法确知${named(params, node)}做了什么：${saidError(params.error, errors)}` +
      (params.isEnded ? "；日志的其他副本表明它已结束" : ""),
    next: ({ params: { run, own, error, isEnded }, node, path, tool: ofCall }) => [
      ...(isEnded
        ? []
        : helpAgainst(error, { errors, tool: toolForRun(own === undefined ? {} : { own }, ofCall) })),
      `处理妥当后将其移开${node === "" ? "" : `（在 ${node} 上）`}，否则会再次报告，也无法开始新的运行：mv ${shellQuote(`${path}/runs/${run}`)} ${shellQuote(`${path}/damaged-${run}`)}`,
    ],
  },
};
