// Throw-away keys and certificates for all nodes of a cluster together: who shares a key there, or a CA, shares it here.
import type { Certificate } from "../../core/pki/certificate.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import type { PrivateKey } from "../../core/pki/keys.ts";
import { makeKey } from "../lab-issuer.ts";
import { blocksOf, certificateOf, publicKeyOf } from "./pem-pieces.ts";
import type { CollectedHost } from "./read-facts.ts";
import { openReissuer } from "./reissue-alike.ts";
import type { Materials } from "./substitute.ts";
import { makeThrowAwayKeys } from "./throw-away-keys.ts";

/** One for each kind of signature. */
const kinds = ["ECDSA-P256", "RSA-2048", "Ed25519"] as const;

export async function makeMaterials(hosts: readonly CollectedHost[]): Promise<Materials> {
  const blocks = hosts.flatMap(({ collected }) =>
    [...collected.files.values()].flatMap((file) => (file.state === "found" ? blocksOf(file.bytes) : [])),
  );
  const [keys, strangers] = await Promise.all([
    makeThrowAwayKeys(blocks.flatMap((block) => publicKeyOf(block) ?? [])),
    Promise.all(kinds.map((kind) => makeKey(kind))),
  ]);
  const certificates = new Map<string, Certificate>();
  for (const block of blocks) {
    const certificate = certificateOf(block);
    if (certificate) certificates.set(sha256Hex(certificate.der), certificate);
  }
  const reissuer = openReissuer({ certificates: [...certificates.values()], keys, strangers });
  return { reissuer, keys, stranger: firstOf(strangers) };
}

function firstOf(keys: readonly PrivateKey[]): PrivateKey {
  const [first] = keys;
  if (!first) throw new TypeError("no key was made");
  return first;
}
