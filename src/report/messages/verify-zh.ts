// 中文：verify 从运行中的节点取得的证明。
import { formatDateIso as date } from "../time.ts";
import type { verifyEn } from "./verify-en.ts";

export const verifyZh: typeof verifyEn = {
  columns: ["验证项", "结果", "所见"],
  node: "节点",
  outcomes: { proved: "已证实", failed: "失败", skipped: "未查看" },
  subjects: {
    write: "创建并删除一个对象",
    nodes: "节点就绪",
    pods: "没有反复崩溃的 pod",
    logs: "最新日志中没有被拒绝的请求",
    etcd: "etcd：状态、告警、线性一致读",
    members: "etcd：各成员组成一个健康的集群",
  },
  serves: (serialHex, notAfter) => `序列号 ${serialHex}，${date(notAfter)} 到期`,
  stored: { same: "与磁盘一致", other: "与磁盘不一致", own: "自行生成" },
  runs: (startedAt, through) =>
    `${startedAt === null ? "运行中" : `自 ${date(startedAt)} 起运行`}（${through === "process" ? "普通进程" : through}）`,
  etcdRead: (version) => `版本 ${version}，读取经过多数派`,
  members: (healthy, voters) => `${voters} 个投票成员中 ${healthy} 个正常`,
  wrote: "API 可以写入",
  counted: (count, faulty) => `查看 ${count} 个，其中 ${faulty} 个有问题`,
  joiner: "，",
  notAsked: "-",
  skipped: {
    "read-only": "--read-only：不写入任何内容",
    "no-identity": "没有可用来询问的身份：此处没有 apiserver，或没有可用的 admin.conf 或 etcd 客户端证书",
  },
  nothingThere: "没有可查看的对象",
  summary: (proved, failed, skipped) =>
    `在运行中的节点上：证实 ${proved} 项，失败 ${failed} 项，未查看 ${skipped} 项`,
};
