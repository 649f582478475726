// A collected file with throw-away material: certificates reissued alike, public halves of keys made whole keys again. Two files that
// were the same are the same.
import { createPublicKey } from "node:crypto";
import { collectedKeyOf } from "../../core/policy/collected-key.ts";
import { encodePrivateKey, type PrivateKey } from "../../core/pki/keys.ts";
import { encodePem, parsePem, replacePemBlocks, type PemBlock } from "../../core/pki/pem.ts";
import { changePieces, publicKeyOf } from "./pem-pieces.ts";
import type { Reissuer } from "./reissue-alike.ts";
import type { ThrowAwayKeys } from "./throw-away-keys.ts";

export interface Materials {
  readonly reissuer: Reissuer;
  readonly keys: ThrowAwayKeys;
  /** For a key of which nothing was collected and beside which no certificate lies. */
  readonly stranger: PrivateKey;
}

/** Nobody has to know it: what cannot be read on the node cannot be read here. */
const passphrase = "rehearsal";

/** `besides`: the public key of the certificate that lies beside it, for keys of which the node said nothing. */
export function substitute(
  bytes: Uint8Array,
  materials: Materials,
  besides: Uint8Array | null = null,
): Uint8Array {
  // In a kubeconfig the certificate comes first, in a PEM file as well, but for some.
  let nearest = besides;
  return changePieces(bytes, (piece) => {
    const { blocks } = parsePem(piece);
    nearest = blocks.map(publicKeyOf).find((spki) => spki !== null) ?? nearest;
    const pairs = blocks.flatMap((block): readonly (readonly [PemBlock, Uint8Array])[] => {
      const next = successor(block, materials, nearest);
      return next === null ? [] : [[block, next]];
    });
    return replacePemBlocks(piece, new Map(pairs));
  });
}

/** PEM; null for what stays. */
function successor(block: PemBlock, materials: Materials, nearest: Uint8Array | null): Uint8Array | null {
  const { reissuer, keys } = materials;
  switch (block.label) {
    case "CERTIFICATE": {
      const der = publicKeyOf(block) === null ? null : reissuer.successorOf(block.der);
      return der && encodePem("CERTIFICATE", der);
    }
    case "PUBLIC KEY":
    case "RSA PUBLIC KEY": {
      const spki = publicKeyOf(block);
      const key = spki && keys.of(spki);
      return key && publicPem(key, block.label);
    }
    default: {
      const own = (nearest && keys.of(nearest)) ?? materials.stranger;
      return block.label.startsWith("PERENNIAL ") ? keyPem(block, keys, own) : null;
    }
  }
}

function publicPem(key: PrivateKey, label: "PUBLIC KEY" | "RSA PUBLIC KEY"): Uint8Array {
  if (label === "PUBLIC KEY") return encodePem(label, key.spkiDer);
  const der = createPublicKey(key.keyObject).export({ type: "pkcs1", format: "der" });
  return encodePem(label, new Uint8Array(der));
}

/** The fault that the node's key has, on a key of ours. */
function keyPem(block: PemBlock, keys: ThrowAwayKeys, own: PrivateKey): Uint8Array | null {
  const collected = collectedKeyOf(encodePem(block.label, block.der));
  if (collected === null) return null;
  const whole = (key: PrivateKey): Buffer => Buffer.from(encodePrivateKey(key.keyObject, key.format));
  switch (collected.state) {
    case "public-half": {
      const key = keys.of(collected.spkiDer);
      return key && whole(key);
    }
    case "unread":
      return whole(own);
    case "truncated":
      return whole(own).subarray(0, 200);
    case "broken":
      return encodePem("PRIVATE KEY", Buffer.from("broken"));
    case "encrypted":
      return encrypted(own, collected.format);
  }
}

function encrypted({ keyObject }: PrivateKey, format: "PKCS#8" | "PEM with DEK-Info"): Uint8Array {
  const cipher = "aes-256-cbc";
  const old = keyObject.asymmetricKeyType === "rsa" ? "pkcs1" : "sec1";
  const type = format === "PKCS#8" || keyObject.asymmetricKeyType === "ed25519" ? "pkcs8" : old;
  const text = keyObject.export({ type, format: "pem", cipher, passphrase });
  return new Uint8Array(Buffer.from(text.toString()));
}
