// English: what the system's error codes say, with the code behind it for a search, and what is odd about a certificate. The Chinese is in zh/details.ts.

import type { CertificateAnomaly } from "../../core/pki/certificate-anomalies.ts";

const systemCodes = {
  ENOENT: "there is no such file or directory",
  ENOTDIR: "a part of the path is not a directory",
  EISDIR: "it is a directory",
  ELOOP: "its links lead in a circle",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EIO: "input/output error",
  EROFS: "the file system is read-only",
  ENOSPC: "no space is left on the device",
  EDQUOT: "the disk quota is used up",
  EFBIG: "the file becomes too large",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  EBUSY: "it is in use",
  EBADF: "it is not open",
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "the connection was cut off",
  EHOSTUNREACH: "there is no route to it",
  ENETUNREACH: "its network cannot be reached",
  ENOTFOUND: "the name has no address",
  EAI_AGAIN: "the name could not be looked up",
  ETIMEDOUT: "it did not answer in time",
} as const;

export type SystemCode = keyof typeof systemCodes;

const anomalies: Readonly<Record<CertificateAnomaly, string>> = {
  "serial-negative": "its serial number is negative",
  "serial-zero": "its serial number is zero",
  "serial-too-long": "its serial number has more than 20 bytes",
  "duplicate-extension": "it has an extension twice",
  "version-1": "it is of version 1",
  "version-2": "it is of version 2",
  "extensions-below-version-3": "it has extensions below version 3",
  "nul-in-name": "a name in it has a NUL character",
  "name-string-invalid": "a name in it has characters that its encoding does not allow",
  "validity-inverted": "it ends before it begins",
  "time-not-der": "its times are not written as DER wants it",
  "non-der-critical-false": "an extension spells out the default, critical FALSE",
};

/** A code as words, alone or at the end of a sentence (`/healthz is not answered: ECONNREFUSED`); an anomaly; any other text as it is. */
export function codeInWords(text: string): string {
  if (Object.hasOwn(anomalies, text)) return anomalies[text as CertificateAnomaly];
  return text.replace(/(?<=^|: )E[A-Z_]+$/, (code) => {
    const words: string | undefined = Object.hasOwn(systemCodes, code)
      ? systemCodes[code as SystemCode]
      : undefined;
    return words === undefined ? code : `${words} (${code})`;
  });
}
