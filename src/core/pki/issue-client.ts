// A client certificate for one task: no old one to follow, few minutes to live, never written anywhere.
import type { Certificate } from "./certificate.ts";
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeKeyUsage,
  subjectKeyId,
} from "./extensions.ts";
import { issueCertificate } from "./issue.ts";
import type { PrivateKey } from "./keys.ts";
import { encodeName } from "./names.ts";

export interface ClientRequest {
  readonly commonName: string;
  readonly issuer: Certificate;
  readonly issuerKey: PrivateKey;
  /** SubjectPublicKeyInfo, DER. */
  readonly spkiDer: Uint8Array;
  readonly serial: Uint8Array;
  /** ms since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** DER of a certificate for TLS clients (RFC 5280 section 4.2.1.12). @throws AppError `issue-refused` */
export function issueClientCertificate(request: ClientRequest): Uint8Array {
  const { commonName, issuer, issuerKey, ...rest } = request;
  const keyId = subjectKeyId(issuer);
  return issueCertificate({
    ...rest,
    issuerKey,
    issuerDer: issuer.subjectDer,
    subjectDer: encodeName([{ type: "CN", value: commonName }]),
    extensionsDer: [
      encodeKeyUsage(["digitalSignature"]),
      encodeExtendedKeyUsages(["clientAuth"]),
      encodeBasicConstraints({ isCa: false }),
      ...(keyId === undefined ? [] : [encodeAuthorityKeyId({ keyId })]),
    ],
  });
}
