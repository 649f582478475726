// Digests that people and programs compare.
import { hash } from "node:crypto";
import { derMalformed, readChildren, readWhole, tags } from "./der.ts";
import { decodeBitString } from "./der-values.ts";

/** 64 lower-case hex digits. */
export function sha256Hex(bytes: Uint8Array): string {
  return hash("sha256", bytes, "hex");
}

/** `SHA256:` and the hex digest of the SubjectPublicKeyInfo: the same for a certificate and its key. */
export function publicKeyFingerprint(spkiDer: Uint8Array): string {
  return `SHA256:${sha256Hex(spkiDer)}`;
}

/**
 * The key identifier of RFC 5280 section 4.2.1.2 method 1: SHA-1 of the public key's bits, 20 bytes.
 * @throws AppError der-malformed
 */
export function keyIdOfSpki(spkiDer: Uint8Array): Uint8Array {
  const [, key] = readChildren(spkiDer, readWhole(spkiDer, tags.sequence));
  if (!key) throw derMalformed("public key missing", 0);
  const { bytes } = decodeBitString(spkiDer, key);
  return new Uint8Array(hash("sha1", bytes, "buffer"));
}
