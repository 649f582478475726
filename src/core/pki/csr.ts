// Certification requests (PKCS#10, RFC 2986): what a CA elsewhere is asked to sign.
import { createPublicKey } from "node:crypto";
import { AppError, isAppError } from "../model/errors.ts";
import { checkName, checkSpki, readExtension, readPublicKey, type Extension } from "./certificate.ts";
import {
  bytesOf,
  checkDer,
  derMalformed,
  encodeSequence,
  encodeTlv,
  equalBytes,
  expectTag,
  readChildren,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import {
  decodeBitString,
  decodeInteger,
  decodeOid,
  encodeBitString,
  encodeInteger,
  encodeOid,
} from "./der-values.ts";
import type { PrivateKey } from "./keys.ts";
import { isSignedByKey, signerFor } from "./signatures.ts";

export interface CertificationRequest {
  readonly der: Uint8Array;
  /** CertificationRequestInfo: the signed part. */
  readonly tbsDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  readonly spkiDer: Uint8Array;
  /** Of the extensionRequest attribute, in its order; empty without one. */
  readonly extensions: readonly Extension[];
  /** OID. */
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
}

export interface CsrRequest {
  /** A whole Name. */
  readonly subjectDer: Uint8Array;
  /** Whole extensions, in the order they shall have. */
  readonly extensionsDer: readonly Uint8Array[];
  readonly key: PrivateKey;
}

/** PKCS#9 extensionRequest (RFC 2985 section 5.4.2). */
const extensionRequest = "1.2.840.113549.1.9.14";

/** No request of a control plane comes near this; a larger one is refused unread. */
const limitBytes = 64 * 1024;

/**
 * A request signed by the key itself: SHA-256 for RSA, the curve's hash for ECDSA, Ed25519.
 * @returns DER
 * @throws AppError issue-refused when the signature does not verify
 */
export function createRequest({ subjectDer, extensionsDer, key }: CsrRequest): Uint8Array {
  const signer = signerFor(key);
  const wanted = encodeSequence(
    encodeOid(extensionRequest),
    encodeTlv(tags.set, encodeSequence(...extensionsDer)),
  );
  const tbs = encodeSequence(
    encodeInteger(0n),
    subjectDer,
    key.spkiDer,
    // The attributes are not optional: without any there is an empty set (RFC 2986 section 4.1).
    encodeTlv(0xa0, ...(extensionsDer.length === 0 ? [] : [wanted])),
  );
  const der = encodeSequence(tbs, signer.algorithmDer, encodeBitString(signer.sign(tbs)));
  if (!isSignedByKey(parseRequest(der), createPublicKey(key.keyObject)))
    throw new AppError("issue-refused", { reason: "the signature of the request does not verify" });
  return der;
}

/** Whether the request was signed with the key that it names: its sender holds that key. */
export function isSelfSignedRequest(request: CertificationRequest): boolean {
  return isSignedByKey(request, readPublicKey(request.spkiDer));
}

/** True when both ask for the same: subject and extensions to the byte, whatever the key. */
export function asksTheSame(
  request: CertificationRequest,
  { subjectDer, extensionsDer }: Pick<CsrRequest, "subjectDer" | "extensionsDer">,
): boolean {
  const asked = request.extensions.map(({ der }) => der);
  return (
    equalBytes(request.subjectDer, subjectDer) &&
    asked.length === extensionsDer.length &&
    asked.every((der, index) => equalBytes(der, extensionsDer[index] ?? new Uint8Array()))
  );
}

/**
 * Reads one request; the signature is not checked (`isSelfSignedRequest`).
 * @param der exactly one DER CertificationRequest
 * @throws AppError certificate-malformed, its cause a der-malformed with the offset
 */
export function parseRequest(der: Uint8Array): CertificationRequest {
  try {
    return readRequest(new Uint8Array(der.buffer, der.byteOffset, der.byteLength));
  } catch (error) {
    if (!isAppError(error, "der-malformed")) throw error;
    const { reason, offset } = error.params;
    throw new AppError("certificate-malformed", { reason: `${reason} at byte ${offset}` }, { cause: error });
  }
}

function readRequest(der: Uint8Array): CertificationRequest {
  if (der.length > limitBytes) throw derMalformed("request too large", 0);
  checkDer(der);
  const [tbs, algorithm, signature, ...rest] = readChildren(der, readWhole(der, tags.sequence));
  if (!tbs || !algorithm || !signature || rest.length > 0)
    throw derMalformed("request without its three parts", 0);
  const [version, subject, spki, attributes, ...more] = readChildren(der, expectTag(tbs, tags.sequence));
  if (!version || !subject || !spki || more.length > 0) throw derMalformed("request too short", tbs.start);
  if (decodeInteger(der, version) !== 0n) throw derMalformed("unknown version", version.start);
  checkName(der, subject);
  checkSpki(der, spki);
  const [oid] = readChildren(der, expectTag(algorithm, tags.sequence));
  if (!oid) throw derMalformed("signature algorithm missing", algorithm.start);
  return {
    der,
    tbsDer: bytesOf(der, tbs),
    subjectDer: bytesOf(der, subject),
    spkiDer: bytesOf(der, spki),
    extensions: attributes ? readAttributes(der, attributes) : [],
    signatureAlgorithm: decodeOid(der, oid),
    signature: decodeBitString(der, signature).bytes,
  };
}

/** Other attributes (challengePassword) mean nothing here. */
function readAttributes(der: Uint8Array, attributes: Tlv): readonly Extension[] {
  const lists = readChildren(der, expectTag(attributes, 0xa0)).flatMap((attribute) => {
    const [oid, values, ...rest] = readChildren(der, expectTag(attribute, tags.sequence));
    if (!oid || !values || rest.length > 0)
      throw derMalformed("attribute without type and values", attribute.start);
    return decodeOid(der, oid) === extensionRequest ? [values] : [];
  });
  if (lists.length > 1) throw derMalformed("extensions asked for twice", attributes.start);
  return lists.flatMap((values) => {
    const [list, ...others] = readChildren(der, expectTag(values, tags.set));
    if (!list || others.length > 0) throw derMalformed("extension request without one value", values.start);
    return readChildren(der, expectTag(list, tags.sequence)).map((tlv) => readExtension(der, tlv));
  });
}
