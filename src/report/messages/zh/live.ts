// 中文：运行中的进程。重启及原因、在线节点上的步骤、运行过程中的提示。
import { formatDateIso as date } from "../../time.ts";
import type { TakenBack } from "../../../core/model/errors-runs.ts";
import type { MinReady } from "../../../core/model/readiness.ts";
import { flags } from "../../flags.ts";
import type { live as english } from "../en/live.ts";
import { silentZh } from "../readiness.ts";

/** `5 个`、`75%`。 */
function needed(need: MinReady): string {
  return need.form === "nodes" ? `${need.count} 个` : `${need.percent}% `;
}

const taken: Readonly<Record<TakenBack, string>> = {
  untouched: "该节点尚未改动",
  "rolled-back": "已单独回滚",
  left: "旧证书已过期，故保持现状",
  stuck: "也未能回滚",
};

export const live: typeof english = {
  restartReasons: {
    dead: (r) => (r.state === "exited" ? "已退出" : "未在运行"),
    unwell: (r) => `状态异常：${r.ailment}`,
    "reads-once": () => "仅在启动时读取证书",
    "holds-expired": (r) => `${r.slot} 已过期，进程已经或即将不可用`,
    "started-before": (r) =>
      `自 ${date(r.startedAt)} 起运行，而 ${r.slot} 更新：磁盘上已续期，内存中仍是旧证书`,
    "serves-other": (r) => `${r.endpoint} 出示的序列号是 ${r.serialHex}，与磁盘上的不同`,
    "loopback-certificate": (r) =>
      r.startedAt === 0
        ? "其自签的回环证书即将到期"
        : `自 ${date(r.startedAt)} 起运行，启动时自签的回环证书只有一年有效期`,
  },
  keepRunning: {
    "nothing-changes": () => "它加载的内容没有变化",
    reloads: (r) => `版本 ${r.version} 会自动读取变化的文件（自 ${r.since} 起），未生效才重启`,
    "several-members": (r) =>
      `它是 ${r.members} 个成员之一，本命令绝不停止它：自 3.2 起它在下一次握手时读取新文件。若其他成员的证书也已过期，在它们续好之前本节点不会恢复：请到那些节点上续期，再回到这里 resume`,
    "not-here": (r) => `无法查看${r.through === "" ? "" : `（${r.through}）`}`,
  },
  heading: "进程：",
  bounce: (consumer, why) => `${consumer}：重启，${why}`,
  await: (consumer, why) => `${consumer}：保持运行，${why}`,
  keep: (consumer, why) => `${consumer}：不动，${why}`,
  commands: {
    stop: (line) => `停止命令：${line}`,
    start: (line) => `启动命令：${line}`,
    status: (line) => `状态命令：${line}`,
  },
  steps: {
    snapshot: (endpoints) => `etcd，地址 ${endpoints}`,
    bounce: (consumer, seconds) => `重启 ${consumer}（至多 ${seconds} 秒恢复）`,
    bounceIfNeeded: (consumer, seconds) => `${consumer} 在 ${seconds} 秒内自动加载新证书，否则重启`,
    gate: (demand) =>
      demand === "stable"
        ? "etcd：所有成员健康，同一 leader、同一 term，无告警"
        : "etcd：达到法定人数，并能完成一次读",
    ready: (step) =>
      step.of === "node"
        ? `其 kubelet 向 apiserver 上报（至多 ${step.timeoutSeconds} 秒）`
        : step.need === null
          ? "统计向 apiserver 上报的节点"
          : `${needed(step.need)}的节点向 apiserver 上报（至多 ${step.timeoutSeconds} 秒；${flags.minReady}）`,
    proveLive: (count, writes) =>
      `${count} 个监听端口出示正确的证书，各进程正常${writes ? "，并能创建和删除一个对象" : ""}`,
  },
  phases: {
    snapshot: "快照（snapshot）：在首次写入之前保存 etcd 数据",
    restart: "重启（restart）：逐个重启需要重启的进程",
    roll: "滚动（roll）：逐个节点进行，etcd leader 所在节点最后：检查、替换、验证、重启、检查",
    gate: "检查（gate）：等待 etcd 达到要求",
    workers: "工作节点（workers）：一批节点同时进行：替换、验证、重启 kubelet、等待节点上报",
    ready: "就绪（ready）：等待节点上报并计数",
    "prove-live": "实证（prove）：比对实际出示的证书，读 etcd，写 API",
  },
  phaseLines: {
    snapshot: () => "快照（snapshot）：把 etcd 数据保存到本次运行的目录并回读校验",
    restart: (count) => `重启（restart）：${count} 个进程，前一个恢复正常并出示新证书后才轮到下一个`,
    roll: () =>
      "滚动（roll）：逐个节点进行，etcd leader 所在节点最后；每个节点在两次检查之间替换、验证、重启，失败则只回滚该节点",
    gate: () => "检查（gate）：etcd 达到法定人数后才继续",
    workers: () =>
      "工作节点（workers）：同时进行；各自替换、验证、重启 kubelet 并等待其上报，失败则只回滚该节点",
    ready: (_count, steps) => {
      const need = steps.flatMap((step) =>
        step.kind === "ready" && step.need !== null ? [step.need] : [],
      )[0];
      return need === undefined
        ? "就绪（ready）：统计上报的节点"
        : `就绪（ready）：${needed(need)}的节点上报后才启动 controller-manager`;
    },
    "prove-live": () => "实证（prove）：各监听端口出示的证书、一次 etcd 读、一次 API 写",
  },
  events: {
    snapshot: (file, bytes, form) =>
      form === "snapshot"
        ? `[snapshot] 已保存 etcd 快照并回读校验：${file}，${bytes} 字节`
        : `[snapshot] etcd 已停止，数据文件已复制到 ${file}，${bytes} 字节`,
    node: {
      "node-started": (node) => `[roll] ${node} 开始`,
      "node-done": (node) => `[roll] ${node} 已完成并通过验证`,
    },
    gate: (demand, members) =>
      demand === "stable"
        ? `[gate] etcd：${members} 个成员均健康且一致`
        : `[gate] etcd：已达到法定人数（询问了 ${members} 个成员）`,
    ready: ({ ready, of, needed: least, silent }) =>
      `[ready] ${of} 个节点中有 ${ready} 个上报且 Ready${least === null ? "" : `，需要 ${least} 个`}${silent.length === 0 ? "" : `；其余：${silentZh(silent)}`}`,
    workerFailed: (node, code, outcome) => `[workers] ${node} 未能通过（${code}）；${taken[outcome]}`,
    leaderMoved: (from, to) => `[roll] etcd leader 已从 ${from} 移交给 ${to}`,
    adopted: (run, from, host) =>
      `[resume] 运行 ${run}（在 ${host} 上开始）由 ${from} 上的副本接管：此后所做的事直接从各节点读取`,
    snapshotElsewhere: (host) => `[resume] 本次运行的 etcd 快照仍在 ${host} 上该运行的目录中`,
    copiesMissed: (nodes) => `[copy] 日志未能复制到 ${nodes}；本机上的日志是完整的`,
    v2Data: "[snapshot] 发现 etcd v2 API 的数据：v3 快照不包含它，请另行保存数据目录",
    process: {
      reloading: (consumer) => `[restart] ${consumer}：等待其读取新文件`,
      reloaded: (consumer) => `[restart] ${consumer} 已出示新证书，无需重启`,
      stopping: (consumer) => `[restart] ${consumer}：正在停止`,
      unblocked: (consumer) =>
        `[restart] ${consumer} 崩溃后处于 kubelet 的重启退避中：已清除退出的容器，将立即重新启动`,
      returned: (consumer) => `[restart] ${consumer}：新进程已启动`,
      well: (consumer) => `[restart] ${consumer} 已恢复正常并出示正确的证书`,
    },
    proved: (served, wrote, node) =>
      `[prove] ${node === null ? "" : `${node}：`}${served} 个监听端口出示正确的证书${wrote ? "，API 可以写入" : ""}`,
  },
  runbook: {
    expectedOf: {
      snapshot: "`snapshot ok`，且 `etcdctl snapshot status` 能识别该文件",
      bounce: "新容器的 ID（kubelet 则为 `active`），然后是 `well`",
      ready: "达到该步骤要求数量的节点为 `Ready`，且其 lease 在数秒之内更新过",
      gate: "每个成员均为 `healthy`，各行的 leader 与 term 相同，没有告警",
      "prove-live": "每个监听端口一行、以 `ok` 结尾，/readyz 返回 `ok`",
    },
    stopOf: {
      snapshot: "既没有快照，也没有已停止成员的数据文件副本",
      bounce: "一分钟后仍没有新容器，或三分钟后仍不正常：先看它的日志再继续",
      ready: "上报的节点不足：先修复其 kubelet，再启动 controller-manager",
      gate: "缺少成员、有成员不健康或有告警：此时不能停止任何成员",
      "prove-live": "某一行以 STOP 开头：该进程内存中仍是旧证书",
    },
    whyOf: {
      snapshot: "集群的数据比证书更重要",
      bounce: "进程内存中仍是旧证书",
      ready: "controller-manager 会驱逐未上报节点上的 Pod",
      gate: "已有成员离线时再停止一个成员，会失去法定人数",
      "prove-live": "文件不能证明什么，要看运行中的进程实际出示的证书",
    },
  },
};
