// Base64 as strictly as Go's encoding/pem reads it: blanks and line ends skipped, everything else must be right.

const blank = 64;
const padding = 65;
const bad = 66;

function sextets(): Uint8Array {
  const table = new Uint8Array(256).fill(bad);
  for (const char of " \t\r\n") table[char.charCodeAt(0)] = blank;
  table["=".charCodeAt(0)] = padding;
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (let i = 0; i < 64; i++) table[alphabet.charCodeAt(i)] = i;
  return table;
}

const table = sextets();

/** The padding must complete the last quantum, and the bits it cuts off must be zero. */
function isComplete(count: number, pads: number, last: number): boolean {
  if ((count + pads) % 4 !== 0 || pads > 2) return false;
  if (pads === 0) return true;
  return (last & (pads === 1 ? 0x03 : 0x0f)) === 0;
}

/** Decodes the range of ASCII bytes; undefined when it is not base64 (RFC 4648 section 4). */
export function decodeBase64(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const out = new Uint8Array(Math.ceil(((end - start) * 3) / 4));
  let [length, count, pads, bits, last] = [0, 0, 0, 0, 0];
  for (let at = start; at < end; at++) {
    const value = table[bytes[at] ?? 0] ?? bad;
    if (value === blank) continue;
    if (value === padding) {
      pads++;
      continue;
    }
    if (value === bad || pads > 0) return undefined;
    bits = ((bits & 0x3ffff) << 6) | value;
    last = value;
    count++;
    const phase = count & 3;
    if (phase === 2) out[length++] = bits >> 4;
    else if (phase === 3) out[length++] = bits >> 2;
    else if (phase === 0) out[length++] = bits;
  }
  return isComplete(count, pads, last) ? out.subarray(0, length) : undefined;
}
