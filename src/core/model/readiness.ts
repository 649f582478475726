// Which nodes report: what the API server knows of their kubelets, and how many are needed. Data only.

/** How many nodes have to report before something goes on: so many, or a share of all that count, rounded up. */
export type MinReady =
  | { readonly form: "nodes"; readonly count: number }
  | { readonly form: "share"; readonly percent: number };

/** How many workers are worked on at a time: so many, or a share of all of them, at least one. */
export type BatchSize = MinReady;

/** One Node as the API server has it. */
export interface NodeReport {
  readonly name: string;
  /** Whether the condition Ready is True, as its kubelet, or whoever missed it, wrote last. */
  readonly isReady: boolean;
  /** Of that condition; empty when there is none. */
  readonly reason: string;
  /** Changes with everything that the node's kubelet says: the times of its lease and of its condition. Compared, never read as a time. */
  readonly heartbeat: string;
}

/** A node that does not count as ready. `no-heartbeat`: its kubelet has said nothing since the first look. */
export interface SilentNode {
  readonly node: string;
  readonly why: "not-ready" | "no-heartbeat" | "no-such-node";
  /** The condition's reason; empty when it has none. */
  readonly reason: string;
}

/** What one look at all nodes came to. */
export interface Readiness {
  readonly ready: readonly string[];
  readonly silent: readonly SilentNode[];
}

/** The same as a proof: in the journal and the report. */
export interface ReadyCount {
  readonly ready: number;
  readonly of: number;
  /** null when nobody asked for a number. */
  readonly needed: number | null;
  readonly silent: readonly SilentNode[];
}
