// The command line's own words in Simplified Chinese.
import { cliHelpZh } from "./cli-help-zh.ts";
import { cliLabZh } from "./cli-lab-zh.ts";
import type { cliEn } from "./cli-en.ts";

export const cliZh: typeof cliEn = {
  ...cliHelpZh,
  usage: {
    unknownOption: (name) => `未知选项 ${name}`,
    unknownCommand: (name) => `未知命令 ${name}`,
    missingArgument: (name) => `缺少参数 ${name.toUpperCase()}`,
    optionMissingArgument: (name) => `选项 ${name} 需要一个值`,
    optionMissing: (name) => `缺少选项 ${name}`,
    commandMissing: (command, known) => `${command} 之后需要写明：${known.join("、")}`,
    excessArguments: () => "参数过多",
    notAllowed: (value, option, allowed) =>
      `${value} 不是 ${option} 的可用值：${allowed.replaceAll(", ", "、")}`,
    invalidArgument: (name) => `${name} 不是允许的值`,
    notOfCluster: (command) => `${command} 只处理一个节点，不接受集群文件`,
    rootOfCluster:
      "--root 是单个节点的位置，而使用 -f 时各节点的位置由集群文件指定：请在其中写 root: DIR（或 local: true、ssh: HOST），或去掉 --root",
    passwordsNeedFile: "--ask-pass 与 --ask-become-pass 用于 -f 的各节点：本节点不需要密码",
    serverNameWithoutListener: "--server-name 只用于 HOST:PORT，而命令中没有",
    needsFile: (option) =>
      `${option} 用于集群的所有节点：请用 -f FILE 指明它们（perennial init 可写出该文件），只处理本节点则去掉 ${option}`,
    notOverNodes: {
      signed:
        "--signed 只用于单个节点：与签发结果对应的私钥保存在各自的节点上；请在每个节点上依次执行 perennial renew --signed DIR",
      csrDir:
        "--csr-dir 只用于单个节点：私钥与请求在使用它们的节点上生成；请在每个节点上执行 perennial renew --csr-dir DIR",
      script:
        "--script 只用于单个节点：脚本在停止 etcd 成员之前无法询问其他成员；plan -f --runbook 给出顺序，各节点的脚本由该节点上的 perennial plan --script 生成",
    },
    excludes: (a, b) => `${a} 与 ${b} 不能同时使用`,
    other: (text) => text,
    didYouMean: (name) => `；是否想输入 ${name}？`,
  },
  ask: {
    passwords: {
      ssh: "SSH 密码：",
      sudo: (hasLogin) => (hasLogin ? "sudo 密码（留空则与 SSH 密码相同）：" : "sudo 密码："),
    },
    reconstructed: (names) =>
      `没有找到 ${names} 的旧证书，上列名称是拼出来的。是否正确、完整？只有输入 yes 才会继续：`,
    apply: "只有输入 yes 才会继续：",
    prune: (count) =>
      `这 ${count} 次运行的记录连同运行前的文件都将删除，之后不能再回滚。只有输入 yes 才会继续：`,
    rollback: (run) => `将恢复运行 ${run} 改动的全部内容。只有输入 yes 才会继续：`,
  },
  nothingToDo: "没有证书需要续期：未改动任何文件。",
  nothingChanged: "未改动任何文件。",
  nothingPossible: (count) => `未改动任何文件，但并非一切正常：有 ${count} 个证书未能处理。`,
  leftOut: (slot, reason) => `未包括、没有续期：${slot}：${reason}`,
  leftOutUnread: (count) => `未包括、没有续期：${count} 个证书的文件无法读取：请用 root（sudo）执行`,
  askOutside: (command, then) =>
    `请在保存 CA 私钥的地方签发：${command}，然后 ${then}（docs/operations/external-ca.zh.md）`,
  askedAlready: (command) => `其请求已生成；签发之后执行：${command}`,
  requests: {
    heading: (count, folder) => `${folder} 中有 ${count} 个请求；没有改动任何在用文件。`,
    columns: ["请求", "CA", "私钥", ""],
    key: {
      new: "新私钥",
      reused: "与之前相同",
      replaced: "取代之前的请求，之前的签发结果不能再安装",
      kept: "现有私钥",
    },
    none: "没有到期证书需要在别处签发：未生成请求。",
    next: (command) => `请 CA 按原样（名称与用途不变）签发每个文件，然后执行：${command}`,
    keys: (folder) => `私钥保存在 ${folder}，不会离开本节点。`,
  },
  answersLeft: "并非所有签发结果或请求都已处理，见上面的提示",
  signedMissing: "目录中没有找到待签请求的签发结果：未改动任何文件。",
  signedNothing: "目录中的证书都已就位：未改动任何文件。",
  leftOutHint: (command, next) => `${command} 会逐个说明处理办法；之后请${next}`,
  leftOutAgain: "重复本命令",
  leftOutPlan: (command) => `重新制定计划：${command}`,
  scriptSaved: (path, isOfCopy) =>
    `脚本已保存到 ${path}；在节点上：sh ${path} check${isOfCopy ? " --root /" : ""}，然后 apply${isOfCopy ? " --root /" : ""}`,
  planSaved: (path, digest) => `计划已保存到 ${path}，摘要 ${digest}`,
  reportSaved: (path) => `报告已保存到 ${path}`,
  applySaved: (command) => `执行：${command}`,
  done: ({ issued, files }, run, isLive) => {
    const where = isLive ? "已在运行中的节点上验证" : "已在磁盘上验证";
    if (issued > 0) return `完成：运行 ${run} 续期了 ${issued} 个证书，并${where}。`;
    if (files > 0 || !isLive) return `完成：运行 ${run} 更新了 ${files} 个文件，并${where}。`;
    return `完成：运行 ${run} 无需改动文件，${where}。`;
  },
  stopping: (signal) =>
    `收到 ${signal}：将在下一个安全点停下，并说明如何继续；再按一次则立即结束，之后用 resume 或 rollback 收尾`,
  planRoot: (root) => `该计划是为根目录 ${root} 制定的，将在那里执行`,
  undoWith: (command) => `回滚：${command}`,
  restart: (names) => `以下进程需要重启，在此之前内存中仍是旧证书：${names}`,
  rolledBack: (run, restarted, verify) =>
    `运行 ${run} 已回滚：一切恢复到运行之前。${
      restarted === null
        ? "其间重启过的组件仍在使用内存中的新证书，需再次重启。"
        : `${restarted.length === 0 ? "" : `已用旧证书再次重启：${restarted.join("、")}。`}它们是否正常：${verify}`
    }`,
  failedRolledBack: "所有文件都已恢复原样。",
  failedAbandoned: "没有改动任何在用文件。",
  failedInterrupted: (run) => `运行 ${run} 中途停止。`,
  notTakenBack: (why) => `未能回滚：${why}`,
  resumeWith: (command) => `继续：${command}`,
  leftAlone: (path) => `此后被他人改动，未处理：${path}`,
  noRuns: "本节点没有运行记录。",
  noRunsOfCluster: "本机没有针对该集群的运行记录。",
  nothingToResume: "没有未完成的运行：无事可做。",
  pruned: (count) => (count === 0 ? "没有可以删除的运行记录。" : `已删除 ${count} 次运行的记录。`),
  profiles: {
    kubeadm: "由 kubeadm 创建的控制平面",
    tkestack: "TKEStack 1.2.5 及以上的 global 集群与独立集群",
  },
  profileOk: (id) => `profile ${id}：没有发现问题`,
  lab: cliLabZh,
  clusters: { heading: (file) => `集群文件 ${file}` },
  init: {
    head: [
      "本节点所在的集群，就本节点所知（docs/cluster-file.zh.md）。",
      "请更正并补全：perennial -f FILE 会处理此处列出的每个节点。",
    ],
    ssh: [
      "没有 local: 或 root: 的节点，用系统的 ssh 按其地址到达。对所有节点：",
      "ssh: {user: root, port: 22, identityFile: ~/.ssh/id_ed25519, jump: bastion, sudo: false}",
    ],
    server: (url, source) => `API 位于 ${url}（${source}）：负载均衡，或下列节点之一`,
    own: "写出本文件的节点",
    ownRoles: "依据其清单",
    otherRoles: "推定",
    local: "本机",
    sources: {
      file: (field, path) => `${path} 中的 ${field}`,
      memberList: "etcd 的成员列表",
      default: "没有来源",
    },
    noMemberList: (why) =>
      why === "no-etcd"
        ? "此处没有 etcd 成员：无从得知其他节点。"
        : `未取得 etcd 的成员列表（${why === "files-only" ? "只看文件" : why.reason}）：缺少后来加入的成员。`,
    written: (path, nodes) => `已写出：${path}（节点：${nodes}）。`,
    alone: (command) => `此处没有文件提到其他节点。若有，请删除该文件并指明它们：${command}`,
    next: (command) => `下一步：核对后执行 ${command}`,
  },
  bare: {
    head: (states, nodes) => `${states.join("；")}（${nodes.join("、")}）`,
    dead: (count) => `${count} 个证书已过期或不可用`,
    dying: (count) => `另有 ${count} 个需要注意`,
    warned: (count) => `${count} 个证书需要注意`,
    unread: (count) => `${count} 个文件无法读取，请用 root（sudo）执行`,
    others: (count) => `另有 ${count} 件事需要注意`,
    matters: (count) => `${count} 件事需要注意`,
    well: "所有证书正常",
    next: (commands) => `下一步：${commands.join("；然后 ")}`,
    look: (command) => `详情：${command}`,
  },
};
