// Which slot a copy was made from, told by key or by subject and signature.
import type { Certificate } from "../pki/certificate.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import { commonName, parseName } from "../pki/names.ts";
import { isSignedBy } from "../pki/verify.ts";
import { type Facts, type SlotFacts, authorityOf } from "./facts.ts";

export interface Original {
  readonly slot: SlotFacts["slot"];
  readonly leaf: Certificate;
  readonly because: "same-key" | "same-identity";
}

/**
 * The slot whose identity a copy holds: the same public key, or the same subject and the same issuing authority.
 * The issuing authority is told by signature; an expired copy of last year still has it.
 */
export function originalOf(facts: Facts, copy: SlotFacts): Original | null {
  if (copy.certificate.state !== "present") return null;
  const { leaf } = copy.certificate.value;
  const candidates = copy.slot.copyOf.flatMap((id) => {
    const candidate = facts.slots.get(id);
    return candidate?.certificate.state === "present" ? [candidate] : [];
  });
  const found = (because: Original["because"], fits: (other: Certificate) => boolean): Original | null => {
    const match = candidates.find(
      (candidate) => candidate.certificate.state === "present" && fits(candidate.certificate.value.leaf),
    );
    return match?.certificate.state === "present"
      ? { slot: match.slot, leaf: match.certificate.value.leaf, because }
      : null;
  };
  return (
    found("same-key", (other) => isSamePublicKey(other.spkiDer, leaf.spkiDer)) ??
    found("same-identity", (other) => sameIdentity(facts, copy, leaf, other))
  );
}

/**
 * A slot that would be the original if it could be read: it should have the copy's subject, the copy was signed by our
 * authority, and its certificate is missing, unreadable or broken. Null when nothing hides: then it is nobody's copy.
 */
export function hiddenOriginal(facts: Facts, copy: SlotFacts): SlotFacts | null {
  if (copy.certificate.state !== "present") return null;
  const { leaf } = copy.certificate.value;
  if (!isOurs(facts, copy, leaf)) return null;
  const name = commonName(parseName(leaf.subjectDer)) ?? "";
  const hidden = copy.slot.copyOf.flatMap((id) => {
    const candidate = facts.slots.get(id);
    if (candidate === undefined || candidate.certificate.state === "present") return [];
    const isExpected = candidate.certificate.state !== "missing" || !candidate.slot.optional;
    return isExpected && candidate.slot.expected.commonNames?.includes(name) === true ? [candidate] : [];
  });
  return hidden[0] ?? null;
}

function sameIdentity(facts: Facts, copy: SlotFacts, leaf: Certificate, other: Certificate): boolean {
  return Buffer.compare(leaf.subjectDer, other.subjectDer) === 0 && isOurs(facts, copy, leaf);
}

function isOurs(facts: Facts, copy: SlotFacts, leaf: Certificate): boolean {
  const authority = authorityOf(facts, copy.slot);
  if (authority?.certificate.state !== "present") return false;
  return authority.certificate.value.certificates.some((anchor) => isSignedBy(leaf, anchor));
}
