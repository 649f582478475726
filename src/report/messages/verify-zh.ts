// 中文：verify 从运行中的节点取得的证明。
import { formatDateIso as date } from "../time.ts";
import type { verifyEn } from "./verify-en.ts";

export const verifyZh: typeof verifyEn = {
  columns: ["验证项", "结果", "所见"],
  outcomes: { proved: "已证实", failed: "失败", skipped: "未查看" },
  subjects: {
    write: "创建并删除一个对象",
    nodes: "节点就绪",
    pods: "没有反复崩溃的 pod",
    logs: "最新日志中没有被拒绝的请求",
    etcd: "etcd：状态、告警、线性一致读",
  },
  serves: (serialHex, notAfter) => `序列号 ${serialHex}，${date(notAfter)} 到期`,
  stored: { same: "与磁盘一致", other: "与磁盘不一致", own: "自行生成" },
  runs: (startedAt, through) =>
    `${startedAt === null ? "运行中" : `自 ${date(startedAt)} 起运行`}（${through}）`,
  etcdRead: (version) => `版本 ${version}，读取经过多数派`,
  wrote: "API 可以写入",
  counted: (count, faulty) => `查看 ${count} 个，其中 ${faulty} 个有问题`,
  notAsked: "-",
  summary: (proved, failed, skipped) =>
    `在运行中的节点上：证实 ${proved} 项，失败 ${failed} 项，未查看 ${skipped} 项`,
};
