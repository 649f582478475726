// IP addresses as certificates hold them (4 or 16 bytes) and as people write them (RFC 5952).
import { AppError } from "../model/errors.ts";

function groupsOf(bytes: Uint8Array): number[] {
  return Array.from({ length: 8 }, (_, i) => (bytes[2 * i] ?? 0) * 256 + (bytes[2 * i + 1] ?? 0));
}

/** The longest run of zero groups, the first of equals, at least two long (RFC 5952 section 4.2). */
function longestZeroRun(groups: readonly number[]): { at: number; length: number } {
  let best = { at: -1, length: 1 };
  for (let at = 0; at < groups.length; at++) {
    let length = 0;
    while (groups[at + length] === 0) length++;
    if (length > best.length) best = { at, length };
    at += length;
  }
  return best;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups = groupsOf(bytes);
  if (groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff) {
    return `::ffff:${[...bytes.subarray(12)].join(".")}`;
  }
  const hex = groups.map((group) => group.toString(16));
  const { at, length } = longestZeroRun(groups);
  return at === -1 ? hex.join(":") : `${hex.slice(0, at).join(":")}::${hex.slice(at + length).join(":")}`;
}

/** @param bytes 4 or 16 bytes @throws TypeError for another length */
export function formatIpAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  if (bytes.length === 16) return formatIpv6(bytes);
  throw new TypeError("an IP address has 4 or 16 bytes");
}

function parseIpv4(text: string): readonly number[] | undefined {
  const parts = text.split(".");
  const isRight =
    parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return isRight ? parts.map(Number) : undefined;
}

/** The bytes of colon-separated groups, an IPv4 address allowed as the last of them; undefined when malformed. */
function parseGroups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const groups = text.split(":");
  const bytes: number[] = [];
  for (const [index, group] of groups.entries()) {
    const isHex = /^[0-9a-f]{1,4}$/i.test(group);
    const value = Number.parseInt(group, 16);
    const part = isHex
      ? [value >> 8, value & 0xff]
      : index === groups.length - 1
        ? parseIpv4(group)
        : undefined;
    if (!part) return undefined;
    bytes.push(...part);
  }
  return bytes;
}

function parseIpv6(text: string): readonly number[] | undefined {
  const halves = text.split("::");
  const [head, tail] = [parseGroups(halves[0] ?? ""), parseGroups(halves[1] ?? "")];
  if (!head || !tail || text === "" || halves.length > 2) return undefined;
  if (halves.length === 1) return head.length === 16 ? head : undefined;
  // "1.2.3.4::1": an IPv4 part may stand last only.
  if ((halves[0] ?? "").includes(".") || head.length + tail.length > 14) return undefined;
  return [...head, ...Array.from({ length: 16 - head.length - tail.length }, () => 0), ...tail];
}

/** 4 or 16 bytes, or undefined when the text is no IP address (a zone such as `%eth0` is none). */
export function tryParseIpAddress(text: string): Uint8Array | undefined {
  const bytes = text.includes(":") ? parseIpv6(text) : parseIpv4(text);
  return bytes && Uint8Array.from(bytes);
}

/** 4 or 16 bytes. @throws AppError value-invalid */
export function parseIpAddress(text: string): Uint8Array {
  const bytes = tryParseIpAddress(text);
  if (bytes) return bytes;
  throw new AppError("value-invalid", {
    what: "IP address",
    value: text,
    expected: "10.0.0.1 or 2001:db8::1",
  });
}
