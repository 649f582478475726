// Chinese: errors of other machines, which are reached over SSH.
import { shellQuote } from "../../shell.ts";
import { forgetKeyOf, keyscanOf, ownFingerprints, type HostErrorCode } from "../en/hosts.ts";
import type { ErrorMessages } from "../types.ts";

const hostFaults = {
  refused: "该处没有进程监听",
  "no-such-host": "主机名解析不到地址",
  "no-route": "没有到达它的路由",
  timeout: "未在期限内应答",
  closed: "对方关闭了连接",
  configuration: "本机的 SSH 配置无法使用",
  negotiation: "双方没有共同支持的算法",
} as const;

const sudoFaults = {
  "password-needed": "要求输入密码，但未提供",
  "password-wrong": "密码未被接受",
  "not-allowed": "该用户无权运行 sh",
  "needs-terminal": "要求终端（requiretty）",
  "not-installed": "未安装",
  failed: "执行失败",
} as const;

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
    ],
  },
  "host-unreachable": {
    sentence: (p) => `无法连接 ${p.host}：${hostFaults[p.reason]}（${p.detail}）`,
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
      `${p.host} 上的 sudo：${sudoFaults[p.reason]}${p.detail === "" ? "" : `（${p.detail}）`}`,
    hint: (p) => [
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
