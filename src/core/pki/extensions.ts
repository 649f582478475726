// The known extensions of a certificate, read by name and written as whole extensions.
import type { Reason } from "../model/reasons.ts";
import { AppError, assertNever } from "../model/errors.ts";
import { findExtension, type Certificate, type Extension } from "./certificate.ts";
import { encodeSequence, encodeTlv } from "./der.ts";
import { encodeBitString, encodeBoolean, encodeInteger, encodeOctetString, encodeOid } from "./der-values.ts";
import {
  decodeAuthorityKeyId,
  decodeBasicConstraints,
  decodeExtendedKeyUsages,
  decodeKeyUsage,
  decodeSubjectAltNames,
  decodeSubjectKeyId,
  extensionOids,
  keyUsageBits,
  usageNames,
  type AuthorityKeyId,
  type BasicConstraints,
  type KeyUsageBit,
  type SanEntry,
} from "./extension-values.ts";
import { parseIpAddress } from "./ip-address.ts";

export { extensionOids, type AuthorityKeyId, type BasicConstraints, type KeyUsageBit, type SanEntry };

function read<T>(certificate: Certificate, oid: string, decode: (extension: Extension) => T): T | undefined {
  const extension = findExtension(certificate, oid);
  return extension && decode(extension);
}

/** Empty when the certificate has none. `parseCertificate` has checked the form: the readers of this file do not throw. */
export function subjectAltNames(certificate: Certificate): readonly SanEntry[] {
  return read(certificate, extensionOids.subjectAltName, (e) => decodeSubjectAltNames(e.valueDer)) ?? [];
}

export function keyUsage(
  certificate: Certificate,
): { readonly critical: boolean; readonly bits: readonly KeyUsageBit[] } | undefined {
  return read(certificate, extensionOids.keyUsage, (e) => ({
    critical: e.critical,
    bits: decodeKeyUsage(e.valueDer),
  }));
}

/** Usages by name (`serverAuth`, `clientAuth`, ...) or by OID when unknown. */
export function extendedKeyUsages(
  certificate: Certificate,
): { readonly critical: boolean; readonly usages: readonly string[] } | undefined {
  return read(certificate, extensionOids.extendedKeyUsage, (e) => ({
    critical: e.critical,
    usages: decodeExtendedKeyUsages(e.valueDer),
  }));
}

export function basicConstraints(
  certificate: Certificate,
): (BasicConstraints & { readonly critical: boolean }) | undefined {
  return read(certificate, extensionOids.basicConstraints, (e) => ({
    critical: e.critical,
    ...decodeBasicConstraints(e.valueDer),
  }));
}

export function subjectKeyId(certificate: Certificate): Uint8Array | undefined {
  return read(certificate, extensionOids.subjectKeyId, (e) => decodeSubjectKeyId(e.valueDer));
}

export function authorityKeyId(certificate: Certificate): AuthorityKeyId | undefined {
  return read(certificate, extensionOids.authorityKeyId, (e) => decodeAuthorityKeyId(e.valueDer));
}

/** Whether it says of itself that it may issue: basicConstraints CA:TRUE, keyCertSign if it has a key usage. */
export function isAuthority(certificate: Certificate): boolean {
  if (basicConstraints(certificate)?.isCa !== true) return false;
  return keyUsage(certificate)?.bits.includes("keyCertSign") ?? true;
}

/** One whole extension; `critical` is written only when true, as DER wants it. */
export function encodeExtension(oid: string, critical: boolean, valueDer: Uint8Array): Uint8Array {
  return encodeSequence(
    encodeOid(oid),
    ...(critical ? [encodeBoolean(true)] : []),
    encodeOctetString(valueDer),
  );
}

export interface SanInput {
  readonly kind: "dns" | "ip" | "email" | "uri";
  readonly value: string;
}

function encodeAscii(tag: number, what: Reason, value: string): Uint8Array {
  if (!/^[\x20-\x7e]+$/.test(value)) {
    throw new AppError("value-invalid", {
      what,
      value,
      expected: "printable ASCII (punycode for other letters)",
    });
  }
  return encodeTlv(tag, Buffer.from(value, "latin1"));
}

/** One GeneralName. @throws AppError value-invalid */
export function encodeGeneralName({ kind, value }: SanInput): Uint8Array {
  switch (kind) {
    case "email":
      return encodeAscii(0x81, "e-mail name", value);
    case "dns":
      return encodeAscii(0x82, "DNS name", value);
    case "uri":
      return encodeAscii(0x86, "URI", value);
    case "ip":
      return encodeTlv(0x87, parseIpAddress(value));
    default:
      return assertNever(kind);
  }
}

/** Names as text, or entries of another certificate, which are taken over byte for byte. */
export function encodeSubjectAltNames(names: readonly (SanInput | SanEntry)[], critical = false): Uint8Array {
  const entries = names.map((name) => ("der" in name ? name.der : encodeGeneralName(name)));
  return encodeExtension(extensionOids.subjectAltName, critical, encodeSequence(...entries));
}

/** A named bit list: trailing zero bits are left out (X.690 section 11.2.2). */
export function encodeKeyUsage(bits: readonly KeyUsageBit[], critical = true): Uint8Array {
  const positions = bits.map((bit) => keyUsageBits.indexOf(bit));
  const last = Math.max(-1, ...positions);
  const bytes = new Uint8Array((last + 8) >> 3);
  for (const at of positions) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (0x80 >> (at & 7));
  const value = encodeBitString(bytes, last < 0 ? 0 : 7 - (last & 7));
  return encodeExtension(extensionOids.keyUsage, critical, value);
}

/** Usages by name or OID. @throws AppError value-invalid */
export function encodeExtendedKeyUsages(usages: readonly string[], critical = false): Uint8Array {
  const oids = usages.map(
    (usage) => Object.entries(usageNames).find(([, name]) => name === usage)?.[0] ?? usage,
  );
  return encodeExtension(extensionOids.extendedKeyUsage, critical, encodeSequence(...oids.map(encodeOid)));
}

export function encodeBasicConstraints({ isCa, pathLength }: BasicConstraints, critical = true): Uint8Array {
  const parts = [
    ...(isCa ? [encodeBoolean(true)] : []),
    ...(pathLength === undefined ? [] : [encodeInteger(BigInt(pathLength))]),
  ];
  return encodeExtension(extensionOids.basicConstraints, critical, encodeSequence(...parts));
}

export function encodeSubjectKeyId(keyId: Uint8Array): Uint8Array {
  return encodeExtension(extensionOids.subjectKeyId, false, encodeOctetString(keyId));
}

/** The SEQUENCE inside the extension. */
export function encodeAuthorityKeyIdValue({ keyId, issuerDer, serial }: AuthorityKeyId): Uint8Array {
  return encodeSequence(
    ...(keyId ? [encodeTlv(0x80, keyId)] : []),
    ...(issuerDer ? [encodeTlv(0xa1, issuerDer)] : []),
    ...(serial ? [encodeTlv(0x82, serial)] : []),
  );
}

export function encodeAuthorityKeyId(keyId: AuthorityKeyId): Uint8Array {
  return encodeExtension(extensionOids.authorityKeyId, false, encodeAuthorityKeyIdValue(keyId));
}
