// Base64 as Kubernetes reads and writes it in `*-data` fields.
import { Buffer } from "node:buffer";

/**
 * The bytes of standard base64, undefined when it is none. Line breaks are skipped and any other white space is refused, as Go's
 * `encoding/base64` does: what is accepted here is what client-go accepts.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const digits = text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]/g, "") : text;
  if (digits.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) return undefined;
  return new Uint8Array(Buffer.from(digits, "base64"));
}

/** One line with padding, as kubeadm writes it. */
export function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
