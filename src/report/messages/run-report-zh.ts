// 中文：一次运行的报告。
import { flags } from "../flags.ts";
import { formatDateIso } from "../time.ts";
import { silentZh } from "./readiness.ts";
import type { runReportEn } from "./run-report-en.ts";

export const runReportZh: typeof runReportEn = {
  title: (run) => `运行 ${run}`,
  date: (at) => formatDateIso(at),
  seconds: (ms) => `${(ms / 1000).toFixed(1)} 秒`,
  states: {
    "running-or-crashed": "未了结：仍在运行或已中断（resume 或 rollback）",
    succeeded: "成功",
    "rolled-back": "已回滚：一切恢复到运行之前",
    "rolling-back": "未了结：正在回滚或回滚中断（resume）",
    abandoned: "已放弃：没有改动任何在用文件",
  },
  labels: {
    outcome: "结果",
    started: "开始",
    ended: "结束",
    duration: "历时",
    user: "用户",
    sudo: "sudo 调用者",
    ssh: "SSH 连接",
    host: "主机",
    ticket: "工单",
    reason: "原因",
    digest: "计划摘要",
    profile: "profile",
    root: "根目录",
    tool: "perennial 版本",
    kept: "保存在",
  },
  none: "-",
  notEnded: "未结束",
  certificates: "证书",
  certificateColumns: ["证书", "原序列号", "原到期时间", "新序列号", "新到期时间"],
  noCertificates: "没有签发证书。",
  files: "文件",
  fileColumns: ["文件", "原 SHA-256", "新 SHA-256", "替换时间", "恢复时间"],
  snapshot: "etcd 数据",
  snapshotColumns: ["形式", "文件", "字节数", "SHA-256"],
  snapshotForms: { snapshot: "快照，已回读校验", "cold-copy": "已停止成员的数据文件副本" },
  archives: "加密归档",
  archiveColumns: ["文件", "字节数", "SHA-256"],
  restarts: "进程",
  restartColumns: ["进程", "停止", "恢复正常并出示正确证书", "用时"],
  events: "门槛、验证及其他经过",
  eventColumns: ["时间", "内容"],
  event: {
    acceptedClock: (doubts: string) => `；已认可时钟（--accept-clock），尽管有：${doubts}`,
    started: (person) => `由 ${person} 开始`,
    allStaged: "门槛：全部新文件已写在原文件旁，并作为整体通过校验",
    proof: (step) => `已验证：${step}`,
    nodesReady: (step, { ready, of, needed, silent }) =>
      `${of} 个节点中有 ${ready} 个 Ready${needed === null ? "" : `，需要 ${needed} 个`}：${step}${silent.length === 0 ? "" : `；其余：${silentZh(silent)}`}`,
    minReady: (need) =>
      `；等待的节点数（${flags.minReady}）：${need === null ? "不等待" : need.form === "nodes" ? need.count : `${need.percent}%`}`,
    reloaded: (step) => `无需重启即已加载新文件：${step}`,
    failed: (step, code, detail) =>
      step === "" ? `失败：${code}：${detail}` : `失败：${step}（${code}：${detail}）`,
    adopted: (person, node) => `由 ${person} 从 ${node} 上的副本接管`,
    resumed: (person) => `由 ${person} 继续`,
    rollback: (person, isFailure) => (isFailure ? "因失败开始回滚" : `由 ${person} 开始回滚`),
    ended: (outcome) => `结束：${outcome}`,
  },
  commands: "等效命令",
  commandsAre: "本次运行所做的事，手工操作时的写法：POSIX sh、openssl 和节点自带的工具。",
};
