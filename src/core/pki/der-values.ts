// DER primitives as values: integers, object identifiers, strings of bits and bytes.
import { AppError } from "../model/errors.ts";
import { contentOf, derMalformed, encodeTlv, expectTag, tags, type Tlv } from "./der.ts";

/**
 * Two's complement content bytes of an INTEGER, checked to be minimal (X.690 section 8.3.2).
 * @throws AppError der-malformed
 */
export function readIntegerBytes(der: Uint8Array, tlv: Tlv): Uint8Array {
  expectTag(tlv, tags.integer);
  const [first, second] = [der[tlv.contentStart] ?? 0, der[tlv.contentStart + 1] ?? 0];
  const length = tlv.end - tlv.contentStart;
  if (length === 0) throw derMalformed("empty integer", tlv.start);
  const padded = (first === 0 && second < 0x80) || (first === 0xff && second >= 0x80);
  if (length > 1 && padded) throw derMalformed("integer not minimal", tlv.start);
  return contentOf(der, tlv);
}

/** The value of two's complement bytes. */
export function integerFromBytes(content: Uint8Array): bigint {
  if (content.length === 0) return 0n;
  const value = BigInt(`0x${Buffer.from(content).toString("hex")}`);
  return (content[0] ?? 0) < 0x80 ? value : value - (1n << BigInt(content.length * 8));
}

/** @throws AppError der-malformed */
export function decodeInteger(der: Uint8Array, tlv: Tlv): bigint {
  return integerFromBytes(readIntegerBytes(der, tlv));
}

/** A small non-negative INTEGER such as a version or a path length. @throws AppError der-malformed */
export function decodeSmallInteger(der: Uint8Array, tlv: Tlv): number {
  const content = readIntegerBytes(der, tlv);
  if (content.length > 4 || (content[0] ?? 0) >= 0x80) throw derMalformed("integer out of range", tlv.start);
  return content.reduce((value, byte) => value * 256 + byte, 0);
}

export function encodeInteger(value: bigint): Uint8Array {
  let bytes = 1n;
  while (value < -(1n << (bytes * 8n - 1n)) || value >= 1n << (bytes * 8n - 1n)) bytes++;
  const hex = BigInt.asUintN(Number(bytes * 8n), value).toString(16);
  return encodeTlv(tags.integer, Buffer.from(hex.padStart(Number(bytes) * 2, "0"), "hex"));
}

/** An INTEGER from the big-endian bytes of an unsigned number: leading zeros dropped, a zero added before a high bit. */
export function encodeUnsignedInteger(magnitude: Uint8Array): Uint8Array {
  let skip = 0;
  while (skip < magnitude.length - 1 && magnitude[skip] === 0) skip++;
  const bytes = magnitude.subarray(skip);
  const pad = bytes.length === 0 || (bytes[0] ?? 0) >= 0x80 ? [Uint8Array.of(0)] : [];
  return encodeTlv(tags.integer, ...pad, bytes);
}

/** DER allows 0x00 and 0xff only (X.690 section 11.1). @throws AppError der-malformed */
export function decodeBoolean(der: Uint8Array, tlv: Tlv): boolean {
  expectTag(tlv, tags.boolean);
  const value = der[tlv.contentStart];
  if (tlv.end - tlv.contentStart !== 1 || (value !== 0 && value !== 0xff)) {
    throw derMalformed("boolean neither 00 nor ff", tlv.start);
  }
  return value === 0xff;
}

export function encodeBoolean(value: boolean): Uint8Array {
  return encodeTlv(tags.boolean, Uint8Array.of(value ? 0xff : 0));
}

function oidArcs(der: Uint8Array, tlv: Tlv): string {
  let text = "";
  let arc = 0;
  let isFresh = true;
  for (let at = tlv.contentStart; at < tlv.end; at++) {
    const byte = der[at] ?? 0;
    if (isFresh && byte === 0x80) throw derMalformed("object identifier not minimal", tlv.start);
    if (arc > (Number.MAX_SAFE_INTEGER - 127) / 128)
      throw derMalformed("object identifier arc too large", tlv.start);
    arc = arc * 128 + (byte & 0x7f);
    isFresh = byte < 0x80;
    if (!isFresh) continue;
    if (text === "") text = arc < 80 ? `${Math.floor(arc / 40)}.${arc % 40}` : `2.${arc - 80}`;
    else text += `.${arc}`;
    arc = 0;
  }
  if (!isFresh || text === "") throw derMalformed("truncated object identifier", tlv.start);
  return text;
}

/** Dotted text such as `2.5.29.17`. @throws AppError der-malformed */
export function decodeOid(der: Uint8Array, tlv: Tlv): string {
  expectTag(tlv, tags.oid);
  const at = tlv.contentStart;
  const last = der[at + 2] ?? 0x80;
  // id-ce (2.5.29.x) and id-at (2.5.4.x): most of what a certificate holds.
  if (tlv.end - at === 3 && der[at] === 0x55 && last < 0x80) {
    if (der[at + 1] === 0x1d) return `2.5.29.${last}`;
    if (der[at + 1] === 0x04) return `2.5.4.${last}`;
  }
  return oidArcs(der, tlv);
}

function base128(arc: number): readonly number[] {
  const bytes = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    bytes.unshift(0x80 | (rest % 128));
  }
  return bytes;
}

/** @throws AppError value-invalid */
export function encodeOid(oid: string): Uint8Array {
  const arcs = /^[0-2](\.(0|[1-9]\d{0,14}))+$/.test(oid) ? oid.split(".").map(Number) : [];
  const [first, second, ...rest] = arcs;
  if (first === undefined || second === undefined || (first < 2 && second > 39)) {
    throw new AppError("value-invalid", {
      what: "object identifier",
      value: oid,
      expected: "1.2.840.113549",
    });
  }
  return encodeTlv(tags.oid, Uint8Array.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A BIT STRING: the bytes, and how many low bits of the last one are not part of it. */
export interface BitString {
  readonly unusedBits: number;
  readonly bytes: Uint8Array;
}

/** @throws AppError der-malformed also when unused bits are not zero (X.690 section 11.2.1) */
export function checkBitString(der: Uint8Array, tlv: Tlv): number {
  expectTag(tlv, tags.bitString);
  const length = tlv.end - tlv.contentStart;
  const unusedBits = der[tlv.contentStart] ?? 8;
  const last = der[tlv.end - 1] ?? 0;
  if (length === 0 || unusedBits > 7 || (length === 1 && unusedBits > 0)) {
    throw derMalformed("bit string without a count of unused bits", tlv.start);
  }
  if (length > 1 && (last & ((1 << unusedBits) - 1)) !== 0)
    throw derMalformed("unused bits not zero", tlv.start);
  return unusedBits;
}

/** @throws AppError der-malformed */
export function decodeBitString(der: Uint8Array, tlv: Tlv): BitString {
  const unusedBits = checkBitString(der, tlv);
  return { unusedBits, bytes: der.subarray(tlv.contentStart + 1, tlv.end) };
}

export function encodeBitString(bytes: Uint8Array, unusedBits = 0): Uint8Array {
  return encodeTlv(tags.bitString, Uint8Array.of(unusedBits), bytes);
}

/** @throws AppError der-malformed */
export function decodeOctetString(der: Uint8Array, tlv: Tlv): Uint8Array {
  return contentOf(der, expectTag(tlv, tags.octetString));
}

export function encodeOctetString(bytes: Uint8Array): Uint8Array {
  return encodeTlv(tags.octetString, bytes);
}
