// Signature algorithms of certificates: which one a key signs with, and how to check any that may be met.
import { sign, verify, X509Certificate, type KeyObject } from "node:crypto";
import { assertNever } from "../model/errors.ts";
import type { Certificate } from "./certificate.ts";
import { encodeSequence, encodeTlv, tags } from "./der.ts";
import { encodeOid } from "./der-values.ts";
import type { PrivateKey } from "./keys.ts";

type Hash = "sha1" | "sha224" | "sha256" | "sha384" | "sha512" | "md5";

interface Algorithm {
  readonly keyType: "rsa" | "ec" | "ed25519";
  /** null: the key hashes by itself. */
  readonly hash: Hash | null;
}

/** RFC 3279, RFC 4055, RFC 5758, RFC 8410. */
const algorithms: Readonly<Record<string, Algorithm>> = {
  "1.2.840.113549.1.1.4": { keyType: "rsa", hash: "md5" },
  "1.2.840.113549.1.1.5": { keyType: "rsa", hash: "sha1" },
  "1.2.840.113549.1.1.14": { keyType: "rsa", hash: "sha224" },
  "1.2.840.113549.1.1.11": { keyType: "rsa", hash: "sha256" },
  "1.2.840.113549.1.1.12": { keyType: "rsa", hash: "sha384" },
  "1.2.840.113549.1.1.13": { keyType: "rsa", hash: "sha512" },
  "1.2.840.10045.4.1": { keyType: "ec", hash: "sha1" },
  "1.2.840.10045.4.3.1": { keyType: "ec", hash: "sha224" },
  "1.2.840.10045.4.3.2": { keyType: "ec", hash: "sha256" },
  "1.2.840.10045.4.3.3": { keyType: "ec", hash: "sha384" },
  "1.2.840.10045.4.3.4": { keyType: "ec", hash: "sha512" },
  "1.3.101.112": { keyType: "ed25519", hash: null },
};

const strongRsa = ["1.2.840.113549.1.1.11", "1.2.840.113549.1.1.12", "1.2.840.113549.1.1.13"];

function oidFor({ spec }: PrivateKey, preferredOid?: string): string {
  switch (spec.kind) {
    case "rsa":
      return strongRsa.find((oid) => oid === preferredOid) ?? "1.2.840.113549.1.1.11";
    case "ecdsa":
      return {
        "P-256": "1.2.840.10045.4.3.2",
        "P-384": "1.2.840.10045.4.3.3",
        "P-521": "1.2.840.10045.4.3.4",
      }[spec.curve];
    case "ed25519":
      return "1.3.101.112";
    default:
      return assertNever(spec);
  }
}

export interface Signer {
  readonly algorithmDer: Uint8Array;
  readonly sign: (tbsDer: Uint8Array) => Uint8Array;
}

/**
 * SHA-256 for RSA (SHA-384 or SHA-512 when `preferredOid` names it), the hash of the curve's size for ECDSA.
 * @param preferredOid signature algorithm of the certificate that is being renewed
 */
export function signerFor(key: PrivateKey, preferredOid?: string): Signer {
  const oid = oidFor(key, preferredOid);
  // RFC 4055 section 5: RSA has NULL parameters; RFC 5758 section 3.2, RFC 8410 section 3: the others have none.
  const parameters = key.spec.kind === "rsa" ? [encodeTlv(tags.null)] : [];
  const hash = algorithms[oid]?.hash ?? null;
  return {
    algorithmDer: encodeSequence(encodeOid(oid), ...parameters),
    sign: (tbsDer) => new Uint8Array(sign(hash, tbsDer, key.keyObject)),
  };
}

/**
 * A signature of this very algorithm, old ones included: for copies of what others have signed, never for what is issued.
 * @returns null where the algorithm is not known or the key is of another kind
 */
export function signAs(oid: string, tbsDer: Uint8Array, key: PrivateKey): Uint8Array | null {
  const algorithm = algorithms[oid];
  if (!algorithm || key.keyObject.asymmetricKeyType !== algorithm.keyType) return null;
  return new Uint8Array(sign(algorithm.hash, tbsDer, key.keyObject));
}

/** What a signature check looks at: a certificate's fields, or a certification request's of the same meaning. */
export type Signed = Pick<Certificate, "der" | "tbsDer" | "signatureAlgorithm" | "signature">;

/** RSA-PSS and whatever else OpenSSL knows of certificates; false when it does not. */
function isVerifiedByOpenssl(certificate: Signed, key: KeyObject): boolean {
  try {
    return new X509Certificate(certificate.der).verify(key);
  } catch {
    return false;
  }
}

/** Whether the holder of this public key signed it. Names and dates do not matter. */
export function isSignedByKey(certificate: Signed, key: KeyObject | undefined): boolean {
  if (!key) return false;
  const algorithm = algorithms[certificate.signatureAlgorithm];
  if (!algorithm) return isVerifiedByOpenssl(certificate, key);
  if (key.asymmetricKeyType !== algorithm.keyType) return false;
  return verify(algorithm.hash, certificate.tbsDer, key, certificate.signature);
}
