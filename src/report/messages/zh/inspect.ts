// 中文：inspect 的标签。
import { formatDateIso as date, spanZh } from "../../time.ts";
import type { inspect as english } from "../en/inspect.ts";

export const inspect: typeof english = {
  kinds: {
    certificate: "证书",
    authority: "CA 证书",
    "private-key": "私钥",
    "encrypted-key": "加密的私钥",
    "public-key": "公钥",
    request: "证书请求",
    other: "其他内容",
    broken: "已损坏",
  },
  labels: {
    subject: "主体",
    issuer: "签发者",
    serial: "序列号",
    validity: "有效期",
    sans: "SAN",
    usages: "用途",
    key: "密钥",
    signature: "签名算法",
    sha256: "SHA-256",
    spki: "SPKI SHA-256",
    ski: "SKI",
    aki: "AKI",
    extensions: "扩展",
    anomalies: "异常",
    keyAt: "私钥",
    matches: "对应证书",
    format: "格式",
    label: "类型",
    reason: "原因",
  },
  forms: {
    pem: "PEM",
    der: "DER",
    kubeconfig: "kubeconfig",
    objects: "Secret 与 ConfigMap",
    handshake: "监听端口出示的证书",
    unknown: "不是 PEM 或 DER，也无法作为 kubeconfig 读取",
  },
  where: (where) =>
    where === "file"
      ? "整个文件"
      : where.replace(/(?<=^| )line (\d+)$/, "第 $1 行").replace(/^handshake (\d+)$/, "出示的第 $1 张"),
  words: (reason) => reason,
  coded: (reason, code) => `${reason}（${code}）`,
  joiner: "；",
  critical: "关键",
  keyElsewhere: "不在此文件中",
  matchesNothing: "此文件中没有对应的证书",
  empty: "未找到证书、私钥或证书请求",
  validity: (notBefore, notAfter, at) =>
    `${date(notBefore)} 至 ${date(notAfter)}（${at > notAfter ? `已过期 ${spanZh(at - notAfter)}` : at < notBefore ? `${spanZh(notBefore - at)}后生效` : `剩余 ${spanZh(notAfter - at)}`}）`,
  fault: (line, fault) => `第 ${line} 行损坏：${fault}`,
};
