// 中文：lab 的文字。
import { formatDateIso } from "../time.ts";
import type { cliLabEn } from "./cli-lab-en.ts";

export const cliLabZh: typeof cliLabEn = {
  well: "正常",
  lookAt: (look, repair) => `查看：${look}${repair === null ? "" : `\n修复：${repair}`}`,
  expired: (at, isRunning) =>
    `全部证书已于 ${formatDateIso(at)} 过期${isRunning ? "，所有进程已重启" : ""}。`,
  host: (name, role, address) => `${name}  ${role}  ${address}`,
  silent: "没有应答",
  ready: (state) =>
    state === "True" ? "节点 Ready" : state === null ? "节点状态未知：没有 apiserver 应答" : "节点 NotReady",
  together: (state) =>
    [
      `etcd：${state.members} 个成员中 ${state.healthy} 个正常，${state.hasQuorum ? "有法定多数" : "没有法定多数"}`,
      `apiserver：${state.members} 个中 ${state.apiServers} 个正常，${state.endpoint}`,
      ...(state.workers === 0
        ? []
        : [
            state.ready === null
              ? `工作节点：${state.workers} 个，Ready 数未知`
              : `工作节点：${state.workers} 个中 ${state.ready} 个 Ready`,
          ]),
    ].join("\n"),
  cluster: (file, login) => `集群文件：${file}${login === null ? "" : `\n登录：    ${login}`}`,
  down: (count) => `已结束 ${count} 个进程，lab 已删除。`,
  madeUp: {
    head: "所收集集群的演练。没有收集、由 lab 生成的内容：",
    key: (count) => `${count} 个文件中的私钥：同类型、同长度的新密钥`,
    "key-unread": (count) => `${count} 个文件中节点上未能读取的密钥：视为旁边证书的密钥`,
    "key-faulty": (count) => `${count} 个密钥在原节点上已加密、被截断或损坏，这里也一样`,
    kept: (count) => `${count} 个文件的密钥类型无法在此生成：证书保持节点原样`,
    content: (count) => `${count} 个文件的内容`,
    name: (count) => `只知道名称的 ${count} 项：这里是空的`,
    unread: (count) => `${count} 个文件在节点上无法读取：这里没有`,
    "left-out": (count) => `${count} 个文件的位置由 lab 自己使用：这里没有`,
    more: (count) => `另有 ${count} 个`,
    always: "etcd 中的数据、进程内存中的内容，以及未给出的节点",
  },
};
