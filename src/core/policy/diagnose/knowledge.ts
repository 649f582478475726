// Questions about a node's facts that several diagnoses ask: which slot is meant, is it well, what is wrong with it.
import type { ConcernedCertificate, Evidence } from "../../model/diagnosis.ts";
import type { AnyFinding, FindingCode } from "../../model/finding.ts";
import type { Certificate } from "../../pki/certificate.ts";
import { hasPath } from "../issuer-checks.ts";
import type { AuthorityFacts, Facts, SlotFacts } from "../facts.ts";

/** What is known of the node beside its logs. Without it a log is all there is. */
export interface NodeKnowledge {
  readonly facts: Facts;
  readonly findings: readonly AnyFinding[];
  /** The newest modification among certificates, keys and logs, ms; null when nobody looked. */
  readonly newestFile: { readonly at: number; readonly path: string } | null;
  /** Start of running processes by consumer (`kube-apiserver`), ms; empty when nobody looked. */
  readonly startedAt: ReadonlyMap<string, number>;
}

/** Findings that stop a certificate from doing its work. */
const fatal: ReadonlySet<FindingCode> = new Set([
  "certificate-expired",
  "certificate-not-yet-valid",
  "authority-expired",
  "authority-not-yet-valid",
  "certificate-missing",
  "key-missing",
  "kubeconfig-missing",
  "authority-missing",
  "object-unreadable",
  "link-dangling",
  "certificate-broken",
  "file-truncated",
  "key-broken",
  "key-encrypted",
  "kubeconfig-broken",
  "key-does-not-match",
  "wrong-issuer",
  "kubeconfig-authority-differs",
  "usage-missing",
] as const);

export function leafOf(slot: SlotFacts): Certificate | null {
  return slot.certificate.state === "present" ? slot.certificate.value.leaf : null;
}

export function pathOf({ slot: { holder } }: SlotFacts): string {
  return holder.form === "kubeconfig" ? holder.file.path : holder.certificate.path;
}

export function slotsNamed({ facts }: NodeKnowledge, names: readonly string[]): readonly SlotFacts[] {
  const all = [...facts.slots.values()];
  return names.flatMap((name) => all.filter(({ slot }) => slot.name === name));
}

export function slotAt({ facts }: NodeKnowledge, path: string | undefined): SlotFacts | null {
  if (path === undefined || path === "") return null;
  const all = [...facts.slots.values()];
  return (
    all.find((slot) => pathOf(slot) === path || slot.objects.some(({ address }) => address.path === path)) ??
    null
  );
}

export function isExpired(slot: SlotFacts, at: number): boolean {
  const leaf = leafOf(slot);
  return leaf !== null && leaf.notAfter < at;
}

export function concern(slot: SlotFacts): ConcernedCertificate {
  const leaf = leafOf(slot);
  return {
    slot: slot.slot.id,
    name: slot.slot.name,
    path: pathOf(slot),
    notBefore: leaf?.notBefore ?? null,
    notAfter: leaf?.notAfter ?? null,
  };
}

export function concernAuthority({ slot, signing }: AuthorityFacts): ConcernedCertificate {
  return {
    slot: slot.id,
    name: slot.name,
    path: slot.certificate.path,
    notBefore: signing?.notBefore ?? null,
    notAfter: signing?.notAfter ?? null,
  };
}

/** The certificate a finding is about; files without a slot keep their path. */
export function concernOf({ facts }: NodeKnowledge, finding: AnyFinding): ConcernedCertificate {
  const slot = finding.slot === null ? undefined : facts.slots.get(finding.slot);
  if (slot) return concern(slot);
  const authority = finding.slot === null ? undefined : facts.authorities.get(finding.slot);
  if (authority) return concernAuthority(authority);
  const { name, address } = finding;
  return { slot: finding.slot, name, path: address.path, notBefore: null, notAfter: null };
}

export function fatalFindings(node: NodeKnowledge, names: readonly string[]): readonly AnyFinding[] {
  return node.findings.filter(
    ({ code, name, severity }) => fatal.has(code) && names.includes(name) && severity !== "info",
  );
}

/** Evidence from a finding, with the date where the date is the fault. */
export function evidenceOf(finding: AnyFinding): Evidence {
  const { name } = finding;
  if (
    finding.code === "certificate-expired" ||
    finding.code === "certificate-expiring" ||
    finding.code === "authority-expired" ||
    finding.code === "authority-expiring"
  )
    return { code: "ended", name, notAfter: finding.params.notAfter };
  if (finding.code === "certificate-not-yet-valid" || finding.code === "authority-not-yet-valid")
    return { code: "begins", name, notBefore: finding.params.notBefore };
  return { code: "finding", finding: finding.code, name, path: finding.address.path };
}

/** That the slots are well, with the first end among them. */
export function allWell(slots: readonly SlotFacts[]): Evidence {
  const ends = slots.flatMap((slot) => leafOf(slot)?.notAfter ?? []);
  return {
    code: "all-well",
    names: slots.map(({ slot }) => slot.name),
    firstEnd: ends.length === 0 ? null : Math.min(...ends),
  };
}

/** True when the node's cluster CA did not sign the certificate; false also when that cannot be told. */
export function isOfAnotherAuthority({ facts }: NodeKnowledge, slot: SlotFacts): boolean {
  const leaf = leafOf(slot);
  const authority = facts.authorities.get(`${slot.slot.node}/ca`);
  if (leaf === null || authority?.certificate.state !== "present") return false;
  return !hasPath(leaf, [], authority.certificate.value.certificates);
}
