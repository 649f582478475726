// 中文：check 的表头与汇总。
import type { check as english } from "../en/check.ts";
import { formatDateIso } from "../../time.ts";

export const check: typeof english = {
  severities: { critical: "严重", warning: "警告", info: "提示" },
  colon: "：",
  comma: "、",
  headings: {
    certificate: "证书",
    authority: "CA",
    external: "外部管理",
    other: "其他证书",
    path: "路径",
    expires: "到期时间",
    residual: "剩余时间",
    follows: "跟随",
    node: "节点",
    serial: "序列号",
    key: "密钥",
    sans: "SAN",
    origin: "来源",
  },
  marks: { ok: "", missing: "!缺失! ", unreadable: "!无法读取! ", broken: "!已损坏! " },
  date: formatDateIso,
  over: "已过期",
  yes: "是",
  no: "否",
  origins: { default: "默认", scan: "扫描发现" },
  kubeletRotates: "（由 kubelet 轮换）",
  kubeletEmbedded: "（内嵌，不会轮换）",
  unmanaged: "（无）",
  outsideKubeadm: "（可续期；不在 kubeadm 的列表中）",
  allWell: (certificates, authorities, node, at) =>
    `一切正常：${node} 上共 ${certificates} 个证书、${authorities} 个 CA（截至 ${formatDateIso(at)}）`,
  firstEnd: (name, notAfter, residual) => `；最早到期的是 ${name}，${formatDateIso(notAfter)}（${residual}）`,
  summary: (counts, node, at, hasWritten) =>
    `${node}：严重 ${counts.critical} 项，警告 ${counts.warning} 项，提示 ${counts.info} 项（截至 ${formatDateIso(at)}）；${hasWritten ? "除创建后又删除的测试对象外，" : ""}未做任何改动`,
  next: (command) => `；下一步：${command}`,
  nodes: (names) => (names.length === 1 ? (names[0] ?? "") : `${names.length} 个节点`),
};
