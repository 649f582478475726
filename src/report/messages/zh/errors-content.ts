// 中文：文件内容（DER、PEM、密钥、YAML、profile）的错误。
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

const inspectIt = ["perennial inspect FILE 可显示文件中的每个块及损坏位置；请从备份恢复"];

/** 只有名称的列表，如 `RSA-2048, ECDSA-P256`。 */
const isList = /^[\w.-]+(?:[,、] ?[\w.-]+)+$/;

export const errorsContent = {
  "der-malformed": { sentence: (p) => `DER 在第 ${p.offset} 字节处无效：${p.reason}`, hint: () => inspectIt },
  "pem-malformed": {
    sentence: (p) => `PEM 在第 ${p.line} 行无效：${p.reason}`,
    hint: () => inspectIt,
  },
  "certificate-malformed": { sentence: (p) => `不是有效的证书：${p.reason}`, hint: () => inspectIt },
  "key-malformed": { sentence: (p) => `不是有效的私钥：${p.reason}`, hint: () => inspectIt },
  "key-encrypted": {
    sentence: (p) => `私钥已加密（${p.format}），无法使用`,
    hint: () => ["先解密：openssl pkey -in KEY -out KEY.plain；chmod 0600 后用 mv 覆盖原文件"],
  },
  "key-unsupported": {
    sentence: (p) => `不支持 ${p.algorithm} 类型的密钥`,
    hint: () => ["kubeadm 与 Kubernetes 使用 RSA-2048、RSA-3072、RSA-4096、ECDSA-P256、ECDSA-P384"],
  },
  "issue-refused": {
    sentence: (p) => `未签发证书：${p.reason}`,
    hint: (_, tool) => [`未做任何改动；${tool("plan")} 显示请求内容与拒绝原因`],
  },
  "value-invalid": {
    sentence: (p) =>
      `${p.what}${/[A-Za-z]$/.test(p.what) ? " " : ""}${p.value === "" ? "为空" : `的值 ${p.value} 无效`}，应为${/^[\x20-\x7e]/.test(p.expected) ? " " : ""}${isList.test(p.expected) ? p.expected.replaceAll(", ", "、") : p.expected}`,
    hint: () => ["改正后重新执行；--help 列出可用的写法"],
  },
  "yaml-malformed": {
    sentence: (p) => `YAML 在第 ${p.line} 行无效：${p.reason}`,
    hint: () => ["改正该行（用空格而非制表符，引号成对），或从备份恢复该文件"],
  },
  "kubeconfig-malformed": {
    sentence: (p) => `不是有效的 kubeconfig：${p.reason}`,
    hint: () => ["用 kubectl config view --kubeconfig FILE 查看 kubectl 的解析结果"],
  },
  "splice-unsafe": {
    sentence: (p) => `无法在不影响文件其他部分的情况下编辑：${p.reason}`,
    hint: () => [
      "用 kubectl config view --raw --kubeconfig FILE > NEW 写成普通形式，对比后用 mv 覆盖原文件，再重试",
    ],
  },
  "manifest-malformed": {
    sentence: (p) => `不是有效的静态 Pod 清单：${p.reason}`,
    hint: () => ["用 journalctl -u kubelet | grep -i manifest 查看 kubelet 的报错"],
  },
  "profile-invalid": {
    sentence: (p) => `profile ${p.profile} 无效：${p.reason}`,
    hint: (p) => [`perennial profile lint ${shellQuote(p.profile)} 逐行列出问题`],
  },
  "profile-unknown": {
    sentence: (p) => `没有名为 ${p.profile} 的 profile`,
    hint: (p) => [`可用：${p.known.join("、")}；perennial profile list 查看说明`],
  },
} satisfies Partial<ErrorMessages>;
