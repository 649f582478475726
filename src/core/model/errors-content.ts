// Errors of what is read and written: certificates, keys, kubeconfigs, profiles, cluster files, and the stores that hold them.
import type { ClusterFault } from "./cluster.ts";
import type { Reason } from "./reasons.ts";

export interface ContentErrors {
  // --- DER, PEM, X.509 (core/pki). `offset` is in bytes from the start of the DER value.
  "der-malformed": { readonly reason: Reason; readonly offset: number };
  "pem-malformed": { readonly reason: PemFault; readonly line: number };
  "certificate-malformed": { readonly reason: Reason };
  "key-malformed": { readonly reason: Reason };
  "key-encrypted": { readonly format: string };
  "key-unsupported": { readonly algorithm: string };
  "issue-refused": { readonly reason: Reason };
  "value-invalid": { readonly what: Reason; readonly value: string; readonly expected: Reason };

  // --- kubeconfig and manifest surgery (core/kubeconfig). `path` is the address shown to people.
  "yaml-malformed": { readonly reason: Reason; readonly line: number };
  "kubeconfig-malformed": { readonly reason: Reason };
  "splice-unsafe": { readonly reason: Reason };
  "manifest-malformed": { readonly reason: Reason };

  // --- profile
  "profile-invalid": { readonly profile: string; readonly reason: string };
  "profile-unknown": { readonly profile: string; readonly known: readonly string[] };

  // --- cluster.yaml
  /** Every fault of the file, by line; never empty. */
  "cluster-invalid": { readonly path: string; readonly faults: readonly ClusterFault[] };
  /** There is no way to a node of this kind from here. */
  "reach-unsupported": { readonly node: string; readonly reach: string };
  /** The files reached under one name belong to another node; `found` is what they say. */
  "node-is-another": { readonly node: string; readonly found: string };
  /** Nodes of one cluster were recognised as different distributions: `PROFILE (NODE, NODE)`. */
  "profiles-differ": { readonly cluster: string; readonly profiles: readonly string[] };
  "file-exists": { readonly path: string };

  // --- stores (drivers/store). `address` is formatted by formatAddress.
  "store-unreadable": { readonly address: string; readonly reason: string; readonly cause: string };
  "store-not-regular": { readonly address: string; readonly type: string };
  "store-too-large": { readonly address: string; readonly bytes: number; readonly limitBytes: number };
  "store-link-refused": { readonly address: string; readonly target: string };
  "store-conflict": { readonly address: string; readonly expected: string; readonly found: string };
  "store-write-failed": { readonly address: string; readonly operation: string; readonly cause: string };
  "store-mismatch": { readonly address: string; readonly expected: string; readonly found: string };
}

export type PemFault = "truncated" | "bad-base64" | "label-differs" | "nested-begin";

/** What is wrong with one section of collected facts; `section` is its number, null for the text as a whole. */
export interface FactsDamage {
  readonly section: number | null;
  /** As the text names it; the neighbour before it when the section itself is lost. */
  readonly title: string;
  readonly fault: FactsFault;
}

export type FactsFault =
  | "no-beginning"
  | "other-version"
  | "no-end"
  | "missing"
  | "unfinished"
  | "sum-differs"
  | "two-contents"
  | "not-understood";
