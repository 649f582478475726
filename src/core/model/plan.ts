// The plan as data: names, serials, revisions, reasons; no keys. What is not in it does not happen.
import type { NodeName } from "./address.ts";
import type { Decision } from "./decision.ts";
import type { Refusal } from "./refusal.ts";
import type { SlotId } from "./inventory.ts";
import type { CommandsByProcess, RestartDecision } from "./live.ts";
import type {
  BounceStep,
  GateStep,
  PlanCluster,
  ProveLiveStep,
  ReadyStep,
  SnapshotStep,
} from "./live-step.ts";
import type { ForgetStep, InstallStep, IssueStep, TakeStep } from "./making-step.ts";
import type { Notice } from "./notice.ts";
import type { ManualStep } from "./platform.ts";

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
  /** File name in it; null for `perennial-NODE-RUN.tar.age`, with the cluster's name for several nodes. */
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
  /** Of a plan for the nodes of a `cluster.yaml`: one file for all of them. */
  readonly cluster?: ArchivedCluster;
}

export interface ArchivedCluster {
  /** The file is named after it. */
  readonly name: string;
  /** Nodes whose private keys leave them in the file, said in the plan and in its digest. */
  readonly keysOf: readonly NodeName[];
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
  | ReadyStep
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
  | "workers"
  | "ready"
  | "prove-live";

/**
 * Phases run one after the other; inside a phase nodes run in the order given, and a node's steps in order. In a `roll` the node
 * of etcd's leader comes last, whoever that is by then; a node is finished before the next begins. A phase `workers` is one batch: its
 * nodes are worked on side by side, and what fails on one stops none of the others.
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
  /** What people do when the run has succeeded, in this order; part of what is approved. Absent when there is nothing of the kind. */
  readonly manual?: readonly ManualStep[];
  /** What becomes of each process, when the node is live; for people, like the decisions. */
  readonly restarts?: readonly RestartDecision[];
  /** `sha256:` over guards, phases, what is left to people, profile, tool version, root; not over clocks, decisions or notices. */
  readonly digest: string;
}
