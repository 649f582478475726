// Base64 as strictly as Go's encoding/pem reads it: blanks and line ends skipped, everything else must be right.
// Node decodes (a loop of ours costs a cold start several milliseconds); what Node would forgive is looked for first.

const blanks = /[ \t\r\n]+/g;
const stranger = /[^A-Za-z0-9+/]/;

/** Decodes the range of ASCII bytes; undefined when it is not base64 (RFC 4648 section 4). */
export function decodeBase64(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
    .toString("latin1")
    .replace(blanks, "");
  if (text.length % 4 !== 0 || !endsWell(text)) return undefined;
  const decoded = Buffer.from(text, "base64");
  // The padding must cut off zero bits only: what is encoded again is what was there.
  const tail = decoded.subarray(Math.floor((decoded.length - 1) / 3) * 3);
  if (text !== "" && tail.toString("base64") !== text.slice(-4)) return undefined;
  return new Uint8Array(decoded.buffer, decoded.byteOffset, decoded.length);
}

/** Nothing but the alphabet, and at most two `=` at the very end. */
function endsWell(text: string): boolean {
  const at = text.search(stranger);
  return at === -1 || (at >= text.length - 2 && /^={1,2}$/.test(text.slice(at)));
}
