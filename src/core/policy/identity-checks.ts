// Checks of what a certificate says of itself: names, usages, shape, and what it allows its holder.
import type { AnyFinding } from "../model/finding.ts";
import { basicConstraints, extendedKeyUsages, subjectAltNames } from "../pki/extensions.ts";
import { commonName, formatName, organizations, parseName } from "../pki/names.ts";
import { isSignedBy } from "../pki/verify.ts";
import type { Readable } from "./readable-slot.ts";

export function commonNameUnexpected({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  const expected = facts.slot.expected.commonNames;
  const found = commonName(parseName(leaf.subjectDer)) ?? "";
  if (expected === null || expected.includes(found)) return [];
  return [report("common-name-unexpected", "warning", { expected, found })];
}

export function organizationUnexpected({ facts, leaf, report }: Readable): readonly AnyFinding[] {
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

export function sanMissing({ facts, leaf, report }: Readable): readonly AnyFinding[] {
  if (facts.slot.expected.sans.length === 0) return [];
  const present = new Set(subjectAltNames(leaf).map((san) => `${san.kind}:${san.value.toLowerCase()}`));
  const missing = facts.slot.expected.sans.filter(
    (san) => !present.has(`${san.kind}:${san.value.toLowerCase()}`),
  );
  return missing.length === 0 ? [] : [report("san-missing", "warning", { missing })];
}

export function usageDiffers({ facts, leaf, report }: Readable): readonly AnyFinding[] {
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

export function isAuthorityItself({ leaf, report, facts }: Readable): readonly AnyFinding[] {
  if (facts.slot.management === "observe") return [];
  return basicConstraints(leaf)?.isCa ? [report("is-authority", "critical", {})] : [];
}

export function moreThanOneCertificate({ stored, leaf, report, facts }: Readable): readonly AnyFinding[] {
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

export function anomalies({ leaf, report }: Readable): readonly AnyFinding[] {
  return leaf.anomalies.map((anomaly) => report("certificate-anomaly", "warning", { anomaly }));
}

export function holdsSystemMasters({ leaf, report, context }: Readable): readonly AnyFinding[] {
  const subject = parseName(leaf.subjectDer);
  if (!organizations(subject).includes("system:masters") || leaf.notAfter < context.facts.at) return [];
  return [report("holds-system-masters", "info", { subject: formatName(subject), notAfter: leaf.notAfter })];
}

export function kubeletEmbedded({ facts, report }: Readable): readonly AnyFinding[] {
  if (facts.slot.management !== "kubelet" || facts.slot.holder.form !== "kubeconfig") return [];
  return [report("kubelet-embedded", "info", { path: facts.slot.holder.file.path })];
}
