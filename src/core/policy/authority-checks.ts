// What is wrong with an authority as it is stored: its dates, its key, its shape. Pure.
import type { AnyFinding } from "../model/finding.ts";
import { basicConstraints } from "../pki/extensions.ts";
import { publicKeyFingerprint } from "../pki/fingerprints.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import type { AuthorityFacts, Facts } from "./facts.ts";
import { findingOf } from "./finding-of.ts";
import { objectFindings } from "./object-checks.ts";
import type { CheckOptions } from "./readable-slot.ts";

export function checkAuthority(
  authority: AuthorityFacts,
  facts: Facts,
  options: CheckOptions,
): readonly AnyFinding[] {
  const { slot, certificate: stored } = authority;
  const report = findingOf(slot, slot.certificate);
  const { path } = slot.certificate;
  switch (stored.state) {
    case "missing":
      if (stored.danglingLink !== null)
        return [report("link-dangling", "critical", { path, target: stored.danglingLink })];
      return [report("authority-missing", "critical", {})];
    case "unreadable":
      return [report("object-unreadable", "critical", { path, reason: stored.reason })];
    case "broken":
      return stored.fault === "truncated"
        ? [report("file-truncated", "critical", { path, bytes: Number.parseInt(stored.reason, 10) || 0 })]
        : [report("certificate-broken", "critical", { path, reason: stored.reason })];
    case "present":
      return [
        ...authorityDates(authority, facts, options),
        ...authorityKey(authority),
        ...authorityShape(authority),
        ...authority.objects.flatMap((object) =>
          objectFindings(authority.slot, object, slot.key.path, facts),
        ),
      ];
  }
}

function authorityDates(
  authority: AuthorityFacts,
  facts: Facts,
  options: CheckOptions,
): readonly AnyFinding[] {
  const report = findingOf(authority.slot, authority.slot.certificate);
  const { signing } = authority;
  if (!signing) return [];
  const left = signing.notAfter - facts.at;
  if (signing.notBefore > facts.at)
    return [report("authority-not-yet-valid", "critical", { notBefore: signing.notBefore })];
  if (left < 0) return [report("authority-expired", "critical", { notAfter: signing.notAfter })];
  if (left < options.withinMs) {
    return [
      report("authority-expiring", "critical", { notAfter: signing.notAfter, withinMs: options.withinMs }),
    ];
  }
  return [];
}

function authorityKey(authority: AuthorityFacts): readonly AnyFinding[] {
  const { key, slot, signing } = authority;
  const report = findingOf(slot, slot.key);
  const { path } = slot.key;
  if (key.state === "unreadable")
    return [report("object-unreadable", "critical", { path, reason: key.reason })];
  if (key.state === "broken") {
    if (key.fault === "encrypted") return [report("key-encrypted", "warning", { path, format: key.reason })];
    return key.fault === "truncated"
      ? [report("file-truncated", "critical", { path, bytes: Number.parseInt(key.reason, 10) || 0 })]
      : [report("key-broken", "critical", { path, reason: key.reason })];
  }
  if (key.state === "missing") {
    return key.danglingLink === null
      ? []
      : [report("link-dangling", "critical", { path, target: key.danglingLink })];
  }
  if (!signing || isSamePublicKey(signing.spkiDer, key.value.spkiDer)) return [];
  const certificateSpki = publicKeyFingerprint(signing.spkiDer);
  const keySpki = publicKeyFingerprint(key.value.spkiDer);
  return [report("authority-key-does-not-match", "critical", { certificateSpki, keySpki })];
}

function authorityShape(authority: AuthorityFacts): readonly AnyFinding[] {
  if (authority.certificate.state !== "present" || !authority.signing) return [];
  const report = findingOf(authority.slot, authority.slot.certificate);
  const { certificates, leafIndex, truncatedAtLine } = authority.certificate.value;
  const signing = authority.key.state === "present" ? leafIndex + 1 : null;
  return [
    ...(certificates.length > 1
      ? [report("authority-bundle", "info", { count: certificates.length, signing })]
      : []),
    ...(basicConstraints(authority.signing)?.isCa ? [] : [report("authority-is-leaf", "critical", {})]),
    ...(truncatedAtLine === null
      ? []
      : [
          report("file-truncated", "warning", {
            path: authority.slot.certificate.path,
            bytes: authority.objects[0]?.size ?? 0,
          }),
        ]),
    ...authority.signing.anomalies
      // kubeadm up to 1.2x gives its CAs serial 0 (facts/kubeadm, X.509 profile).
      .filter((anomaly) => anomaly !== "serial-zero")
      .map((anomaly) => report("certificate-anomaly", "warning", { anomaly })),
  ];
}
