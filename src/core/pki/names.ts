// Distinguished names (RFC 5280 section 4.1.2.4): every string type seen in the field, read and written.
import { AppError } from "../model/errors.ts";
import {
  contentOf,
  derMalformed,
  encodeSequence,
  encodeTlv,
  equalBytes,
  readChildren,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import { decodeOid, encodeOid } from "./der-values.ts";

export interface NameAttribute {
  readonly oid: string;
  /** Short name (`CN`, `O`, ...), or the dotted OID when it has none here. */
  readonly type: string;
  /** Raw: control characters and NUL are kept; a value that is no string is `#` and its DER in hex (RFC 4514 section 2.4). */
  readonly value: string;
}

/** RDNs in the order of the encoding; nearly all have one attribute. */
export interface DistinguishedName {
  readonly rdns: readonly (readonly NameAttribute[])[];
}

const shortNames: Readonly<Record<string, string>> = {
  "2.5.4.3": "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.17": "postalCode",
  "2.5.4.42": "GN",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  "1.2.840.113549.1.9.1": "emailAddress",
};

const printable = /^[A-Za-z0-9 '()+,\-./:=?*&]*$/;

function latin1(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString("latin1");
}

function utf8(content: Uint8Array): string {
  return Buffer.from(content.buffer, content.byteOffset, content.length).toString("utf8");
}

/** UCS-2 (BMPString) or UCS-4 (UniversalString), big-endian. */
function wide(content: Uint8Array, width: 2 | 4): string {
  let text = "";
  for (let at = 0; at + width <= content.length; at += width) {
    let code = 0;
    for (let i = 0; i < width; i++) code = code * 256 + (content[at + i] ?? 0);
    text += width === 2 ? String.fromCharCode(code) : String.fromCodePoint(code > 0x10ffff ? 0xfffd : code);
  }
  return text;
}

function decodeText(der: Uint8Array, tlv: Tlv): string {
  const content = contentOf(der, tlv);
  switch (tlv.tag) {
    case tags.utf8String:
      return utf8(content);
    case tags.printableString:
    case tags.ia5String:
    case tags.numericString:
    case tags.t61String:
      return latin1(content);
    case tags.bmpString:
      return wide(content, 2);
    case tags.universalString:
      return wide(content, 4);
    default:
      return `#${Buffer.from(der.subarray(tlv.start, tlv.end)).toString("hex")}`;
  }
}

/** Why Go's crypto/x509 refuses a string, though it can be read; undefined when all is well. */
function stringFault(der: Uint8Array, tlv: Tlv): string | undefined {
  const content = contentOf(der, tlv);
  switch (tlv.tag) {
    case tags.utf8String:
      return equalBytes(Buffer.from(utf8(content), "utf8"), content) ? undefined : "invalid UTF-8";
    case tags.printableString:
      return printable.test(latin1(content)) ? undefined : "invalid PrintableString";
    case tags.ia5String:
      return content.every((byte) => byte < 0x80) ? undefined : "invalid IA5String";
    case tags.numericString:
      return /^[0-9 ]*$/.test(latin1(content)) ? undefined : "invalid NumericString";
    case tags.t61String:
      return undefined;
    case tags.bmpString:
      return content.length % 2 === 0 ? undefined : "invalid BMPString";
    default:
      return "string type unknown to Go";
  }
}

interface AttributeTlv {
  readonly oid: Tlv;
  readonly value: Tlv;
}

function readAttributeTlv(der: Uint8Array, tlv: Tlv): AttributeTlv {
  if (tlv.tag !== tags.sequence) throw derMalformed("attribute is no sequence", tlv.start);
  const [oid, value, ...rest] = readChildren(der, tlv);
  if (!oid || !value || rest.length > 0) throw derMalformed("attribute without type and value", tlv.start);
  return { oid, value };
}

function readRdns(der: Uint8Array): AttributeTlv[][] {
  return readChildren(der, readWhole(der, tags.sequence)).map((rdn) => {
    const attributes = rdn.tag === tags.set ? readChildren(der, rdn) : [];
    if (attributes.length === 0) throw derMalformed("relative name without attributes", rdn.start);
    return attributes.map((attribute) => readAttributeTlv(der, attribute));
  });
}

/** Reads a Name (the whole SEQUENCE). @throws AppError der-malformed */
export function parseName(der: Uint8Array): DistinguishedName {
  const rdns = readRdns(der).map((rdn) =>
    rdn.map(({ oid: oidTlv, value }) => {
      const oid = decodeOid(der, oidTlv);
      return { oid, type: shortNames[oid] ?? oid, value: decodeText(der, value) };
    }),
  );
  return { rdns };
}

/** Strings of a Name that Go refuses: "invalid PrintableString" and the like. @throws AppError der-malformed */
export function nameStringFaults(der: Uint8Array): string[] {
  return readRdns(der).flatMap((rdn) => rdn.flatMap(({ value }) => stringFault(der, value) ?? []));
}

function valuesOf(name: DistinguishedName, type: string): string[] {
  return name.rdns.flatMap((rdn) =>
    rdn.filter((attribute) => attribute.type === type).map(({ value }) => value),
  );
}

/** The last CN, as Go and OpenSSL-based servers take it; undefined when there is none. */
export function commonName(name: DistinguishedName): string | undefined {
  return valuesOf(name, "CN").at(-1);
}

/** All O values in order: the groups of a Kubernetes user. */
export function organizations(name: DistinguishedName): readonly string[] {
  return valuesOf(name, "O");
}

/** `CN=x, OU=y + OU=z, O=w`: last RDN first, as RFC 2253 orders them. Values are raw; whoever prints escapes. */
export function formatName(name: DistinguishedName): string {
  const rdns = name.rdns.map((rdn) => rdn.map(({ type, value }) => `${type}=${value}`).join(" + "));
  return rdns.reverse().join(", ");
}

export interface NameInput {
  /** A short name (`CN`, `O`, ...) or a dotted OID. */
  readonly type: string;
  readonly value: string;
}

function oidOfType(type: string): string {
  const known = Object.entries(shortNames).find(([, short]) => short === type)?.[0];
  const oid = known ?? type;
  if (/^[0-2](\.\d+)+$/.test(oid)) return oid;
  throw new AppError("value-invalid", {
    what: "name attribute",
    value: type,
    expected: "CN, O, OU, C or an OID",
  });
}

function encodeText(oid: string, value: string): Uint8Array {
  const type = shortNames[oid];
  if (type === "DC" || type === "emailAddress")
    return encodeTlv(tags.ia5String, Buffer.from(value, "latin1"));
  // Go writes '*' and '&' as UTF8String: they are not in the PrintableString of X.680.
  const isPrintable = printable.test(value) && !/[*&]/.test(value);
  return encodeTlv(isPrintable ? tags.printableString : tags.utf8String, Buffer.from(value, "utf8"));
}

/** A Name with one attribute per RDN, in the order given; PrintableString where it fits, UTF8String otherwise. */
export function encodeName(attributes: readonly NameInput[]): Uint8Array {
  const rdns = attributes.map(({ type, value }) => {
    const oid = oidOfType(type);
    return encodeTlv(tags.set, encodeSequence(encodeOid(oid), encodeText(oid, value)));
  });
  return encodeSequence(...rdns);
}
