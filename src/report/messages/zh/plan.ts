// 中文：计划中的原因、提示与标题。
import { flags } from "../../flags.ts";
import { formatDateIso as date, spanZh } from "../../time.ts";
import type { plan as english } from "../en/plan.ts";

export const plan: typeof english = {
  renewReasons: {
    expired: (r) => `已于 ${date(r.notAfter)} 过期`,
    expiring: (r) => `将于 ${date(r.notAfter)} 过期`,
    "key-does-not-match": () => "证书与私钥不匹配",
    "key-not-usable": (r) => `其私钥 ${r.path} ${r.state === "missing" ? "缺失" : "已损坏"}`,
    "wrong-issuer": (r) => `不是由本节点的根证书 ${r.authority} 签发`,
    "not-yet-valid": (r) => `从 ${date(r.notBefore)} 才生效`,
    requested: () => "按要求",
    "san-added": (r) => `增加名称：${r.sans.join("、")}`,
    follows: (r) =>
      r.because === "same-key" ? `${r.original} 的副本（私钥相同）` : `${r.original} 的过时副本（身份相同）`,
  },
  keepReasons: {
    "not-due": (r) => `有效期至 ${date(r.notAfter)}`,
    "not-selected": () => "未要求",
    missing: () => "缺失，而续期需要旧证书：见 perennial check",
    unreadable: (r) => `无法读取：${r.reason}`,
    "not-usable": (r) => `不能照原样续期：${r.reason}`,
    "externally-managed": (r) => `根证书 ${r.authority} 的私钥不在此处`,
    "kubelet-rotates": (r) => `有效期内由 kubelet 轮换（至 ${date(r.notAfter)}）`,
    "other-identity": () => "与任何原件的身份都不同",
    "no-certificate": () => "不含证书",
    "observed-only": () => "仅查看",
  },
  notices: {
    "validity-capped": (n) =>
      `${n.slot} 将随根证书 ${n.authority} 于 ${date(n.notAfter)} 到期，早于要求的有效期`,
    "swap-window": (n) =>
      `${n.consumers.join("、")} 每次握手都会读取文件：两次改名之间的微秒内握手可能失败；使用 ${flags.keepKey} 或先停止它可避免`,
    "restart-needed": (n) => `完成后请逐个节点重启以下组件，使新证书生效：${n.consumers.join("、")}`,
    "authority-bundle": (n) => `根证书 ${n.authority} 的文件含多个证书，由与私钥匹配的那个签发`,
    "mode-kept-open": (n) => `${n.address} 保持权限 ${n.mode}：其他用户可以读取其中的私钥`,
  },
  phases: {
    issue: "签发（issue）：在内存中生成私钥与证书",
    "back-up": "备份（back-up）：保存原文件",
    stage: "预置（stage）：在原文件旁写好新文件，并整体校验",
    swap: "替换（swap）：用新文件改名覆盖原文件",
    prove: "验证（prove）：重新读取并与计划比对",
  },
  legend: "~ 续期   > 跟随   （空白）保持不变",
  joiner: "；",
  title: (cluster, nodes, profile) => `集群 ${cluster}、${nodes} 的计划（profile ${profile}）`,
  change: (serial, notAfter, validity, cap) =>
    `序列号 ${serial}，${date(notAfter)} -> 新序列号，有效期 ${validity}，不晚于 ${date(cap)}`,
  span: (ms) => spanZh(ms),
  keyKept: (algorithm) => `保留私钥（${algorithm}）`,
  keyNew: (algorithm) => `新私钥（${algorithm}）`,
  signedBy: (authority) => `由 ${authority} 签发`,
  sansAdded: (sans) => `增加 ${sans}`,
  noticesHeading: "注意：",
  refusalsHeading: "已拒绝：",
  wayOn: "->",
  stepsHeading: "步骤（按此顺序）：",
  onNode: (node) => `在 ${node} 上`,
  steps: {
    issue: (name, authority) => `${name}，由 ${authority} 签发`,
    take: (name, serial) => `${name}：取用现有证书（序列号 ${serial}）供其副本使用`,
    "back-up": (object) => object,
    stage: (object, mode) => `${object}（权限 ${mode}）`,
    swap: (object) => object,
    prove: (name) => name,
  },
  guards: (written, read) =>
    `前提：将写入的 ${written} 个对象与只读取的 ${read} 个对象须与制定计划时一致，否则不做任何改动。`,
  undo: "回滚：perennial rollback last 恢复内容、权限、属主与链接；中途失败会自动回滚。",
  digest: (digest) => `摘要：${digest}`,
  nothing: "无需操作：没有到期的证书。",
  leftOut: (count) => `未包括：${count} 个证书不能照原样续期，见上。`,
  refused: (count) => `已拒绝：${count} 个原因，无法执行。`,
  summary: (renew, follow, keep) => `计划：续期 ${renew} 个，跟随 ${follow} 个，保持不变 ${keep} 个。`,
};
