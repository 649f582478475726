// Strict DER (X.690): slices of a byte array in, values out, and back. Nothing here copies until asked to.
import type { Reason } from "../model/reasons.ts";
import { AppError } from "../model/errors.ts";

/** One tag-length-value as offsets into the array it was read from. Tags are the identifier octet as it stands. */
export interface Tlv {
  readonly tag: number;
  /** Offset of the tag, in bytes. */
  readonly start: number;
  readonly contentStart: number;
  /** Offset behind the last content byte. */
  readonly end: number;
}

export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  t61String: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const;

const maxDepth = 32;

/** The error of this file: what is wrong, and how many bytes from the start of the array. */
export function derMalformed(reason: Reason, offset: number): AppError<"der-malformed"> {
  return new AppError("der-malformed", { reason, offset });
}

function longLength(der: Uint8Array, offset: number, end: number, first: number): number {
  const count = first & 0x7f;
  if (count === 0) throw derMalformed("indefinite length", offset);
  if (count > 4) throw derMalformed("length of more than four bytes", offset);
  if (offset + 2 + count > end) throw derMalformed("truncated length", offset);
  let length = 0;
  for (let i = 0; i < count; i++) length = length * 256 + (der[offset + 2 + i] ?? 0);
  if (length < 0x80 || length < 256 ** (count - 1)) throw derMalformed("length not minimal", offset);
  return length;
}

/**
 * Reads the tag and length at `offset`; the value must fit before `end` (default: the end of the array).
 * Bytes behind the value are not looked at; see `readWhole` and `readChildren` for that.
 * @throws AppError der-malformed
 */
export function readTlv(der: Uint8Array, offset: number, end: number = der.length): Tlv {
  if (offset < 0 || offset + 2 > end) throw derMalformed("truncated", offset);
  const tag = der[offset] ?? 0;
  if ((tag & 0x1f) === 0x1f) throw derMalformed("tag number above 30", offset);
  if (tag === 0) throw derMalformed("end-of-contents tag", offset);
  const first = der[offset + 1] ?? 0;
  const length = first < 0x80 ? first : longLength(der, offset, end, first);
  const contentStart = offset + 2 + (first < 0x80 ? 0 : first & 0x7f);
  const valueEnd = contentStart + length;
  if (valueEnd > end) throw derMalformed("value reaches beyond its container", offset);
  return { tag, start: offset, contentStart, end: valueEnd };
}

/** Reads the one value the array consists of, with this tag. @throws AppError der-malformed */
export function readWhole(der: Uint8Array, tag: number): Tlv {
  const tlv = expectTag(readTlv(der, 0), tag);
  if (tlv.end !== der.length) throw derMalformed("trailing bytes", tlv.end);
  return tlv;
}

export function expectTag(tlv: Tlv, tag: number): Tlv {
  if (tlv.tag === tag) return tlv;
  throw derMalformed(`tag 0x${tlv.tag.toString(16)} where 0x${tag.toString(16)} belongs`, tlv.start);
}

/** The values inside a constructed value; they fill it exactly. @throws AppError der-malformed */
export function readChildren(der: Uint8Array, tlv: Tlv): Tlv[] {
  const children: Tlv[] = [];
  for (let at = tlv.contentStart; at < tlv.end;) {
    const child = readTlv(der, at, tlv.end);
    children.push(child);
    at = child.end;
  }
  return children;
}

/**
 * Walks every constructed value of a complete DER value: well-formed, at most 32 deep, nothing behind it.
 * @throws AppError der-malformed
 */
export function checkDer(der: Uint8Array): void {
  const ends: number[] = [der.length];
  let at = 0;
  for (;;) {
    const limit = ends[ends.length - 1] ?? der.length;
    const tlv = readTlv(der, at, limit);
    if (ends.length === 1 && tlv.end !== der.length) throw derMalformed("trailing bytes", tlv.end);
    if ((tlv.tag & 0x20) !== 0) {
      if (ends.length >= maxDepth) throw derMalformed("nested too deep", at);
      ends.push(tlv.end);
      at = tlv.contentStart;
    } else {
      at = tlv.end;
    }
    while (ends.length > 0 && ends[ends.length - 1] === at) ends.pop();
    if (ends.length === 0) return;
  }
}

/** The content bytes of a value: a view, not a copy. */
export function contentOf(der: Uint8Array, tlv: Tlv): Uint8Array {
  return der.subarray(tlv.contentStart, tlv.end);
}

/** The whole value, tag and length included: a view, not a copy. */
export function bytesOf(der: Uint8Array, tlv: Tlv): Uint8Array {
  return der.subarray(tlv.start, tlv.end);
}

export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Joins byte arrays into a fresh one. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function encodeLength(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return [0x80 | bytes.length, ...bytes];
}

/** Writes one value around the joined contents. `tag` is the identifier octet (0x30 for SEQUENCE). */
export function encodeTlv(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const length = contents.reduce((sum, part) => sum + part.length, 0);
  return concatBytes([Uint8Array.of(tag, ...encodeLength(length)), ...contents]);
}

export function encodeSequence(...contents: readonly Uint8Array[]): Uint8Array {
  return encodeTlv(tags.sequence, ...contents);
}
