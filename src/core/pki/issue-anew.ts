// Issuing without an old certificate: leafs and authorities in the form that kubeadm gives them (app/util/pkiutil/pki_helpers.go).
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyId,
  subjectKeyId,
  type SanInput,
} from "./extensions.ts";
import { keyIdOfSpki } from "./fingerprints.ts";
import { checkIssuer, checkPositive, issueCertificate, type SigningRequest } from "./issue.ts";
import type { PrivateKey } from "./keys.ts";
import { encodeName } from "./names.ts";

export interface LeafRequest extends SigningRequest {
  readonly commonName: string;
  readonly organizations: readonly string[];
  /** Extended key usages by name or OID. */
  readonly usages: readonly string[];
  readonly sans: readonly SanInput[];
}

/**
 * Organizations stand before the common name, as Go writes them; digitalSignature and keyEncipherment are critical.
 * @returns DER
 * @throws AppError issue-refused, value-invalid
 */
export function issueLeaf(request: LeafRequest): Uint8Array {
  const { issuer, issuerKey, usages, sans } = request;
  checkIssuer(issuer, issuerKey);
  checkPositive(request.serial);
  return issueCertificate({
    serial: request.serial,
    issuerDer: issuer.subjectDer,
    subjectDer: subjectOf(request),
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    spkiDer: request.publicKeySpki,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature", "keyEncipherment"]),
      encodeExtendedKeyUsages(usages),
      encodeBasicConstraints({ isCa: false }),
      encodeAuthorityKeyId({ keyId: subjectKeyId(issuer) ?? keyIdOfSpki(issuer.spkiDer) }),
      ...(sans.length > 0 ? [encodeSubjectAltNames(sans)] : []),
    ],
    issuerKey,
  });
}

/** The subject of such a leaf, for comparing. */
export function subjectOf({
  commonName,
  organizations,
}: Pick<LeafRequest, "commonName" | "organizations">): Uint8Array {
  return encodeName([
    ...organizations.map((value) => ({ type: "O", value })),
    { type: "CN", value: commonName },
  ]);
}

export interface AuthorityRequest {
  readonly commonName: string;
  readonly key: PrivateKey;
  readonly serial: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** A self-signed authority. @returns DER @throws AppError issue-refused */
export function issueAuthority({ commonName, key, ...rest }: AuthorityRequest): Uint8Array {
  checkPositive(rest.serial);
  const subjectDer = encodeName([{ type: "CN", value: commonName }]);
  return issueCertificate({
    ...rest,
    issuerDer: subjectDer,
    subjectDer,
    spkiDer: key.spkiDer,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature", "keyEncipherment", "keyCertSign"]),
      encodeBasicConstraints({ isCa: true }),
      encodeSubjectKeyId(keyIdOfSpki(key.spkiDer)),
      encodeSubjectAltNames([{ kind: "dns", value: commonName }]),
    ],
    issuerKey: key,
  });
}
