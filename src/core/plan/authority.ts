// Finds the certificate of an issuing authority in its file, which may be a bundle.
import { AppError } from "../model/errors.ts";
import type { MakingStep } from "../model/plan.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { parsePem } from "../pki/pem.ts";

/** @throws AppError `step-failed` when the file does not hold the certificate that the plan names */
export function findAuthority(
  bytes: Uint8Array,
  step: Pick<MakingStep, "id" | "authority" | "authoritySerialHex" | "authoritySha256">,
): Certificate {
  const blocks = parsePem(bytes).blocks.filter(({ label }) => label === "CERTIFICATE");
  const found = blocks.find(({ der }) => sha256Hex(der) === step.authoritySha256);
  if (found) return parseCertificate(found.der);
  const reason = `authority ${step.authority} no longer has the certificate with serial ${step.authoritySerialHex}`;
  throw new AppError("step-failed", { step: step.id, reason });
}
