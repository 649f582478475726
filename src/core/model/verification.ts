// The present state of a running node, as `verify` looked at it. Data only; what is wrong with it are findings.
import type { NodeName } from "./address.ts";
import type { LiveFacts, RestartDecision } from "./live.ts";

/** Every answer is there, or why it is not. */
export type Looked<T> =
  | { readonly state: "seen"; readonly value: T }
  /** Not asked: not of this node, or the operator did not want it. */
  | { readonly state: "skipped"; readonly because?: SkippedBecause }
  | { readonly state: "failed"; readonly reason: string };

/** `read-only`: the operator wants no write. `no-identity`: nothing here may ask it. */
export type SkippedBecause = "read-only" | "no-identity";

/** What the node's etcd member says. `readFailure` is null when a linearizable read succeeded: the quorum was asked. */
export interface EtcdReport {
  readonly version: string;
  readonly hasLeader: boolean;
  /** `NOSPACE`, `CORRUPT`, with the id of the member concerned (hex). */
  readonly alarms: readonly { readonly kind: string; readonly member: string }[];
  /** The member's own words; empty before 3.4. */
  readonly errors: readonly string[];
  readonly readFailure: string | null;
}

export interface SweptNode {
  readonly name: string;
  readonly isReady: boolean;
  /** Of the condition `Ready`: `KubeletNotReady`, `NodeStatusUnknown`. */
  readonly reason: string;
  /** ms since the epoch. */
  readonly since: number | null;
}

export interface SweptContainer {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly container: string;
  readonly node: string;
  readonly restarts: number;
  readonly isCrashLooping: boolean;
}

/** Lines that say that somebody was not let in. */
export interface SweptLog {
  readonly pod: string;
  readonly container: string;
  readonly node: string;
  readonly count: number;
  readonly line: string;
}

/** A pod that answers for a part of the API. */
export interface SweptBackend {
  /** `NAMESPACE/NAME`. */
  readonly pod: string;
  readonly node: string;
  /** ms since the epoch; of the oldest of its containers. */
  readonly runsSince: number;
  /** `v1beta1.metrics.k8s.io`, sorted. */
  readonly apiServices: readonly string[];
}

/** What the API knows of the rest of the cluster. */
export interface Sweep {
  readonly nodes: Looked<readonly SweptNode[]>;
  readonly containers: Looked<readonly SweptContainer[]>;
  readonly logs: Looked<readonly SweptLog[]>;
  /** Pods whose newest lines were read. */
  readonly logsRead: number;
  /** Pods behind APIServices that run. */
  readonly apiBackends: Looked<readonly SweptBackend[]>;
}

export interface RunningState {
  readonly live: LiveFacts;
  /** As a plan that changes no file would decide. */
  readonly restarts: readonly RestartDecision[];
  readonly etcd: Looked<EtcdReport>;
  /** `seen`: an object was created and deleted. */
  readonly write: Looked<true>;
  readonly sweep: Looked<Sweep>;
}

/** One thing that was proved, or not. `subject` is an endpoint's id, a consumer, or what was asked. */
export interface Proof {
  /** Whose it is, when several nodes were looked at; absent for what is the whole cluster's. */
  readonly node?: NodeName;
  readonly kind: "served" | "process" | "etcd" | "members" | "write" | "nodes" | "pods" | "logs";
  readonly subject: string;
  readonly outcome: "proved" | "failed" | "skipped";
  readonly evidence: ProofEvidence;
}

/** For people and programs: what was seen. Instants in ms since the epoch. */
export type ProofEvidence =
  | {
      readonly code: "serves";
      readonly serialHex: string;
      readonly notAfter: number;
      readonly isStored: boolean | null;
    }
  | { readonly code: "runs"; readonly startedAt: number | null; readonly through: string }
  | { readonly code: "etcd-read"; readonly version: string }
  | { readonly code: "wrote" }
  /** Members of etcd that agree, and how many of the voters are well. */
  | { readonly code: "members"; readonly healthy: number; readonly voters: number }
  | { readonly code: "counted"; readonly count: number; readonly faulty: number }
  | { readonly code: "reason"; readonly reason: string }
  | { readonly code: "not-asked"; readonly because?: SkippedBecause };
