// English: errors of processes and of servers that are asked.
import { faultWords } from "../../../core/model/reasons-servers.ts";
import type { ErrorParams } from "../../../core/model/errors.ts";
import { shellQuote } from "../../shell.ts";
import type { ErrorMessages } from "../types.ts";

/** The command that shows the certificates of a TLS listener; empty where there is none that would show any. */
export function lookAtListener(
  { endpoint, reason }: ErrorParams["endpoint-unreachable"],
  before: string,
): string {
  const isSilent = ["refused", "no-such-host", "no-route", "timeout", "not-tls"].includes(reason);
  const [, address] = /^https:\/\/(.+)$/.exec(endpoint) ?? [];
  return isSilent || address === undefined ? "" : `${before}perennial inspect ${address}`;
}

export const errorsServers = {
  "process-unknowable": {
    sentence: (p) => `nobody could be asked about ${p.consumer}: ${p.tried.join("; ")}`,
    hint: () => [
      "run it as root on the node; is the container runtime up? systemctl status containerd docker crio",
      "ls -l /run/containerd/containerd.sock /var/run/docker.sock /run/cri-dockerd.sock /var/run/crio/crio.sock",
    ],
  },
  "process-not-found": {
    sentence: (p) => `no process of ${p.consumer} was found (asked: ${p.through}); nothing was stopped`,
    hint: (p) => [
      `is its manifest in the kubelet's folder, and does the kubelet run? ls -l /etc/kubernetes/manifests; systemctl status kubelet`,
      `journalctl -u kubelet | grep ${shellQuote(p.consumer)} shows why it was not started`,
    ],
  },
  "process-ambiguous": {
    sentence: (p) =>
      `${p.consumer} runs in several pods (${p.pods.join(", ")}; asked: ${p.through}); none was stopped`,
    hint: () => ["only one of them can be this node's static pod: find out where the others come from"],
  },
  "process-not-stopped": {
    sentence: (p) => `${p.consumer} did not go away (${p.ids.join(", ")} by ${p.through}): ${p.reason}`,
    hint: (_, tool) => [
      "look at the container runtime's log: journalctl -u containerd -u docker -u crio -n 100",
      `then ${tool("resume")}, or ${tool("rollback last")}`,
    ],
  },
  "process-not-revived": {
    sentence: (p) => `${p.consumer} could not be made to start (${p.through}): ${p.reason}`,
    hint: (_, tool) => [
      "journalctl -u kubelet -n 100 shows what the kubelet does; ls -lA /etc/kubernetes/manifests /etc/kubernetes/.perennial-held",
      `then ${tool("resume")}, which puts back what was moved away`,
    ],
  },
  "command-failed": {
    sentence: (p) => `${p.command} failed: ${p.reason}`,
    hint: () => ["run that command by hand and see what it says"],
  },
  "endpoint-unreachable": {
    sentence: (p) => `${p.endpoint} could not be asked: ${faultWords[p.reason]} (${p.detail})`,
    hint: (p) => [
      `see what listens: ss -lntxp${lookAtListener(p, "; what it presents: ")}`,
      ...(p.reason === "client-refused" || p.reason === "pair-unusable"
        ? ["perennial inspect FILE shows the client certificate, its dates and whether the key belongs to it"]
        : []),
    ],
  },
  "rpc-failed": {
    sentence: (p) => `${p.endpoint} answered ${p.method} with gRPC status ${p.status}: ${p.message}`,
    hint: () => [
      "the server's own log says more: crictl logs, docker logs, or journalctl -u with its unit's name",
    ],
  },
  "protobuf-malformed": {
    sentence: (p) => `not a valid protocol buffer at byte ${p.offset}: ${p.reason}`,
    hint: () => ["something else than the expected server answered; see what listens: ss -lntxp"],
  },
  "etcd-not-supported": {
    sentence: (p) => `${p.endpoint} is too old for ${p.what}, which etcd has from ${p.since}`,
    hint: () => ["nothing was changed; stopping the leader makes the others elect another one"],
  },
  "snapshot-damaged": {
    sentence: (p) => `the snapshot ${p.source} cannot be used: ${faultWords[p.reason]} (${p.detail})`,
    hint: () => [
      "df -h where it is written; dmesg for disk errors; then take it again, best from another member",
      "etcdctl snapshot status FILE shows what etcd makes of it",
    ],
  },
} satisfies Partial<ErrorMessages>;
