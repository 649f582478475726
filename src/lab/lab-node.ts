// A node of the lab: its names and addresses, where everything on it listens, what runs its containers.
import { isIPv6 } from "node:net";

export interface LabNode {
  readonly node: string;
  /** The node's own address. */
  readonly address: string;
  /** Host of the control plane's endpoint. */
  readonly endpoint: string;
  /** `1.20.2`. */
  readonly kubernetesVersion: string;
  /** Absolute path on the node. */
  readonly pkiDir: string;
  readonly ports: LabPorts;
  /** Tag of etcd's image: `3.4.13-0`. */
  readonly etcdVersion: string;
  /** Every member of etcd; with the node itself. */
  readonly members: readonly LabMember[];
}

export interface LabMember {
  readonly node: string;
  readonly address: string;
  readonly peerPort: number;
}

/** Where everything on a node listens. */
export interface LabPorts {
  readonly etcd: number;
  readonly etcdPeer: number;
  readonly etcdMetrics: number;
  readonly apiServer: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly kubelet: number;
  readonly kubeletHealth: number;
}

/** Those of kubeadm (cmd/kubeadm/app/constants). */
export const usualPorts: LabPorts = {
  etcd: 2379,
  etcdPeer: 2380,
  etcdMetrics: 2381,
  apiServer: 6443,
  controllerManager: 10257,
  scheduler: 10259,
  kubelet: 10250,
  kubeletHealth: 10248,
};

/** As it stands in a URL. */
export function inUrl(address: string): string {
  return isIPv6(address) ? `[${address}]` : address;
}

/** The loopback address of the same family, as kubeadm takes it for etcd and the kubelet. */
export function nearOf(address: string): string {
  return isIPv6(address) ? "::1" : "127.0.0.1";
}

/** What runs the containers: `docker` as a kubelet before 1.24 had it, with the CRI in front of it. */
export type LabRuntime = "cri" | "docker";

/** The kubelet's socket of its container runtime, on the node; dockershim's is the kubelet's default. */
export const runtimeSockets = {
  cri: "/run/lab-runtime.sock",
  docker: "/var/run/dockershim.sock",
} as const satisfies Record<LabRuntime, string>;

/** docker's own. */
export const dockerSocket = "/var/run/docker.sock";
