// Verifies what was installed: the answer leads to the authority on the disk, through the intermediates stored behind it.
import { AppError } from "../model/errors.ts";
import type { Reason } from "../model/reasons.ts";
import type { Content } from "../model/plan.ts";
import type { InstallStep } from "../model/making-step.ts";
import { parseKubeconfig } from "../kubeconfig/kubeconfig.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { parsePem } from "../pki/pem.ts";
import { verifyChain } from "../pki/verify.ts";
import { findAuthority } from "./authority.ts";
import { lostIdentity } from "./identity-lost.ts";

export interface InstalledObject {
  readonly bytes: Uint8Array;
  readonly content: Content;
}

/** Dates are not looked at: they were when it was staged. @throws AppError `proof-failed` */
export function verifyInstalled(
  step: InstallStep,
  certificate: Certificate,
  { objects, authority }: { readonly objects: readonly InstalledObject[]; readonly authority: Uint8Array },
): void {
  const anchor = findAuthority(authority, step);
  for (const stored of objects.flatMap((object) => chainsOf(object, step.slot))) {
    if (stored.length !== step.chain.length + 1) throw failed(step, "a copy does not hold the whole chain");
    const [, ...intermediates] = stored;
    const result = verifyChain({
      leaf: certificate,
      intermediates,
      anchors: [anchor],
      atMs: certificate.notBefore,
      ignoreTime: true,
    });
    if (!result.ok) throw failed(step, `the authority on the disk did not sign it (${result.reason})`);
  }
}

/** The certificates stored for the slot, once per place, in order. */
function chainsOf({ bytes, content }: InstalledObject, slot: string): readonly (readonly Certificate[])[] {
  return pemsOf(bytes, content, slot).map((pem) =>
    parsePem(pem)
      .blocks.filter(({ label }) => label === "CERTIFICATE")
      .map(({ der }) => parseCertificate(der)),
  );
}

function pemsOf(bytes: Uint8Array, content: Content, slot: string): readonly Uint8Array[] {
  if (content.form !== "kubeconfig") return [bytes];
  const names = new Set(content.users.flatMap((user) => (user.slot === slot ? [user.user] : [])));
  const users = parseKubeconfig(bytes).users.filter(({ name }) => names.has(name));
  return users.flatMap(({ certificate }) => (certificate?.form === "embedded" ? [certificate.pem] : []));
}

/** As for a renewal, but by meaning: a CA elsewhere writes names in its own way. @throws AppError `proof-failed` */
export function verifyIdentityKept(step: InstallStep, old: Certificate, installed: Certificate): void {
  const lost = lostIdentity(old, installed);
  if (lost.subject !== null) throw failed(step, "the subject differs from the old one");
  const missing = [...lost.sans, ...lost.usages, ...lost.keyUsages];
  if (missing.length > 0) throw failed(step, `a name is lost: ${missing.join(", ")}`);
}

function failed({ slot }: InstallStep, reason: Reason): AppError<"proof-failed"> {
  return new AppError("proof-failed", { slot, reason });
}
