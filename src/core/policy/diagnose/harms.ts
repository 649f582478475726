// What each certificate is for, told as what stops when it fails, and who speaks to whom over it.
import type { CauseCode, HarmCode, SparedCode } from "../../model/diagnosis.ts";

const harmsBySlot: Readonly<Record<string, readonly HarmCode[]>> = {
  apiserver: ["api-refused"],
  "apiserver-etcd-client": ["api-down"],
  "apiserver-kubelet-client": ["exec-logs"],
  "etcd-server": ["api-down", "etcd-clients"],
  "etcd-peer": ["quorum"],
  "etcd-healthcheck-client": ["etcd-probe"],
  "front-proxy-client": ["aggregated-apis"],
  "controller-manager.conf": ["controllers"],
  "scheduler.conf": ["scheduling"],
  "kubelet.conf": ["node-not-ready", "kubelet-start"],
  "kubelet-client": ["node-not-ready"],
  "kubelet-server": ["exec-logs"],
  "admin.conf": ["admin-access"],
  "super-admin.conf": ["admin-access"],
  ca: ["everything-signed", "api-refused"],
  "etcd-ca": ["everything-signed", "api-down"],
  "front-proxy-ca": ["aggregated-apis"],
  sa: ["tokens"],
};

/** By the slot's name; a kubeconfig in somebody's home is that person's access. */
function harmsOf(names: readonly string[]): readonly HarmCode[] {
  const harms = names.flatMap(
    (name) => harmsBySlot[name] ?? (name.includes(".kube/") ? (["admin-access"] as const) : []),
  );
  return harmsWorstFirst(harms);
}

/** Each once; those that are not about the control plane come last. */
export function harmsWorstFirst(harms: readonly HarmCode[]): readonly HarmCode[] {
  return [...new Set(harms)].sort((a, b) => harmRank(a) - harmRank(b));
}

/** 0 is the worst. */
export function harmRank(harm: HarmCode): number {
  const rank = worstFirst.indexOf(harm);
  return rank < 0 ? worstFirst.length : rank;
}

const worstFirst: readonly HarmCode[] = [
  "everything-signed",
  "api-down",
  "quorum",
  "api-refused",
  "node-not-ready",
  "kubelet-start",
  "controllers",
  "scheduling",
  "tokens",
  "admin-access",
  "exec-logs",
  "aggregated-apis",
  "etcd-clients",
  "etcd-probe",
];

const fallbackHarms: Partial<Readonly<Record<CauseCode, readonly HarmCode[]>>> = {
  "etcd-unreachable": ["api-down"],
  "bootstrap-kubeconfig-missing": ["kubelet-start", "node-not-ready"],
  "wrong-kubelet-client": ["node-not-ready"],
  "loopback-certificate-expired": ["api-refused", "controllers"],
  "renewed-not-loaded": ["old-in-memory"],
  "platform-web-certificate": ["web-page"],
  "hosted-mesh-certificate": ["mesh-control"],
  "certificate-expiring": ["soon"],
};

/** For a cause whose certificates are not known, or that does harm of its own. */
export function harmsOfCause(cause: CauseCode, names: readonly string[]): readonly HarmCode[] {
  if (cause === "certificate-expiring") return ["soon"];
  const own = harmsOf(names);
  const fallback = fallbackHarms[cause] ?? [];
  if (own.length > 0 && cause !== "renewed-not-loaded") return own;
  return fallback.length > 0 ? fallback : ["unknown"];
}

const sparesByCause: Partial<Readonly<Record<CauseCode, readonly SparedCode[]>>> = {
  "hosted-mesh-certificate": ["mesh-traffic"],
  "platform-web-certificate": ["cluster"],
  "certificate-expiring": ["now"],
  "renewed-not-loaded": ["files", "containers", "data"],
  "loopback-certificate-expired": ["files", "containers", "data"],
  "bootstrap-kubeconfig-missing": ["containers", "data"],
  "wrong-kubelet-client": ["containers", "data"],
  "credentials-refused": ["containers"],
  "process-not-running": ["containers"],
};

export function sparesOfCause(cause: CauseCode): readonly SparedCode[] {
  return sparesByCause[cause] ?? ["containers", "data", "tokens"];
}

/** Certificates that a component shows or is shown: where to look first when it complains. */
const around: Readonly<Record<string, readonly string[]>> = {
  "kube-apiserver": [
    "etcd-server",
    "apiserver-etcd-client",
    "apiserver-kubelet-client",
    "kubelet-server",
    "admin.conf",
    "controller-manager.conf",
    "scheduler.conf",
    "kubelet.conf",
    "kubelet-client",
    "front-proxy-client",
  ],
  etcd: ["etcd-server", "etcd-peer", "apiserver-etcd-client", "etcd-healthcheck-client"],
  kubelet: ["kubelet.conf", "kubelet-client", "apiserver", "kubelet-server"],
  "kube-controller-manager": ["apiserver", "controller-manager.conf"],
  "kube-scheduler": ["apiserver", "scheduler.conf"],
  kubectl: ["apiserver", "admin.conf"],
};

const atPort: Readonly<Record<number, readonly string[]>> = {
  2379: ["etcd-server", "apiserver-etcd-client", "etcd-healthcheck-client"],
  2380: ["etcd-peer"],
  6443: ["apiserver"],
  8443: ["apiserver"],
  10250: ["kubelet-server", "apiserver-kubelet-client"],
};

/** Between the API server and etcd. */
export const etcdPath: readonly string[] = ["apiserver-etcd-client", "etcd-server", "etcd-peer", "etcd-ca"];

/** Names of slots, most telling first; null when nothing says where to look. */
export function suspects(component: string | null, port: number | undefined): readonly string[] | null {
  const byPort = port === undefined ? undefined : atPort[port];
  const byComponent = component === null ? undefined : around[component];
  if (byPort && byComponent) {
    const both = byComponent.filter((name) => byPort.includes(name));
    return both.length > 0 ? both : byPort;
  }
  return byPort ?? byComponent ?? null;
}
