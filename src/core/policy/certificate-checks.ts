// Checks of one certificate slot: each function is named for the fault it finds and returns what it found.
import type { AnyFinding, Severity } from "../model/finding.ts";
import { formatAddress } from "../model/address.ts";
import { basicConstraints, extendedKeyUsages, subjectAltNames } from "../pki/extensions.ts";
import { publicKeyFingerprint } from "../pki/fingerprints.ts";
import type { Certificate } from "../pki/certificate.ts";
import { commonName, formatName, organizations, parseName } from "../pki/names.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import { isSignedBy } from "../pki/verify.ts";
import {
  type AuthorityFacts,
  type CertificateFacts,
  type Facts,
  type KeyFacts,
  type SlotFacts,
  type Stored,
  authorityOf,
  isExternallyManaged,
} from "./facts.ts";
import { findingOf } from "./finding-of.ts";

export interface CheckOptions {
  /** A certificate that ends within this many ms is "expiring". */
  readonly withinMs: number;
}

export interface CheckContext extends CheckOptions {
  readonly facts: Facts;
}

/** A readable slot, as most checks want it. */
interface Readable {
  readonly facts: SlotFacts;
  readonly stored: CertificateFacts;
  readonly leaf: Certificate;
  readonly report: ReturnType<typeof findingOf>;
  readonly context: CheckContext;
}

type Check = (readable: Readable) => readonly AnyFinding[];

const checks: readonly Check[] = [
  expired,
  notYetValid,
  outlivesAuthority,
  keyProblems,
  keyDoesNotMatch,
  wrongIssuer,
  commonNameUnexpected,
  organizationUnexpected,
  sanMissing,
  usageDiffers,
  isAuthorityItself,
  moreThanOneCertificate,
  truncated,
  anomalies,
  kubeconfigAuthorityDiffers,
  copyOfNothing,
  replicaDiffers,
  holdsSystemMasters,
  kubeletEmbedded,
];

/** All findings of one slot. A slot that cannot be judged gets the one finding that says why. */
export function checkSlot(facts: SlotFacts, context: CheckContext): readonly AnyFinding[] {
  const stored = facts.certificate;
  if (stored.state !== "present") return absentOrUnusable(facts, stored);
  const report = findingOf(facts.slot, addressOf(facts));
  const readable = { facts, stored: stored.value, leaf: stored.value.leaf, report, context };
  return checks.flatMap((check) => check(readable));
}

function addressOf(facts: SlotFacts): SlotFacts["objects"][number]["address"] {
  const { holder } = facts.slot;
  return holder.form === "kubeconfig" ? holder.file : holder.certificate;
}

function absentOrUnusable(
  facts: SlotFacts,
  stored: Exclude<Stored<CertificateFacts>, { state: "present" }>,
): readonly AnyFinding[] {
  const report = findingOf(facts.slot, stored.address);
  const { path } = stored.address;
  switch (stored.state) {
    case "missing":
      if (stored.danglingLink !== null)
        return [report("link-dangling", "critical", { path, target: stored.danglingLink })];
      if (facts.slot.optional || isWithoutCertificate(facts)) return [];
      return facts.slot.holder.form === "kubeconfig"
        ? [report("kubeconfig-missing", "critical", {})]
        : [report("certificate-missing", "critical", {})];
    case "unreadable":
      return [report("object-unreadable", "critical", { path, reason: stored.reason })];
    case "broken":
      return [brokenFinding(report, stored, path)];
  }
}

/** The kubeconfig is there, its user logs in by other means: discovery's note says so. */
function isWithoutCertificate({ slot, objects }: SlotFacts): boolean {
  return slot.holder.form === "kubeconfig" && objects.length > 0;
}

function brokenFinding(
  report: ReturnType<typeof findingOf>,
  stored: Extract<Stored<unknown>, { state: "broken" }>,
  path: string,
): AnyFinding {
  switch (stored.fault) {
    case "truncated":
      return report("file-truncated", "critical", { path, bytes: Number.parseInt(stored.reason, 10) || 0 });
    case "kubeconfig":
      return report("kubeconfig-broken", "critical", { path, reason: stored.reason });
    case "encrypted":
      return report("key-encrypted", "warning", { path, format: stored.reason });
    case "key":
    case "not-a-key":
      return report("key-broken", "critical", { path, reason: stored.reason });
    case "certificate":
      return report("certificate-broken", "critical", { path, reason: stored.reason });
  }
}

function expired({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  const { notAfter } = leaf;
  const left = notAfter - context.facts.at;
  if (left < 0) return [report("certificate-expired", severityOfExpiry(facts, context), { notAfter })];
  if (left >= context.withinMs || isOfOtherCluster(facts, context)) return [];
  // The kubelet renews a linked certificate by itself while it is valid.
  const rotates = facts.slot.management === "kubelet" && facts.slot.holder.form === "pem";
  return [
    report("certificate-expiring", rotates ? "info" : "warning", { notAfter, withinMs: context.withinMs }),
  ];
}

/** What we would renew is critical; what somebody else has to see to is a warning; other clusters are not ours to judge. */
function severityOfExpiry(facts: SlotFacts, context: CheckContext): Severity {
  const { management } = facts.slot;
  if (isOfOtherCluster(facts, context)) return "info";
  if (management === "copy") return originalOf(context.facts, facts) ? "critical" : "warning";
  return management === "observe" ? "warning" : "critical";
}

/** A user in somebody's kubeconfig whose cluster trusts another CA than ours. */
function isOfOtherCluster(facts: SlotFacts, { facts: all }: CheckContext): boolean {
  if (facts.slot.management !== "copy" || facts.trusted === null || originalOf(all, facts)) return false;
  const authority = authorityOf(all, facts.slot);
  return authority !== null && !trustsAny(facts.trusted, authority);
}

function trustsAny(trusted: readonly Certificate[], authority: AuthorityFacts): boolean {
  if (authority.certificate.state !== "present") return false;
  const onDisk = authority.certificate.value.certificates;
  return trusted.some((anchor) => onDisk.some((other) => isSamePublicKey(anchor.spkiDer, other.spkiDer)));
}

function notYetValid({ leaf, report, context }: Readable): readonly AnyFinding[] {
  const { notBefore } = leaf;
  return notBefore > context.facts.at ? [report("certificate-not-yet-valid", "critical", { notBefore })] : [];
}

function outlivesAuthority({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  const authority = authorityOf(context.facts, facts.slot);
  if (!authority?.signing || leaf.notAfter <= authority.signing.notAfter) return [];
  return [
    report("outlives-authority", "warning", {
      notAfter: leaf.notAfter,
      authority: authority.slot.name,
      authorityNotAfter: authority.signing.notAfter,
    }),
  ];
}

function keyProblems({ facts }: Readable): readonly AnyFinding[] {
  const { key } = facts;
  const { management, holder } = facts.slot;
  const report = findingOf(facts.slot, key.state === "present" ? key.value.address : key.address);
  if (management === "observe" && holder.form === "pem" && holder.key === null) return [];
  switch (key.state) {
    case "present":
      return [];
    case "missing":
      if (key.danglingLink !== null)
        return [report("link-dangling", "critical", { path: key.address.path, target: key.danglingLink })];
      return [report("key-missing", "critical", { path: key.address.path })];
    case "unreadable":
      return [report("object-unreadable", "critical", { path: key.address.path, reason: key.reason })];
    case "broken":
      return [brokenFinding(report, key, key.address.path)];
  }
}

function keyDoesNotMatch({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  if (facts.key.state !== "present") return [];
  if (isSamePublicKey(leaf.spkiDer, facts.key.value.spkiDer)) return [];
  const certificateSpki = publicKeyFingerprint(leaf.spkiDer);
  const keySpki = publicKeyFingerprint(facts.key.value.spkiDer);
  return [report("key-does-not-match", "critical", { certificateSpki, keySpki })];
}

function wrongIssuer({ facts, stored, leaf, report, context }: Readable): readonly AnyFinding[] {
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

function commonNameUnexpected({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  const expected = facts.slot.expected.commonNames;
  const found = commonName(parseName(leaf.subjectDer)) ?? "";
  if (expected === null || expected.includes(found)) return [];
  return [report("common-name-unexpected", "warning", { expected, found })];
}

function organizationUnexpected({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  const expected = facts.slot.expected.organizations;
  if (expected === null) return [];
  const found = [...organizations(parseName(leaf.subjectDer))].sort();
  const isExpected = expected.some(
    (set) => set.length === found.length && [...set].sort().every((o, i) => o === found[i]),
  );
  if (isExpected) return [];
  return [
    report("organization-unexpected", "warning", {
      expected: expected.map((set) => set.join("+") || "none"),
      found,
    }),
  ];
}

function sanMissing({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  if (facts.slot.expected.sans.length === 0) return [];
  const present = new Set(subjectAltNames(leaf).map((san) => `${san.kind}:${san.value.toLowerCase()}`));
  const missing = facts.slot.expected.sans.filter(
    (san) => !present.has(`${san.kind}:${san.value.toLowerCase()}`),
  );
  return missing.length === 0 ? [] : [report("san-missing", "warning", { missing })];
}

function usageDiffers({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  const { usages: expected } = facts.slot.expected;
  if (expected.length === 0) return [];
  const found = extendedKeyUsages(leaf)?.usages ?? [];
  if (found.includes("anyExtendedKeyUsage")) return [];
  const lost = expected.filter((usage) => !found.includes(usage));
  const extra = found.filter((usage) => !expected.includes(usage));
  return [
    ...(lost.length > 0 ? [report("usage-missing", "critical", { missing: lost })] : []),
    ...(extra.length > 0 ? [report("usage-unexpected", "warning", { unexpected: extra })] : []),
  ];
}

function isAuthorityItself({ leaf, report, facts }: Readable): readonly AnyFinding[] {
  if (facts.slot.management === "observe") return [];
  return basicConstraints(leaf)?.isCa ? [report("is-authority", "critical", {})] : [];
}

function moreThanOneCertificate({ stored, leaf, report, facts }: Readable): readonly AnyFinding[] {
  const { certificates, leafIndex } = stored;
  if (facts.slot.management === "observe") return [];
  if (leafIndex > 0) return [report("leaf-not-first", "warning", { position: leafIndex + 1 })];
  const strangers = certificates.filter(
    (other) => other !== leaf && !isSignedBy(leaf, other) && !basicConstraints(other)?.isCa,
  );
  return strangers.length === 0
    ? []
    : [report("more-than-one-certificate", "warning", { count: certificates.length })];
}

function truncated({ stored, facts, report }: Readable): readonly AnyFinding[] {
  if (stored.truncatedAtLine === null) return [];
  const { path } = addressOf(facts);
  return [report("file-truncated", "warning", { path, bytes: facts.objects[0]?.size ?? 0 })];
}

function anomalies({ leaf, report }: Readable): readonly AnyFinding[] {
  return leaf.anomalies.map((anomaly) => report("certificate-anomaly", "warning", { anomaly }));
}

function kubeconfigAuthorityDiffers({ facts, report, context }: Readable): readonly AnyFinding[] {
  const authority = authorityOf(context.facts, facts.slot);
  if (!facts.trusted || authority?.certificate.state !== "present") return [];
  if (trustsAny(facts.trusted, authority)) return [];
  const cluster = facts.slot.holder.form === "kubeconfig" ? (facts.slot.holder.cluster ?? "") : "";
  const severity = facts.slot.management === "copy" ? "info" : "critical";
  return [report("kubeconfig-authority-differs", severity, { cluster, authority: authority.slot.name })];
}

function copyOfNothing({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "copy" || originalOf(context.facts, facts)) return [];
  return [report("copy-of-nothing", "info", { subject: formatName(parseName(leaf.subjectDer)) })];
}

function replicaDiffers({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "copy") return [];
  const original = originalOf(context.facts, facts);
  if (!original) return [];
  if (Buffer.compare(original.leaf.der, leaf.der) === 0) return [];
  return [
    report("replica-differs", "warning", {
      original: original.slot.id,
      originalSerialHex: original.leaf.serialHex,
      serialHex: leaf.serialHex,
      originalNotAfter: original.leaf.notAfter,
      notAfter: leaf.notAfter,
    }),
  ];
}

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

function holdsSystemMasters({ leaf, report, context }: Readable): readonly AnyFinding[] {
  const subject = parseName(leaf.subjectDer);
  if (!organizations(subject).includes("system:masters") || leaf.notAfter < context.facts.at) return [];
  return [report("holds-system-masters", "info", { subject: formatName(subject), notAfter: leaf.notAfter })];
}

function kubeletEmbedded({ facts, report }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "kubelet" || facts.slot.holder.form !== "kubeconfig") return [];
  return [report("kubelet-embedded", "info", { path: facts.slot.holder.file.path })];
}

/** For slots whose authority's key is elsewhere. */
export function externallyManaged(facts: Facts): readonly AnyFinding[] {
  return [...facts.authorities.values()].filter(isExternallyManaged).map((authority) =>
    findingOf(authority.slot, authority.slot.certificate)("externally-managed", "info", {
      authority: authority.slot.name,
    }),
  );
}

/** True when a key of the slot is known and belongs to its certificate. */
export function hasMatchingKey(certificate: Certificate, key: Stored<KeyFacts>): boolean {
  return key.state === "present" && isSamePublicKey(certificate.spkiDer, key.value.spkiDer);
}

/** For messages and plans: the object that holds the certificate. */
export function certificateAddress(facts: SlotFacts): string {
  return formatAddress(addressOf(facts));
}
