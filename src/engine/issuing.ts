// What every certificate that the engine signs has: a serial of its own, a beginning in the past, whole seconds.
import type { Randomness } from "./ports/world.ts";

/** A fresh certificate must be valid on nodes whose clock is behind (kubeadm and client-go allow for the same). */
export const backdateMs = 5 * 60_000;

/** RFC 5280 section 4.1.2.2: positive, at most 20 bytes; CA/Browser Forum: at least 64 random bits. */
export function newSerial(randomness: Randomness): Uint8Array {
  const serial = Uint8Array.from(randomness.bytes(16));
  serial[0] = (serial[0] ?? 0) & 0x7f;
  return serial.every((byte) => byte === 0) ? newSerial(randomness) : serial;
}

/** X.509 knows no fractions: the second that has begun, in ms. */
export function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
