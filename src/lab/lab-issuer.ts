// Keys and certificates as kubeadm makes them (cmd/kubeadm/app/util/pkiutil), for trees that are thrown away.
import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { parseCertificate } from "../core/pki/certificate.ts";
import {
  encodeAuthorityKeyId,
  encodeBasicConstraints,
  encodeExtendedKeyUsages,
  encodeKeyUsage,
  encodeSubjectAltNames,
  encodeSubjectKeyId,
  type SanInput,
  subjectKeyId,
} from "../core/pki/extensions.ts";
import { keyIdOfSpki } from "../core/pki/fingerprints.ts";
import { issueCertificate } from "../core/pki/issue.ts";
import {
  asPrivateKey,
  encodePrivateKey,
  formatFor,
  type KeySpec,
  parseKeySpec,
  type PrivateKey,
} from "../core/pki/keys.ts";
import { encodeName } from "../core/pki/names.ts";
import { encodePem } from "../core/pki/pem.ts";

const generate = promisify(generateKeyPair);

/** A certificate with its key, ready to be written. */
export interface LabPair {
  readonly certificateDer: Uint8Array;
  readonly key: PrivateKey;
}

export interface Validity {
  /** ms since the epoch, whole seconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface LeafRequest extends Validity {
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly usages: readonly string[];
  readonly sans?: readonly SanInput[];
  /** Whole extensions behind kubeadm's own. */
  readonly moreExtensions?: readonly Uint8Array[];
}

/** `keySpec` as kubeadm spells it: `RSA-2048`, `ECDSA-P256`. */
export async function makeKey(keySpec: string): Promise<PrivateKey> {
  const spec = parseKeySpec(keySpec);
  return asPrivateKey(await generateFor(spec), formatFor(spec, "pkcs1"));
}

/** A key of this kind and size, in memory only. */
export async function generateFor(spec: KeySpec): Promise<PrivateKey["keyObject"]> {
  switch (spec.kind) {
    case "rsa":
      return (await generate("rsa", { modulusLength: spec.bits })).privateKey;
    case "ecdsa":
      return (await generate("ec", { namedCurve: spec.curve })).privateKey;
    case "ed25519":
      return (await generate("ed25519")).privateKey;
  }
}

/** A self-signed authority with kubeadm's key usages (no cRLSign). */
export async function makeAuthority(
  commonName: string,
  keySpec: string,
  validity: Validity,
): Promise<LabPair> {
  const key = await makeKey(keySpec);
  const nameDer = encodeName([{ type: "CN", value: commonName }]);
  const certificateDer = issueCertificate({
    ...validity,
    serial: newSerial(),
    issuerDer: nameDer,
    subjectDer: nameDer,
    spkiDer: key.spkiDer,
    issuerKey: key,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature", "keyEncipherment", "keyCertSign"]),
      encodeBasicConstraints({ isCa: true }),
      encodeSubjectKeyId(keyIdOfSpki(key.spkiDer)),
    ],
  });
  return { certificateDer, key };
}

/** A leaf for a key of its own. */
export async function makeLeaf(authority: LabPair, keySpec: string, request: LeafRequest): Promise<LabPair> {
  const key = await makeKey(keySpec);
  return { certificateDer: signLeaf(authority, key, request), key };
}

/** A leaf for a given key. @returns DER */
export function signLeaf(authority: LabPair, key: PrivateKey, request: LeafRequest): Uint8Array {
  const issuer = parseCertificate(authority.certificateDer);
  const { commonName, organizations = [], usages, sans = [], moreExtensions = [] } = request;
  return issueCertificate({
    notBefore: request.notBefore,
    notAfter: request.notAfter,
    serial: newSerial(),
    issuerDer: issuer.subjectDer,
    subjectDer: encodeName([
      ...organizations.map((value) => ({ type: "O", value })),
      { type: "CN", value: commonName },
    ]),
    spkiDer: key.spkiDer,
    issuerKey: authority.key,
    extensionsDer: [
      encodeKeyUsage(["digitalSignature", "keyEncipherment"]),
      encodeExtendedKeyUsages(usages),
      encodeAuthorityKeyId({ keyId: subjectKeyId(issuer) ?? keyIdOfSpki(issuer.spkiDer) }),
      ...(sans.length > 0 ? [encodeSubjectAltNames(sans)] : []),
      ...moreExtensions,
    ],
  });
}

export function certificatePem({ certificateDer }: Pick<LabPair, "certificateDer">): Uint8Array {
  return encodePem("CERTIFICATE", certificateDer);
}

export function keyPem({ key }: Pick<LabPair, "key">): Uint8Array {
  return encodePrivateKey(key.keyObject, key.format);
}

/** 63 random bits, never zero, as kubeadm takes them. */
export function newSerial(): Uint8Array {
  const serial = Uint8Array.from(randomBytes(8));
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}
