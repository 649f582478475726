// PEM files as people leave them on disk: blocks among comments, CRLF, a BOM, foreign blocks and rubbish.
import type { PemFault } from "../model/errors-content.ts";
import { concatBytes } from "./der.ts";
import { decodeBase64 } from "./base64.ts";

export interface PemBlock {
  /** The words between BEGIN and the dashes, such as `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
  /** RFC 1421 headers (`Proc-Type`, `DEK-Info`), empty for nearly every block. */
  readonly headers: Readonly<Record<string, string>>;
  /** Byte range in the file, the newline behind END included. */
  readonly start: number;
  readonly end: number;
  /** Line of BEGIN, from 1. */
  readonly line: number;
}

export interface PemFaultAt {
  readonly kind: PemFault;
  /** Line of the BEGIN (for a glued `-----END X----------BEGIN`: of the END) that is at fault, from 1. */
  readonly line: number;
}

export interface PemFile {
  readonly blocks: readonly PemBlock[];
  readonly faults: readonly PemFaultAt[];
  readonly hasBom: boolean;
  readonly lineEnding: "\n" | "\r\n";
}

const lf = 0x0a;
const cr = 0x0d;

interface Scan {
  readonly bytes: Buffer;
  readonly blocks: PemBlock[];
  readonly faults: PemFaultAt[];
  /** Where a BEGIN may stand besides the start of a line: behind the BOM, and glued to the END before it. */
  extraLineStart: number;
  /** Last known positions of markers at the start of a line, -1 for none; searched again only when passed. */
  nextBegin: number;
  nextEnd: number;
  lineAt: number;
  line: number;
}

function plainBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** First `marker` at the start of a line, from `from`; -1 if there is none. */
function findMarker(scan: Scan, marker: string, from: number): number {
  for (let at = scan.bytes.indexOf(marker, from, "latin1"); at !== -1;) {
    if (at === 0 || at === scan.extraLineStart || scan.bytes[at - 1] === lf) return at;
    at = scan.bytes.indexOf(marker, at + 1, "latin1");
  }
  return -1;
}

// Each marker is searched for again only once it was passed, so that a file of BEGINs alone stays linear.
function beginFrom(scan: Scan, from: number): number {
  if (scan.nextBegin !== -1 && scan.nextBegin < from) scan.nextBegin = findMarker(scan, "-----BEGIN ", from);
  return scan.nextBegin;
}

function endFrom(scan: Scan, from: number): number {
  if (scan.nextEnd !== -1 && scan.nextEnd < from) scan.nextEnd = findMarker(scan, "-----END ", from);
  return scan.nextEnd;
}

/** Line number of an offset; offsets must come in ascending order. */
function lineOf(scan: Scan, offset: number): number {
  for (; scan.lineAt < offset; scan.lineAt++) if (scan.bytes[scan.lineAt] === lf) scan.line++;
  return scan.line;
}

function lineEnd(bytes: Buffer, from: number): number {
  const at = bytes.indexOf(lf, from);
  return at === -1 ? bytes.length : at + 1;
}

/** The label of a `-----BEGIN X-----` line; undefined when the line is something else. */
function labelAt(bytes: Buffer, from: number, end: number): string | undefined {
  if (end - from > 200) return undefined;
  return /^-----(?:BEGIN|END) ([^\r\n]*?)-----[ \t]*\r?\n?$/.exec(bytes.toString("latin1", from, end))?.[1];
}

/** RFC 1421 headers: `Name: value` lines (a space continues one), then an empty line. */
function readHeaders(
  bytes: Buffer,
  from: number,
  end: number,
): { headers: Record<string, string>; bodyAt: number } {
  const headers: Record<string, string> = {};
  let name: string | undefined;
  let at = from;
  while (at < end) {
    const next = Math.min(lineEnd(bytes, at), end);
    // A line this long is a body without line breaks, never a header.
    const text = next - at > 1000 ? "" : bytes.toString("latin1", at, next).trimEnd();
    const header = /^([A-Za-z0-9-]+):[ \t]*(.*)$/.exec(text);
    if (header) {
      name = header[1] ?? "";
      headers[name] = header[2] ?? "";
    } else if (name !== undefined && /^[ \t]/.test(text)) {
      headers[name] += text.trim();
    } else {
      return { headers, bodyAt: at };
    }
    at = next;
  }
  return { headers, bodyAt: at };
}

/** The end of the END marker's line, or of the marker when the next BEGIN is glued to it. */
function endOfBlock(scan: Scan, endAt: number): { end: number; label: string | undefined; isGlued: boolean } {
  const end = lineEnd(scan.bytes, endAt);
  const glued = scan.bytes
    .subarray(endAt, Math.min(end, endAt + 400))
    .indexOf("----------BEGIN ", 0, "latin1");
  if (glued === -1) return { end, label: labelAt(scan.bytes, endAt, end), isGlued: false };
  const cut = endAt + glued + 5;
  scan.extraLineStart = cut;
  scan.nextBegin = cut;
  return { end: cut, label: labelAt(scan.bytes, endAt, cut), isGlued: true };
}

/** Reads the block whose BEGIN is at `start`; returns where to look for the next one. */
function readBlock(scan: Scan, start: number): number {
  const { bytes } = scan;
  const bodyAt = lineEnd(bytes, start);
  const label = labelAt(bytes, start, bodyAt);
  if (label === undefined) return start + 1;
  const line = lineOf(scan, start);
  const [endAt, nextBegin] = [endFrom(scan, bodyAt), beginFrom(scan, bodyAt)];
  if (endAt === -1 || (nextBegin !== -1 && nextBegin < endAt)) {
    scan.faults.push({ kind: nextBegin === -1 ? "truncated" : "nested-begin", line });
    return bodyAt;
  }
  const { end, label: endLabel, isGlued } = endOfBlock(scan, endAt);
  if (endLabel !== label) {
    scan.faults.push({ kind: "label-differs", line });
    return end;
  }
  const { headers, bodyAt: dataAt } = readHeaders(bytes, bodyAt, endAt);
  const der = decodeBase64(bytes, dataAt, endAt);
  if (der === undefined) scan.faults.push({ kind: "bad-base64", line });
  else scan.blocks.push({ label, der, headers, start, end, line });
  if (isGlued) scan.faults.push({ kind: "nested-begin", line: lineOf(scan, endAt) });
  return end;
}

/**
 * Every block of a PEM file, in order, with what is wrong around them. Never throws on content: text without a
 * block gives no blocks. A BEGIN whose END is missing is "truncated" (end of file) or "nested-begin" (another BEGIN
 * comes first). Linear in the size of the file. RFC 7468, RFC 1421 section 4.4.
 */
export function parsePem(bytes: Uint8Array): PemFile {
  const buffer = plainBuffer(bytes);
  const hasBom = buffer[0] === 0xef && buffer[1] === 0xbb && buffer[2] === 0xbf;
  const scan: Scan = {
    bytes: buffer,
    blocks: [],
    faults: [],
    extraLineStart: hasBom ? 3 : 0,
    nextBegin: 0,
    nextEnd: 0,
    lineAt: 0,
    line: 1,
  };
  scan.nextBegin = findMarker(scan, "-----BEGIN ", 0);
  scan.nextEnd = findMarker(scan, "-----END ", 0);
  for (let at = beginFrom(scan, 0); at !== -1;) at = beginFrom(scan, readBlock(scan, at));
  const newline = buffer.indexOf(lf);
  const lineEnding = newline > 0 && buffer[newline - 1] === cr ? "\r\n" : "\n";
  return { blocks: scan.blocks, faults: scan.faults, hasBom, lineEnding };
}

/** One block with 64 columns and LF, as openssl and Go write it. */
export function encodePem(label: string, der: Uint8Array): Uint8Array {
  const base64 = plainBuffer(der).toString("base64");
  const lines: string[] = [];
  for (let at = 0; at < base64.length; at += 64) lines.push(base64.slice(at, at + 64));
  return Uint8Array.from(
    Buffer.from(`-----BEGIN ${label}-----\n${lines.map((l) => `${l}\n`).join("")}-----END ${label}-----\n`),
  );
}

/** A replacement in the manner of what it replaces: its line ending, and no newline at the end of a file that had none. */
function inMannerOf(bytes: Buffer, block: PemBlock, replacement: Uint8Array): Uint8Array {
  const old = bytes.subarray(block.start, block.end);
  const firstLf = old.indexOf(lf);
  let text = plainBuffer(replacement);
  if (firstLf > 0 && old[firstLf - 1] === cr && text.indexOf(cr) === -1) {
    text = Buffer.from(text.toString("latin1").replaceAll("\n", "\r\n"), "latin1");
  }
  const atEndOfFile = block.end === bytes.length && old[old.length - 1] !== lf;
  return atEndOfFile ? Buffer.from(text.toString("latin1").trimEnd(), "latin1") : text;
}

/**
 * The same file with some of its blocks replaced; every other byte stays. Replacements are PEM, and take over CRLF
 * and a missing last newline from the block they replace. An empty replacement removes the block.
 */
export function replacePemBlocks(
  bytes: Uint8Array,
  replacements: ReadonlyMap<PemBlock, Uint8Array>,
): Uint8Array {
  const buffer = plainBuffer(bytes);
  const parts: Uint8Array[] = [];
  let at = 0;
  for (const [block, replacement] of [...replacements].sort(([a], [b]) => a.start - b.start)) {
    if (block.start < at || block.end > bytes.length) throw new TypeError("block of another file");
    parts.push(bytes.subarray(at, block.start), inMannerOf(buffer, block, replacement));
    at = block.end;
  }
  return concatBytes([...parts, bytes.subarray(at)]);
}
