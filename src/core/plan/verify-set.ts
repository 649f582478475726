// Verifies the objects of a plan as one set: before they go live, and again as they lie on the disk afterwards.
import type { Reason } from "../model/reasons.ts";
import { equalBytes } from "../pki/der.ts";
import { findExtension, type Certificate } from "../pki/certificate.ts";
import { extensionOids, subjectAltNames } from "../pki/extensions.ts";
import { readPublicHalf } from "../pki/public-half.ts";
import { subjectOf } from "../pki/issue-anew.ts";
import { isSignedBy, keyMatches } from "../pki/verify.ts";
import { parseKubeconfig } from "../kubeconfig/kubeconfig.ts";
import { AppError, reasonOf } from "../model/errors.ts";
import type { SlotId } from "../model/inventory.ts";
import type { IssueStep, MakingStep, TakeStep } from "../model/making-step.ts";
import type { Plan, StageStep } from "../model/plan.ts";
import type { Issued } from "../model/run.ts";
import { authoritySlotOf, findAuthority, issuedHere } from "./authority.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { certificateAt, embeddedCertificate, extractSlots, type Extract } from "./extract.ts";
import { installSteps, issueSteps, slotsOfContent, stageSteps, takeSteps } from "./steps.ts";
import { verifyIdentityKept, verifyInstalled, type InstalledObject } from "./verify-installed.ts";

export interface SetToVerify {
  readonly plan: Plan;
  /** By formatAddress: new bytes of the written objects, present bytes of what the plan reads. */
  readonly objects: ReadonlyMap<string, Uint8Array>;
  readonly issued: ReadonlyMap<SlotId, Issued>;
  /** Bytes before the run: given, no name and no usage of the old certificate may be lost. */
  readonly before?: ReadonlyMap<string, Uint8Array>;
}

/**
 * Every copy holds the issued certificate, every key belongs to it, the authority on the disk signed it, and it does not
 * outlive what the plan allows. Kubeconfigs and PEM are parsed again on the way.
 * @throws AppError `proof-failed` with the slot and why
 */
export function verifySet(set: SetToVerify): void {
  const extracts = stageSteps(set.plan).flatMap((step) => extractFrom(set, step));
  for (const step of [...issueSteps(set.plan), ...installSteps(set.plan)]) verifySlot(set, step, extracts);
  for (const step of takeSteps(set.plan)) verifyTaken(set, step, extracts);
}

function extractFrom({ objects }: SetToVerify, step: StageStep): readonly Extract[] {
  const [slot = step.object] = slotsOfContent(step.content);
  return wrapped(slot, () => extractSlots(bytesOf(objects, step.object), step.content));
}

function verifySlot(set: SetToVerify, step: MakingStep, extracts: readonly Extract[]): void {
  const { slot } = step;
  const own = extracts.filter((extract) => extract.slot === slot);
  const [certificate, ...others] = own.flatMap((extract) => extract.certificate ?? []);
  if (!certificate) throw failed(slot, "no object holds the new certificate");
  if (others.some(({ der }) => !equalBytes(der, certificate.der)))
    throw failed(slot, "its copies hold different certificates");
  verifyIsIssued(set, slot, certificate);
  const keys = [...own.flatMap((extract) => extract.spkiDer ?? []), ...keptKey(set, step)];
  if (keys.length === 0) throw failed(slot, "no object holds its key");
  if (keys.some((spkiDer) => !keyMatches(certificate, spkiDer)))
    throw failed(slot, "the key does not match the certificate");
  verifyIssuer(set, step, certificate);
  if (!set.before) return;
  if (step.kind === "install") verifyIdentityKept(step, oldCertificate(set.before, step), certificate);
  else verifyIdentity(set.before, step, certificate);
}

/** The original stays as it is: what follows it must hold the very certificate that lies there, and its key. */
function verifyTaken({ objects }: SetToVerify, step: TakeStep, extracts: readonly Extract[]): void {
  const { slot, serialHex } = step;
  const original = oldCertificate(objects, step);
  if (original.serialHex !== serialHex) throw failed(slot, "the original is not the one that was planned");
  const copies = extracts.filter((extract) => extract.slot === slot);
  if (copies.length === 0) throw failed(slot, "no object follows it");
  for (const { certificate, spkiDer } of copies) {
    if (!certificate || !equalBytes(certificate.der, original.der))
      throw failed(slot, "a copy does not hold the certificate of its original");
    if (!spkiDer || !keyMatches(original, spkiDer))
      throw failed(slot, "the key of a copy does not match the certificate");
  }
}

function verifyIsIssued({ issued }: SetToVerify, slot: SlotId, certificate: Certificate): void {
  const facts = issued.get(slot);
  if (facts?.certificateSha256 !== sha256Hex(certificate.der))
    throw failed(slot, "this is not the certificate that was issued");
}

/** A kept key lies outside the written objects. */
function keptKey({ objects }: SetToVerify, { slot, key, template }: MakingStep): readonly Uint8Array[] {
  if (key.mode !== "keep" || template.form !== "pem" || template.key === null) return [];
  const bytes = bytesOf(objects, template.key);
  return [wrapped(slot, () => readPublicHalf(bytes).spkiDer)];
}

function verifyIssuer(set: SetToVerify, step: MakingStep, certificate: Certificate): void {
  const { objects, issued } = set;
  const { slot } = step;
  if (step.kind === "install") {
    const own = { objects: writtenFor(set, slot), authority: bytesOf(objects, step.authorityCertificate) };
    return wrapped(slot, () => verifyInstalled(step, certificate, own));
  }
  const { notAfterCap } = step;
  const authoritySha256 =
    step.authoritySha256 === issuedHere
      ? (issued.get(authoritySlotOf(step))?.certificateSha256 ?? "")
      : step.authoritySha256;
  const authority = wrapped(slot, () =>
    findAuthority(bytesOf(objects, step.authorityCertificate), { ...step, authoritySha256 }),
  );
  if (!isSignedBy(certificate, authority)) throw failed(slot, "the authority on the disk did not sign it");
  if (certificate.notAfter > notAfterCap) throw failed(slot, "it would outlive its authority");
}

/** The objects that hold the certificate of a slot. */
function writtenFor({ plan, objects }: SetToVerify, slot: SlotId): readonly InstalledObject[] {
  return stageSteps(plan).flatMap(({ object, content }) => {
    if (content.form === "pem-key" || !slotsOfContent(content).includes(slot)) return [];
    return [{ bytes: bytesOf(objects, object), content }];
  });
}

function verifyIdentity(
  before: ReadonlyMap<string, Uint8Array>,
  step: IssueStep,
  certificate: Certificate,
): void {
  const { template, slot } = step;
  if (template.form === "profile") {
    const organizations = [...template.organizations];
    if (!equalBytes(subjectOf({ ...template, organizations }), certificate.subjectDer))
      throw failed(slot, "the subject is not the planned one");
  } else if (template.form !== "authority") {
    verifyNothingLost(slot, oldCertificate(before, { slot, template }), certificate);
  }
}

function verifyNothingLost(slot: SlotId, old: Certificate, renewed: Certificate): void {
  if (!equalBytes(old.subjectDer, renewed.subjectDer))
    throw failed(slot, "the subject differs from the old one");
  const names = subjectAltNames(renewed);
  const lost = subjectAltNames(old).filter(({ der }) => !names.some((name) => equalBytes(name.der, der)));
  if (lost.length > 0) throw failed(slot, `a name is lost: ${lost.map(({ value }) => value).join(", ")}`);
  const [oldUsages, usages] = [old, renewed].map(
    (each) => findExtension(each, extensionOids.extendedKeyUsage)?.der,
  );
  if (oldUsages && !(usages && equalBytes(oldUsages, usages)))
    throw failed(slot, "the extended key usages differ from the old ones");
}

/** The certificate that a step renews or takes, from the bytes before the run. */
export function oldCertificate(
  before: ReadonlyMap<string, Uint8Array>,
  { slot, template }: Pick<TakeStep, "slot" | "template">,
): Certificate {
  return wrapped(slot, () => {
    if (template.form === "pem") return certificateAt(bytesOf(before, template.certificate), template.index);
    return embeddedCertificate(parseKubeconfig(bytesOf(before, template.file)).users, template.user);
  });
}

function bytesOf(objects: ReadonlyMap<string, Uint8Array>, address: string): Uint8Array {
  const bytes = objects.get(address);
  if (!bytes) throw failed(address, "the object is not there");
  return bytes;
}

function wrapped<T>(slot: SlotId, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code === "proof-failed") throw cause;
    throw new AppError("proof-failed", { slot, reason: reasonOf(cause) }, { cause });
  }
}

function failed(slot: SlotId, reason: Reason): AppError<"proof-failed"> {
  return new AppError("proof-failed", { slot, reason });
}
