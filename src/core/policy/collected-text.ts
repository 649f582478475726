// The text of `perennial collect` <-> its sections. It may have been through a terminal, a mail, a chat: CRLF, quote marks, spaces at
// both ends of a line, wrapped base64, text around it, sections pasted twice or in another order. What is damaged is named.
//
//   === perennial facts 1 ===
//   @3 file /etc/kubernetes/pki/ca.crt      number, and a title for people
//   a2luZCBmaWxlCnBhdGgg...                 base64 of the section
//   @3 end 4039223812 1120                  cksum (POSIX) and length of the base64 without line ends
//   === perennial facts end 54 ===          how many sections there are
import { AppError } from "../model/errors.ts";
import type { FactsDamage } from "../model/errors-content.ts";

export interface CollectedSection {
  readonly number: number;
  readonly title: string;
  readonly bytes: Uint8Array;
}

/** Every section, in order. Throws `facts-damaged` with all that is wrong; `path` is only for that. */
export function parseCollectedText(text: Uint8Array, path: string): readonly CollectedSection[] {
  const found = scan(decoded(text).split(/\r\n|\r|\n/));
  const damages = damagesOf(found);
  if (damages.length > 0) throw new AppError("facts-damaged", { path, damages });
  return [...found.whole.values()].sort((a, b) => a.number - b.number);
}

interface Scan {
  version: string | null;
  count: number | null;
  readonly whole: Map<number, CollectedSection>;
  readonly damaged: Map<number, FactsDamage>;
  readonly twice: Map<number, FactsDamage>;
}

interface Open {
  readonly number: number;
  readonly title: string;
  body: string;
}

/** Windows' Notepad saves UTF-16 when asked for "Unicode". */
function decoded(text: Uint8Array): string {
  const bytes = Buffer.from(text.buffer, text.byteOffset, text.byteLength);
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.toString("utf16le", 2) : bytes.toString("utf8");
}

/** Without quote marks, other margins, and what a clipboard adds. */
function withoutMargins(line: string): string {
  return line.replace(/[\u200b\ufeff]/g, "").replace(/^[\s>|]+|\s+$/g, "");
}

function scan(lines: readonly string[]): Scan {
  const found: Scan = { version: null, count: null, whole: new Map(), damaged: new Map(), twice: new Map() };
  let open: Open | null = null;
  for (const raw of lines) {
    const line = withoutMargins(raw);
    const frame = /^=== perennial facts (?:end )?(\d+) ===$/.exec(line);
    const begin = /^@(\d{1,6}) (?!end \d)(.+)$/.exec(line);
    const end = /^@(\d{1,6}) end (\d+) (\d+)$/.exec(line);
    if (frame || begin || end) open = closed(found, open, end);
    if (frame) noteFrame(found, line, frame[1] ?? "");
    else if (begin) open = { number: Number(begin[1]), title: begin[2] ?? "", body: "" };
    else if (open !== null) open.body += line.replace(/\s+/g, "");
  }
  closed(found, open, null);
  return found;
}

function noteFrame(found: Scan, line: string, number: string): void {
  if (line.includes(" end ")) found.count = Number(number);
  else found.version = number;
}

/** Ends the open section, with its end line if that is what comes; a good copy of a section wins over a bad one. */
function closed(found: Scan, open: Open | null, end: RegExpExecArray | null): null {
  if (open === null) return null;
  const { number, title, body } = open;
  const isOwn = end !== null && Number(end[1]) === number;
  if (isOwn && Number(end[3]) === body.length && Number(end[2]) === cksum(body)) {
    const bytes = Buffer.from(body, "base64");
    const known = found.whole.get(number);
    // Two nodes pasted into one file must not become a third one.
    if (known && Buffer.compare(known.bytes, bytes) !== 0)
      found.twice.set(number, { section: number, title, fault: "two-contents" });
    found.whole.set(number, { number, title, bytes });
  } else {
    found.damaged.set(number, { section: number, title, fault: isOwn ? "sum-differs" : "unfinished" });
  }
  return null;
}

function damagesOf({ version, count, whole, damaged, twice }: Scan): readonly FactsDamage[] {
  const ofAll = (fault: FactsDamage["fault"]): FactsDamage => ({ section: null, title: "", fault });
  if (version === null && whole.size === 0) return [ofAll("no-beginning")];
  if (version !== null && version !== "1") return [ofAll("other-version")];
  const last = Math.max(count ?? 0, ...whole.keys(), ...damaged.keys());
  const sections: FactsDamage[] = [];
  let before = "";
  for (let number = 1; number <= last; number++) {
    const section = whole.get(number);
    const damage = damaged.get(number);
    if (!section) sections.push(damage ?? { section: number, title: before, fault: "missing" });
    before = (section ?? damage)?.title ?? before;
  }
  return [
    ...(version === null ? [ofAll("no-beginning")] : []),
    ...sections,
    ...twice.values(),
    ...(count === null ? [ofAll("no-end")] : []),
  ];
}

const crcTable = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

/** The sum that cksum(1) prints (POSIX.1-2017, cksum) for ASCII text. */
export function cksum(text: string): number {
  let sum = 0;
  const add = (byte: number): void => {
    sum = (sum << 8) ^ (crcTable[((sum >>> 24) ^ byte) & 0xff] ?? 0);
  };
  for (let index = 0; index < text.length; index++) add(text.charCodeAt(index) & 0xff);
  for (let length = text.length; length > 0; length = Math.floor(length / 256)) add(length & 0xff);
  return ~sum >>> 0;
}
