// The plan as data: names, serials, revisions, reasons; no keys. What is not in it does not happen.
import type { NodeName } from "./address.ts";
import type { Refusal } from "./errors.ts";
import type { SlotId } from "./inventory.ts";
import type { CommandsByProcess, Endpoint, HealthCheck, ProcessCommands, RestartDecision } from "./live.ts";

/** What the operator asked for, with every default filled in. */
export interface RenewRequest {
  /** kubeadm's names or slot ids; empty means the default selection; `all` is a flag of its own. */
  readonly names: readonly string[];
  readonly all: boolean;
  /** A certificate that ends within this many seconds is due. */
  readonly withinSeconds: number;
  readonly validitySeconds: number;
  /** True when the operator named a validity: then one past the authority is refused, not capped. */
  readonly validityIsExplicit: boolean;
  readonly keepKey: boolean;
  /** kubeadm's name of an algorithm (`RSA-2048`, `ECDSA-P256`), or null for "as the old key". */
  readonly keyAlgorithm: string | null;
  /** Names to add to every selected serving certificate, or to the one named: `apiserver=dns:lb.example`. */
  readonly addSans: readonly {
    readonly slot: string | null;
    readonly kind: "dns" | "ip";
    readonly value: string;
  }[];
  readonly allowLinksTo: readonly string[];
  /** True when the operator keeps a copy of etcd's data in another way. */
  readonly noSnapshot?: boolean;
  /** Authorities to make again by explicit word: from the old one where it is found, or `anew` without asking for it. */
  readonly recreateAuthorities?: readonly { readonly name: string; readonly anew: boolean }[];
  /** How the operator has processes stopped, started, looked at; the steps say it again. */
  readonly processes?: CommandsByProcess;
}

export type RenewReason =
  | { readonly code: "expired"; readonly notAfter: number }
  | { readonly code: "expiring"; readonly notAfter: number }
  | { readonly code: "key-does-not-match" }
  | { readonly code: "key-not-usable"; readonly path: string; readonly state: "missing" | "damaged" }
  | { readonly code: "wrong-issuer"; readonly authority: string }
  | { readonly code: "not-yet-valid"; readonly notBefore: number }
  /** `from` is the old certificate it is made after; null when it is put together from flags and other files. */
  | { readonly code: "missing"; readonly from: string | null }
  | { readonly code: "requested" }
  | { readonly code: "san-added"; readonly sans: readonly string[] }
  /** A CA elsewhere has answered: `answer` is the path of its file. */
  | { readonly code: "signed"; readonly answer: string; readonly notAfter: number }
  | { readonly code: "follows"; readonly original: SlotId; readonly because: "same-key" | "same-identity" };

export type KeepReason =
  | { readonly code: "not-due"; readonly notAfter: number }
  | { readonly code: "not-selected" }
  | { readonly code: "missing" }
  /** `found` is an old one in a backup folder. */
  | { readonly code: "authority-missing"; readonly authority: string; readonly found: string | null }
  /** Missing, and what it has to say is not known either. */
  | { readonly code: "identity-unknown"; readonly lacking: IdentityGap }
  | { readonly code: "unreadable"; readonly reason: string }
  /** Readable, and yet no template for a new certificate: `reason` says why. */
  | { readonly code: "not-usable"; readonly reason: string }
  /** Due, and nothing that can be done now: what a plan that names it would be refused for. */
  | { readonly code: "refused"; readonly refusal: Refusal }
  | { readonly code: "externally-managed"; readonly authority: string }
  | { readonly code: "kubelet-rotates"; readonly notAfter: number }
  | { readonly code: "other-identity" }
  /** A copy whose subject its unreadable original should have: whether it is one cannot be told. */
  | { readonly code: "original-unreadable"; readonly original: SlotId }
  /** A copy that is due and whose original stays as it is. */
  | { readonly code: "original-kept"; readonly original: SlotId }
  | { readonly code: "no-certificate" }
  | { readonly code: "observed-only" };

export type IdentityGap = "not-used-here" | "names" | "server" | "authority";

/** What happens to one slot and why; reasons are for people and never drive the engine. */
export type Decision =
  | { readonly slot: SlotId; readonly action: "renew" | "follow"; readonly reasons: readonly RenewReason[] }
  | { readonly slot: SlotId; readonly action: "keep"; readonly reasons: readonly KeepReason[] };

/** The state of one object that the plan relies on: re-read after taking the lock and before each write. */
export interface Guard {
  /** formatAddress of the object. */
  readonly address: string;
  readonly presence: "present" | "absent";
  readonly sha256: string;
  /** Octal text, `0600`. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  /** Path at which the bytes really live when links lead there, else null. */
  readonly link: string | null;
  /** Whether a step writes it or only reads it. */
  readonly use: "written" | "read";
}

export interface IssueStep {
  readonly kind: "issue";
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
  readonly subject: string;
  readonly authority: string;
  /** formatAddress of the authority's certificate and key. */
  readonly authorityCertificate: string;
  readonly authorityKey: string;
  readonly authoritySerialHex: string;
  /** Of the DER: old kubeadm gives every CA the serial 0, so in a bundle the serial tells nothing. `issued` when this run makes it. */
  readonly authoritySha256: string;
  /** Where the old certificate is read: the template of the new one. */
  readonly template: IssueTemplate;
  /** null when there is no old certificate. */
  readonly old: { readonly serialHex: string; readonly notBefore: number; readonly notAfter: number } | null;
  readonly key:
    | { readonly mode: "generate"; readonly algorithm: string }
    | { readonly mode: "keep"; readonly algorithm: string };
  readonly validitySeconds: number;
  /** ms; the new notAfter never passes the authority's. */
  readonly notAfterCap: number;
  readonly addSans: readonly { readonly kind: "dns" | "ip"; readonly value: string }[];
  /** Set when the certificate is not there: where it goes, and every name it gets with who says so. */
  readonly recreates?: {
    readonly object: string;
    readonly names: readonly NamedSource[];
  };
}

/** A certificate in a file of answers, by its number among the certificates there. */
export interface AnswerPlace {
  /** formatAddress in the store `answer`. */
  readonly file: string;
  readonly index: number;
  /** Of the DER. */
  readonly sha256: string;
}

/** Puts in place what a CA elsewhere has signed, with the key that was made for it. */
export interface InstallStep {
  readonly kind: "install";
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
  readonly subject: string;
  readonly authority: string;
  /** formatAddress of the authority's certificate; the one in it that the answer leads to. */
  readonly authorityCertificate: string;
  readonly authoritySerialHex: string;
  readonly authoritySha256: string;
  readonly template: Template;
  readonly old: { readonly serialHex: string; readonly notBefore: number; readonly notAfter: number };
  readonly key:
    | {
        readonly mode: "pending";
        /** formatAddress in the store `pending`. */
        readonly file: string;
        readonly algorithm: string;
      }
    | { readonly mode: "keep"; readonly algorithm: string };
  readonly answer: AnswerPlace;
  /** Intermediates on the way to the authority, lowest first: they are stored behind the certificate. */
  readonly chain: readonly AnswerPlace[];
  readonly serialHex: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Steps that bring a certificate that was not there before. */
export type MakingStep = IssueStep | InstallStep;

/** Removes a pending key and its request once the certificate for it is proved. */
export interface ForgetStep {
  readonly kind: "forget";
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
  /** formatAddress of the key in the store `pending`. */
  readonly file: string;
}

/** A name of a certificate that is made again: `ip 192.0.2.11 from --advertise-address of ...`. */
export interface NamedSource {
  readonly kind: string;
  readonly value: string;
  readonly sources: readonly string[];
}

/** Without an old certificate: kubeadm's form, for a role of the profile or for an authority that signs itself. */
export type IssueTemplate =
  | Template
  | {
      readonly form: "profile";
      readonly commonName: string;
      readonly organizations: readonly string[];
      readonly usages: readonly string[];
    }
  | { readonly form: "authority"; readonly commonName: string };

/** Takes a certificate that stays as it is, with its key, so that a stale copy can follow it. */
export interface TakeStep {
  readonly kind: "take";
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
  readonly template: Template;
  readonly serialHex: string;
}

/** The old certificate's place inside an object: PEM certificate number `index`, or a kubeconfig user's. */
export type Template =
  | {
      readonly form: "pem";
      readonly certificate: string;
      readonly index: number;
      readonly key: string | null;
    }
  | { readonly form: "kubeconfig"; readonly file: string; readonly user: string };

/** How an object's new bytes are made from its old ones and the issued certificates. */
export type Content =
  | { readonly form: "pem-certificate"; readonly slot: SlotId; readonly index: number }
  | { readonly form: "pem-key"; readonly slot: SlotId }
  | { readonly form: "pem-combined"; readonly slot: SlotId; readonly index: number }
  | {
      readonly form: "kubeconfig";
      readonly users: readonly { readonly user: string; readonly slot: SlotId }[];
      /** formatAddress of an old copy to start from, when the object itself is not there. */
      readonly from?: string;
    }
  /** A kubeconfig made from nothing; `authority` is the formatAddress of the CA file it embeds. */
  | {
      readonly form: "kubeconfig-new";
      readonly slot: SlotId;
      readonly user: string;
      readonly cluster: string;
      readonly server: string;
      readonly authority: string;
    }
  /** The bytes of another object as they are. */
  | { readonly form: "copy"; readonly from: string };

export interface BackUpStep {
  readonly kind: "back-up";
  readonly id: string;
  readonly object: string;
}

export interface StageStep {
  readonly kind: "stage";
  readonly id: string;
  readonly object: string;
  readonly content: Content;
  /** Mode the new file gets (octal text); owner and labels are the old file's. */
  readonly mode: string;
  /** Of a file that was not there: as its neighbours have it. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

export interface SwapStep {
  readonly kind: "swap";
  readonly id: string;
  readonly object: string;
}

export interface ProveStep {
  readonly kind: "prove";
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
}

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

export type Step =
  | IssueStep
  | InstallStep
  | TakeStep
  | SnapshotStep
  | BackUpStep
  | StageStep
  | SwapStep
  | ProveStep
  | ForgetStep
  | BounceStep
  | ProveLiveStep;
export type PhaseId =
  | "snapshot"
  | "back-up"
  | "issue"
  | "stage"
  | "swap"
  | "prove"
  | "restart"
  | "prove-live";

/** Phases run one after the other; inside a phase nodes run in the order given, and a node's steps in order. */
export interface Phase {
  readonly id: PhaseId;
  readonly nodes: readonly { readonly node: NodeName; readonly steps: readonly Step[] }[];
}

export type Notice =
  | {
      readonly code: "validity-capped";
      readonly slot: SlotId;
      readonly authority: string;
      readonly notAfter: number;
    }
  | { readonly code: "swap-window"; readonly consumers: readonly string[] }
  | { readonly code: "restart-needed"; readonly consumers: readonly string[] }
  | { readonly code: "authority-bundle"; readonly authority: string }
  | { readonly code: "mode-kept-open"; readonly address: string; readonly mode: string }
  /** A certificate among the answers that is not installed. */
  | {
      readonly code: "answer-unmatched";
      readonly address: string;
      readonly subject: string;
      readonly serialHex: string;
      readonly because: "no-request" | "present-key" | "in-place";
    }
  | { readonly code: "answer-unreadable"; readonly address: string; readonly reason: string }
  /** Requests that no answer was found for. */
  | { readonly code: "answer-awaited"; readonly names: readonly string[] }
  /** A key that its group (not root's) can read now, and cannot any more afterwards. `mode` is the old one. */
  | {
      readonly code: "group-loses-key";
      readonly address: string;
      readonly mode: string;
      readonly newMode: string;
      readonly gid: number;
    }
  /** Made from flags and other files, not after an old certificate: a person should look at the names. */
  | { readonly code: "reconstructed"; readonly slots: readonly SlotId[] }
  | { readonly code: "authority-restored"; readonly authority: string; readonly from: string }
  | { readonly code: "authority-made-anew"; readonly authority: string }
  | {
      readonly code: "key-pair-missing";
      readonly name: string;
      readonly path: string;
      readonly found: string | null;
    }
  /** It does not run, and is started as an earlier run of ours saw it run. */
  | {
      readonly code: "process-from-record";
      readonly consumer: string;
      readonly command: string;
      readonly recordedAt: number;
    }
  | { readonly code: "bootstrap-not-needed"; readonly path: string; readonly file: string }
  | { readonly code: "kubelet-serving-left"; readonly path: string; readonly isRotated: boolean };

export interface Plan {
  readonly format: "perennial/plan/v1";
  readonly toolVersion: string;
  readonly cluster: string;
  readonly root: string;
  readonly profile: { readonly id: string; readonly digest: string };
  /** ISO 8601 UTC; not part of the digest. */
  readonly createdAt: string;
  readonly request: RenewRequest;
  readonly decisions: readonly Decision[];
  readonly notices: readonly Notice[];
  readonly refusals: readonly Refusal[];
  readonly guards: readonly Guard[];
  readonly phases: readonly Phase[];
  /** What becomes of each process, when the node is live; for people, like the decisions. */
  readonly restarts?: readonly RestartDecision[];
  /** `sha256:` over guards, phases, profile, tool version, root; not over clocks, decisions or notices. */
  readonly digest: string;
}
