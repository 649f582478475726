// The certificates in a file that a CA team hands back: PEM with anything around it, or one DER certificate.
import { AppError, attempt, isAppError, reasonOf } from "../model/errors.ts";
import { parseCertificate, type Certificate } from "../pki/certificate.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { parsePem } from "../pki/pem.ts";

export interface AnswerContent {
  /** By their number among the certificates of the file; null for one that cannot be read. */
  readonly certificates: readonly (Certificate | null)[];
  /** What in it could not be read. */
  readonly faults: readonly string[];
}

/** More than any bundle of answers and intermediates; the rest of a larger file is not looked at, and said so. */
const maxCertificates = 500;

/** Never throws on content. A file without certificates (a request, a note) has none and no faults. */
export function answerCertificates(bytes: Uint8Array): AnswerContent {
  const { blocks, faults } = parsePem(bytes);
  if (blocks.length === 0 && faults.length === 0) return fromDer(bytes);
  const all = blocks.filter(({ label }) => label === "CERTIFICATE");
  const parsed = all.slice(0, maxCertificates).map((block) => ({
    block,
    result: attempt(() => parseCertificate(block.der)),
  }));
  return {
    certificates: parsed.map(({ result }) => (isAppError(result) ? null : result)),
    faults: [
      ...faults.map(({ kind, line }) => `${kind} (line ${line})`),
      ...parsed.flatMap(({ block, result }) =>
        isAppError(result) ? [`certificate at line ${block.line}: ${reasonOf(result)}`] : [],
      ),
      ...(all.length > maxCertificates ? [`more than ${maxCertificates} certificates`] : []),
      ...(blocks.some(({ label }) => /^PKCS ?#?7$|^CMS$/.test(label))
        ? ["PKCS#7; convert it: openssl pkcs7 -print_certs -in FILE -out FILE.pem"]
        : []),
    ],
  };
}

function fromDer(bytes: Uint8Array): AnswerContent {
  if (bytes[0] !== 0x30) return { certificates: [], faults: [] };
  const certificate = attempt(() => parseCertificate(bytes));
  return isAppError(certificate)
    ? { certificates: [], faults: ["neither PEM nor a DER certificate"] }
    : { certificates: [certificate], faults: [] };
}

/** The certificate that a plan names. @throws AppError `step-failed` when it is not there */
export function answerAt(
  bytes: Uint8Array | undefined,
  place: { readonly file: string; readonly index: number; readonly sha256: string },
): Certificate {
  const found = bytes && answerCertificates(bytes).certificates[place.index];
  if (found && sha256Hex(found.der) === place.sha256) return found;
  throw new AppError("step-failed", {
    step: place.file,
    reason: "the answer is not the one that was planned",
  });
}
