// 中文：每种错误——什么、哪里、为何；以及下一步。
import { hostErrors } from "./hosts.ts";
import type { FactsDamage } from "../../../core/model/errors-content.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";
import { errorsClusters } from "./errors-clusters.ts";
import { errorsContent } from "./errors-content.ts";
import { errorsStore } from "./errors-store.ts";
import { errorsMany } from "./errors-many.ts";
import { errorsRuns } from "./errors-runs.ts";
import { errorsServers } from "./errors-servers.ts";
import { otherDistributions } from "./other-distributions.ts";

const factsFaults = {
  "no-beginning": "缺少第一行（=== perennial facts 1 ===），或者不是采集的文本",
  "other-version": "由本版本不认识的 perennial collect 版本生成",
  "no-end": "缺少最后一行（=== perennial facts end N ===），结尾没有复制到",
  missing: "缺失",
  unfinished: "没有复制完整",
  "sum-differs": "在传递中被改动，校验和不符",
  "two-contents": "出现两次且内容不同：混有两次采集的文本，请每次采集各存一个文件",
  "not-understood": "完整，但本版本不认识其类型",
} as const;

const outputWork = {
  looked: "该命令只读取，未做任何改动",
  done: "命令本身的工作已全部完成",
  failed: "命令本身没有成功，原因见上",
  "not-begun": "计划无法显示，因此没有开始，未做任何改动",
} as const;

function folderOf(path: string): string {
  return path.replace(/\/[^/]*$/, "") || "/";
}

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `第 ${section} 段${title === "" ? "" : `（在 ${title} 之后）`}${factsFaults[fault]}`;
  return `第 ${section} 段（${title}）${factsFaults[fault]}`;
}

/** Names beyond these are only counted. */
const mostKnown = 10;

export const errors: ErrorMessages = {
  ...errorsContent,
  ...errorsClusters,
  ...errorsStore,
  ...errorsMany,
  ...errorsRuns,
  ...errorsServers,
  ...hostErrors,
  usage: {
    sentence: (p) => `用法有误：${p.reason}`,
    hint: (p) => [`perennial ${p.command === undefined ? "" : `${p.command} `}--help`],
  },
  "needs-probe": {
    sentence: ({ nodes }) =>
      `verify 要查看正在运行的节点，而这里只指定了文件${nodes.length === 0 ? "" : `（${nodes.join("、")}）`}：没有 ${flags.probe} 就不发起连接`,
    hint: (_, tool) => [`若它就在本机运行：${tool(`verify ${flags.probe}`)}`, `只看文件：${tool("check")}`],
  },
  "lab-keys-missing": {
    sentence: ({ authorities }) =>
      `lab 中没有以下 CA 的私钥，无法更改由其签发的证书的日期：${authorities.join("、")}；未做任何改动`,
    hint: () => ["执行本命令期间先放回私钥，完成后再移走"],
  },
  "name-unknown": {
    sentence: (p) => `没有名为 ${p.name} 的证书`,
    hint: (p) => [`此处可用的名称：${p.known.join("、")}`],
  },
  "not-a-node": {
    sentence: (p) =>
      p.cause === undefined
        ? `${p.root} 不像控制平面节点：其下没有 kubeadm 证书或静态 Pod 清单`
        : `无法把 ${p.root} 当作节点的文件系统查看：${p.cause}`,
    hint: (p) => [
      ...(p.cause === undefined ? [] : [`ls -ld ${shellQuote(p.root)}`]),
      `请在控制平面节点上执行，或用 ${flags.root} DIR 指定其文件系统，或用 ${flags.profile} ID 说明（perennial profile list）`,
    ],
  },
  "not-kubeadm": {
    sentence: (p) =>
      `${p.root} 是 ${otherDistributions[p.distribution].name} 的节点（${p.path}），不由 kubeadm 管理，不作处理；其证书：${otherDistributions[p.distribution].renews}`,
    hint: (p) => [
      ...otherDistributions[p.distribution].next,
      `若本节点确由 kubeadm 创建：${flags.profile} kubeadm`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `无法读取 ${p.path}：${p.reason}`,
    hint: (p) => [`查看：ls -l ${shellQuote(p.path)}`],
  },
  "not-collected": {
    sentence: (p) => `采集的信息中没有 ${p.path}`,
    hint: (p) => [
      `其中有：${p.known.slice(0, mostKnown).join("、")}${p.known.length > mostKnown ? ` 等 ${p.known.length} 项` : ""}`,
      "若节点上还有别的，请在该节点上用 root 重新执行 perennial collect（或 perennial-collect）",
    ],
  },
  "no-password": {
    sentence: () => "标准输入已结束，没有读到密码",
    hint: () => [`请在终端中输入，或在标准输入中依次为 ${flags.askPass} 和 ${flags.askBecomePass} 各给一行`],
  },
  "facts-damaged": {
    sentence: (p) => `${p.path} 中采集的信息不完整：${p.damages.map(factsDamage).join("；")}`,
    hint: () => [
      "把损坏的段从 @N 行到 @N end 行重新复制一次，放在最后一行之前的任意位置：完整的副本优先于损坏的副本",
      "或重新采集到文件再传递该文件：perennial collect > facts.txt",
    ],
  },
  refused: {
    sentence: (p) => `已拒绝（${p.refusals.length} 个原因），未做任何改动`,
    hint: (_, tool) => [`先解决上述问题，或只指定其余证书：${tool("renew NAME ...")}`],
  },
  "out-failed": {
    sentence: (p) => `无法写入 ${p.path}：${p.cause}`,
    hint: (p) => [
      `除此之外没有任何改动；请查看该位置（ls -ld 与 df -h ${shellQuote(folderOf(p.path))}），或用 ${flags.out} 指定其他文件`,
    ],
  },
  "output-lost": {
    sentence: (p) => `无法把结果（完整）写到标准输出：${p.cause}；${outputWork[p.work]}`,
    hint: (p, tool) => [
      ...(p.hasJournal
        ? [`运行做了什么，以其日志为准：${tool("runs show last")}，${tool("runs report last")}`]
        : []),
      "用 df -h 查看哪里已满；请把输出写到别处，或直接显示在终端上",
    ],
  },
  "confirmation-needed": {
    sentence: (p) => `${p.command} 在改动前需要确认，但没有可用的终端`,
    hint: (p, tool) => [
      `${p.look === "" ? "先看上面的内容" : `先看会做什么：${tool(p.look)}`}；确认无误后执行 perennial ${p.typed} ${flags.yes}`,
    ],
  },
  declined: {
    sentence: (p) => `${p.command} 未获确认，未做任何改动`,
    hint: () => ["只有输入 yes 才算同意；准备好后请重新执行"],
  },
  internal: {
    sentence: (p) => `内部错误：${p.reason}`,
    hint: (p, tool) => [
      "这是 perennial 的缺陷；请附上 perennial version 的输出反馈",
      p.onlyReads === true
        ? "该命令只读取，未做任何改动"
        : `${tool("runs list")} 查看是否有未完成的运行；${tool("rollback last")} 回滚`,
    ],
  },
};
