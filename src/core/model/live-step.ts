// The steps of a plan around a running node: etcd saved, processes restarted, proof taken from what runs.
import type { NodeName } from "./address.ts";
import type { SlotId } from "./inventory.ts";
import type { Endpoint, HealthCheck, ProcessCommands } from "./live.ts";
import type { MinReady } from "./readiness.ts";

/** How the etcd member is reached, whatever its certificates look like. */
export interface EtcdAccess {
  readonly endpoints: readonly Endpoint[];
  /** formatAddress of the authority that signs a client certificate for one hour, in memory; the key is null when it is not here. */
  readonly authorityCertificate: string;
  readonly authorityKey: string | null;
  /** formatAddress of the stored client pair, used when there is no key to sign with. */
  readonly client: { readonly certificate: string; readonly key: string } | null;
  /** Common name of the fresh certificate: the stored client's, which etcd's own users may be bound to. */
  readonly commonName: string;
  /** Slot of the server certificate, and the public keys (SHA-256 of the SubjectPublicKeyInfo, hex) that are accepted at any date. */
  readonly server: SlotId;
  readonly serverKeys: readonly string[];
}

/** Saves etcd's data before the first write: a snapshot of the running member, or a copy of the files of a stopped one. */
export interface SnapshotStep {
  readonly kind: "snapshot";
  readonly id: string;
  readonly access: EtcdAccess;
  /** Path of the data directory on the node; null when nothing names it. */
  readonly dataDirectory: string | null;
}

/** An endpoint that has to present a certificate: the one issued for `slot`, else the one with this hash, else only to answer. */
export interface ServedDemand {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly slot: SlotId | null;
  readonly sha256: string | null;
}

/** Stops a process, waits until another one has come, is well and presents what it has to. */
export interface BounceStep {
  readonly kind: "bounce";
  readonly id: string;
  readonly consumer: string;
  /** `always`, or `if-needed`: only when it does not present the new certificate by itself in time. */
  readonly when: "always" | "if-needed";
  readonly graceSeconds: number;
  /** Seconds that a process which reloads by itself is given; 0 with `always`. */
  readonly reloadSeconds: number;
  /** Seconds from the stop until the new process is well and presents what it has to. */
  readonly timeoutSeconds: number;
  readonly health: HealthCheck;
  readonly demands: readonly ServedDemand[];
  /** Set for etcd, whose health is a read that needs the quorum. */
  readonly access: EtcdAccess | null;
  /** The operator's own; absent when the usual way is taken throughout. */
  readonly commands?: ProcessCommands;
}

/** Proof taken from what runs: every certificate served, etcd read, the API written to. */
export interface ProveLiveStep {
  readonly kind: "prove-live";
  readonly id: string;
  readonly demands: readonly ServedDemand[];
  readonly access: EtcdAccess | null;
  /** Ready checks, by consumer. */
  readonly health: readonly { readonly consumer: string; readonly check: HealthCheck }[];
  /** The kubeconfig with which an object is created and deleted (formatAddress), and where; null when there is none. */
  readonly api: { readonly kubeconfig: string; readonly user: string; readonly endpoint: Endpoint } | null;
}

/** Waits until etcd is as it has to be; read fresh each time. The members are the plan's. */
export interface GateStep {
  readonly kind: "gate";
  readonly id: string;
  /** `stable`: every member well and agreeing; `quorum`: enough of them. */
  readonly demand: "stable" | "quorum";
  /** Seconds until it gives up. */
  readonly timeoutSeconds: number;
}

/** A way to ask the API server of a node, as its administrator. */
export interface ApiAccess {
  readonly node: NodeName;
  /** formatAddress of the kubeconfig. */
  readonly kubeconfig: string;
  readonly user: string;
  readonly endpoint: Endpoint;
}

/** Waits until kubelets report, and counts them; asked fresh each time. */
export interface ReadyStep {
  readonly kind: "ready";
  readonly id: string;
  /** `node`: that of the step; `cluster`: all that the API server lists. */
  readonly of: "node" | "cluster";
  /** Of the cluster: how many are needed to go on; null counts only. */
  readonly need: MinReady | null;
  /** Nodes that do not count: the plan does without them. */
  readonly without: readonly NodeName[];
  /** Seconds that all of them are waited for; after that as many as are needed will do. */
  readonly settleSeconds: number;
  /** Seconds until it gives up. */
  readonly timeoutSeconds: number;
  /** Tried in this order. */
  readonly apis: readonly ApiAccess[];
}

/** A member that counts, and how it is asked. */
export interface GateMember {
  readonly node: NodeName;
  readonly access: EtcdAccess;
}

/** What a plan over several nodes knows of the whole. */
export interface PlanCluster {
  /** `rolling` keeps etcd's quorum; `outage` brings it back. */
  readonly order: "rolling" | "outage";
  /** etcd's members on the nodes of the plan; empty when etcd is elsewhere. */
  readonly members: readonly GateMember[];
  /** True when the operator accepted that etcd stops answering. */
  readonly acceptOutage: boolean;
  /** Set when there are workers: how many are worked on at a time, and how many may fail before the rest is left alone. */
  readonly workers?: { readonly batch: number; readonly tolerated: number };
}
