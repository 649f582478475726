// What a plan says of each certificate, and why.
import type { Refusal } from "./refusal.ts";
import type { SlotId } from "./inventory.ts";

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
  | {
      readonly code: "authority-missing";
      readonly authority: string;
      readonly found: string | null;
      /** The certificate itself is there, and due. */ readonly isThere?: true;
    }
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
