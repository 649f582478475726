// The chain of all checks: Facts -> Finding[], worst first. No clock, no file; every fault is reported, not the first only.
import { formatAddress } from "../model/address.ts";
import type { AnyFinding, Severity } from "../model/finding.ts";
import type { DiscoveryNote, NodeInventory } from "../model/inventory.ts";
import { isSamePublicKey } from "../pki/keys.ts";
import { checkAuthority } from "./authority-checks.ts";
import { checkSlot, externallyManaged } from "./certificate-checks.ts";
import type { CheckOptions } from "./readable-slot.ts";
import type { Facts, KeyPairFacts, Stored } from "./facts.ts";
import { findingOf } from "./finding-of.ts";
import { nodeDifferences } from "./node-differences.ts";
import { fileFindings, objectFindings } from "./object-checks.ts";
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
