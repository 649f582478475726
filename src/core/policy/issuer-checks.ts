// Checks of what binds a certificate: its key, who signed it, what its kubeconfig trusts.
import type { AnyFinding } from "../model/finding.ts";
import type { Certificate } from "../pki/certificate.ts";
import { publicKeyFingerprint } from "../pki/fingerprints.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import { formatName, parseName } from "../pki/names.ts";
import { isSignedBy } from "../pki/verify.ts";
import { type AuthorityFacts, type KeyFacts, type SlotFacts, type Stored, authorityOf } from "./facts.ts";
import { originalOf } from "./originals.ts";
import type { CheckContext, Readable } from "./readable-slot.ts";

export function keyDoesNotMatch({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  if (facts.key.state !== "present") return [];
  if (isSamePublicKey(leaf.spkiDer, facts.key.value.spkiDer)) return [];
  const certificateSpki = publicKeyFingerprint(leaf.spkiDer);
  const keySpki = publicKeyFingerprint(facts.key.value.spkiDer);
  return [report("key-does-not-match", "critical", { certificateSpki, keySpki })];
}

/** True when a key of the slot is known and belongs to its certificate. */
export function hasMatchingKey(certificate: Certificate, key: Stored<KeyFacts>): boolean {
  return key.state === "present" && isSamePublicKey(certificate.spkiDer, key.value.spkiDer);
}

export function wrongIssuer({ facts, stored, leaf, report, context }: Readable): readonly AnyFinding[] {
  const authority = authorityOf(context.facts, facts.slot);
  if (authority?.certificate.state !== "present" || isOfOtherCluster(facts, context)) return [];
  const anchors = authority.certificate.value.certificates;
  const intermediates = stored.certificates.filter((certificate) => certificate !== leaf);
  if (hasPath(leaf, intermediates, anchors)) return [];
  const sameName = anchors.some((anchor) => Buffer.compare(anchor.subjectDer, leaf.issuerDer) === 0);
  const issuer = formatName(parseName(leaf.issuerDer));
  return [report("wrong-issuer", "critical", { authority: authority.slot.name, issuer, sameName })];
}

/** As Go's crypto/x509 (maxChainSignatureChecks): a hostile bundle must not cost more than this. */
const maxSignatureChecks = 100;

/** Signature by signature, not by name: two authorities may share one subject. Each certificate is looked at once. */
export function hasPath(
  leaf: Certificate,
  intermediates: readonly Certificate[],
  anchors: readonly Certificate[],
): boolean {
  let spent = 0;
  const signs = (issuer: Certificate, issued: Certificate): boolean => {
    if (Buffer.compare(issued.issuerDer, issuer.subjectDer) !== 0 || ++spent > maxSignatureChecks)
      return false;
    return isSignedBy(issued, issuer);
  };
  const reached = [leaf];
  const open = new Set(intermediates);
  for (const issued of reached) {
    if (anchors.some((anchor) => signs(anchor, issued))) return true;
    for (const next of open) {
      if (!signs(next, issued)) continue;
      open.delete(next);
      reached.push(next);
    }
  }
  return false;
}

export function kubeconfigAuthorityDiffers({ facts, report, context }: Readable): readonly AnyFinding[] {
  const authority = authorityOf(context.facts, facts.slot);
  if (!facts.trusted || authority?.certificate.state !== "present") return [];
  if (trustsAny(facts.trusted, authority)) return [];
  const cluster = facts.slot.holder.form === "kubeconfig" ? (facts.slot.holder.cluster ?? "") : "";
  const severity = facts.slot.management === "copy" ? "info" : "critical";
  return [report("kubeconfig-authority-differs", severity, { cluster, authority: authority.slot.name })];
}

/** A user in somebody's kubeconfig whose cluster trusts another CA than ours. */
export function isOfOtherCluster(facts: SlotFacts, { facts: all }: CheckContext): boolean {
  if (facts.slot.management !== "copy" || facts.trusted === null || originalOf(all, facts)) return false;
  const authority = authorityOf(all, facts.slot);
  return authority !== null && !trustsAny(facts.trusted, authority);
}

function trustsAny(trusted: readonly Certificate[], authority: AuthorityFacts): boolean {
  if (authority.certificate.state !== "present") return false;
  const onDisk = authority.certificate.value.certificates;
  return trusted.some((anchor) => onDisk.some((other) => isSamePublicKey(anchor.spkiDer, other.spkiDer)));
}
