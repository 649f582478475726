// Steps of a plan that bring a certificate: made here, signed elsewhere, or taken as it is for its copies.
import type { SlotId } from "./inventory.ts";

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
