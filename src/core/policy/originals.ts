// Which slot a copy was made from, told by key or by subject and signature.
import type { Certificate } from "../pki/certificate.ts";
import { isSamePublicKey } from "../pki/keys.ts";
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

function sameIdentity(facts: Facts, copy: SlotFacts, leaf: Certificate, other: Certificate): boolean {
  if (Buffer.compare(leaf.subjectDer, other.subjectDer) !== 0) return false;
  const authority = authorityOf(facts, copy.slot);
  if (authority?.certificate.state !== "present") return false;
  return authority.certificate.value.certificates.some((anchor) => isSignedBy(leaf, anchor));
}
