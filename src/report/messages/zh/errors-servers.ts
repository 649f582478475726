// 中文：进程与被询问的服务的错误。
import { faultWords } from "../../../core/model/reasons-servers.ts";
import { lookAtListener } from "../en/errors-servers.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";
import { serverReasonsInChinese as said } from "./reasons-servers.ts";

export const errorsServers = {
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
    sentence: (p) => `无法询问 ${p.endpoint}：${said[faultWords[p.reason]]}（${p.detail}）`,
    hint: (p) => [
      `查看监听情况：ss -lntxp${lookAtListener(p, "；查看其出示的证书：")}`,
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
    sentence: (p) => `快照 ${p.source} 不可用：${said[faultWords[p.reason]]}（${p.detail}）`,
    hint: () => [
      "用 df -h 查看写入位置的空间，用 dmesg 查看磁盘错误；然后重新做快照，最好换一个成员",
      "etcdctl snapshot status FILE 会显示 etcd 对它的判断",
    ],
  },
} satisfies Partial<ErrorMessages>;
