// The use case `check`: facts -> rows and findings.
import type { AuthorityRow, CertificateRow, CheckResult, StoredState } from "../core/model/check.ts";
import { worstOf, check as checkFacts } from "../core/policy/check.ts";
import {
  type AuthorityFacts,
  type Facts,
  type SlotFacts,
  type Stored,
  authorityOf,
  isExternallyManaged,
} from "../core/policy/facts.ts";
import { attempt, isAppError } from "../core/model/errors.ts";
import { extendedKeyUsages, subjectAltNames } from "../core/pki/extensions.ts";
import { sha256Hex } from "../core/pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki } from "../core/pki/keys.ts";
import { formatName, parseName } from "../core/pki/names.ts";
import type { Certificate } from "../core/pki/certificate.ts";

/** Rows and findings for the instant of the facts. `withinMs` is the threshold of "expiring". */
export function checkResult(
  facts: Facts,
  options: { readonly withinMs: number; readonly root: string },
): CheckResult {
  const findings = checkFacts(facts, options);
  const shown = [...facts.slots.values()].filter((slot) => isShown(slot));
  return {
    at: facts.at,
    cluster: facts.inventory.cluster,
    profile: facts.inventory.profile.id,
    nodes: facts.inventory.nodes.map((node) => node.node),
    root: options.root,
    certificates: shown.map((slot) => certificateRow(facts, slot)).sort(byName),
    authorities: [...facts.authorities.values()].map(authorityRow).sort(byName),
    findings,
    worst: worstOf(findings),
  };
}

/** An optional slot that is not there is not shown: kubeadm's super-admin.conf exists on one node only. */
function isShown(slot: SlotFacts): boolean {
  return !(
    slot.slot.optional &&
    slot.certificate.state === "missing" &&
    slot.certificate.danglingLink === null
  );
}

function byName(a: { readonly name: string }, b: { readonly name: string }): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}

function certificateRow(facts: Facts, slot: SlotFacts): CertificateRow {
  const { holder } = slot.slot;
  const leaf = slot.certificate.state === "present" ? slot.certificate.value.leaf : null;
  const authority = authorityOf(facts, slot.slot);
  return {
    slot: slot.slot.id,
    node: slot.slot.node,
    name: slot.slot.name,
    isKubeadm: slot.slot.management === "renew" && slot.slot.isOutsideKubeadm !== true,
    state: stateOf(slot.certificate),
    notBefore: leaf?.notBefore ?? null,
    notAfter: leaf?.notAfter ?? null,
    authority: slot.slot.authority ?? "",
    externallyManaged: authority !== null && isExternallyManaged(authority),
    management: slot.slot.management,
    path: holder.form === "kubeconfig" ? holder.file.path : holder.certificate.path,
    keyPath: holder.form === "kubeconfig" ? holder.file.path : (holder.key?.path ?? null),
    origin: slot.slot.origin,
    ...identityOf(leaf),
  };
}

function identityOf(
  leaf: Certificate | null,
): Pick<CertificateRow, "subject" | "issuer" | "serialHex" | "sha256" | "sans" | "usages" | "keyAlgorithm"> {
  if (!leaf)
    return { subject: "", issuer: "", serialHex: "", sha256: "", sans: [], usages: [], keyAlgorithm: "" };
  return {
    subject: formatName(parseName(leaf.subjectDer)),
    issuer: formatName(parseName(leaf.issuerDer)),
    serialHex: leaf.serialHex,
    sha256: sha256Hex(leaf.der),
    sans: subjectAltNames(leaf).map((san) => `${san.kind}:${san.value}`),
    usages: extendedKeyUsages(leaf)?.usages ?? [],
    keyAlgorithm: keyAlgorithmOf(leaf),
  };
}

/** Of a certificate that we could not make a key for: it is shown all the same. */
function keyAlgorithmOf({ spkiDer }: Certificate): string {
  const spec = attempt(() => keySpecOfSpki(spkiDer));
  return isAppError(spec) ? "unknown" : formatKeySpec(spec);
}

function authorityRow(authority: AuthorityFacts): AuthorityRow {
  const { slot, signing } = authority;
  const identity = identityOf(signing);
  return {
    slot: slot.id,
    node: slot.node,
    name: slot.name,
    isKubeadm: slot.isOutsideKubeadm !== true,
    state: stateOf(authority.certificate),
    notBefore: signing?.notBefore ?? null,
    notAfter: signing?.notAfter ?? null,
    externallyManaged: isExternallyManaged(authority),
    path: slot.certificate.path,
    keyPath: slot.key.path,
    subject: identity.subject,
    serialHex: identity.serialHex,
    sha256: identity.sha256,
    keyAlgorithm: identity.keyAlgorithm,
  };
}

function stateOf(stored: Stored<unknown>): StoredState {
  return stored.state === "present" ? "ok" : stored.state;
}
