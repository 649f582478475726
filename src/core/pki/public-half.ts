// The public half of a stored private key, read from its DER alone: what a check needs, without loading the key into OpenSSL,
// which costs a start-up fifty times as much.
import { AppError, isAppError } from "../model/errors.ts";
import {
  bytesOf,
  contentOf,
  encodeSequence,
  encodeTlv,
  readChildren,
  readWhole,
  tags,
  type Tlv,
} from "./der.ts";
import { encodeBitString, encodeOid, integerFromBytes, readIntegerBytes } from "./der-values.ts";
import { type KeySpec, keySpecOfSpki, readPrivateKey } from "./keys.ts";
import { type PemFile, parsePem } from "./pem.ts";

export interface PublicHalf {
  readonly spkiDer: Uint8Array;
  readonly spec: KeySpec;
}

/**
 * Same answers and errors as `readPrivateKey(bytes)`, without the key object; `pem` is what `parsePem` says of the same bytes. RSA keys (RFC 8017 appendix A.1.2) are also held
 * against their own primes, which OpenSSL does not do: a damaged one is `key-malformed`.
 */
export function readPublicHalf(bytes: Uint8Array, pem: PemFile = parsePem(bytes)): PublicHalf {
  const spkiDer = fromPlainRsa(pem);
  if (spkiDer) return { spkiDer, spec: keySpecOfSpki(spkiDer) };
  const key = readPrivateKey(bytes);
  return { spkiDer: key.spkiDer, spec: key.spec };
}

/** kubeadm's form: one unencrypted PKCS#1 block. Everything else, broken ones included, is `readPrivateKey`'s to judge. */
function fromPlainRsa({ blocks }: PemFile): Uint8Array | undefined {
  const block = blocks.find(({ label }) => label.endsWith("PRIVATE KEY"));
  if (block?.label !== "RSA PRIVATE KEY" || Object.keys(block.headers).length > 0) return undefined;
  const parts = childrenOf(block.der);
  const [, modulus, exponent, , p, q] = parts ?? [];
  if (parts?.length !== 9 || !modulus || !exponent || !p || !q) return undefined;
  const value = (tlv: Tlv): bigint => integerFromBytes(readIntegerBytes(block.der, tlv));
  if (value(p) * value(q) !== value(modulus)) {
    throw new AppError("key-malformed", { reason: "the modulus is not the product of the primes" });
  }
  const publicKey = encodeSequence(bytesOf(block.der, modulus), bytesOf(block.der, exponent));
  // rsaEncryption with NULL parameters (RFC 3279 section 2.3.1)
  const algorithm = encodeSequence(encodeOid("1.2.840.113549.1.1.1"), encodeTlv(tags.null));
  return encodeSequence(algorithm, encodeBitString(publicKey));
}

/** The nine INTEGERs, or undefined for another structure. */
function childrenOf(der: Uint8Array): readonly Tlv[] | undefined {
  try {
    const parts = readChildren(der, readWhole(der, tags.sequence));
    const areIntegers = parts.every((tlv) => tlv.tag === tags.integer && contentOf(der, tlv).length > 0);
    return areIntegers ? parts : undefined;
  } catch (error) {
    if (isAppError(error, "der-malformed")) return undefined;
    throw error;
  }
}
