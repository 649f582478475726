// For every public key that was collected a private key of the same kind and size, made here and worth nothing elsewhere.
import { createPublicKey } from "node:crypto";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { asPrivateKey, keySpecOfSpki, type KeySpec, type PrivateKey } from "../../core/pki/keys.ts";
import { isAppError } from "../../core/model/errors.ts";
import { generateFor } from "../lab-issuer.ts";

export interface ThrowAwayKeys {
  /** The key that stands for this public key; null for a kind that nothing here can make (DSA, other curves). */
  of(spkiDer: Uint8Array): PrivateKey | null;
}

/** OpenSSL makes none below. */
const leastBits = 512;

/** All of them at once: the thread pool makes keys side by side. Two encodings of one key are one key. */
export async function makeThrowAwayKeys(spkis: readonly Uint8Array[]): Promise<ThrowAwayKeys> {
  const wanted = new Map(spkis.map((spki) => [nameOf(spki), spki]));
  const made = await Promise.all(
    [...wanted].map(async ([name, spki]) => [name, await makeLike(spki)] as const),
  );
  const keys = new Map(made);
  return { of: (spki) => keys.get(nameOf(spki)) ?? null };
}

/** kubeadm's form: PKCS#1 for RSA, SEC1 for EC. The form of the original is not collected. */
async function makeLike(spki: Uint8Array): Promise<PrivateKey | null> {
  const spec = specOrNull(spki);
  if (spec === null || (spec.kind === "rsa" && spec.bits < leastBits)) return null;
  return asPrivateKey(await generateFor(spec), "pkcs1");
}

function specOrNull(spki: Uint8Array): KeySpec | null {
  try {
    return keySpecOfSpki(spki);
  } catch (error) {
    if (isAppError(error, "key-unsupported") || isAppError(error, "der-malformed")) return null;
    throw error;
  }
}

function nameOf(spki: Uint8Array): string {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: "der", type: "spki" });
    return sha256Hex(key.export({ type: "spki", format: "der" }));
  } catch {
    // A key that OpenSSL cannot read is known by its bytes.
    return sha256Hex(spki);
  }
}
