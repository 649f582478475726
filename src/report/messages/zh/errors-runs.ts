// 中文：锁、计划与运行的错误。
import type { PlanDifference } from "../../../core/model/errors-runs.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso, nextWindow } from "../../time.ts";
import { isOfCluster, logCommand } from "../way-on.ts";
import type { ErrorMessages, StateFaultWords } from "../types.ts";
import { staleFiles } from "../stale-files.ts";
import { runs } from "./runs.ts";

const whats = {
  bytes: "内容",
  mode: "权限",
  owner: "属主",
  link: "链接",
  presence: "存在与否",
  profile: "profile",
  tool: "工具版本",
  attributes: "属性",
} as const;

const archiveProblems = {
  missing: "目录不存在",
  "not-a-directory": "不是目录",
  exists: "已有同名文件",
  "not-writable": "无法写入",
} as const;

const recipientProblems = {
  identity: "是私钥，不是接收者",
  ssh: "是 SSH 密钥；只能为 age 接收者加密",
  plugin: "是 age 插件的接收者，不支持",
  damaged: "是损坏的 age 接收者：有字符错误、缺失或多余",
  "not-a-recipient": "既不是 age 接收者，也不是接收者文件",
  "file-unreadable": "无法作为接收者文件读取",
  "file-empty": "中没有接收者",
} as const;

const kept = { run: "备份、日志与预置文件", lock: "锁" } as const;

function kib(bytes: number, round = Math.ceil): string {
  return `${round(bytes / 1024)} KiB`;
}

const stale = {
  change: ({ what, planned, found }: PlanDifference) =>
    what === "bytes" ? "内容不同" : `${whats[what]}原为 ${planned || "无"}，现为 ${found || "无"}`,
  separator: "，",
  colon: "：",
  lead: "",
  more: (count: number) => `另有 ${count} 个`,
};

/** 无法打开时，目录本身未必有问题。 */
const stateFaults = {
  "not-opened": {
    sentence: (path, reason) => `状态目录 ${path} 无法打开：${reason}`,
    hint: asRoot,
  },
  "of-root": {
    sentence: (path) => `状态目录 ${path} 属于 root，而当前用户不是 root`,
    hint: asRoot,
  },
  "in-use": {
    sentence: unsafeState,
    hint: () => `请保持其原样，另行指定专用目录：${flags.stateDir} DIR`,
  },
  unsafe: {
    sentence: unsafeState,
    hint: (path) =>
      `ls -ld ${shellQuote(path)}；它必须是 root 的目录、权限 0700、不是链接：chown root:root，chmod 0700`,
  },
} satisfies StateFaultWords;

function unsafeState(path: string, reason: string): string {
  return `状态目录 ${path} 不适合存放私钥：${reason}`;
}

function asRoot(path: string): string {
  return `ls -ld ${shellQuote(path)}；请用 root 执行（集群文件中的节点：sudo: true）；若是 I/O 错误请看 dmesg`;
}

export const errorsRuns = {
  locked: {
    sentence: (p) =>
      p.pid === 0
        ? `${p.holder} 自 ${formatDateIso(p.sinceAt)} 起正在${p.node === undefined ? "本节点" : ` ${p.node} `}上手工操作（${p.what}），并持有锁 ${p.path}`
        : `${p.node === undefined ? "" : `${p.node} 上的`}锁 ${p.path} 被另一次运行占用：${p.holder} 自 ${formatDateIso(p.sinceAt)} 起在 ${p.host} 上执行 ${p.what}（pid ${p.pid}），${p.alive ? "仍在进行" : "从这里无法确认该进程是否还在"}`,
    hint: (p, tool) =>
      p.pid === 0
        ? [
            `等对方执行完操作手册的最后一步（释放锁），或联系 ${p.holder}`,
            `若确认已无人操作，加上 ${flags.breakLock} 重新执行`,
          ]
        : [
            `等待其完成，或联系 ${p.holder}；在 ${p.host} 上查看：ps -fp ${p.pid}`,
            p.alive
              ? `若它已卡死：先结束该进程（kill），再执行 ${tool("resume")}；只有无法结束它时才加上 ${flags.breakLock} 重新执行，它会在下一次写入时停止`
              : `若确认该进程已不存在，加上 ${flags.breakLock} 重新执行`,
          ],
  },
  "lock-lost": {
    sentence: (p) => `锁 ${p.path} 已被另一次运行接管（token ${p.token}，现为 ${p.found}），本次已停止`,
    hint: (_, tool) => [`${tool("runs list")} 可看到两次运行；等另一次完成后执行 ${tool("check")}`],
  },
  "plan-stale": {
    sentence: (p) => `计划已不符合现状：${staleFiles(p.differences, stale)}`,
    hint: (_, tool) => [`未做任何改动；请重新制定计划并审批：${tool("plan --out FILE")}`],
  },
  "plan-done": {
    sentence: (p) => `运行 ${p.run} 已执行过这份计划；本次未做任何改动`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} 查看当时做了什么，${tool("check")} 查看现状`,
      `要再次续期，请重新制定计划：${tool("plan --out FILE")}`,
    ],
  },
  "plan-invalid": {
    sentence: (p) => `${p.path} 不是可执行的计划：${p.reason}`,
    hint: (_, tool) => [`重新制定：${tool("plan --out FILE")}；不要手工修改计划文件`],
  },
  "outside-window": {
    sentence: (p) =>
      `现在是 ${formatDateIso(p.at)}，${p.at < p.fromAt ? "早于" : "晚于"}允许的时间窗口（${formatDateIso(p.fromAt)} 至 ${formatDateIso(p.toAt)}）`,
    hint: (p, tool) =>
      p.run === undefined
        ? [
            p.at < p.fromAt
              ? "没有改动任何在用文件；请在时间窗口开始后重复本命令"
              : "没有改动任何在用文件；请重新审批时间窗口",
          ]
        : [
            `该时间窗口属于运行 ${p.run}；这次什么也没有做。${p.at < p.fromAt ? "请在时间窗口开始后重复本命令，或" : "请"}在审批后另给一个：${tool(`resume ${p.run} ${flags.window} ${nextWindow(p.at)}`)}`,
            `撤销不受时间窗口限制：${tool(`rollback ${p.run}`)}`,
          ],
  },
  "clock-stepped": {
    sentence: (p) =>
      `生成证书期间，时钟被${p.byMs < 0 ? "往回" : "往前"}调了 ${Math.round(Math.abs(p.byMs) / 60_000)} 分钟`,
    hint: () => ["没有改动任何在用文件；请等时钟校准并稳定后（date -u、chronyc tracking）重新执行命令"],
  },
  "digest-differs": {
    sentence: (p) => `该计划不是审批过的计划：审批的是 ${p.approved}，实际是 ${p.found}`,
    hint: (_, tool) => [`未做任何改动；用 ${tool("plan")} 对比后，重新审批新的摘要`],
  },
  "run-unfinished": {
    sentence: (p) => `运行 ${p.run} 中途中断，须先了结它才能开始新的运行`,
    hint: (p, tool) => [
      `${tool("resume")} 继续完成，${tool(`rollback ${p.run}`)} 回滚到运行前；${tool(`runs show ${p.run}`)} 查看进度`,
    ],
  },
  "run-unknown": {
    sentence: (p) => (p.run === "last" ? "还没有任何运行记录" : `没有运行记录 ${p.run}`),
    hint: (p, tool) => [
      p.run === "last"
        ? `${tool("renew")} 开始第一次运行；其他状态目录用 ${flags.stateDir} DIR${isOfCluster(tool) ? "" : "；集群各节点的运行用 -f FILE"}`
        : `${tool("runs list")} 列出已有的运行；其他状态目录用 ${flags.stateDir} DIR`,
    ],
  },
  "run-not-open": {
    sentence: (p) => `运行 ${p.run} 不能继续或回滚：状态为“${runs.states[p.state]}”`,
    hint: (p, tool) => [`${tool(`runs show ${p.run}`)} 查看经过；${tool("check")} 查看现状`],
  },
  "journal-damaged": {
    sentence: (p) => `日志 ${p.path} 在第 ${p.line} 行损坏：${p.reason}`,
    hint: (p, tool) => [
      `运行前的文件完好地保存在旁边：ls -R ${shellQuote(p.path.replace(/[^/]*$/, "before"))}；需要时用 cp -p 复制回去`,
      `然后 ${tool("check")}`,
    ],
  },
  "rollback-refused": {
    sentence: (p) => `运行 ${p.run} 未回滚：以下内容之后被他人改动：${p.changed.join("、")}`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} 列出运行前的状态；把改动的内容恢复成该次运行写入的样子，或从其目录中复制单个文件`,
    ],
  },
  "rollback-expired": {
    sentence: (p) => `回滚运行 ${p.run} 会恢复已过期的证书：${p.names.join("、")}`,
    hint: (p, tool) => [`未做任何改动；若确实需要：${tool(`rollback ${p.run} ${flags.yes}`)}`],
  },
  "proof-failed": {
    sentence: (p) => `${p.slot} 与计划不符：${p.reason}`,
    hint: (_, tool) => [`${tool("resume")} 重试，${tool("rollback last")} 回滚到运行前`],
  },
  "probe-needed": {
    sentence: (p) => `运行 ${p.run} 要重启进程并验证其提供的证书，而本次只处理文件；本次没有做任何事`,
    hint: (p, tool) => [
      `连同运行中的节点继续：${tool("resume --probe")}`,
      `节点没有在运行时：${tool(`rollback ${p.run}`)} 放回文件，再用 ${tool(`renew ${flags.noProbe}`)} 只续期文件`,
    ],
  },
  "step-failed": {
    sentence: (p) => `步骤 ${p.step} 失败：${p.reason}`,
    hint: (_, tool) => [`${tool("resume")} 从该步骤重试，${tool("rollback last")} 回滚到运行前`],
  },
  "bounce-failed": {
    sentence: (p) =>
      p.stage === "return"
        ? `${p.consumer} 没有恢复：${p.reason}`
        : p.stage === "health"
          ? `${p.consumer} 已重新启动，但状态异常：${p.reason}`
          : `${p.consumer} 已重新启动，但 ${p.where} 不符合要求：${p.reason}`,
    hint: (p, tool) => [
      `查看其日志：${logCommand(p.consumer)}；${tool("diagnose")} 也会读取日志`,
      `${tool("resume")} 从该步骤重试，${tool("rollback last")} 回滚到运行前`,
    ],
  },
  "rebounce-failed": {
    sentence: (p) =>
      `所有文件都已恢复原样，但并非所有进程都已恢复：${p.failures.map(({ consumer, reason }) => `${consumer}（${reason}）`).join("；")}`,
    hint: (p, tool) => [
      ...p.failures.map(({ consumer }) => `查看 ${consumer} 的日志：${logCommand(consumer)}`),
      `${tool("resume")} 只重试这些进程`,
    ],
  },
  "snapshot-failed": {
    sentence: (p) => `无法保存 etcd 数据，未做任何改动：${p.reason}`,
    hint: (p) => [
      ...(p.isAlone === true
        ? [
            "是否有多个 master 且都已过期？只有一起恢复才有法定人数：perennial init 写出集群文件，再执行 perennial renew -f cluster.yaml",
          ]
        : []),
      `${p.isAlone === true ? "只有一个 master 时：" : ""}--no-snapshot 跳过快照；此前请自行复制 etcd 数据目录`,
    ],
  },
  "script-unsupported": {
    sentence: (p) => `脚本无法执行以下步骤：${p.steps.join("、")}`,
    hint: (_, tool) => [
      `${tool("renew")} 可执行这些步骤；或只为其他证书生成脚本：${tool("plan --script 名称")}`,
    ],
  },
  "live-proof-failed": {
    sentence: (p) => `运行中的节点未能全部通过实证：${p.where}：${p.reason}`,
    hint: (_, tool) => [
      `${tool("resume")} 重新验证，${tool("verify")} 查看全部，${tool("rollback last")} 回滚到运行前`,
    ],
  },
  "state-unsafe": {
    sentence: ({ path, fault, reason }) => stateFaults[fault].sentence(path, reason),
    hint: ({ path, fault }) => [stateFaults[fault].hint(path)],
  },
  "state-full": {
    sentence: (p) =>
      p.lacks === "bytes"
        ? `${p.path} 所在磁盘空间不足，未开始：${kept[p.keeps]}最多需要 ${kib(p.needed)}，可用 ${kib(p.free, Math.floor)}；未做任何改动`
        : `${p.path} 所在文件系统 inode 不足，未开始：${kept[p.keeps]}最多需要 ${p.needed} 个，可用 ${p.free} 个；未做任何改动`,
    hint: (p, tool) => [
      `查看占用并腾出空间：${p.lacks === "bytes" ? "df -h" : "df -i"} ${shellQuote(p.on)}；${tool("runs prune")} 可删除旧的运行`,
      ...(p.keeps === "lock"
        ? []
        : [
            `或把本次运行的状态放到本节点的另一块磁盘：${flags.stateDir} DIR，之后 resume 与 rollback 也要带上它`,
          ]),
    ],
  },
  "archive-target": {
    sentence: (p) =>
      `加密备份无法写到 ${p.path}：${archiveProblems[p.problem]}${p.cause === "" ? "" : `（${p.cause}）`}；未做任何改动`,
    hint: (p) => [
      p.problem === "exists"
        ? `请指定尚不存在的文件，或指定目录：${flags.backupTo} DIR，每次运行各写一个文件`
        : `查看：ls -ld ${shellQuote(p.path)}；应挂载的是否已挂载？findmnt -T ${shellQuote(p.path)}`,
    ],
  },
  "archive-full": {
    sentence: (p) =>
      `${p.path} 所在磁盘空间不足以写入加密备份：最多需要 ${kib(p.needed)}，可用 ${kib(p.free, Math.floor)}；未做任何改动`,
    hint: (p) => [`请腾出空间（df -h ${shellQuote(p.path)}），或换一个位置：${flags.backupTo} DIR`],
  },
  "archive-damaged": {
    sentence: (p) => `加密备份 ${p.path} 回读后与写入的不一致；未做任何改动`,
    hint: () => ["该磁盘可能有故障（dmesg）：请换一个位置"],
  },
  "recipient-invalid": {
    sentence: (p) =>
      `${p.from === "" ? "" : `${p.from}：`}${p.given === "" ? "它" : `${p.given} `}${recipientProblems[p.problem]}`,
    hint: (p) => [
      p.problem === "identity"
        ? "age-keygen -y FILE 可输出该身份对应的接收者；身份文件不要放在本机"
        : "接收者即 age-keygen 输出的公钥：age1 加 58 个字符（后量子密钥为 age1pq1 开头，更长）",
    ],
  },
  interrupted: {
    sentence: (p) => `被 ${p.signal} 中断`,
    hint: (p, tool) =>
      p.isBefore === true
        ? ["未改动任何节点"]
        : [
            `${tool("runs list")} 查看是否有未完成的运行；${tool("resume")} 继续，${tool("rollback last")} 回滚`,
          ],
  },
} satisfies Partial<ErrorMessages>;
