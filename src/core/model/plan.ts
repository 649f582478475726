// The plan as data: names, serials, revisions, reasons; no keys. What is not in it does not happen.
import type { NodeName } from "./address.ts";
import type { Decision } from "./decision.ts";
import type { Refusal } from "./errors.ts";
import type { SlotId } from "./inventory.ts";
import type { CommandsByProcess, RestartDecision } from "./live.ts";
import type { BounceStep, GateStep, PlanCluster, ProveLiveStep, SnapshotStep } from "./live-step.ts";
import type { Notice } from "./notice.ts";

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
  /** True when the operator says that the clock is right, whatever speaks against it. */
  readonly acceptClock?: boolean;
  /** Where an encrypted copy of the backup goes, and for whom. */
  readonly archive?: ArchiveChoice;
  /** Authorities to make again by explicit word: from the old one where it is found, or `anew` without asking for it. */
  readonly recreateAuthorities?: readonly { readonly name: string; readonly anew: boolean }[];
  /** How the operator has processes stopped, started, looked at; the steps say it again. */
  readonly processes?: CommandsByProcess;
}

/** An encrypted archive: a place on the machine that the tool runs on, and who can read it. */
export interface ArchiveChoice {
  /** Absolute path of a directory. */
  readonly directory: string;
  /** File name in it; null for `perennial-NODE-RUN.tar.age`. */
  readonly name: string | null;
  /** age recipients (`age1...`), which are public; at least one. */
  readonly recipients: readonly string[];
}

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

/** What every step that brings a certificate says of it. */
interface Making {
  readonly id: string;
  readonly slot: SlotId;
  readonly name: string;
  readonly subject: string;
  readonly authority: string;
  /** formatAddress of the authority's certificate; several may stand there. */
  readonly authorityCertificate: string;
  readonly authoritySerialHex: string;
  /** Of the DER: old kubeadm gives every CA the serial 0, so in a bundle the serial tells nothing. `issued` when this run makes it. */
  readonly authoritySha256: string;
}

export interface IssueStep extends Making {
  readonly kind: "issue";
  /** formatAddress of the authority's key. */
  readonly authorityKey: string;
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
export interface InstallStep extends Making {
  readonly kind: "install";
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

/** Encrypts what the run has saved (etcd's data, before-images, the plan) into one file elsewhere, before anything is written. */
export interface ArchiveStep extends ArchiveChoice {
  readonly kind: "archive";
  readonly id: string;
}

export type Step =
  | GateStep
  | IssueStep
  | InstallStep
  | TakeStep
  | SnapshotStep
  | BackUpStep
  | ArchiveStep
  | StageStep
  | SwapStep
  | ProveStep
  | ForgetStep
  | BounceStep
  | ProveLiveStep;
export type PhaseId =
  | "snapshot"
  | "back-up"
  | "archive"
  | "issue"
  | "stage"
  | "swap"
  | "prove"
  | "roll"
  | "gate"
  | "restart"
  | "prove-live";

/**
 * Phases run one after the other; inside a phase nodes run in the order given, and a node's steps in order. In a `roll` the node
 * of etcd's leader comes last, whoever that is by then; a node is finished before the next begins.
 */
export interface Phase {
  readonly id: PhaseId;
  readonly nodes: readonly { readonly node: NodeName; readonly steps: readonly Step[] }[];
}

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
  /** Set when the plan is for the nodes of a `cluster.yaml`. */
  readonly nodes?: PlanCluster;
  /** What becomes of each process, when the node is live; for people, like the decisions. */
  readonly restarts?: readonly RestartDecision[];
  /** `sha256:` over guards, phases, profile, tool version, root; not over clocks, decisions or notices. */
  readonly digest: string;
}
