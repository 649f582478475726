// Facts: what was read, parsed, at one instant. Checks and plans are pure functions of them.
import type { ClockWitness } from "../model/clock.ts";
import type { Address } from "../model/address.ts";
import type { AuthoritySlot, CertificateSlot, Inventory, KeyPairSlot, SlotId } from "../model/inventory.ts";
import type { Certificate } from "../pki/certificate.ts";
import type { KeySpec } from "../pki/keys.ts";
import { equalBytes } from "../pki/der.ts";
import type { Remains } from "./remains.ts";

/** One object as it was read; key by formatAddress of the object. */
export type ObjectReading =
  | {
      readonly state: "present";
      readonly bytes: Uint8Array;
      readonly facts: ObjectFacts;
      /** Set for collected facts: the bytes hold the public half where the node's file holds a private key. */
      readonly isKeyFree?: true;
    }
  | { readonly state: "absent"; readonly address: Address; readonly danglingLink: string | null }
  | { readonly state: "unreadable"; readonly address: Address; readonly reason: string };

export type Readings = ReadonlyMap<string, ObjectReading>;

/** What a guard compares, and what the checks of modes and owners look at. */
export interface ObjectFacts {
  readonly address: Address;
  readonly sha256: string;
  readonly size: number;
  /** Permission bits. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly link: string | null;
  readonly linkLeavesTree: boolean;
  /** ms since the epoch; not guarded, for it says nothing of the content. Absent for an object that is not there. */
  readonly mtimeMs?: number;
}

/** `not-a-key` is a whole file of something else. Missing, unreadable and broken are three different things; each knows the object it speaks of. */
export type Stored<T> =
  | { readonly state: "present"; readonly value: T }
  | { readonly state: "missing"; readonly address: Address; readonly danglingLink: string | null }
  | { readonly state: "unreadable"; readonly address: Address; readonly reason: string }
  | {
      readonly state: "broken";
      readonly address: Address;
      readonly fault: "truncated" | "certificate" | "key" | "not-a-key" | "kubeconfig" | "encrypted";
      readonly reason: string;
    };

export interface CertificateFacts {
  /** Every certificate of the slot in file order; never empty. */
  readonly certificates: readonly Certificate[];
  /** The one that is the slot's: the first (RFC 8446 section 4.4.2), unless only a later one fits the key. */
  readonly leaf: Certificate;
  readonly leafIndex: number;
  /** Damage beside the readable certificates, e.g. a second block without its END line. */
  readonly truncatedAtLine: number | null;
}

/** Public facts of a private key; the key itself does not travel. */
export interface KeyFacts {
  readonly spkiDer: Uint8Array;
  readonly spec: KeySpec;
  readonly address: Address;
}

export interface SlotFacts {
  readonly slot: CertificateSlot;
  readonly certificate: Stored<CertificateFacts>;
  readonly key: Stored<KeyFacts>;
  /** Set for kubeconfigs: trust anchors embedded for the cluster of the user's context. */
  readonly trusted: readonly Certificate[] | null;
  readonly objects: readonly ObjectFacts[];
}

export interface AuthorityFacts {
  readonly slot: AuthoritySlot;
  readonly certificate: Stored<CertificateFacts>;
  readonly key: Stored<KeyFacts>;
  /** The certificate of the bundle that the key belongs to; the first one when there is no key. */
  readonly signing: Certificate | null;
  readonly objects: readonly ObjectFacts[];
  /** Set when the plan makes it: there is nothing yet to look at. */
  readonly toBeMade?: { readonly notAfter: number };
}

export interface KeyPairFacts {
  readonly slot: KeyPairSlot;
  readonly privateKey: Stored<KeyFacts>;
  /** SubjectPublicKeyInfo of every key that tokens are verified with; the flag may name a public key, a private key or a certificate. */
  readonly publicKeys: Stored<readonly Uint8Array[]>;
  readonly objects: readonly ObjectFacts[];
}

export interface Facts {
  /** ms since the epoch: the one instant all checks answer for. */
  readonly at: number;
  readonly inventory: Inventory;
  readonly slots: ReadonlyMap<SlotId, SlotFacts>;
  /** By `NODE/NAME`. */
  readonly authorities: ReadonlyMap<SlotId, AuthorityFacts>;
  readonly keyPairs: readonly KeyPairFacts[];
  /** What was found to make missing things again; looked for by plans only. */
  readonly remains?: Remains;
  /** Who else says what time it is; absent when nobody was asked. */
  readonly clock?: readonly ClockWitness[];
}

/**
 * The facts of the authority that a slot names: on the slot's own node, or, when its key is not there, the same authority on
 * another node of the cluster that has it. Workers have no keys of CAs.
 */
export function authorityOf(facts: Facts, slot: CertificateSlot): AuthorityFacts | null {
  if (slot.authority === null) return null;
  const own = facts.authorities.get(`${slot.node}/${slot.authority}`) ?? null;
  if (own === null || !isExternallyManaged(own)) return own;
  return twinWithKey(facts, own) ?? own;
}

/** The same CA where another node of the cluster has its key; undefined when none has. */
export function twinWithKey(facts: Facts, own: AuthorityFacts): AuthorityFacts | undefined {
  return [...facts.authorities.values()].find((other) => isTwinWithKey(other, own));
}

function isTwinWithKey(other: AuthorityFacts, own: AuthorityFacts): boolean {
  const isSame = other.slot.name === own.slot.name && other.slot.node !== own.slot.node;
  const [a, b] = [other.signing?.spkiDer, own.signing?.spkiDer];
  return isSame && other.key.state === "present" && a !== undefined && b !== undefined && equalBytes(a, b);
}

/** A CA whose certificate is here and whose key is not: kubeadm's "externally managed". */
export function isExternallyManaged(authority: AuthorityFacts): boolean {
  return (
    authority.certificate.state === "present" &&
    authority.key.state === "missing" &&
    authority.key.danglingLink === null
  );
}
