// 中文：操作手册，即写给人看的计划。
import type { runbook as english } from "../en/runbook.ts";

export const runbook: typeof english = {
  title: (cluster) => `操作手册：集群 ${cluster} 的证书`,
  purposeHeading: "目的",
  purpose: (renew, follow, digest) =>
    `严格按照计划 ${digest}，不借助工具、手工续期 ${renew} 个证书并更新 ${follow} 个副本。若可以使用工具，\`perennial apply\` 完成同样的事，并带有日志与自动回滚；两种方式不要同时使用。`,
  preconditionsHeading: "开始之前",
  preconditions: [
    "在各节所示的节点上以 root 操作，具备 openssl、awk、sha256sum；修改 kubeconfig 还需要 kubectl（此处无需连接服务端）或编辑器。",
    "各节点的 `date -u` 准确：时钟错误会使证书尚未生效或提前到期。",
    "期间没有其他程序或人员写这些文件：kubeadm、配置管理工具、同事。",
    "若运行 etcd，已有最新的 etcd 快照：`etcdctl snapshot save FILE`。",
    "不动 sa.key、sa.pub 与 CA。若某一步看起来需要改动它们：停止。",
  ],
  lockHeading: "加锁",
  lock: "先取得工具自己的锁，避免它同时运行。若输出以 STOP 开头，说明有人正在操作，或有中断的运行（`perennial runs list`）：停止。",
  unlock:
    "结束后用 `release_lock` 释放锁，撤销之后也要释放；锁被持有期间，工具会拒绝在本节点运行（`--break-lock` 可强行夺取）。",
  toolsHeading: "辅助函数",
  tools:
    "在每个节点所用的 shell 中执行一次；它只定义函数并建立权限为 0700 的工作目录。只要出现以 STOP 开头的行或命令失败，立即停止。",
  refusedHeading: "已拒绝",
  refused: "该计划已被拒绝；以下问题解决之前，手工也无事可做。",
  nothing: "该计划没有步骤：无需操作。",
  phase: (number) => `阶段 ${number}`,
  step: "步骤",
  why: "原因",
  expected: "预期输出",
  stop: "出现以下情况即停止",
  undo: "撤销",
  expectedOf: {
    issue: "两次 `pair ok`，主体与原来相同，扩展与旧证书相同，verify 输出 `OK`，以及 `extensions ok`",
    install: "`pair ok`，序列号与注释一致，两次主体相同，verify 输出 `OK`",
    forget: "没有输出",
    take: "`pair ok`，且序列号与计划一致",
    "back-up": "文件名后跟 `OK`",
    archive: "新文件，权限 0600，比 `before` 中的内容大",
    stage: "新文件的权限与属主符合计划；原文件未动",
    swap: "哈希校验输出 `OK`，之后没有输出",
    prove: "新的序列号、未来的到期时间，以及以 `ok` 结尾的一行",
  },
  stopOf: {
    issue: "CA 证书文件中的第一个证书不是注释中的序列号、密钥对不匹配，或 verify 的输出不是 OK",
    install: "序列号不同、密钥对不匹配，或 verify 的输出不是 OK",
    forget: "本计划中有任何一项未通过验证：该私钥还会用到",
    take: "序列号不同，或密钥对不匹配",
    archive: "文件不存在或为空：此时尚未改动任何在用文件",
    "back-up": "sha256sum 报告 FAILED：文件与制定计划时不同，请重新制定计划",
    stage: "新文件为空，或权限、属主不符",
    swap: "sha256sum 报告 FAILED：文件已被他人改动；撤销已完成的替换",
    prove: "该行以 STOP 开头：从最后一个开始撤销全部替换",
  },
  whyOf: {
    install: "私钥在别处的 CA 已签发该请求",
    forget: "私钥已就位，不应再留一份",
    take: "原件有效，其副本应含相同的证书",
    "back-up": "回滚的依据",
    archive: "节点损坏后仍在的一份副本，只有接收者能读",
    stage: "在第一个线上文件改动之前，全部新文件已完整落盘",
    swap: "改名是原子操作：读取者看到的要么是旧文件，要么是新文件",
    prove: "以当前存储的内容为准",
  },
  whyAuthority: "它缺失，且已指名要求重新生成；由它签发的证书在其后",
  kubeconfigByEditor:
    "没有 kubectl 时：用编辑器打开预置的文件，把所示用户的 `client-certificate-data` 与 `client-key-data` 的值分别换成 `base64 -w0 NAME.crt` 与 `base64 -w0 NAME.key` 的输出。kubectl 会重排文件格式，但值相同。",
  finalHeading: "收尾",
  final: [
    "以上每一步都得到预期输出，且 `kubeadm certs check-expiration` 或 `perennial check` 显示新的到期时间。",
    "删除工作目录中的私钥：在其中执行 `rm -f ./*.key ./*.both`；`before/` 保留到新证书确认无误为止。",
  ],
  restart: (consumers) =>
    `逐个节点重启 ${consumers}，前一个恢复健康后才能继续：把清单移出 /etc/kubernetes/manifests，等 \`crictl ps\` 中不再有该容器，再移回；kubelet 用 \`systemctl restart kubelet\`。`,
  signHeading: "签字确认",
  signColumns: ["阶段", "节点", "步骤数", "执行人", "时间", "备注"],
};
