// What the known extensions hold (RFC 5280 section 4.2.1): values out of the DER inside an extension's OCTET STRING.
import { isAppError } from "../model/errors.ts";
import {
  bytesOf,
  contentOf,
  derMalformed,
  expectTag,
  readChildren,
  readTlv,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import {
  decodeBitString,
  decodeBoolean,
  decodeOctetString,
  decodeOid,
  decodeSmallInteger,
} from "./der-values.ts";
import { formatIpAddress } from "./ip-address.ts";
import { formatName, parseName } from "./names.ts";

export const extensionOids = {
  subjectKeyId: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAltName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  nameConstraints: "2.5.29.30",
  crlDistributionPoints: "2.5.29.31",
  certificatePolicies: "2.5.29.32",
  authorityKeyId: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  authorityInfoAccess: "1.3.6.1.5.5.7.1.1",
} as const;

export interface SanEntry {
  readonly kind: "dns" | "ip" | "email" | "uri" | "other";
  /** Text as people write it; for `other` the kind and what can be shown: `dirname:CN=x`, `rid:1.2.3`, `othername:1.2.3`. */
  readonly value: string;
  /** The GeneralName, tag included. */
  readonly der: Uint8Array;
}

export interface BasicConstraints {
  readonly isCa: boolean;
  /** How many CAs may follow below; absent when unlimited. */
  readonly pathLength?: number;
}

export interface AuthorityKeyId {
  readonly keyId?: Uint8Array;
  /** GeneralNames of the issuer's issuer: content of the [1], without its tag. */
  readonly issuerDer?: Uint8Array;
  /** Content bytes of the issuer's serial. */
  readonly serial?: Uint8Array;
}

export type KeyUsageBit =
  | "digitalSignature"
  | "nonRepudiation"
  | "keyEncipherment"
  | "dataEncipherment"
  | "keyAgreement"
  | "keyCertSign"
  | "cRLSign"
  | "encipherOnly"
  | "decipherOnly";

/** In the order of RFC 5280 section 4.2.1.3. */
export const keyUsageBits: readonly KeyUsageBit[] = [
  "digitalSignature",
  "nonRepudiation",
  "keyEncipherment",
  "dataEncipherment",
  "keyAgreement",
  "keyCertSign",
  "cRLSign",
  "encipherOnly",
  "decipherOnly",
];

/** Names of extended key usages (RFC 5280 section 4.2.1.12). */
export const usageNames: Readonly<Record<string, string>> = {
  "2.5.29.37.0": "any",
  "1.3.6.1.5.5.7.3.1": "serverAuth",
  "1.3.6.1.5.5.7.3.2": "clientAuth",
  "1.3.6.1.5.5.7.3.3": "codeSigning",
  "1.3.6.1.5.5.7.3.4": "emailProtection",
  "1.3.6.1.5.5.7.3.8": "timeStamping",
  "1.3.6.1.5.5.7.3.9": "OCSPSigning",
};

function ia5(der: Uint8Array, tlv: Tlv): string {
  const content = contentOf(der, tlv);
  if (content.some((byte) => byte >= 0x80))
    throw derMalformed("subject alternative name is not ASCII", tlv.start);
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1");
}

function ip(der: Uint8Array, tlv: Tlv): string {
  const content = contentOf(der, tlv);
  if (content.length === 4 || content.length === 16) return formatIpAddress(content);
  throw derMalformed("IP address of a wrong length", tlv.start);
}

function knownOther(der: Uint8Array, tlv: Tlv): string | undefined {
  const content = contentOf(der, tlv);
  if (tlv.tag === 0xa4) return `dirname:${formatName(parseName(content))}`;
  if (tlv.tag === 0xa0) return `othername:${decodeOid(content, readTlv(content, 0))}`;
  if (tlv.tag !== 0x88) return undefined;
  return `rid:${decodeOid(content, { tag: tags.oid, start: 0, contentStart: 0, end: content.length })}`;
}

/** Go does not look into these names, so a malformed one does not make the certificate malformed: it is shown in hex. */
function otherValue(der: Uint8Array, tlv: Tlv): string {
  const hex = `tag-${tlv.tag & 0x1f}:${Buffer.from(contentOf(der, tlv)).toString("hex")}`;
  try {
    return knownOther(der, tlv) ?? hex;
  } catch (error) {
    if (isAppError(error, "der-malformed")) return hex;
    throw error;
  }
}

/** One GeneralName (RFC 5280 section 4.2.1.6). */
function decodeGeneralName(der: Uint8Array, tlv: Tlv): SanEntry {
  const entry = { der: bytesOf(der, tlv) };
  switch (tlv.tag) {
    case 0x81:
      return { kind: "email", value: ia5(der, tlv), ...entry };
    case 0x82:
      return { kind: "dns", value: ia5(der, tlv), ...entry };
    case 0x86:
      return { kind: "uri", value: ia5(der, tlv), ...entry };
    case 0x87:
      return { kind: "ip", value: ip(der, tlv), ...entry };
    default:
      return { kind: "other", value: otherValue(der, tlv), ...entry };
  }
}

/** @throws AppError der-malformed, as all decoders of this file */
export function decodeSubjectAltNames(valueDer: Uint8Array): SanEntry[] {
  return readChildren(valueDer, readWhole(valueDer, tags.sequence)).map((tlv) =>
    decodeGeneralName(valueDer, tlv),
  );
}

export function decodeKeyUsage(valueDer: Uint8Array): KeyUsageBit[] {
  const { bytes } = decodeBitString(valueDer, readWhole(valueDer, tags.bitString));
  return keyUsageBits.filter((_, bit) => (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1) === 1);
}

export function decodeExtendedKeyUsages(valueDer: Uint8Array): string[] {
  return readChildren(valueDer, readWhole(valueDer, tags.sequence)).map((tlv) => {
    const oid = decodeOid(valueDer, tlv);
    return usageNames[oid] ?? oid;
  });
}

export function decodeBasicConstraints(valueDer: Uint8Array): BasicConstraints {
  const parts = readChildren(valueDer, readWhole(valueDer, tags.sequence));
  const hasFlag = parts[0]?.tag === tags.boolean;
  const [pathLength, ...rest] = hasFlag ? parts.slice(1) : parts;
  if (rest.length > 0) throw derMalformed("basic constraints with too many parts", 0);
  const isCa = hasFlag && parts[0] !== undefined && decodeBoolean(valueDer, parts[0]);
  return pathLength ? { isCa, pathLength: decodeSmallInteger(valueDer, pathLength) } : { isCa };
}

export function decodeSubjectKeyId(valueDer: Uint8Array): Uint8Array {
  return decodeOctetString(valueDer, readWhole(valueDer, tags.octetString));
}

export function decodeAuthorityKeyId(valueDer: Uint8Array): AuthorityKeyId {
  const parts = readChildren(valueDer, readWhole(valueDer, tags.sequence));
  const contentOfTag = (tag: number): Uint8Array | undefined => {
    const tlv = parts.find((part) => part.tag === tag);
    return tlv && contentOf(valueDer, tlv);
  };
  const [keyId, issuerDer, serial] = [contentOfTag(0x80), contentOfTag(0xa1), contentOfTag(0x82)];
  return { ...(keyId && { keyId }), ...(issuerDer && { issuerDer }), ...(serial && { serial }) };
}

function checkSubjectAltNames(valueDer: Uint8Array): void {
  const list = expectTag(readWhole(valueDer, tags.sequence), tags.sequence);
  for (const tlv of readChildren(valueDer, list)) {
    const length = tlv.end - tlv.contentStart;
    if (tlv.tag === 0x87 && length !== 4 && length !== 16)
      throw derMalformed("IP address of a wrong length", tlv.start);
    if (tlv.tag === 0x81 || tlv.tag === 0x82 || tlv.tag === 0x86) {
      for (let at = tlv.contentStart; at < tlv.end; at++) {
        if ((valueDer[at] ?? 0) >= 0x80)
          throw derMalformed("subject alternative name is not ASCII", tlv.start);
      }
    }
  }
}

/**
 * Go's crypto/x509 refuses a certificate with a malformed known extension; so does the reader, with this.
 * @throws AppError der-malformed
 */
export function checkExtensionValue(oid: string, valueDer: Uint8Array): void {
  switch (oid) {
    case extensionOids.subjectAltName:
      checkSubjectAltNames(valueDer);
      return;
    case extensionOids.keyUsage:
      decodeBitString(valueDer, readWhole(valueDer, tags.bitString));
      return;
    case extensionOids.extendedKeyUsage:
      for (const tlv of readChildren(valueDer, readWhole(valueDer, tags.sequence))) decodeOid(valueDer, tlv);
      return;
    case extensionOids.basicConstraints:
      decodeBasicConstraints(valueDer);
      return;
    case extensionOids.subjectKeyId:
      readWhole(valueDer, tags.octetString);
      return;
    case extensionOids.authorityKeyId:
      readChildren(valueDer, readWhole(valueDer, tags.sequence));
      return;
    default:
  }
}
