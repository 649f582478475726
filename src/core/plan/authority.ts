// Finds the certificate of an issuing authority in its file, which may be a bundle.
import { AppError } from "../model/errors.ts";
import type { IssueStep } from "../model/plan.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { parsePem } from "../pki/pem.ts";

/** @throws AppError `step-failed` when the file does not hold the certificate that the plan names */
export function findAuthority(
  bytes: Uint8Array,
  step: Pick<IssueStep, "id" | "authority" | "authoritySerialHex">,
): Certificate {
  const blocks = parsePem(bytes).blocks.filter(({ label }) => label === "CERTIFICATE");
  const certificates = blocks.map(({ der }) => parseCertificate(der));
  const found = certificates.find(({ serialHex }) => serialHex === step.authoritySerialHex);
  if (found) return found;
  const reason = `authority ${step.authority} no longer has serial ${step.authoritySerialHex}`;
  throw new AppError("step-failed", { step: step.id, reason });
}
