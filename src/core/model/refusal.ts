// Why nothing was planned or done.
import type { CodedError } from "./errors.ts";

/** One reason why nothing was planned or done (exit 4). */
export interface Refusal {
  readonly code: RefusalCode;
  readonly slot: string;
  readonly address: string;
  readonly detail: string;
  /** Why a node cannot be worked on, whole; `detail` has its own words only. */
  readonly error?: CodedError;
}

export type RefusalCode =
  | "outlives-authority"
  | "authority-ending"
  | "authority-expired"
  | "authority-not-usable"
  | "authority-key-mismatch"
  | "key-encrypted"
  | "key-not-usable"
  | "certificate-not-usable"
  /** Nothing readable is there; out of the way it is made again as a missing one. */
  | "certificate-damaged"
  | "san-lost"
  | "eku-lost"
  | "link-leaves-tree"
  | "object-not-writable"
  | "externally-managed"
  | "authority-not-renewable"
  | "kubelet-managed"
  | "missing-not-recreated"
  | "authority-missing"
  | "authority-not-recreatable"
  | "kubeconfig-not-usable"
  | "outage-not-accepted"
  | "node-unreachable"
  | "other-node"
  // --- a platform above the cluster; `slot` is the node
  /** `detail` is its version as the operator said it, `address` the file that shows it. */
  | "platform-too-old"
  /** `detail` is the platform. */
  | "platform-not-here"
  // --- processes; `slot` is node and consumer, `address` who was asked, `detail` a NotStartable
  | "process-not-startable"
  /** etcd runs and nobody can ask it; `slot` is its client's, `address` the key of its CA, `detail` the client's end or empty. */
  | "snapshot-impossible"
  // --- the clock of the node; `slot` is the node, `detail` the instant that speaks against it (ISO 8601 UTC)
  /** `address` is the file that was written later than the clock says it is. */
  | "clock-behind-file"
  /** `address` is the run whose journal says so. */
  | "clock-behind-run"
  /** `slot` and `address` are those of the certificate that begins later. */
  | "clock-behind-certificate"
  /** `address` is the URL of the machine that says another time. */
  | "clock-differs"
  // --- answers of a CA elsewhere; `address` is the answer's file
  | "answer-not-signed"
  | "answer-expired"
  | "answer-not-yet-valid"
  | "answer-is-authority"
  | "answer-unmatched"
  | "answers-differ"
  | "subject-differs"
  | "ku-lost"
  | "missing-not-requested"
  | "authority-key-here";
