// File names are bytes: those that are not UTF-8 travel as text with each foreign byte as a lone surrogate (U+DC80 to U+DCFF).

/** As Python's `surrogateescape` (PEP 383): different names stay different, and no valid name looks like one of these. */
export function textOfName(name: Uint8Array): string {
  const text = Buffer.from(name.buffer, name.byteOffset, name.length).toString("utf8");
  return text.includes("\ufffd") && !Buffer.from(text, "utf8").equals(name) ? withForeignBytes(name) : text;
}

export function hasForeignBytes(text: string): boolean {
  return foreign.test(text);
}

/** For people: `\\xff` for each foreign byte. */
export function escapeForeignBytes(text: string): string {
  return text.replace(
    new RegExp(foreign, "gu"),
    (unit) => `\\x${(unit.charCodeAt(0) - 0xdc00).toString(16)}`,
  );
}

/** With `u` a surrogate of a pair is no match. */
const foreign = /[\udc80-\udcff]/u;

/** Byte by byte as soon as something is foreign: ASCII stays, a sequence that decodes stays, the rest is escaped. */
function withForeignBytes(name: Uint8Array): string {
  let text = "";
  for (let at = 0; at < name.length;) {
    const length = [1, 2, 3, 4].find((size) => decodes(name.subarray(at, at + size), size)) ?? 0;
    const byte = name[at] ?? 0;
    text += length === 0 ? String.fromCharCode(0xdc00 + byte) : decode(name.subarray(at, at + length));
    at += Math.max(1, length);
  }
  return text;
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("utf8");
}

function decodes(bytes: Uint8Array, size: number): boolean {
  return bytes.length === size && Buffer.from(decode(bytes), "utf8").equals(bytes);
}
