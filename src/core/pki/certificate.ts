// X.509 certificates (RFC 5280 section 4.1) as slices of their DER: cheap to read by the ten thousand, exact to the byte.
import type { Reason } from "../model/reasons.ts";
import { createPublicKey, type KeyObject } from "node:crypto";
import { AppError, isAppError } from "../model/errors.ts";
import { findAnomalies, type CertificateAnomaly, type ReaderNotes } from "./certificate-anomalies.ts";
import {
  bytesOf,
  checkDer,
  derMalformed,
  expectTag,
  readChildren,
  readTlv,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import { decodeTime, isDerTime } from "./der-time.ts";
import {
  checkBitString,
  decodeBitString,
  decodeBoolean,
  decodeOid,
  decodeSmallInteger,
  integerFromBytes,
  readIntegerBytes,
} from "./der-values.ts";
import { checkExtensionValue } from "./extension-values.ts";

export interface Extension {
  readonly oid: string;
  readonly critical: boolean;
  /** Whether the BOOLEAN is there at all: DER leaves out `critical FALSE`, some writers do not. */
  readonly isCriticalEncoded: boolean;
  /** What the OCTET STRING holds. */
  readonly valueDer: Uint8Array;
  /** The whole extension. */
  readonly der: Uint8Array;
}

/** Everything in bytes is a view into `der`. */
export interface Certificate {
  readonly der: Uint8Array;
  /** The signed part, tag and length included. */
  readonly tbsDer: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Content bytes of the INTEGER, as they stand (two's complement). */
  readonly serial: Uint8Array;
  /** Lower case, no separators, no sign byte: `0a1b`; `-05` when negative, `00` when zero. */
  readonly serialHex: string;
  readonly serialDecimal: string;
  /** OID of the signature algorithm. */
  readonly signatureAlgorithm: string;
  /** AlgorithmIdentifier with its parameters. */
  readonly signatureAlgorithmDer: Uint8Array;
  readonly signature: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly subjectDer: Uint8Array;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spkiDer: Uint8Array;
  /** The key as OpenSSL reads it, once per certificate; undefined when it cannot. */
  readonly publicKey: KeyObject | undefined;
  /** In the order of the encoding; empty below version 3. */
  readonly extensions: readonly Extension[];
  /** What is odd about it but did not keep it from being read. */
  readonly anomalies: readonly CertificateAnomaly[];
}

function serialHexOf(serial: Uint8Array): string {
  const isNegative = (serial[0] ?? 0) >= 0x80;
  if (isNegative) return `-${evenHex(-integerFromBytes(serial))}`;
  const magnitude = serial.length > 1 && serial[0] === 0 ? serial.subarray(1) : serial;
  return Buffer.from(magnitude).toString("hex");
}

function evenHex(value: bigint): string {
  const hex = value.toString(16);
  return hex.length % 2 === 0 ? hex : `0${hex}`;
}

type LazyField = "serialHex" | "serialDecimal" | "anomalies" | "publicKey";

type EagerFields = Omit<Certificate, LazyField> & { readonly notes: ReaderNotes };

/** undefined when OpenSSL cannot read the key: a key nobody can read has verifiably signed nothing. */
export function readPublicKey(spkiDer: Uint8Array): KeyObject | undefined {
  try {
    return createPublicKey({ key: Buffer.from(spkiDer), format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** On a shared prototype: getters in each literal would cost more than all the rest of the reading. */
const lazyFields: Pick<Certificate, LazyField> & ThisType<Certificate & EagerFields> = {
  get serialHex() {
    return serialHexOf(this.serial);
  },
  get serialDecimal() {
    return integerFromBytes(this.serial).toString();
  },
  get publicKey() {
    const value = readPublicKey(this.spkiDer);
    Object.defineProperty(this, "publicKey", { value });
    return value;
  },
  get anomalies() {
    return findAnomalies(this, this.notes);
  },
};

function withLazyFields(fields: EagerFields): Certificate {
  const certificate: Pick<Certificate, LazyField> = Object.create(lazyFields);
  return Object.assign(certificate, fields);
}

function required(tlv: Tlv | undefined, reason: Reason): Tlv {
  if (tlv) return tlv;
  throw derMalformed(reason, 0);
}

function readVersion(der: Uint8Array, tlv: Tlv): 1 | 2 | 3 {
  const [inner, ...rest] = readChildren(der, tlv);
  const version = decodeSmallInteger(der, required(inner, "version missing"));
  if (rest.length > 0 || (version !== 0 && version !== 1 && version !== 2))
    throw derMalformed("unknown version", tlv.start);
  return version === 0 ? 1 : version === 1 ? 2 : 3;
}

/** One Extension (RFC 5280 section 4.1), also of a certification request. @throws AppError der-malformed */
export function readExtension(der: Uint8Array, tlv: Tlv): Extension {
  const [oidTlv, second, third, ...rest] = readChildren(der, expectTag(tlv, tags.sequence));
  const hasBoolean = second?.tag === tags.boolean;
  const value = expectTag(required(hasBoolean ? third : second, "extension value missing"), tags.octetString);
  if (rest.length > 0 || (!hasBoolean && third))
    throw derMalformed("extension with too many parts", tlv.start);
  const extension = {
    oid: decodeOid(der, required(oidTlv, "extension type missing")),
    critical: hasBoolean && decodeBoolean(der, second),
    isCriticalEncoded: hasBoolean,
    valueDer: der.subarray(value.contentStart, value.end),
    der: bytesOf(der, tlv),
  };
  checkExtensionValue(extension.oid, extension.valueDer);
  return extension;
}

function readExtensions(der: Uint8Array, parts: readonly Tlv[]): Extension[] {
  const tlv = parts.find((part) => part.tag === 0xa3);
  if (!tlv) return [];
  const [list, ...rest] = readChildren(der, tlv);
  if (rest.length > 0) throw derMalformed("more than one list of extensions", tlv.start);
  return readChildren(der, expectTag(required(list, "extensions missing"), tags.sequence)).map((e) =>
    readExtension(der, e),
  );
}

/** Structure only: names are decoded when somebody asks for them. @throws AppError der-malformed */
export function checkName(der: Uint8Array, tlv: Tlv): void {
  for (const rdn of readChildren(der, expectTag(tlv, tags.sequence))) {
    if (rdn.tag !== tags.set || rdn.contentStart === rdn.end)
      throw derMalformed("relative name without attributes", rdn.start);
    for (let at = rdn.contentStart; at < rdn.end;) {
      const attribute = expectTag(readTlv(der, at, rdn.end), tags.sequence);
      const oid = readTlv(der, attribute.contentStart, attribute.end);
      decodeOid(der, oid);
      const value = readTlv(der, oid.end, attribute.end);
      if (value.end !== attribute.end) throw derMalformed("attribute with too many parts", attribute.start);
      at = attribute.end;
    }
  }
}

/** Structure only. @throws AppError der-malformed */
export function checkSpki(der: Uint8Array, tlv: Tlv): void {
  const [algorithm, key, ...rest] = readChildren(der, expectTag(tlv, tags.sequence));
  const [oid] = readChildren(der, expectTag(required(algorithm, "key algorithm missing"), tags.sequence));
  decodeOid(der, required(oid, "key algorithm missing"));
  checkBitString(der, required(key, "public key missing"));
  if (rest.length > 0) throw derMalformed("public key with too many parts", tlv.start);
}

function readSignatureAlgorithm(der: Uint8Array, outer: Tlv, inner: Tlv): string {
  const length = inner.end - inner.start;
  let same = 0;
  while (same < length && der[inner.start + same] === der[outer.start + same]) same++;
  if (same < length || outer.end - outer.start !== length) {
    throw derMalformed("inner and outer signature algorithm differ", outer.start);
  }
  const [oid] = readChildren(der, expectTag(outer, tags.sequence));
  return decodeOid(der, required(oid, "signature algorithm missing"));
}

function readValidity(der: Uint8Array, tlv: Tlv) {
  const [from, to, ...rest] = readChildren(der, expectTag(tlv, tags.sequence));
  if (!from || !to || rest.length > 0) throw derMalformed("validity without two times", tlv.start);
  return {
    notBefore: decodeTime(der, from),
    notAfter: decodeTime(der, to),
    hasOddTime: !isDerTime(der, from) || !isDerTime(der, to),
  };
}

function readCertificate(der: Uint8Array): Certificate {
  checkDer(der);
  const [tbs, outerAlgorithm, signature, ...rest] = readChildren(der, readWhole(der, tags.sequence));
  if (!tbs || !outerAlgorithm || !signature || rest.length > 0)
    throw derMalformed("certificate without its three parts", 0);
  const all = readChildren(der, expectTag(tbs, tags.sequence));
  const versionTlv = all[0]?.tag === 0xa0 ? all[0] : undefined;
  const version = versionTlv ? readVersion(der, versionTlv) : 1;
  const [serialTlv, algorithm, issuer, validityTlv, subject, spki, ...optional] = versionTlv
    ? all.slice(1)
    : all;
  if (!serialTlv || !algorithm || !issuer || !validityTlv || !subject || !spki)
    throw derMalformed("certificate too short", tbs.start);
  checkName(der, issuer);
  checkName(der, subject);
  checkSpki(der, spki);
  const { notBefore, notAfter, hasOddTime } = readValidity(der, validityTlv);
  return withLazyFields({
    der,
    tbsDer: bytesOf(der, tbs),
    version,
    serial: readIntegerBytes(der, serialTlv),
    signatureAlgorithm: readSignatureAlgorithm(der, outerAlgorithm, algorithm),
    signatureAlgorithmDer: bytesOf(der, outerAlgorithm),
    signature: decodeBitString(der, signature).bytes,
    issuerDer: bytesOf(der, issuer),
    subjectDer: bytesOf(der, subject),
    notBefore,
    notAfter,
    spkiDer: bytesOf(der, spki),
    extensions: version === 3 ? readExtensions(der, optional) : [],
    notes: { hasOddTime, hasExtensionsAnyway: version < 3 && optional.some((p) => p.tag === 0xa3) },
  });
}

/**
 * Reads one certificate. Accepts what Go's crypto/x509 accepts; what some version of Go refuses although it can be
 * read (negative serial, duplicate extension, ...) is an anomaly, see `certificate-anomalies.ts`.
 * @param der exactly one DER certificate
 * @throws AppError certificate-malformed, its cause a der-malformed with the offset
 */
export function parseCertificate(der: Uint8Array): Certificate {
  try {
    return readCertificate(new Uint8Array(der.buffer, der.byteOffset, der.byteLength));
  } catch (error) {
    if (!isAppError(error, "der-malformed")) throw error;
    const { reason, offset } = error.params;
    throw new AppError("certificate-malformed", { reason: `${reason} at byte ${offset}` }, { cause: error });
  }
}

/** The first extension with this OID; undefined when there is none. */
export function findExtension(certificate: Certificate, oid: string): Extension | undefined {
  return certificate.extensions.find((extension) => extension.oid === oid);
}
