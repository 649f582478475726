// What can be odd about a certificate that can be read: the reason why another program may refuse it.
import type { Certificate } from "./certificate.ts";
import { nameStringFaults, parseName } from "./names.ts";

/** RFC 5280 sections 4.1 and 4.2; the comment says what Go's crypto/x509 does. */
export type CertificateAnomaly =
  | "serial-negative" // refused since Go 1.23
  | "serial-zero" // accepted (kubeadm 1.20 gives its CAs serial 0)
  | "serial-too-long" // more than 20 bytes; accepted
  | "duplicate-extension" // refused since Go 1.19
  | "version-1" // accepted
  | "version-2" // accepted
  | "extensions-below-version-3" // accepted, extensions ignored
  | "nul-in-name" // accepted in UTF8String
  | "name-string-invalid" // refused since Go 1.17, for example '@' in a PrintableString
  | "validity-inverted" // accepted, never valid
  | "time-not-der" // accepted, for example UTCTime for 2050 and later
  | "non-der-critical-false"; // accepted

/** What only the reader knows. */
export interface ReaderNotes {
  readonly hasOddTime: boolean;
  readonly hasExtensionsAnyway: boolean;
}

function serialAnomaly({ serial }: Certificate): CertificateAnomaly | undefined {
  if ((serial[0] ?? 0) >= 0x80) return "serial-negative";
  if (serial.length === 1 && serial[0] === 0) return "serial-zero";
  return serial.length > 20 ? "serial-too-long" : undefined;
}

function hasDuplicateExtension({ extensions }: Certificate): boolean {
  return new Set(extensions.map(({ oid }) => oid)).size !== extensions.length;
}

function hasNulInName({ subjectDer, issuerDer }: Certificate): boolean {
  return [subjectDer, issuerDer].some((der) =>
    parseName(der)
      .rdns.flat()
      .some(({ value }) => value.includes("\0")),
  );
}

function hasInvalidString({ subjectDer, issuerDer }: Certificate): boolean {
  return [subjectDer, issuerDer].some((der) => nameStringFaults(der).length > 0);
}

/** All anomalies of a certificate, in the order of the union. */
export function findAnomalies(certificate: Certificate, notes: ReaderNotes): readonly CertificateAnomaly[] {
  const found: (CertificateAnomaly | false | undefined)[] = [
    serialAnomaly(certificate),
    hasDuplicateExtension(certificate) && "duplicate-extension",
    certificate.version === 1 && "version-1",
    certificate.version === 2 && "version-2",
    notes.hasExtensionsAnyway && "extensions-below-version-3",
    hasNulInName(certificate) && "nul-in-name",
    hasInvalidString(certificate) && "name-string-invalid",
    certificate.notAfter < certificate.notBefore && "validity-inverted",
    notes.hasOddTime && "time-not-der",
    certificate.extensions.some((e) => e.isCriticalEncoded && !e.critical) && "non-der-critical-false",
  ];
  return found.filter((anomaly) => typeof anomaly === "string");
}
