// 中文：多节点运行的错误。
import type { ErrorParams } from "../../../core/model/errors.ts";
import type { TakenBack } from "../../../core/model/errors-runs.ts";
import type { Objection } from "../../../core/model/quorum.ts";
import { flags } from "../../flags.ts";
import { say } from "../../say.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso } from "../../time.ts";
import { etcdctlOf, objectionsZh } from "../quorum.ts";
import { silentZh } from "../readiness.ts";
import type { ErrorMessages } from "../types.ts";

const outcomes: Readonly<Record<TakenBack, string>> = {
  untouched: "该节点尚未改动",
  "rolled-back": "已单独回滚",
  left: "旧证书已过期，故保持现状",
  stuck: "也未能回滚",
};

function membersHint(objections: readonly Objection[]): readonly string[] {
  const commands = etcdctlOf(objections);
  const isAway = objections.some(({ code }) => code === "member-unreachable" || code === "member-unhealthy");
  return [
    ...(commands.length === 0 ? [] : [`排除原因后执行：${commands.join("、")}`]),
    ...(isAway ? [`若成员因自身证书过期而停止：在该节点上单独执行 perennial renew`] : []),
  ];
}

function failure({ node, reason, outcome }: ErrorParams["workers-failed"]["failures"][number]): string {
  return `${node}：${outcomes[outcome]}（${reason}）`;
}

function whose({ cluster, node, user, host, startedAt }: ErrorParams["run-unfinished-elsewhere"]): string {
  const on = node === "" ? "" : `（${node} 上）`;
  const of = cluster === "" ? `节点自身的运行${on}` : `集群 ${cluster} 的运行${on}`;
  return `${of}，由 ${user}@${host} 于 ${formatDateIso(startedAt)} 开始`;
}

export const errorsMany = {
  "gate-refused": {
    sentence: (p) =>
      `etcd 状态不满足继续处理 ${p.node} 的要求：${p.objections.map((o) => say(o, objectionsZh)).join("；")}`,
    hint: (p, tool) => [
      `没有停止任何成员；先恢复各成员，再执行 ${tool("resume")}`,
      ...membersHint(p.objections),
      `如可接受 etcd 短时中断：用 ${flags.acceptOutage} 重新制定计划`,
    ],
  },
  "node-failed": {
    sentence: (p) =>
      `${p.node} 未能通过${p.step === "" ? "" : `（步骤 ${p.step}）`}，${outcomes[p.outcome]}${p.done.length === 0 ? "" : `；已完成并通过验证：${p.done.join("、")}`}`,
    hint: (_, tool) => [`排除原因后用 ${tool("resume")} 从该节点继续，${tool("rollback last")} 回滚全部节点`],
  },
  "nodes-not-ready": {
    sentence: (p) =>
      p.problem === ""
        ? `${p.of} 个节点中有 ${p.ready} 个向 apiserver 上报，至少需要 ${p.needed} 个才能继续${p.silent.length === 0 ? "" : `；尚未上报：${silentZh(p.silent)}`}`
        : `没有 apiserver 能回答哪些节点在上报：${p.problem}`,
    hint: (p, tool) => [
      ...(p.step.endsWith("/enough")
        ? ["尚未启动任何 controller-manager：它会把 Pod 从它认为失联的节点上驱逐"]
        : []),
      "检查这些节点的 kubelet：journalctl -u kubelet；证书已过期而集群文件未列出的工作节点，待本次运行结束后用新的计划修复",
      `它们恢复上报后：${tool("resume")}；接受更少的节点：${tool(`resume ${flags.minReady} N`)}；不再等待：${tool(`resume ${flags.minReady} 0`)}`,
    ],
  },
  "workers-failed": {
    sentence: (p) =>
      `${p.of} 个工作节点中有 ${p.failures.length} 个未能通过：${p.failures.map(failure).join("；")}${p.left.length === 0 ? "；其余均已完成" : `；尚未开始：${p.left.join("、")}`}`,
    hint: (_, tool) => [
      `排除原因后用 ${tool("resume")} 重试这些节点及其余节点，${tool("rollback last")} 回滚全部节点`,
    ],
  },
  "run-unfinished-elsewhere": {
    sentence: (p) => `运行 ${p.run} 尚未结束（${whose(p)}）：它的文件就在在用文件旁，不能被扰动`,
    hint: (p) =>
      p.cluster === ""
        ? [
            `在 ${p.node === "" ? p.host : p.node} 上：perennial resume，或 perennial rollback ${p.run}；然后重新执行本命令`,
            `它的日志：${shellQuote(p.path)}`,
          ]
        : [
            `在 ${p.host} 上，用集群 ${p.cluster} 的文件：perennial resume -f FILE，或 perennial rollback ${p.run} -f FILE；然后重新执行本命令`,
            `若它在那里已经结束，上述 resume 会更新此处的日志副本：${shellQuote(p.path)}`,
          ],
  },
} satisfies Partial<ErrorMessages>;
