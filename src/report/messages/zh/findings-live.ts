// 中文：运行中的进程与集群的结果。
import type { HeldReason } from "../../../core/model/live.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso as date } from "../../time.ts";
import { type findingsLive as english, kubectlLogs, nameOf, namespaceOf } from "../en/findings-live.ts";
import type { Tool } from "../types.ts";
import { diagnoseThere } from "../way-on.ts";

function restart(consumer: string, tool: Tool): string {
  return `${tool("renew")} 按安全的顺序重启 ${consumer} 并验证（先显示计划，确认后才执行）`;
}

function logOf(consumer: string): string {
  return consumer === "kubelet"
    ? "查看日志：journalctl -u kubelet -e"
    : `查看日志：crictl logs --tail 50 $(crictl ps -a -q --name ${shellQuote(`^${consumer}$`)} | head -n 1)`;
}

function again(consumer: string, tool: Tool): string {
  return `${consumer} 会在一分钟内自行读取文件：之后再执行一次 ${tool("verify")}`;
}

function meaning(node: string, tool: Tool): string {
  const there = diagnoseThere(tool);
  return there === null ? `分析日志：${tool("diagnose")}` : `在 ${node} 上分析日志：${there}`;
}

const held: Readonly<Record<HeldReason, (what: string) => string>> = {
  "started-before": (what) => `磁盘上的 ${what} 比该进程新，而它只在启动时读取`,
  "serves-other": (what) => `${what} 出示的证书与磁盘上的不同`,
  "loopback-certificate": () => "它启动时为自己生成的证书已经或即将到期",
};

export const findingsLive: typeof english = {
  "served-differs": {
    sentence: ({ params: p }) =>
      `${p.endpoint} 出示的证书序列号为 ${p.serialHex}（${date(p.notAfter)} 到期），而 ${p.path} 中是 ${p.storedSerialHex}：磁盘上的证书并未在使用${(p.storedNotAfter ?? p.notAfter) < p.notAfter ? `，且更早到期（${date(p.storedNotAfter ?? 0)}），如同回滚之后` : ""}`,
    next: ({ params, tool }) => [
      ...(params.reloads === true ? [again(params.consumer, tool)] : []),
      `若文件是正确的：${restart(params.consumer, tool)}`,
      `两者对比：perennial inspect ${shellQuote(params.path)} ${params.endpoint.replace(/ .*/, "")}`,
    ],
  },
  "served-expired": {
    sentence: ({ params: p, at }) =>
      `${p.endpoint} 出示的证书（序列号 ${p.serialHex}）已于 ${date(p.notAfter)} 过期${p.storedNotAfter !== null && p.storedNotAfter > at ? "；磁盘上的证书有效：磁盘上已续期，内存中仍是旧证书" : ""}`,
    next: ({ params, tool }) => [restart(params.consumer, tool)],
  },
  "endpoint-unreachable": {
    sentence: ({ params: p }) => `无法连接 ${p.consumer} 应监听的 ${p.endpoint}：${p.reason}`,
    next: ({ params }) => ["查看监听情况：ss -lntp", logOf(params.consumer)],
  },
  "process-down": {
    sentence: ({ params: p }) =>
      p.state === "unwell"
        ? `${p.consumer} 在运行但状态异常：${p.detail}`
        : `${p.consumer} ${p.state === "exited" ? "已退出，尚未重新启动" : "未在运行"}`,
    next: ({ params, node, tool }) => [logOf(params.consumer), meaning(node, tool)],
  },
  "process-unseen": {
    sentence: ({ params: p }) =>
      `无法得知 ${p.consumer} 是否在运行、何时启动${p.through === "" ? "" : `（${p.through}）`}`,
    next: () => [`用 ${flags.runtime} 指定容器运行时；以 root 身份运行`],
  },
  "process-holds-old": {
    sentence: ({ params: p }) =>
      `${p.isNewer === true ? "内存中较新，磁盘上较旧" : "磁盘上已续期，内存中仍是旧证书"}：${p.consumer}${p.startedAt === null ? "" : ` 自 ${date(p.startedAt)} 起运行`}；${held[p.because](p.what)}`,
    next: ({ params, tool }) => [
      ...(params.reloads === true ? [again(params.consumer, tool)] : []),
      ...(params.isNewer === true
        ? ["重启之前它仍使用续期后的证书；若文件是误放回的，请先恢复较新的文件"]
        : []),
      restart(params.consumer, tool),
      params.isContainer
        ? `手工操作：crictl stop $(crictl ps -q --name ${shellQuote(`^${params.consumer}$`)})；kubelet 会重新启动它`
        : `手工操作：systemctl restart ${params.consumer}`,
    ],
  },
  "etcd-unwell": {
    sentence: ({ params: p }) =>
      ({
        "no-read": `etcd 有响应，但需要多数派的读取失败：${p.detail}`,
        alarm: `etcd 已告警（类型与成员：${p.detail}）：解除之前不接受写入`,
        "no-leader": "该 etcd 成员不知道 leader：没有多数派",
        errors: `该 etcd 成员报告：${p.detail}`,
        "no-status": `无法询问该 etcd 成员：${p.detail}`,
      })[p.problem],
    next: ({ node, tool }) => [logOf("etcd"), meaning(node, tool)],
  },
  "api-not-writable": {
    sentence: ({ params }) => `未能通过 API 创建并删除一个对象：${params.reason}`,
    next: ({ node, tool }) => [
      "用同一身份查看：kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz?verbose",
      meaning(node, tool),
    ],
  },
  "node-not-ready": {
    sentence: ({ params: p }) =>
      `节点未就绪${p.reason === "" ? "" : `（${p.reason}）`}${p.since === null ? "" : `，自 ${date(p.since)} 起`}`,
    next: ({ name }) => [
      `kubectl describe node ${shellQuote(name)}；在该节点上：journalctl -u kubelet -e | perennial diagnose -`,
    ],
  },
  "pod-crashing": {
    sentence: ({ params: p }) =>
      `pod ${p.pod} 的容器 ${p.container} 处于 CrashLoopBackOff，已重启 ${p.restarts} 次`,
    next: ({ params }) => [
      `查看原因：${kubectlLogs(params.pod, params.container)} --previous | perennial diagnose -`,
    ],
  },
  "api-backend-old": {
    sentence: ({ params: p }) =>
      `pod ${p.pod} 承担 ${p.apiServices.join("、")}，自 ${date(p.runsSince)} 起一直运行：它为自己生成的证书只有一年，且只知道当时的 front-proxy CA`,
    next: ({ params: p }) => [
      `是否正常：kubectl get apiservices ${p.apiServices.map(shellQuote).join(" ")}`,
      `由其控制器重建：kubectl -n ${shellQuote(namespaceOf(p.pod))} delete pod ${shellQuote(nameOf(p.pod))}`,
    ],
  },
  "log-unauthorized": {
    sentence: ({ params: p }) =>
      `pod ${p.pod} 的容器 ${p.container} 被拒绝，最新日志中有 ${p.count} 行：${p.line}`,
    next: ({ params: p }) => [
      `若一分钟后仍如此，它持有旧的 CA 或 token，需要重启：kubectl -n ${shellQuote(namespaceOf(p.pod))} delete pod ${shellQuote(nameOf(p.pod))}`,
      `分析日志：${kubectlLogs(p.pod, p.container)} | perennial diagnose -`,
    ],
  },
  "sweep-incomplete": {
    sentence: ({ params: p }) =>
      `无法查看${{ nodes: "集群的节点", pods: "集群的 pod", logs: "pod 的最新日志", apiservices: "APIService 背后的 pod" }[p.what]}：${p.reason}`,
    next: () => ["kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes,pods -A 会显示 API 拒绝了什么"],
  },
};
