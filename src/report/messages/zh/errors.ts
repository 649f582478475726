// 中文：每种错误——什么、哪里、为何；以及下一步。
import { hostErrors } from "./hosts.ts";
import type { FactsDamage } from "../../../core/model/errors.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";
import { errorsContent } from "./errors-content.ts";
import { errorsStore } from "./errors-store.ts";
import { errorsRuns } from "./errors-runs.ts";
import { errorsServers } from "./errors-servers.ts";

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

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `第 ${section} 段${title === "" ? "" : `（在 ${title} 之后）`}${factsFaults[fault]}`;
  return `第 ${section} 段（${title}）${factsFaults[fault]}`;
}

export const errors: ErrorMessages = {
  ...errorsContent,
  ...errorsStore,
  ...errorsRuns,
  ...errorsServers,
  ...hostErrors,
  usage: {
    sentence: (p) => `用法有误：${p.reason}`,
    hint: () => ["perennial --help，perennial COMMAND --help"],
  },
  "name-unknown": {
    sentence: (p) => `没有名为 ${p.name} 的证书`,
    hint: (p) => [`此处可用的名称：${p.known.join("、")}`],
  },
  "not-a-node": {
    sentence: (p) => `${p.root} 不像控制平面节点：其下没有 kubeadm 证书或静态 Pod 清单`,
    hint: () => [
      `请在控制平面节点上执行，或用 ${flags.root} DIR 指定其文件系统，或用 ${flags.profile} ID 说明（perennial profile list）`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `无法读取 ${p.path}：${p.reason}`,
    hint: (p) => [`查看：ls -l ${shellQuote(p.path)}`],
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
  "confirmation-needed": {
    sentence: (p) => `${p.command} 在改动前需要确认，但没有可用的终端`,
    hint: (p, tool) => [`先看计划：${tool("plan")}；再执行 ${tool(`${p.command} ${flags.yes}`)}`],
  },
  declined: {
    sentence: (p) => `${p.command} 未获确认，未做任何改动`,
    hint: () => ["只有输入 yes 才算同意；准备好后请重新执行"],
  },
  internal: {
    sentence: (p) => `内部错误：${p.reason}`,
    hint: (_, tool) => [
      "这是 perennial 的缺陷；请附上 perennial version 的输出反馈",
      `${tool("runs list")} 查看是否有未完成的运行；${tool("rollback last")} 回滚`,
    ],
  },
};
