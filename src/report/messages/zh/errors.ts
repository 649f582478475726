// 中文：每种错误——什么、哪里、为何；以及下一步。
import type { FactsDamage, PlanDifference } from "../../../core/model/errors.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso } from "../../time.ts";
import type { ErrorMessages } from "../types.ts";

const inspectIt = ["perennial inspect FILE 可显示文件中的每个块及损坏位置；请从备份恢复"];

function pathOf(address: string): string {
  return address.replace(/^[a-z-]*:[^:]*:/, "").replace(/#.*$/, "");
}

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

const factsFaults = {
  "no-beginning": "缺少第一行（=== perennial facts 1 ===），或者不是采集的文本",
  "other-version": "由本版本不认识的 perennial collect 版本生成",
  "no-end": "缺少最后一行（=== perennial facts end N ===），结尾没有复制到",
  missing: "缺失",
  unfinished: "没有复制完整",
  "sum-differs": "在传递中被改动，校验和不符",
  "two-contents": "出现两次且内容不同：混有两次采集的文本，请每次采集各存一个文件",
  "not-understood": "完整，但本版本不认识其类型",
} as const;

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `第 ${section} 段${title === "" ? "" : `（在 ${title} 之后）`}${factsFaults[fault]}`;
  return `第 ${section} 段（${title}）${factsFaults[fault]}`;
}

const kept = { run: "备份、日志与预置文件", lock: "锁" } as const;

function kib(bytes: number, round = Math.ceil): string {
  return `${round(bytes / 1024)} KiB`;
}

function difference(d: PlanDifference): string {
  return `${d.address} 的${whats[d.what]}原为 ${d.planned || "无"}，现为 ${d.found || "无"}`;
}

const endpointFaults = {
  refused: "该处没有进程监听",
  "no-socket": "套接字不存在，或无权打开",
  "no-such-host": "主机名解析不到地址",
  "no-route": "没有到达它的路由",
  timeout: "未在期限内应答",
  closed: "对方关闭了连接",
  "not-http2": "对方不支持 HTTP/2",
  "not-grpc": "对方不是 gRPC 服务",
  "server-expired": "其证书已过期",
  "server-name": "其证书不是签给该名称的",
  "server-untrusted": "其证书不受信任",
  "key-not-pinned": "它出示的密钥与其证书文件中的不一致",
  "client-refused": "它拒绝了我们的客户端证书",
  "pair-unusable": "我们的客户端证书与私钥无法使用",
} as const;

const snapshotFaults = {
  "too-short": "长度不足",
  "hash-differs": "末尾的哈希与内容不符",
  "not-bbolt": "不是 etcd 的数据库",
  "read-back-differs": "文件内容与写入的不一致",
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

export const errors: ErrorMessages = {
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
      `${p.what}${/[A-Za-z]$/.test(p.what) ? " " : ""}${p.value === "" ? "为空" : `的值 ${p.value} 无效`}，应为 ${p.expected}`,
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
  "store-unreadable": {
    sentence: (p) => `无法读取 ${p.address}：${p.reason}（${p.cause}）`,
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
      `df -h 与 df -i ${shellQuote(pathOf(p.address))}；mount | grep ' ro'；lsattr ${shellQuote(pathOf(p.address))}`,
      `然后 ${tool("resume")} 继续，或 ${tool("rollback last")} 回滚；${tool("runs list")} 查看是否有未完成的运行`,
    ],
  },
  "store-mismatch": {
    sentence: (p) => `${p.address} 的内容与刚写入的不符：应为 ${p.expected}，实为 ${p.found}`,
    hint: (_, tool) => [`有其他程序在写同一文件，或磁盘故障（dmesg）；随后 ${tool("rollback last")} 回滚`],
  },
  locked: {
    sentence: (p) =>
      p.pid === 0
        ? `${p.holder} 自 ${formatDateIso(p.sinceAt)} 起正在本节点手工操作（${p.what}），并持有锁 ${p.path}`
        : `锁 ${p.path} 被另一次运行占用：${p.holder} 自 ${formatDateIso(p.sinceAt)} 起在 ${p.host} 上执行 ${p.what}（pid ${p.pid}），${p.alive ? "仍在进行" : "从这里无法确认该进程是否还在"}`,
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
    sentence: (p) => `计划已不符合现状：${p.differences.map(difference).join("；")}`,
    hint: (_, tool) => [`未做任何改动；请重新制定计划并审批：${tool("plan --out FILE")}`],
  },
  "plan-invalid": {
    sentence: (p) => `${p.path} 不是可执行的计划：${p.reason}`,
    hint: (_, tool) => [`重新制定：${tool("plan --out FILE")}；不要手工修改计划文件`],
  },
  "outside-window": {
    sentence: (p) =>
      `现在是 ${formatDateIso(p.at)}，${p.at < p.fromAt ? "早于" : "晚于"}允许的时间窗口（${formatDateIso(p.fromAt)} 至 ${formatDateIso(p.toAt)}）`,
    hint: (p) => [
      p.at < p.fromAt
        ? "没有改动任何在用文件；请在时间窗口开始后重复本命令"
        : "没有改动任何在用文件；请重新审批时间窗口",
    ],
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
    sentence: (p) => `没有运行记录 ${p.run}`,
    hint: (_, tool) => [`${tool("runs list")} 列出本节点的运行；其他状态目录用 ${flags.stateDir} DIR`],
  },
  "run-not-open": {
    sentence: (p) => `运行 ${p.run} 不能继续或回滚：状态为 ${p.state}`,
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
      `查看其日志：${p.consumer === "kubelet" ? "journalctl -u kubelet -n 50" : `crictl logs $(crictl ps -a -q --name ${p.consumer} | head -n 1)`}；${tool("diagnose")} 也会读取日志`,
      `${tool("resume")} 从该步骤重试，${tool("rollback last")} 回滚到运行前`,
    ],
  },
  "snapshot-failed": {
    sentence: (p) => `无法保存 etcd 数据，未做任何改动：${p.reason}`,
    hint: () => [`--no-snapshot 跳过快照；此前请自行复制 etcd 数据目录`],
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
    sentence: (p) => `状态目录 ${p.path} 不适合存放私钥：${p.reason}`,
    hint: (p) => [
      `ls -ld ${shellQuote(p.path)}；它必须是 root 的目录、权限 0700、不是链接：chown root:root，chmod 0700`,
    ],
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
    hint: (_, tool) => [
      `${tool("runs list")} 查看是否有未完成的运行；${tool("resume")} 继续，${tool("rollback last")} 回滚`,
    ],
  },
  "process-unknowable": {
    sentence: (p) => `无法得知 ${p.consumer} 的运行情况：${p.tried.join("；")}`,
    hint: () => [
      "请在该节点上用 root 执行；容器运行时是否正常？systemctl status containerd docker crio",
      "ls -l /run/containerd/containerd.sock /var/run/docker.sock /run/cri-dockerd.sock /var/run/crio/crio.sock",
    ],
  },
  "process-not-found": {
    sentence: (p) => `没有找到 ${p.consumer} 的进程（查询方式：${p.through}）；未停止任何进程`,
    hint: (p) => [
      "清单是否在 kubelet 的目录中、kubelet 是否在运行：ls -l /etc/kubernetes/manifests；systemctl status kubelet",
      `journalctl -u kubelet | grep ${shellQuote(p.consumer)} 可看到未启动的原因`,
    ],
  },
  "process-ambiguous": {
    sentence: (p) =>
      `${p.consumer} 出现在多个 Pod 中（${p.pods.join("、")}；查询方式：${p.through}）；未停止任何进程`,
    hint: () => ["其中只有一个是本节点的静态 Pod：请先查明其余的来源"],
  },
  "process-not-stopped": {
    sentence: (p) => `${p.consumer} 未能停止（${p.through}：${p.ids.join("、")}）：${p.reason}`,
    hint: (_, tool) => [
      "查看容器运行时日志：journalctl -u containerd -u docker -u crio -n 100",
      `然后 ${tool("resume")} 继续，或 ${tool("rollback last")} 回滚`,
    ],
  },
  "process-not-revived": {
    sentence: (p) => `无法让 ${p.consumer} 重新启动（${p.through}）：${p.reason}`,
    hint: (_, tool) => [
      "journalctl -u kubelet -n 100 查看 kubelet 日志；ls -lA /etc/kubernetes/manifests /etc/kubernetes/.perennial-held",
      `然后 ${tool("resume")}：会先把移走的清单放回原处`,
    ],
  },
  "command-failed": {
    sentence: (p) => `${p.command} 执行失败：${p.reason}`,
    hint: () => ["请手工执行该命令，查看其输出"],
  },
  "endpoint-unreachable": {
    sentence: (p) => `无法询问 ${p.endpoint}：${endpointFaults[p.reason]}（${p.detail}）`,
    hint: (p) => [
      `查看监听情况：ss -lntxp；查看其出示的证书：openssl s_client -connect HOST:PORT </dev/null`,
      ...(p.reason === "client-refused" || p.reason === "pair-unusable"
        ? ["perennial inspect FILE 会显示客户端证书、有效期以及私钥是否与之匹配"]
        : []),
    ],
  },
  "rpc-failed": {
    sentence: (p) => `${p.endpoint} 对 ${p.method} 的应答是 gRPC 状态 ${p.status}：${p.message}`,
    hint: () => ["对方的日志里有更多信息：crictl logs、docker logs，或 journalctl -u 加单元名"],
  },
  "protobuf-malformed": {
    sentence: (p) => `第 ${p.offset} 字节处不是有效的 protobuf：${p.reason}`,
    hint: () => ["应答的不是预期的服务；查看监听情况：ss -lntxp"],
  },
  "etcd-not-supported": {
    sentence: (p) => `${p.endpoint} 的版本过旧，不支持 ${p.what}（etcd ${p.since} 起才有）`,
    hint: () => ["未做任何改动；停止 leader 后，其余成员会另选新的 leader"],
  },
  "snapshot-damaged": {
    sentence: (p) => `快照 ${p.source} 不可用：${snapshotFaults[p.reason]}（${p.detail}）`,
    hint: () => [
      "用 df -h 查看写入位置的空间，用 dmesg 查看磁盘错误；然后重新做快照，最好换一个成员",
      "etcdctl snapshot status FILE 会显示 etcd 对它的判断",
    ],
  },
  usage: {
    sentence: (p) => `用法有误：${p.reason}`,
    hint: () => ["perennial --help，perennial COMMAND --help"],
  },
  "name-unknown": {
    sentence: (p) => `没有名为 ${p.name} 的证书`,
    hint: (p) => [`此处可用的名称：${p.known.join("、")}`],
  },
  "not-a-node": {
    sentence: (p) => `${p.root} 不像控制平面节点：其下没有 kubeadm 证书或静态 Pod 清单`,
    hint: () => [
      `请在控制平面节点上执行，或用 ${flags.root} DIR 指定其文件系统，或用 ${flags.profile} ID 说明（perennial profile list）`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `无法读取 ${p.path}：${p.reason}`,
    hint: (p) => [`查看：ls -l ${shellQuote(p.path)}`],
  },
  "facts-damaged": {
    sentence: (p) => `${p.path} 中采集的信息不完整：${p.damages.map(factsDamage).join("；")}`,
    hint: () => [
      "把损坏的段从 @N 行到 @N end 行重新复制一次，放在最后一行之前的任意位置：完整的副本优先于损坏的副本",
      "或重新采集到文件再传递该文件：perennial collect > facts.txt",
    ],
  },
  refused: {
    sentence: (p) => `已拒绝（${p.refusals.length} 个原因），未做任何改动`,
    hint: (_, tool) => [`先解决上述问题，或只指定其余证书：${tool("renew NAME ...")}`],
  },
  "confirmation-needed": {
    sentence: (p) => `${p.command} 在改动前需要确认，但没有可用的终端`,
    hint: (p, tool) => [`先看计划：${tool("plan")}；再执行 ${tool(`${p.command} ${flags.yes}`)}`],
  },
  declined: {
    sentence: (p) => `${p.command} 未获确认，未做任何改动`,
    hint: () => ["只有输入 yes 才算同意；准备好后请重新执行"],
  },
  internal: {
    sentence: (p) => `内部错误：${p.reason}`,
    hint: (_, tool) => [
      "这是 perennial 的缺陷；请附上 perennial version 的输出反馈",
      `${tool("runs list")} 查看是否有未完成的运行；${tool("rollback last")} 回滚`,
    ],
  },
};
