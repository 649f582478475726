// English: labels of `inspect`.
import { formatDate, spanEn } from "../../time.ts";

export const inspect = {
  kinds: {
    certificate: "certificate",
    authority: "CA certificate",
    "private-key": "private key",
    "encrypted-key": "encrypted private key",
    "public-key": "public key",
    request: "certificate request",
    other: "other block",
    broken: "DAMAGED",
  },
  labels: {
    subject: "subject",
    issuer: "issuer",
    serial: "serial",
    validity: "validity",
    sans: "SANs",
    usages: "usages",
    key: "key",
    signature: "signature",
    sha256: "SHA-256",
    spki: "SPKI SHA-256",
    ski: "SKI",
    aki: "AKI",
    extensions: "extensions",
    anomalies: "anomalies",
    keyAt: "private key",
    matches: "belongs to",
    format: "format",
    label: "label",
    reason: "reason",
  },
  forms: {
    pem: "PEM",
    der: "DER",
    kubeconfig: "kubeconfig",
    objects: "Secrets and ConfigMaps",
    handshake: "what the listener shows",
    unknown: "neither PEM nor DER, and it cannot be read as a kubeconfig",
  },
  where: (where: string) => where.replace(/^handshake (\d+)$/, "shown as number $1"),
  /** `unexpected-token (line 3)` is `unexpected token (line 3)`. */
  words: (reason: string) =>
    reason.replace(/^[a-z]+(?:-[a-z]+)+(?= \(line \d+\)$)/, (code) => code.replaceAll("-", " ")),
  coded: (reason: string, code: string) => `${reason} (${code})`,
  joiner: "; ",
  critical: "critical",
  keyElsewhere: "not in this file",
  matchesNothing: "no certificate in this file",
  empty: "nothing found: no certificate, key or request",
  validity: (notBefore: number, notAfter: number, at: number) =>
    `${formatDate(notBefore)} to ${formatDate(notAfter)} (${at > notAfter ? `expired ${spanEn(at - notAfter)} ago` : at < notBefore ? `begins in ${spanEn(notBefore - at)}` : `${spanEn(notAfter - at)} left`})`,
  fault: (line: number, fault: string) => `damaged at line ${line}: ${fault}`,
};
