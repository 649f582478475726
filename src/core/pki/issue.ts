// Issuing: a new certificate for an old identity, byte for byte where nothing has to change (RFC 5280 section 4.1).
import type { Reason } from "../model/reasons.ts";
import { createPublicKey } from "node:crypto";
import { AppError } from "../model/errors.ts";
import { parseCertificate, type Certificate } from "./certificate.ts";
import { encodeSequence, encodeTlv, equalBytes } from "./der.ts";
import { encodeTime } from "./der-time.ts";
import { encodeBitString, encodeInteger, encodeUnsignedInteger } from "./der-values.ts";
import { basicConstraints, keyUsage, subjectKeyId, type SanEntry, type SanInput } from "./extensions.ts";
import { keyIdOfSpki } from "./fingerprints.ts";
import { isSamePublicKey, type PrivateKey } from "./keys.ts";
import { derOfName, type IssuerIdentity, renewExtensions } from "./renew-extensions.ts";
import { isSignedByKey, signerFor } from "./signatures.ts";

export interface IssueRequest {
  /** Default 3; extensions need 3. */
  readonly version?: 1 | 3;
  /** Big-endian bytes of a positive number, at most 20 in the encoding (RFC 5280 section 4.1.2.2). */
  readonly serial: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** Milliseconds since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spkiDer: Uint8Array;
  /** Whole extensions, in the order they shall have. */
  readonly extensionsDer: readonly Uint8Array[];
  readonly issuerKey: PrivateKey;
  /** Signature algorithm to stay with when the key allows it (SHA-384 and SHA-512 with RSA). */
  readonly preferredAlgorithm?: string;
}

/** Who signs, for which key, and for how long. */
export interface SigningRequest {
  readonly issuer: Certificate;
  readonly issuerKey: PrivateKey;
  /** The key of the new certificate; the old certificate's own to keep the key. */
  readonly publicKeySpki: Uint8Array;
  readonly serial: Uint8Array;
  /** Milliseconds since 1970, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface RenewRequest extends SigningRequest {
  readonly old: Certificate;
  /** Names to have in the new certificate, appended where missing. */
  readonly addSans?: readonly (SanInput | SanEntry)[];
}

export interface RenewAuthorityRequest {
  readonly old: Certificate;
  /** The key to certify and to sign with: the old one, or a new one for a rollover. */
  readonly key: PrivateKey;
  /** Default: the old serial, so that leafs naming it in their AKI keep their path. */
  readonly serial?: Uint8Array;
  readonly notBefore: number;
  readonly notAfter: number;
}

function refused(reason: Reason): AppError<"issue-refused"> {
  return new AppError("issue-refused", { reason });
}

function encodeSerial(serial: Uint8Array): Uint8Array {
  const encoded = encodeUnsignedInteger(serial);
  if (encoded.length > 22) throw refused("the serial has more than 20 bytes");
  return encoded;
}

export function checkPositive(serial: Uint8Array): void {
  if (serial.every((byte) => byte === 0)) throw refused("the serial is zero");
}

/**
 * Builds and signs one certificate exactly as requested, and checks the signature before handing it out.
 * @returns DER
 * @throws AppError issue-refused, value-invalid (times)
 */
export function issueCertificate(request: IssueRequest): Uint8Array {
  const { version = 3, extensionsDer } = request;
  if (request.notAfter <= request.notBefore) throw refused("notAfter is not after notBefore");
  if (version === 1 && extensionsDer.length > 0)
    throw refused("a version 1 certificate cannot have extensions");
  const signer = signerFor(request.issuerKey, request.preferredAlgorithm);
  const tbs = encodeSequence(
    ...(version === 3 ? [encodeTlv(0xa0, encodeInteger(2n))] : []),
    encodeSerial(request.serial),
    signer.algorithmDer,
    request.issuerDer,
    encodeSequence(encodeTime(request.notBefore), encodeTime(request.notAfter)),
    request.subjectDer,
    request.spkiDer,
    ...(extensionsDer.length > 0 ? [encodeTlv(0xa3, encodeSequence(...extensionsDer))] : []),
  );
  const der = encodeSequence(tbs, signer.algorithmDer, encodeBitString(signer.sign(tbs)));
  if (!isSignedByKey(parseCertificate(der), createPublicKey(request.issuerKey.keyObject)))
    throw refused("the signature does not verify");
  return der;
}

function checkOld(old: Certificate, addSans: readonly unknown[]): void {
  if (old.anomalies.includes("duplicate-extension"))
    throw refused("the old certificate has an extension twice");
  if (old.version < 3 && addSans.length > 0)
    throw refused("a version 1 certificate has no extensions to add names to");
}

function isSelfIssued({ issuerDer, subjectDer }: Certificate): boolean {
  return equalBytes(issuerDer, subjectDer);
}

/** Like Go, a version 1 certificate passes as an authority if it is a root: it could not say CA:TRUE. */
export function checkIssuer(issuer: Certificate, key: PrivateKey): void {
  const isOldRoot = issuer.version < 3 && isSelfIssued(issuer);
  if (basicConstraints(issuer)?.isCa !== true && !isOldRoot) throw refused("the issuer is not a CA");
  if (keyUsage(issuer)?.bits.includes("keyCertSign") === false)
    throw refused("the issuer may not sign certificates");
  if (!isSamePublicKey(issuer.spkiDer, key.spkiDer))
    throw refused("the issuer's key does not match its certificate");
}

/**
 * A new certificate for the same identity. Subject and extensions stay byte for byte, in order, unknown ones and
 * `critical FALSE` included. What changes: serial, validity, issuer (the CA's subject), key, signature; the SKI when
 * the key changes; the values of the AKI's existing parts; the SAN when `addSans` brings a name it lacks.
 * @returns DER
 * @throws AppError issue-refused
 */
export function renewCertificate(request: RenewRequest): Uint8Array {
  const { old, issuer, issuerKey, publicKeySpki, addSans = [] } = request;
  checkIssuer(issuer, issuerKey);
  checkOld(old, addSans);
  checkPositive(request.serial);
  const identity: IssuerIdentity = {
    keyId: subjectKeyId(issuer) ?? keyIdOfSpki(issuer.spkiDer),
    issuerDer: issuer.issuerDer,
    serial: issuer.serial,
  };
  return issueCertificate({
    version: old.version === 3 ? 3 : 1,
    serial: request.serial,
    issuerDer: issuer.subjectDer,
    subjectDer: old.subjectDer,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    spkiDer: publicKeySpki,
    extensionsDer: renewExtensions(old, {
      spkiDer: publicKeySpki,
      issuer: identity,
      addSans: addSans.map(derOfName),
    }),
    issuerKey,
    preferredAlgorithm: old.signatureAlgorithm,
  });
}

/**
 * A new self-signed certificate of an authority. With the same key, leafs stay valid under it (by default the serial
 * stays too, even kubeadm 1.20's zero); with a new key this is the first half of a rollover.
 * @returns DER
 * @throws AppError issue-refused
 */
export function renewAuthority(request: RenewAuthorityRequest): Uint8Array {
  const { old, key, serial = old.serial } = request;
  if (!isSelfIssued(old)) throw refused("the authority is not self-signed");
  if (!equalBytes(serial, old.serial)) checkPositive(serial);
  if (old.anomalies.includes("serial-negative") && serial === old.serial)
    throw refused("the old serial is negative");
  checkOld(old, []);
  const keptId = isSamePublicKey(old.spkiDer, key.spkiDer) ? subjectKeyId(old) : undefined;
  const identity: IssuerIdentity = {
    keyId: keptId ?? keyIdOfSpki(key.spkiDer),
    issuerDer: old.subjectDer,
    serial: encodeSerial(serial).subarray(2),
  };
  return issueCertificate({
    version: old.version === 3 ? 3 : 1,
    serial,
    issuerDer: old.subjectDer,
    subjectDer: old.subjectDer,
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    spkiDer: key.spkiDer,
    extensionsDer: renewExtensions(old, { spkiDer: key.spkiDer, issuer: identity, addSans: [] }),
    issuerKey: key,
    preferredAlgorithm: old.signatureAlgorithm,
  });
}
