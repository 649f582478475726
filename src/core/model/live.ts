// The live view of a node: which processes load the slots, where they listen, what they present, how they are. Data only.
import type { NodeName } from "./address.ts";
import type { SlotId } from "./inventory.ts";

/** A place that can be dialled. `serverName` is the SNI of a TLS handshake; null sends none. */
export interface Endpoint {
  readonly scheme: "http" | "https";
  readonly host: string;
  readonly port: number;
  readonly serverName: string | null;
}

/** One listener of a process, and the slot whose certificate it has to present. */
export interface ServingEndpoint {
  /** `m1/kube-apiserver:6443`, with `@NAME` behind it when a server name is sent. */
  readonly id: string;
  readonly consumer: string;
  readonly endpoint: Endpoint;
  /** null when the process makes its certificate itself, in memory. */
  readonly slot: SlotId | null;
}

/** How to ask a process whether it is well. */
export type HealthCheck =
  | { readonly form: "http"; readonly endpoint: Endpoint; readonly path: string }
  | { readonly form: "etcd" }
  | { readonly form: "none" };

/** A process of the node, as its manifest and configuration describe it. */
export interface ProcessSlot {
  readonly node: NodeName;
  /** `etcd`, `kube-apiserver`, `kube-controller-manager`, `kube-scheduler`, `kubelet`. */
  readonly consumer: string;
  /** Path of its manifest on the node; null for the kubelet. */
  readonly manifest: string | null;
  readonly version: string | null;
  /** Slots whose bytes it loads. */
  readonly reads: readonly SlotId[];
  /** Flags with the node's own files, which tell a process outside pods from another node's: `config`, `kubeconfig`. */
  readonly flags?: readonly { readonly name: string; readonly path: string }[];
  readonly endpoints: readonly ServingEndpoint[];
  readonly health: HealthCheck;
  /** Seconds between SIGTERM and SIGKILL. */
  readonly graceSeconds: number;
}

/** The etcd member of the node. */
export interface EtcdSlot {
  readonly clients: readonly Endpoint[];
  /** Path on the node; null when nothing says so. */
  readonly dataDirectory: string | null;
  /** Number of members that its manifest names (`--initial-cluster`). */
  readonly members: number;
  readonly authority: string;
  readonly server: SlotId;
  readonly client: SlotId | null;
}

export interface LiveInventory {
  readonly node: NodeName;
  readonly processes: readonly ProcessSlot[];
  readonly etcd: EtcdSlot | null;
  /** The kubelet's endpoint of its container runtime, as its flags or configuration say; null when they are silent. */
  readonly runtimeEndpoint: string | null;
}

/** Lines for `sh -c` that the operator gives for one process; what is not said is done the usual way. */
export interface ProcessCommands {
  readonly stop?: string;
  readonly start?: string;
  /** Exit 0 and a first line that is another one for every life (a pid) when it runs; exit 3, no line or `0` when it does not. */
  readonly status?: string;
}

/** By consumer. */
export type CommandsByProcess = Readonly<Record<string, ProcessCommands>>;

/** Why a process, once it does not run, could not be started by us. */
export type NotStartable = "not-known" | "launch-unreadable" | "ambiguous" | "unit-masked";

/** Whether somebody can start a process anew: its supervisor, the operator's command, or we, as it was seen to run. */
export type Startability =
  | { readonly state: "can" }
  /** It does not run; an earlier run of ours has seen its command line. */
  | { readonly state: "recorded"; readonly command: string; readonly recordedAt: number }
  | { readonly state: "cannot"; readonly why: NotStartable };

/** What is known of a running process */
export interface ProcessFacts {
  readonly consumer: string;
  readonly state: "running" | "exited" | "absent" | "unknown";
  /** How it was found: `cri unix:///run/containerd/containerd.sock`, `docker`, `systemd kubelet.service`; why not, when unknown. */
  readonly through: string;
  /** ms since the epoch. */
  readonly startedAt: number | null;
  /** null when it is well; why not otherwise. */
  readonly ailment: string | null;
  /** Absent when that was not looked at: it counts as `can`. */
  readonly startability?: Startability;
}

/** What an endpoint presents. Times in ms since the epoch, hashes lowercase hex of SHA-256. */
export type ServedFacts =
  | {
      readonly state: "served";
      readonly serialHex: string;
      readonly notAfter: number;
      readonly certificateSha256: string;
      readonly spkiSha256: string;
      readonly subject: string;
    }
  | { readonly state: "unreachable"; readonly reason: string };

export interface LiveFacts {
  readonly inventory: LiveInventory;
  /** By consumer. */
  readonly processes: ReadonlyMap<string, ProcessFacts>;
  /** By id of the endpoint. */
  readonly served: ReadonlyMap<string, ServedFacts>;
}

/** Why a process is restarted, or why it is left running. */
export type RestartReason =
  | { readonly code: "dead"; readonly state: "exited" | "absent" }
  | { readonly code: "unwell"; readonly ailment: string }
  | { readonly code: "reads-once" }
  | { readonly code: "holds-expired"; readonly slot: SlotId }
  | { readonly code: "started-before"; readonly slot: SlotId; readonly startedAt: number }
  | { readonly code: "serves-other"; readonly endpoint: string; readonly serialHex: string }
  | { readonly code: "loopback-certificate"; readonly startedAt: number };

/** Those that say that a process holds in memory what is on disk no more. */
export type HeldReason = Extract<
  RestartReason["code"],
  "started-before" | "serves-other" | "loopback-certificate"
>;

export type KeepRunningReason =
  | { readonly code: "nothing-changes" }
  | { readonly code: "reloads"; readonly since: string; readonly version: string }
  | { readonly code: "several-members"; readonly members: number }
  | { readonly code: "not-here"; readonly through: string };

/** `node` is given where there are several. */
export type RestartDecision = { readonly node?: NodeName; readonly consumer: string } & (
  | { readonly action: "bounce"; readonly reasons: readonly RestartReason[] }
  | { readonly action: "await" | "keep"; readonly reasons: readonly KeepRunningReason[] }
);
