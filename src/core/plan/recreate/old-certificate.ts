// Chooses the old certificate that a missing one is made after: of the same role, signed by the authority on the disk, the latest.
import { formatAddress } from "../../model/address.ts";
import { attempt, isAppError } from "../../model/errors.ts";
import type { Template } from "../../model/making-step.ts";
import { type Kubeconfig, parseKubeconfig } from "../../kubeconfig/kubeconfig.ts";
import type { Certificate } from "../../pki/certificate.ts";
import { isAuthority } from "../../pki/extensions.ts";
import { keySpecOfSpki } from "../../pki/keys.ts";
import { commonName, organizations, parseName } from "../../pki/names.ts";
import { isSignedBy } from "../../pki/verify.ts";
import { type Facts, type SlotFacts, authorityOf } from "../../policy/facts.ts";
import { certificatesIn } from "../../policy/observe.ts";
import type { Remain } from "../../policy/remains.ts";

export interface OldCertificate {
  readonly remain: Remain;
  readonly template: Template;
  readonly certificate: Certificate;
  /** Set when it lay in a kubeconfig. */
  readonly kubeconfig: Kubeconfig | null;
}

/** null when no place has a fitting one. The first place wins among certificates that end at the same time. */
export function oldCertificateOf(facts: Facts, slot: SlotFacts): OldCertificate | null {
  const remains = facts.remains?.certificates.get(slot.slot.id) ?? [];
  const fitting = remains.flatMap(certificatesOf).filter((old) => fits(facts, slot, old));
  const latest = Math.max(...fitting.map(({ certificate }) => certificate.notAfter));
  return fitting.find(({ certificate }) => certificate.notAfter === latest) ?? null;
}

function certificatesOf(remain: Remain): readonly OldCertificate[] {
  const text = Buffer.from(remain.bytes).toString("latin1");
  return text.includes("client-certificate-data") ? inKubeconfig(remain) : inPem(remain);
}

function inPem(remain: Remain): readonly OldCertificate[] {
  const at = formatAddress(remain.address);
  const certificates = certificatesIn(remain.bytes);
  // A block that does not parse would shift the numbers.
  const [certificate] = certificates;
  if (!certificate) return [];
  const template: Template = { form: "pem", certificate: at, index: 0, key: null };
  return [{ remain, template, certificate, kubeconfig: null }];
}

function inKubeconfig(remain: Remain): readonly OldCertificate[] {
  const kubeconfig = attempt(() => parseKubeconfig(remain.bytes));
  if (isAppError(kubeconfig)) return [];
  return kubeconfig.users.flatMap((user): readonly OldCertificate[] => {
    if (user.certificate?.form !== "embedded") return [];
    const [certificate] = certificatesIn(user.certificate.pem);
    if (!certificate) return [];
    const template: Template = { form: "kubeconfig", file: formatAddress(remain.address), user: user.name };
    return [{ remain, template, certificate, kubeconfig }];
  });
}

/** An old certificate of another role, of another authority, or one that a renewal would refuse is no template. */
function fits(facts: Facts, { slot }: SlotFacts, { certificate }: OldCertificate): boolean {
  const authority = authorityOf(facts, slot)?.certificate;
  const anchors = authority?.state === "present" ? authority.value.certificates : [];
  const subject = attempt(() => parseName(certificate.subjectDer));
  if (isAppError(subject)) return false;
  const { commonNames, organizations: sets } = slot.expected;
  const own = organizations(subject).toSorted();
  const isName = commonNames?.includes(commonName(subject) ?? "") === true;
  const isSet = sets === null || sets.some((set) => JSON.stringify(set.toSorted()) === JSON.stringify(own));
  const isSound = !isAuthority(certificate) && !certificate.anomalies.includes("duplicate-extension");
  const hasKnownKey = !isAppError(attempt(() => keySpecOfSpki(certificate.spkiDer)));
  return (
    isName && isSet && isSound && hasKnownKey && anchors.some((anchor) => isSignedBy(certificate, anchor))
  );
}
