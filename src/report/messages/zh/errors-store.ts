// 中文：读写对象时的错误。
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

function pathOf(address: string): string {
  return address.replace(/^[a-z-]*:[^:]*:/, "").replace(/#.*$/, "");
}

function folderOf(address: string): string {
  return pathOf(address).replace(/\/[^/]*$/, "");
}

export const errorsStore = {
  "store-unreadable": {
    sentence: (p) => `无法读取 ${p.address}：${p.reason}${p.cause === p.reason ? "" : `（${p.cause}）`}`,
    hint: (p) => [`ls -l ${shellQuote(pathOf(p.address))}；请用 root 执行；若是 I/O 错误请看 dmesg`],
  },
  "store-not-regular": {
    sentence: (p) => `${p.address} 不是普通文件，而是 ${p.type}`,
    hint: (p) => [`用 ls -ld ${shellQuote(pathOf(p.address))} 查看现状，并把文件放回原处`],
  },
  "store-too-large": {
    sentence: (p) => `${p.address} 有 ${p.bytes} 字节，超过证书文件的上限 ${p.limitBytes} 字节`,
    hint: (p) => [`查看内容：head -c 200 ${shellQuote(pathOf(p.address))}；路径可能给错了`],
  },
  "store-link-refused": {
    sentence: (p) => `${p.address} 是指向受管目录之外的链接（${p.target}），未跟随`,
    hint: (p) => [`若确实如此设计，请加上 ${flags.allowLinksTo} ${shellQuote(p.target)} 重试`],
  },
  "store-conflict": {
    sentence: (p) => `${p.address} 已被他人改动：应为 ${p.expected}，实为 ${p.found}；未写入`,
    hint: (_, tool) => [
      "先查明是谁在写（配置管理工具、kubeadm、同事）并暂停它",
      `然后重新制定计划：${tool("plan")}`,
    ],
  },
  "store-write-failed": {
    sentence: (p) => `写入 ${p.address} 失败（${p.operation}）：${p.cause}`,
    hint: (p, tool) => [
      p.operation === "open-directory" && p.cause.includes("ENOENT")
        ? `ls -ld ${shellQuote(folderOf(p.address))}：目录不存在，且上级目录也缺失或位置特殊；是否有文件系统未挂载？否则请创建：mkdir -p ${shellQuote(folderOf(p.address))}`
        : `df -h 与 df -i ${shellQuote(pathOf(p.address))}；mount | grep ' ro'；lsattr ${shellQuote(pathOf(p.address))}`,
      `然后 ${tool("resume")} 继续，或 ${tool("rollback last")} 回滚；${tool("runs list")} 查看是否有未完成的运行`,
    ],
  },
  "store-mismatch": {
    sentence: (p) => `${p.address} 的内容与刚写入的不符：应为 ${p.expected}，实为 ${p.found}`,
    hint: (_, tool) => [`有其他程序在写同一文件，或磁盘故障（dmesg）；随后 ${tool("rollback last")} 回滚`],
  },
} satisfies Partial<ErrorMessages>;
