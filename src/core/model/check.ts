// The result of a check: rows as kubeadm shows them, further copies, findings. Everything `report` renders.
import type { NodeName } from "./address.ts";
import type { AnyFinding, Severity } from "./finding.ts";
import type { Management, Origin, SlotId } from "./inventory.ts";

export type StoredState = "ok" | "missing" | "unreadable" | "broken";

/** One certificate as stored. Times are ms since the epoch; null when the state is not `ok`. */
export interface CertificateRow {
  readonly slot: SlotId;
  readonly node: NodeName;
  readonly name: string;
  /** True for the names that `kubeadm certs check-expiration` lists; only these go into `certificates[]`. */
  readonly isKubeadm: boolean;
  readonly state: StoredState;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** Name of the authority, as in kubeadm's table; empty when unknown. */
  readonly authority: string;
  readonly externallyManaged: boolean;
  readonly management: Management;
  readonly path: string;
  readonly keyPath: string | null;
  readonly origin: Origin;
  readonly subject: string;
  readonly issuer: string;
  readonly serialHex: string;
  readonly sha256: string;
  readonly sans: readonly string[];
  readonly usages: readonly string[];
  /** kubeadm's name of the key's algorithm: `RSA-2048`, `ECDSA-P256`. */
  readonly keyAlgorithm: string;
}

export interface AuthorityRow {
  readonly slot: SlotId;
  readonly node: NodeName;
  readonly name: string;
  /** As for certificates. */
  readonly isKubeadm: boolean;
  readonly state: StoredState;
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  readonly externallyManaged: boolean;
  readonly path: string;
  readonly keyPath: string;
  readonly subject: string;
  readonly serialHex: string;
  readonly sha256: string;
  readonly keyAlgorithm: string;
}

export interface CheckResult {
  /** The instant the answer is for, ms since the epoch (`--at`, else now). */
  readonly at: number;
  readonly cluster: string;
  readonly profile: string;
  readonly nodes: readonly NodeName[];
  readonly root: string;
  readonly certificates: readonly CertificateRow[];
  readonly authorities: readonly AuthorityRow[];
  readonly findings: readonly AnyFinding[];
  /** The worst severity among the findings; null when there are none. */
  readonly worst: Severity | null;
}
