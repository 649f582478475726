// The plan as data: names, serials, revisions, reasons; no keys. What is not in it does not happen.
import type { NodeName } from "./address.ts";
import type { Refusal } from "./errors.ts";
import type { SlotId } from "./inventory.ts";

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
}

export type RenewReason =
  | { readonly code: "expired"; readonly notAfter: number }
  | { readonly code: "expiring"; readonly notAfter: number }
  | { readonly code: "key-does-not-match" }
  | { readonly code: "key-not-usable"; readonly path: string; readonly state: "missing" | "damaged" }
  | { readonly code: "wrong-issuer"; readonly authority: string }
  | { readonly code: "not-yet-valid"; readonly notBefore: number }
  | { readonly code: "requested" }
  | { readonly code: "san-added"; readonly sans: readonly string[] }
  /** A CA elsewhere has answered: `answer` is the path of its file. */
  | { readonly code: "signed"; readonly answer: string; readonly notAfter: number }
  | { readonly code: "follows"; readonly original: SlotId; readonly because: "same-key" | "same-identity" };

export type KeepReason =
  | { readonly code: "not-due"; readonly notAfter: number }
  | { readonly code: "not-selected" }
  | { readonly code: "missing" }
  | { readonly code: "unreadable"; readonly reason: string }
  /** Readable, and yet no template for a new certificate: `reason` says why. */
  | { readonly code: "not-usable"; readonly reason: string }
  | { readonly code: "externally-managed"; readonly authority: string }
  | { readonly code: "kubelet-rotates"; readonly notAfter: number }
  | { readonly code: "other-identity" }
  | { readonly code: "no-certificate" }
  | { readonly code: "observed-only" };

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
  /** Of the DER: old kubeadm gives every CA the serial 0, so in a bundle the serial tells nothing. */
  readonly authoritySha256: string;
  /** Where the old certificate is read: the template of the new one. */
  readonly template: Template;
  readonly old: { readonly serialHex: string; readonly notBefore: number; readonly notAfter: number };
  readonly key:
    | { readonly mode: "generate"; readonly algorithm: string }
    | { readonly mode: "keep"; readonly algorithm: string };
  readonly validitySeconds: number;
  /** ms; the new notAfter never passes the authority's. */
  readonly notAfterCap: number;
  readonly addSans: readonly { readonly kind: "dns" | "ip"; readonly value: string }[];
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
    };

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

export type Step =
  | IssueStep
  | InstallStep
  | TakeStep
  | BackUpStep
  | StageStep
  | SwapStep
  | ProveStep
  | ForgetStep;
export type PhaseId = "back-up" | "issue" | "stage" | "swap" | "prove";

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
  | { readonly code: "answer-awaited"; readonly names: readonly string[] };

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
  /** `sha256:` over guards, phases, profile, tool version, root; not over clocks, decisions or notices. */
  readonly digest: string;
}
