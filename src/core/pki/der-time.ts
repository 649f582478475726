// The two time types of X.509 as milliseconds since 1970: UTCTime (1950 to 2049) and GeneralizedTime (years 0000 to 9999).
import { AppError } from "../model/errors.ts";
import { derMalformed, encodeTlv, tags, type Tlv } from "./der.ts";

// Date.UTC reads years below 100 as 19xx; the Gregorian calendar repeats after 400 years.
const fourHundredYearsMs = 146_097 * 86_400_000;

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function twoDigits(der: Uint8Array, at: number): number {
  const [tens, ones] = [(der[at] ?? 0) - 48, (der[at + 1] ?? 0) - 48];
  if (tens < 0 || tens > 9 || ones < 0 || ones > 9)
    throw derMalformed("time with a character that is no digit", at);
  return tens * 10 + ones;
}

/** `+hhmm` or `-hhmm` in minutes. */
function offsetMinutes(der: Uint8Array, at: number): number {
  const sign = der[at] === 0x2b ? 1 : -1;
  const [hours, minutes] = [twoDigits(der, at + 1), twoDigits(der, at + 3)];
  if (hours > 23 || minutes > 59) throw derMalformed("time zone out of range", at);
  return sign * (hours * 60 + minutes);
}

function zoneMinutes(der: Uint8Array, at: number, end: number): number {
  if (end - at === 1 && der[at] === 0x5a) return 0;
  if (end - at === 5 && (der[at] === 0x2b || der[at] === 0x2d)) return offsetMinutes(der, at);
  throw derMalformed("time without a time zone", at);
}

function hasSeconds(der: Uint8Array, at: number): boolean {
  const byte = der[at] ?? 0;
  return byte >= 48 && byte <= 57;
}

/**
 * Milliseconds since 1970, always whole seconds. Like Go's cryptobyte this also reads UTCTime without seconds and
 * numeric time zones, which RFC 5280 section 4.1.2.5 forbids: ask `isDerTime`.
 * @throws AppError der-malformed
 */
export function decodeTime(der: Uint8Array, tlv: Tlv): number {
  const isUtc = tlv.tag === tags.utcTime;
  if (!isUtc && tlv.tag !== tags.generalizedTime)
    throw derMalformed("neither UTCTime nor GeneralizedTime", tlv.start);
  const length = tlv.end - tlv.contentStart;
  if (length < (isUtc ? 11 : 15) || length > 19) throw derMalformed("time of a wrong length", tlv.start);
  const at = tlv.contentStart + (isUtc ? 0 : 2);
  const short = twoDigits(der, at);
  const year = isUtc ? short + (short < 50 ? 2000 : 1900) : twoDigits(der, at - 2) * 100 + short;
  const [month, day] = [twoDigits(der, at + 2), twoDigits(der, at + 4)];
  const [hour, minute] = [twoDigits(der, at + 6), twoDigits(der, at + 8)];
  const withSeconds = !isUtc || hasSeconds(der, at + 10);
  const second = withSeconds ? twoDigits(der, at + 10) : 0;
  if (
    month < 1 ||
    month > 12 ||
    day < 1 ||
    day > daysIn(year, month) ||
    hour > 23 ||
    minute > 59 ||
    second > 59
  ) {
    throw derMalformed("date or time out of range", tlv.start);
  }
  const zone = zoneMinutes(der, at + (withSeconds ? 12 : 10), tlv.end);
  return Date.UTC(year + 400, month - 1, day, hour, minute, second) - fourHundredYearsMs - zone * 60_000;
}

/** Whether a time `decodeTime` accepts is written as RFC 5280 wants it: seconds, `Z`, UTCTime up to 2049. */
export function isDerTime(der: Uint8Array, tlv: Tlv): boolean {
  const length = tlv.end - tlv.contentStart;
  if (der[tlv.end - 1] !== 0x5a) return false;
  if (tlv.tag === tags.utcTime) return length === 13;
  return (
    length === 15 && twoDigits(der, tlv.contentStart) * 100 + twoDigits(der, tlv.contentStart + 2) >= 2050
  );
}

/**
 * UTCTime up to 2049, GeneralizedTime before 1950 and from 2050 (RFC 5280 section 4.1.2.5).
 * @param ms milliseconds since 1970, whole seconds, years 0000 to 9999
 * @throws AppError value-invalid
 */
export function encodeTime(ms: number): Uint8Array {
  const date = new Date(ms);
  const year = date.getUTCFullYear();
  if (!Number.isInteger(ms / 1000) || !(year >= 0 && year <= 9999)) {
    throw new AppError("value-invalid", {
      what: "time",
      value: String(ms),
      expected: "whole seconds, years 0 to 9999",
    });
  }
  const digits = date
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:T]/g, "");
  const isUtc = year >= 1950 && year < 2050;
  return encodeTlv(
    isUtc ? tags.utcTime : tags.generalizedTime,
    Buffer.from(isUtc ? digits.slice(2) : digits, "latin1"),
  );
}
