// The chain of all checks: Facts -> Finding[], worst first. No clock, no file; every fault is reported, not the first only.
import { formatAddress } from "../model/address.ts";
import type { AnyFinding, Severity } from "../model/finding.ts";
import type { DiscoveryNote, NodeInventory } from "../model/inventory.ts";
import { basicConstraints } from "../pki/extensions.ts";
import { publicKeyFingerprint } from "../pki/fingerprints.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import { checkSlot, externallyManaged } from "./certificate-checks.ts";
import type { CheckOptions } from "./readable-slot.ts";
import type { AuthorityFacts, Facts, KeyPairFacts, ObjectFacts, SlotFacts, Stored } from "./facts.ts";
import { findingOf, octal } from "./finding-of.ts";
import { nodeDifferences } from "./node-differences.ts";
import { isForbidden, isUnreadableForUs } from "./unreadable.ts";
import { platformFindings } from "./platform-checks.ts";

const rank: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

/** Every finding about what is stored, sorted by severity, then node, then name. */
export function check(facts: Facts, options: CheckOptions): readonly AnyFinding[] {
  const context = { facts, ...options };
  const all = [
    ...[...facts.slots.values()].flatMap((slot) => [
      ...checkSlot(slot, context),
      ...fileFindings(facts, slot),
    ]),
    ...[...facts.authorities.values()].flatMap((authority) => checkAuthority(authority, facts, options)),
    ...facts.keyPairs.flatMap((pair) => checkKeyPair(pair, facts)),
    ...nodeDifferences(facts),
    ...externallyManaged(facts),
    ...facts.inventory.nodes.flatMap((node) => [
      ...notesBesides(node).flatMap(noteFinding),
      ...platformFindings(node),
    ]),
  ];
  const order = (a: AnyFinding, b: AnyFinding): number =>
    rank[a.severity] - rank[b.severity] ||
    compare(a.node, b.node) ||
    compare(a.name, b.name) ||
    compare(a.code, b.code);
  return withoutGuesses(unique(all).map(asUnread), facts).sort(order);
}

/** What is closed to whoever asks hides anything: one line says so, wherever the file was named. */
function asUnread(finding: AnyFinding): AnyFinding {
  return isUnreadableForUs(finding) ? { ...finding, severity: "critical" } : finding;
}

/** Where the manifest that names the node could not be read, that a certificate has another name means nothing. */
function withoutGuesses(findings: readonly AnyFinding[], { inventory }: Facts): AnyFinding[] {
  const unnamed = new Set(
    inventory.nodes.flatMap(({ notes }) =>
      notes.flatMap(({ code, address, detail }) =>
        code === "manifest-unreadable" && isForbidden(detail) ? [address.node] : [],
      ),
    ),
  );
  return findings.filter(({ code, node }) => code !== "common-name-unexpected" || !unnamed.has(node));
}

/** Severe ones first, otherwise in the order given. */
export function worstFirst(findings: readonly AnyFinding[]): readonly AnyFinding[] {
  return findings.toSorted((a, b) => rank[a.severity] - rank[b.severity]);
}

export function worstOf(findings: readonly AnyFinding[]): Severity | null {
  return findings.reduce<Severity | null>(
    (worst, finding) => (worst === null || rank[finding.severity] < rank[worst] ? finding.severity : worst),
    null,
  );
}

function checkAuthority(
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

function checkKeyPair(pair: KeyPairFacts, facts: Facts): readonly AnyFinding[] {
  const { slot, privateKey, publicKeys } = pair;
  const report = findingOf(slot, slot.privateKey);
  const differs =
    privateKey.state === "present" &&
    publicKeys.state === "present" &&
    !publicKeys.value.some((spkiDer) => isSamePublicKey(spkiDer, privateKey.value.spkiDer));
  return [
    ...halfFindings(slot, privateKey),
    ...halfFindings(slot, publicKeys),
    ...(differs ? [report("service-account-pair-differs", "critical", { path: slot.publicKey.path })] : []),
    ...pair.objects.flatMap((object) => objectFindings(slot, object, slot.privateKey.path, facts)),
  ];
}

/** The pair cannot be made anew: a half that is gone stops the API server at its next start. */
function halfFindings(slot: KeyPairFacts["slot"], half: Stored<unknown>): readonly AnyFinding[] {
  if (half.state === "present") return [];
  const { path } = half.address;
  const report = findingOf(slot, half.address);
  if (half.state === "unreadable")
    return [report("object-unreadable", "critical", { path, reason: half.reason })];
  if (half.state === "missing") {
    return half.danglingLink === null
      ? [report("key-missing", "critical", { path })]
      : [report("link-dangling", "critical", { path, target: half.danglingLink })];
  }
  if (half.fault === "encrypted") return [report("key-encrypted", "warning", { path, format: half.reason })];
  return half.fault === "truncated"
    ? [report("file-truncated", "critical", { path, bytes: Number.parseInt(half.reason, 10) || 0 })]
    : [report("key-broken", "critical", { path, reason: half.reason })];
}

function fileFindings(facts: Facts, slot: SlotFacts): readonly AnyFinding[] {
  const { holder } = slot.slot;
  const keyPath = holder.form === "kubeconfig" ? holder.file.path : (holder.key?.path ?? "");
  return slot.objects.flatMap((object) => objectFindings(slot.slot, object, keyPath, facts));
}

/** Mode, owner and links of one object. Keys and kubeconfigs 0600, certificates 0644 (CIS 1.1.13 to 1.1.21). */
function objectFindings(
  subject: { readonly id: string; readonly node: string; readonly name: string },
  object: ObjectFacts,
  keyPath: string,
  facts: Facts,
): readonly AnyFinding[] {
  const { path } = object.address;
  const report = findingOf(subject, object.address);
  const atMost = path === keyPath ? 0o600 : 0o644;
  const isOpen = (object.mode & 0o777 & ~atMost) !== 0;
  return [
    ...(isOpen
      ? [report("mode-too-open", "warning", { path, mode: octal(object.mode), atMost: octal(atMost) })]
      : []),
    ...(ownerIsExpected(object, facts)
      ? []
      : [report("owner-unexpected", "warning", { path, uid: object.uid, gid: object.gid })]),
    ...(object.linkLeavesTree
      ? [report("link-leaves-tree", "warning", { path, target: object.link ?? "" })]
      : []),
  ];
}

/**
 * Root, or whoever owns the node's CA certificate: a tree unpacked by an ordinary user is no finding.
 * Homes belong to their users.
 */
function ownerIsExpected(object: ObjectFacts, facts: Facts): boolean {
  if (object.uid === 0 || object.address.path.startsWith("/home/")) return true;
  const owners = [...facts.authorities.values()]
    .filter(({ slot }) => slot.node === object.address.node)
    .flatMap((authority) => authority.objects.map((o) => o.uid));
  return owners.length > 0 && owners.every((uid) => uid === object.uid);
}

/** That the platform's own kubeconfig is left alone is said in other words. */
function notesBesides({ notes, platform }: NodeInventory): readonly DiscoveryNote[] {
  return notes.filter(
    ({ code, address }) =>
      code !== "kubeconfig-without-certificate" ||
      !(platform?.tokenKubeconfigs.includes(address.path) ?? false),
  );
}

function noteFinding(note: DiscoveryNote): readonly AnyFinding[] {
  const subject = { id: formatAddress(note.address), node: note.address.node, name: note.address.path };
  const report = findingOf(subject, note.address);
  const { path } = note.address;
  switch (note.code) {
    case "manifest-unreadable":
    case "kubeconfig-unreadable":
    case "home-unreadable":
    case "kubelet-config-unreadable":
      return [report("object-unreadable", "warning", { path, reason: note.detail })];
    case "manifest-broken":
      return [report("manifest-broken", "critical", { path, reason: note.detail })];
    case "kubeconfig-broken":
      return [report("kubeconfig-broken", "critical", { path, reason: note.detail })];
    case "kubelet-config-broken":
      return [report("kubelet-config-broken", "warning", { path, reason: note.detail })];
    case "kubeconfig-without-certificate":
      return [
        report("credential-without-certificate", note.detail === "no credential" ? "warning" : "info", {
          path,
          kind: note.detail,
        }),
      ];
    case "name-not-utf8":
      return [report("name-not-utf8", "warning", { path: note.detail })];
    case "external-etcd":
      return [report("external-etcd", "info", { source: note.detail })];
  }
}

/** The same object can be reached through two slots (a combined file); its mode is one finding. */
function unique(findings: readonly AnyFinding[]): AnyFinding[] {
  const seen = new Set<string>();
  return findings.filter((finding) => {
    const isFileFinding = ["mode-too-open", "owner-unexpected", "link-leaves-tree"].includes(finding.code);
    const key = isFileFinding ? `${finding.code} ${formatAddress(finding.address)}` : "";
    if (!key) return true;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
