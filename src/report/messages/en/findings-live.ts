// English: findings about what runs.
import type { HeldReason } from "../../../core/model/live.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate } from "../../time.ts";
import { diagnoseThere } from "../way-on.ts";
import type { FindingMessages, Tool } from "../types.ts";

type Codes =
  | "served-differs"
  | "served-expired"
  | "endpoint-unreachable"
  | "process-down"
  | "process-unseen"
  | "process-holds-old"
  | "etcd-unwell"
  | "api-not-writable"
  | "node-not-ready"
  | "pod-crashing"
  | "api-backend-old"
  | "log-unauthorized"
  | "sweep-incomplete";

function restart(consumer: string, tool: Tool): string {
  return `${tool("renew")} restarts ${consumer} in a safe order and proves it (shows the plan first and asks)`;
}

/** A process that reads its files by itself is given its time. */
function again(consumer: string, tool: Tool): string {
  return `${consumer} reads its files by itself within a minute: ${tool("verify")} once more after that`;
}

/** Logs of a node that is reached over SSH are read on it. */
function meaning(node: string, tool: Tool): string {
  const there = diagnoseThere(tool);
  return there === null ? `: ${tool("diagnose")}` : `, on ${node}: ${there}`;
}

function logOf(consumer: string): string {
  return consumer === "kubelet"
    ? "its log: journalctl -u kubelet -e"
    : `its log: crictl logs --tail 50 $(crictl ps -a -q --name ${shellQuote(`^${consumer}$`)} | head -n 1)`;
}

const held: Readonly<Record<HeldReason, (what: string) => string>> = {
  "started-before": (what) => `${what} is newer on disk than this process, which reads it only at its start`,
  "serves-other": (what) => `${what} presents another certificate than the one on disk`,
  "loopback-certificate": () => "the certificate it made for itself at its start has ended, or is about to",
};

export const findingsLive = {
  "served-differs": {
    sentence: ({ params: p }) =>
      `${p.endpoint} presents serial ${p.serialHex} (until ${formatDate(p.notAfter)}), ${p.path} holds serial ${p.storedSerialHex}: what is on disk is not what is used${(p.storedNotAfter ?? p.notAfter) < p.notAfter ? `, and ends earlier (${formatDate(p.storedNotAfter ?? 0)}), as after a rollback` : ""}`,
    next: ({ params, tool }) => [
      ...(params.reloads === true ? [again(params.consumer, tool)] : []),
      `if the file is the right one: ${restart(params.consumer, tool)}`,
      `see both: perennial inspect ${shellQuote(params.path)} ${params.endpoint.replace(/ .*/, "")}`,
    ],
  },
  "served-expired": {
    sentence: ({ params: p, at }) =>
      `${p.endpoint} presents a certificate (serial ${p.serialHex}) that ended ${formatDate(p.notAfter)}${p.storedNotAfter !== null && p.storedNotAfter > at ? "; the one on disk is valid: renewed on disk, still old in memory" : ""}`,
    next: ({ params, tool }) => [restart(params.consumer, tool)],
  },
  "endpoint-unreachable": {
    sentence: ({ params: p }) =>
      `${p.endpoint}, where ${p.consumer} should listen, cannot be reached: ${p.reason}`,
    next: ({ params }) => ["see what listens: ss -lntp", logOf(params.consumer)],
  },
  "process-down": {
    sentence: ({ params: p }) =>
      p.state === "unwell"
        ? `${p.consumer} runs and is not well: ${p.detail}`
        : `${p.consumer} ${p.state === "exited" ? "has exited and was not started again yet" : "does not run"}`,
    next: ({ params, node, tool }) => [logOf(params.consumer), `what its log means${meaning(node, tool)}`],
  },
  "process-unseen": {
    sentence: ({ params: p }) =>
      `whether ${p.consumer} runs, and since when, could not be found out${p.through === "" ? "" : ` (${p.through})`}`,
    next: () => [`name the container runtime with ${flags.runtime}; run as root`],
  },
  "process-holds-old": {
    sentence: ({ params: p }) =>
      `${p.isNewer === true ? "newer in memory, older on disk" : "renewed on disk, still old in memory"}: ${p.consumer}${p.startedAt === null ? "" : ` runs since ${formatDate(p.startedAt)}`}; ${held[p.because](p.what)}`,
    next: ({ params, tool }) => [
      ...(params.reloads === true ? [again(params.consumer, tool)] : []),
      ...(params.isNewer === true
        ? [
            "it has what was renewed until it is restarted; if the file was put back by mistake, bring the newer one back first",
          ]
        : []),
      restart(params.consumer, tool),
      params.isContainer
        ? `by hand: crictl stop $(crictl ps -q --name ${shellQuote(`^${params.consumer}$`)}); the kubelet starts it again`
        : `by hand: systemctl restart ${params.consumer}`,
    ],
  },
  "etcd-unwell": {
    sentence: ({ params: p }) =>
      ({
        "no-read": `etcd answers, and a read that needs the quorum fails: ${p.detail}`,
        alarm: `etcd has raised an alarm (kind and member: ${p.detail}): it takes no writes until it is cleared`,
        "no-leader": "the etcd member knows no leader: there is no quorum",
        errors: `the etcd member reports: ${p.detail}`,
        "no-status": `the etcd member cannot be asked: ${p.detail}`,
      })[p.problem],
    next: ({ node, tool }) => [logOf("etcd"), `what its log means${meaning(node, tool)}`],
  },
  "api-not-writable": {
    sentence: ({ params }) => `an object could not be created and deleted through the API: ${params.reason}`,
    next: ({ node, tool }) => [
      `with the same identity: kubectl --kubeconfig /etc/kubernetes/admin.conf get --raw /readyz?verbose`,
      `what the logs mean${meaning(node, tool)}`,
    ],
  },
  "node-not-ready": {
    sentence: ({ params: p }) =>
      `the node is not ready${p.reason === "" ? "" : ` (${p.reason})`}${p.since === null ? "" : `, since ${formatDate(p.since)}`}`,
    next: ({ name }) => [
      `kubectl describe node ${shellQuote(name)}; on that node: journalctl -u kubelet -e | perennial diagnose -`,
    ],
  },
  "pod-crashing": {
    sentence: ({ params: p }) =>
      `container ${p.container} of pod ${p.pod} is in CrashLoopBackOff, ${p.restarts} restarts`,
    next: ({ params }) => [
      `why: ${kubectlLogs(params.pod, params.container)} --previous | perennial diagnose -`,
    ],
  },
  "api-backend-old": {
    sentence: ({ params: p }) =>
      `pod ${p.pod} answers for ${p.apiServices.join(", ")} and runs since ${formatDate(p.runsSince)}: a certificate that it made for itself lives a year, and it knows the front-proxy CA of then`,
    next: ({ params: p }) => [
      `is it well? kubectl get apiservices ${p.apiServices.map(shellQuote).join(" ")}`,
      `its controller makes a new one: kubectl -n ${shellQuote(namespaceOf(p.pod))} delete pod ${shellQuote(nameOf(p.pod))}`,
    ],
  },
  "log-unauthorized": {
    sentence: ({ params: p }) =>
      `container ${p.container} of pod ${p.pod} was turned away, ${p.count} ${p.count === 1 ? "line" : "lines"} among its newest: ${p.line}`,
    next: ({ params: p }) => [
      `if it is still so in a minute, it holds an old CA or token and wants a restart: kubectl -n ${shellQuote(namespaceOf(p.pod))} delete pod ${shellQuote(nameOf(p.pod))}`,
      `what the log means: ${kubectlLogs(p.pod, p.container)} | perennial diagnose -`,
    ],
  },
  "sweep-incomplete": {
    sentence: ({ params: p }) =>
      `${{ nodes: "the nodes of the cluster", pods: "the pods of the cluster", logs: "the newest lines of the pods", apiservices: "the pods behind APIServices" }[p.what]} could not be looked at: ${p.reason}`,
    next: () => [
      "kubectl --kubeconfig /etc/kubernetes/admin.conf get nodes,pods -A says what the API refuses",
    ],
  },
} satisfies FindingMessages<Codes>;

/** A pod is named `NAMESPACE/NAME`. */
export function namespaceOf(pod: string): string {
  return pod.slice(0, pod.indexOf("/"));
}

export function nameOf(pod: string): string {
  return pod.slice(pod.indexOf("/") + 1);
}

export function kubectlLogs(pod: string, container: string): string {
  return `kubectl -n ${shellQuote(namespaceOf(pod))} logs ${shellQuote(nameOf(pod))} -c ${shellQuote(container)}`;
}
