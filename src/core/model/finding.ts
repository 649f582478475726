// Findings: what is wrong, as a code with typed parameters and evidence. `report` makes the sentence.
import type { Address, NodeName } from "./address.ts";
import type { NodeRole, Reach } from "./cluster.ts";
import type { CodedError } from "./errors.ts";
import type { SlotId } from "./inventory.ts";
import type { HeldReason } from "./live.ts";
import type { Objection } from "./quorum.ts";
import type { LeftAlone, PlatformFacts } from "./platform.ts";

export type Severity = "info" | "warning" | "critical";

/** A finding that its code says whole. */
export interface NoParams {
  readonly none?: never;
}

/** Why `renew NAME` would be refused or would leave the certificate as it is, so that something else is to be advised. */
export type Obstacle =
  | { readonly code: "observed" }
  | { readonly code: "no-original" }
  | { readonly code: "original-unreadable"; readonly original: string }
  | { readonly code: "authority-elsewhere"; readonly authority: string }
  | { readonly code: "kubelet-elsewhere"; readonly authority: string }
  | { readonly code: "authority-not-usable"; readonly authority: string }
  /** It can be made anew or put back on demand: the front-proxy CA. */
  | { readonly code: "authority-recreatable"; readonly authority: string }
  /** A key that a renewal needs is closed to whoever asks. */
  | { readonly code: "not-read" }
  | { readonly code: "key-encrypted" };

/** Instants are ms since 1970-01-01T00:00Z, `...Hex` lowercase hex without separators, modes octal text like `0600`. */
export interface FindingParams {
  // --- time
  "certificate-expired": { readonly notAfter: number; readonly obstacle?: Obstacle };
  "certificate-expiring": {
    readonly notAfter: number;
    readonly withinMs: number;
    readonly obstacle?: Obstacle;
  };
  "certificate-not-yet-valid": { readonly notBefore: number };
  "authority-expired": { readonly notAfter: number };
  "authority-expiring": { readonly notAfter: number; readonly withinMs: number };
  "authority-not-yet-valid": { readonly notBefore: number };
  "outlives-authority": {
    readonly notAfter: number;
    readonly authority: string;
    readonly authorityNotAfter: number;
  };
  // --- presence: missing, unreadable and broken are three different things
  "certificate-missing": { readonly obstacle?: Obstacle };
  "key-missing": { readonly path: string };
  "kubeconfig-missing": { readonly obstacle?: Obstacle };
  "authority-missing": NoParams;
  "object-unreadable": { readonly path: string; readonly reason: string };
  "link-dangling": { readonly path: string; readonly target: string };
  "certificate-broken": { readonly path: string; readonly reason: string };
  "file-truncated": { readonly path: string; readonly bytes: number };
  "key-broken": { readonly path: string; readonly reason: string };
  "key-encrypted": { readonly path: string; readonly format: string };
  "kubeconfig-broken": { readonly path: string; readonly reason: string };
  "manifest-broken": { readonly path: string; readonly reason: string };
  "kubelet-config-broken": { readonly path: string; readonly reason: string };
  // --- pairs, issuers, identity
  "key-does-not-match": { readonly certificateSpki: string; readonly keySpki: string };
  "authority-key-does-not-match": { readonly certificateSpki: string; readonly keySpki: string };
  "wrong-issuer": { readonly authority: string; readonly issuer: string; readonly sameName: boolean };
  "common-name-unexpected": { readonly expected: readonly string[]; readonly found: string };
  "organization-unexpected": { readonly expected: readonly string[]; readonly found: readonly string[] };
  "san-missing": {
    readonly missing: readonly { readonly kind: string; readonly value: string; readonly source: string }[];
  };
  "usage-missing": { readonly missing: readonly string[] };
  "usage-unexpected": { readonly unexpected: readonly string[] };
  "is-authority": NoParams;
  "authority-is-leaf": NoParams;
  "more-than-one-certificate": { readonly count: number };
  "leaf-not-first": { readonly position: number };
  "authority-bundle": { readonly count: number; readonly signing: number | null };
  "certificate-anomaly": { readonly anomaly: string };
  "kubeconfig-authority-differs": { readonly cluster: string; readonly authority: string };
  // --- copies
  "replica-differs": {
    readonly original: SlotId;
    readonly originalSerialHex: string;
    readonly serialHex: string;
    /** Ends of the original's and of the copy's certificate: a re-issued one may keep the serial. */
    readonly originalNotAfter: number;
    readonly notAfter: number;
  };
  "copy-of-nothing": { readonly subject: string };
  "service-account-pair-differs": { readonly path: string };
  "kubelet-embedded": { readonly path: string };
  // --- files
  "mode-too-open": { readonly path: string; readonly mode: string; readonly atMost: string };
  "owner-unexpected": { readonly path: string; readonly uid: number; readonly gid: number };
  "link-leaves-tree": { readonly path: string; readonly target: string };
  "left-over-temporary": { readonly path: string };
  /** `path` has each byte that is not UTF-8 as `\\xff`. */
  "name-not-utf8": { readonly path: string };
  // --- who can do what
  "holds-system-masters": { readonly subject: string; readonly notAfter: number };
  "externally-managed": { readonly authority: string };
  "external-etcd": { readonly source: string };
  "credential-without-certificate": { readonly path: string; readonly kind: string };
  // --- a platform above the cluster
  "platform-recognised": {
    readonly platform: PlatformFacts["id"];
    readonly role: PlatformFacts["role"];
    /** As the platform calls the cluster, with the file that says so. */
    readonly cluster: PlatformFacts["cluster"];
  };
  "platform-left-alone": { readonly platform: PlatformFacts["id"]; readonly why: LeftAlone };
  "token-kubeconfig-left": { readonly platform: PlatformFacts["id"]; readonly path: string };
  // --- what runs (`verify` only)
  /** `path` is the file with the certificate that should be served. */
  "served-differs": {
    readonly endpoint: string;
    readonly consumer: string;
    readonly serialHex: string;
    readonly notAfter: number;
    readonly storedSerialHex: string;
    readonly path: string;
    /** End of the one on disk: an earlier one was put back there. */
    readonly storedNotAfter?: number;
    /** The process reads its files by itself, within a minute or so. */
    readonly reloads?: true;
  };
  /** `storedNotAfter` is null when the process makes its certificate itself. */
  "served-expired": {
    readonly endpoint: string;
    readonly consumer: string;
    readonly serialHex: string;
    readonly notAfter: number;
    readonly storedNotAfter: number | null;
  };
  "endpoint-unreachable": { readonly endpoint: string; readonly consumer: string; readonly reason: string };
  /** `detail` says why it is unwell; empty otherwise. */
  "process-down": {
    readonly consumer: string;
    readonly state: "exited" | "absent" | "unwell";
    readonly detail: string;
  };
  /** Nobody could say whether it runs. */
  "process-unseen": { readonly consumer: string; readonly through: string };
  "process-holds-old": {
    readonly consumer: string;
    /** null when nobody could say. */
    readonly startedAt: number | null;
    readonly because: HeldReason;
    /** The slot that is newer on disk, or the endpoint that shows it. */
    readonly what: string;
    readonly isContainer: boolean;
    /** It presents a certificate that ends later than the one on disk, as after a rollback. */
    readonly isNewer?: true;
    /** It reads its files by itself, within a minute or so. */
    readonly reloads?: true;
  };
  /** `detail` is the reason, the kind of the alarm, or etcd's own words; empty without a leader. */
  "etcd-unwell": {
    readonly problem: "no-read" | "alarm" | "no-leader" | "errors" | "no-status";
    readonly detail: string;
  };
  "api-not-writable": { readonly reason: string };
  "node-not-ready": { readonly reason: string; readonly since: number | null };
  "pod-crashing": { readonly pod: string; readonly container: string; readonly restarts: number };
  /** A pod behind APIServices that runs for a year or more. */
  "api-backend-old": {
    readonly pod: string;
    readonly apiServices: readonly string[];
    readonly runsSince: number;
  };
  "log-unauthorized": {
    readonly pod: string;
    readonly container: string;
    readonly count: number;
    /** The newest such line, cut to 200 characters. */
    readonly line: string;
  };
  /** Something the sweep could not look at: nothing follows from its silence. */
  "sweep-incomplete": { readonly what: SweptPart; readonly reason: string };

  // --- nodes of a cluster
  /** `where` is what was reached for: `ops@10.0.0.12`, `/mnt/m2`; empty for this machine. */
  "node-unreachable": {
    readonly reach: Reach["kind"];
    readonly where: string;
    readonly roles: readonly NodeRole[];
    readonly error: CodedError;
  };
  /** `others`: nodes that agree with one another, and not with this one. */
  "authority-differs-between-nodes": { readonly path: string; readonly others: readonly NodeName[] };
  /** What no member says alone (`verify` only). */
  "etcd-cluster-unwell": { readonly objections: readonly Objection[] };
  // --- runs
  /**
   * Of the node, or of the cluster: then `node` says where its newest journal is, empty for the operator's own. With `own` it is one of
   * the node's own in an answer about a cluster; with `cluster` one of a cluster in an answer about a single node, which has its copy.
   * `needsProbe`: what is left of it needs the running node, and below a root nothing is dialled unless it is said.
   */
  "run-unfinished": {
    readonly run: string;
    readonly own?: NodePlace;
    readonly cluster?: RunOfCluster;
    readonly needsProbe?: true;
  };
  /** An open run whose lock is held by somebody who lives, or may live. */
  "run-locked": {
    readonly run: string;
    readonly own?: NodePlace;
    readonly cluster?: RunOfCluster;
    readonly needsProbe?: true;
    /** What the lock says: `renew`, `rollback`; by whom; since when. Instants are of the holder's clock. */
    readonly what: string;
    readonly holder: string;
    readonly host: string;
    readonly pid: number;
    readonly sinceAt: number;
    /** The newest entry of its journals, or the beginning of the lock. */
    readonly heardAt: number;
    readonly life: HolderLife;
  };
  /** What is kept of runs could not be read: nobody knows whether one was cut off. `node` is empty for the operator's own part. */
  "runs-unreadable": { readonly error: CodedError };
  /** One run's journal could not be read, or is damaged. `isEnded`: other copies of it are whole, and say that the run has ended. */
  "journal-unreadable": {
    readonly run: string;
    readonly own?: NodePlace;
    readonly error: CodedError;
    readonly isEnded: boolean;
  };
}

/** How a node is gone to: `where` as in `node-unreachable`. */
export interface NodePlace {
  readonly reach: Reach["kind"];
  readonly where: string;
}

/** Whose run a copy on a node belongs to: who began it, where and when (ms). */
export interface RunOfCluster {
  readonly name: string;
  readonly user: string;
  readonly host: string;
  readonly startedAt: number;
}

/** `alive`: its process was seen. `heard`: it cannot be looked up from here, and was heard of lately. `silent`: not even that. */
export type HolderLife = "alive" | "heard" | "silent";

export type SweptPart = "nodes" | "pods" | "logs" | "apiservices";

export type FindingCode = keyof FindingParams;

/** One finding. `subject` names it for people and filters: a slot id, an authority's id, or an address. */
export interface Finding<C extends FindingCode = FindingCode> {
  readonly code: C;
  readonly severity: Severity;
  readonly node: NodeName;
  /** Slot or authority concerned; null when the finding is about a file only. */
  readonly slot: SlotId | null;
  /** Short name as in kubeadm's table. */
  readonly name: string;
  readonly address: Address;
  readonly params: FindingParams[C];
}

/** A finding of any code, with `code` and `params` tied together for `switch`. */
export type AnyFinding = { readonly [C in FindingCode]: Finding<C> }[FindingCode];
