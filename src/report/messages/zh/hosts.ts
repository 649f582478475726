// Chinese: errors of other machines, which are reached over SSH.
import { faultWords } from "../../../core/model/reasons-servers.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { forgetKeyOf, keyscanOf, ownFingerprints, type HostErrorCode } from "../en/hosts.ts";
import type { ErrorMessages } from "../types.ts";
import { serverReasonsInChinese as said } from "./reasons-servers.ts";

export const hostErrors: ErrorMessages<HostErrorCode> = {
  "ssh-missing": {
    sentence: (p) => `无法连接 ${p.host}：本机没有程序 ${p.program}`,
    hint: () => ["请安装 OpenSSH 客户端：apt-get install openssh-client，或 yum install openssh-clients"],
  },
  "host-key-unknown": {
    sentence: (p) =>
      `本机不认识 ${p.host}（${p.address}）的主机密钥：${p.keyType} ${p.fingerprint}；未发送任何内容`,
    hint: (p) => [
      `请在 ${p.host} 的控制台上核对这是否就是它的密钥：${ownFingerprints}`,
      `确认之后再加入：${keyscanOf(p.address)} >> ~/.ssh/known_hosts`,
    ],
  },
  "host-key-changed": {
    sentence: (p) =>
      `${p.host}（${p.address}）的主机密钥与本机记录的不同` +
      `${p.file === null ? "" : `（${p.file} 第 ${p.line} 行）`}：现在是 ${p.keyType} ${p.fingerprint}；未发送任何内容`,
    hint: (p) => [
      `要么机器重装过，要么有人在中间；请在它的控制台上核对：${ownFingerprints}`,
      `只有核对一致才执行：${forgetKeyOf(p.file, p.address)}，然后 ${keyscanOf(p.address)} >> ~/.ssh/known_hosts`,
    ],
  },
  "login-refused": {
    sentence: (p) => `${p.host} 拒绝登录：${p.detail}`,
    hint: (p) => [
      `手工执行同样的登录，查看 ssh 尝试了什么：ssh -v ${shellQuote(p.host)} true`,
      ...(p.methods.length === 0 ? [] : [`服务端接受的方式：${p.methods.join("、")}`]),
      "ssh-add -l 显示代理中的密钥；主机的用户与密钥写在 ~/.ssh/config 或 cluster.yaml 中",
      ...(p.methods.some((method) => /^(password|keyboard-interactive)$/.test(method))
        ? [`或使用密码：${flags.askPass}（-k）只询问一次，用于所有节点`]
        : []),
    ],
  },
  "host-unreachable": {
    sentence: (p) => `无法连接 ${p.host}：${said[faultWords[p.reason]]}（${p.detail}）`,
    hint: (p) => [`手工执行同样的连接：ssh -v ${shellQuote(p.host)} true`],
  },
  "host-unfit": {
    sentence: (p) =>
      `无法在 ${p.host} 上执行任何操作：缺少 ${p.missing.join("、")}${p.detail === "" ? "" : `（${p.detail}）`}`,
    hint: () => [
      "那里需要 POSIX sh 与 coreutils（或 busybox），此外不需要别的",
      "没有这些时：perennial plan --script 会生成可带过去执行的脚本",
    ],
  },
  "sudo-refused": {
    sentence: (p) =>
      `${p.host} 上的 sudo：${said[faultWords[p.reason]]}${p.detail === "" ? "" : `（${p.detail}）`}`,
    hint: (p) => [
      ...(p.reason === "password-needed"
        ? [`提供密码：${flags.askBecomePass}（-K）只询问一次，用于所有节点`]
        : []),
      ...(p.reason === "needs-terminal"
        ? ["在该机的 /etc/sudoers 中写入：Defaults:USER !requiretty，USER 为登录用户"]
        : []),
      `查看该用户的权限：ssh -t ${shellQuote(p.host)} sudo -l`,
    ],
  },
  "host-lost": {
    sentence: (p) => `与 ${p.host} 的连接中断：${p.reason}`,
    hint: (_, tool) => [
      "正在执行的命令是否完成无从得知；重做时会先核对现状",
      `若 ${tool("runs list")} 显示有未完成的运行：${tool("resume")}`,
    ],
  },
};
