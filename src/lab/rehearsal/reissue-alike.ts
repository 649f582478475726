// A certificate with every byte of another one, but for the key, the key identifiers and the signature: names, serial, dates, usages,
// extensions and their order, oddities of the encoding stay. Who signed the one signs the other; nobody, where that one did not.
import { createHash } from "node:crypto";
import { type Certificate, parseCertificate } from "../../core/pki/certificate.ts";
import {
  bytesOf,
  encodeSequence,
  encodeTlv,
  equalBytes,
  readChildren,
  readWhole,
  tags,
} from "../../core/pki/der.ts";
import { encodeBitString } from "../../core/pki/der-values.ts";
import { authorityKeyId, extensionOids, isAuthority, subjectKeyId } from "../../core/pki/extensions.ts";
import { keyIdOfSpki } from "../../core/pki/fingerprints.ts";
import type { PrivateKey } from "../../core/pki/keys.ts";
import { isSignedByKey, signAs } from "../../core/pki/signatures.ts";
import type { ThrowAwayKeys } from "./throw-away-keys.ts";

export interface Reissuer {
  /** @returns DER; the same for the same bytes. null where no key stands for the certificate's own or its signer's. */
  successorOf(der: Uint8Array): Uint8Array | null;
}

export interface ReissuerOptions {
  /** Every certificate of every node, each at least once. */
  readonly certificates: readonly Certificate[];
  readonly keys: ThrowAwayKeys;
  /** One of each kind, for signatures of authorities that are not here. */
  readonly strangers: readonly PrivateKey[];
}

export function openReissuer(options: ReissuerOptions): Reissuer {
  const { certificates, keys } = options;
  const keyIds = openKeyIds(certificates, keys);
  const known = new Map<string, Uint8Array | null>();
  return {
    successorOf(der) {
      const name = Buffer.from(der).toString("hex");
      const made = known.has(name)
        ? (known.get(name) ?? null)
        : reissue(parseCertificate(der), keyIds, options);
      known.set(name, made);
      return made;
    },
  };
}

/** An identifier is where the key was hashed as RFC 5280 says it a hash of the new key; any other one becomes another of its length. */
function openKeyIds(
  certificates: readonly Certificate[],
  keys: ThrowAwayKeys,
): (id: Uint8Array) => Uint8Array {
  const ids = new Map<string, Uint8Array>();
  for (const certificate of certificates) {
    const key = keys.of(certificate.spkiDer);
    if (key === null) continue;
    const next = keyIdOfSpki(key.spkiDer);
    ids.set(hexOf(keyIdOfSpki(certificate.spkiDer)), next);
    const own = subjectKeyId(certificate);
    if (own?.length === next.length && isAuthority(certificate)) ids.set(hexOf(own), next);
  }
  return (id) => ids.get(hexOf(id)) ?? digestOf(id).subarray(0, id.length);
}

function digestOf(id: Uint8Array): Uint8Array {
  return createHash("sha512").update("perennial lab").update(id).digest();
}

function reissue(
  old: Certificate,
  keyIds: (id: Uint8Array) => Uint8Array,
  { certificates, keys, strangers }: ReissuerOptions,
): Uint8Array | null {
  const own = keys.of(old.spkiDer);
  const signer = signerOf(old, certificates);
  const candidates = signer === null ? strangers : [keys.of(signer.spkiDer)];
  if (own === null) return null;
  const tbs = tbsWith(old, own, keyIds);
  for (const key of candidates) {
    const signature = key && signAs(old.signatureAlgorithm, tbs, key);
    if (signature) return encodeSequence(tbs, old.signatureAlgorithmDer, encodeBitString(signature));
  }
  return null;
}

/** Names and identifiers may be the same and the key another one: only the signature says who it was. */
function signerOf(old: Certificate, certificates: readonly Certificate[]): Certificate | null {
  const named = certificates.filter(({ subjectDer }) => equalBytes(subjectDer, old.issuerDer));
  return named.find(({ publicKey }) => isSignedByKey(old, publicKey)) ?? null;
}

function tbsWith(old: Certificate, own: PrivateKey, keyIds: (id: Uint8Array) => Uint8Array): Uint8Array {
  const { tbsDer } = old;
  const parts = readChildren(tbsDer, readWhole(tbsDer, tags.sequence));
  const first = parts[0]?.tag === 0xa0 ? 1 : 0;
  const fields = parts.map((tlv, index) => {
    // serial, signature, issuer, validity, subject, key (RFC 5280 section 4.1)
    if (index === first + 5) return own.spkiDer;
    if (tlv.tag === 0xa3 && old.extensions.length > 0)
      return encodeTlv(0xa3, encodeSequence(...extensionsWith(old, own, keyIds)));
    return bytesOf(tbsDer, tlv);
  });
  return encodeSequence(...fields);
}

function extensionsWith(
  old: Certificate,
  own: PrivateKey,
  keyIds: (id: Uint8Array) => Uint8Array,
): readonly Uint8Array[] {
  return old.extensions.map(({ oid, der }) => {
    if (oid === extensionOids.subjectKeyId) {
      const id = subjectKeyId(old);
      const isHash = id !== undefined && equalBytes(id, keyIdOfSpki(old.spkiDer));
      return id === undefined ? der : replaced(der, id, isHash ? keyIdOfSpki(own.spkiDer) : keyIds(id));
    }
    const id = oid === extensionOids.authorityKeyId ? authorityKeyId(old)?.keyId : undefined;
    return id === undefined ? der : replaced(der, id, keyIds(id));
  });
}

/** Of the same length, so that nothing around it moves. */
function replaced(der: Uint8Array, old: Uint8Array, next: Uint8Array): Uint8Array {
  const at = old.length === 0 ? -1 : Buffer.from(der).lastIndexOf(Buffer.from(old));
  const copy = Uint8Array.from(der);
  if (at >= 0 && next.length === old.length) copy.set(next, at);
  return copy;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
