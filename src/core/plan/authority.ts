// Finds the certificate of an issuing authority in its file, which may be a bundle.
import { AppError } from "../model/errors.ts";
import type { SlotId } from "../model/inventory.ts";
import type { Reason } from "../model/reasons.ts";
import type { IssueStep, MakingStep } from "../model/making-step.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { parsePem } from "../pki/pem.ts";

/** In place of a certificate's hash, for an authority that the plan itself makes. */
export const issuedHere = "issued";

/** The authority's step has the authority's own id as its slot. */
export function authoritySlotOf(step: Pick<IssueStep, "slot" | "authority">): SlotId {
  return `${step.slot.slice(0, step.slot.indexOf("/"))}/${step.authority}`;
}

/** @throws AppError `step-failed` when the file does not hold the certificate that the plan names */
export function findAuthority(
  bytes: Uint8Array,
  step: Pick<MakingStep, "id" | "authority" | "authoritySerialHex" | "authoritySha256">,
): Certificate {
  const blocks = parsePem(bytes).blocks.filter(({ label }) => label === "CERTIFICATE");
  const found = blocks.find(({ der }) => sha256Hex(der) === step.authoritySha256);
  if (found) return parseCertificate(found.der);
  const reason: Reason = `authority ${step.authority} no longer has the certificate with serial ${step.authoritySerialHex}`;
  throw new AppError("step-failed", { step: step.id, reason });
}
