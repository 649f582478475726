// Who signed what: chains are found by signature, never by name alone (two CAs may share a subject).
import { findExtension, type Certificate } from "./certificate.ts";
import { equalBytes } from "./der.ts";
import { basicConstraints, extensionOids, keyUsage } from "./extensions.ts";
import { isSamePublicKey, type PrivateKey } from "./keys.ts";
import { isSignedByKey } from "./signatures.ts";

export type ChainFault =
  | "no-path"
  | "expired"
  | "not-yet-valid"
  | "not-a-ca"
  | "path-length"
  | "name-constraints-unchecked"
  | "unhandled-critical-extension";

export type ChainResult =
  | { readonly ok: true; readonly path: readonly Certificate[] }
  | {
      readonly ok: false;
      readonly reason: ChainFault;
      /** The path that came nearest (leaf first), and the certificate at fault in it; absent for "no-path". */
      readonly path?: readonly Certificate[];
      readonly at?: Certificate;
    };

export interface ChainRequest {
  readonly leaf: Certificate;
  readonly intermediates?: readonly Certificate[];
  readonly anchors: readonly Certificate[];
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** Looks for the path only, as if every certificate were valid now. */
  readonly ignoreTime?: boolean;
}

// As Go's crypto/x509 (maxChainSignatureChecks): a hostile bundle must not cost more than this.
const maxSignatureChecks = 100;
const maxPathLength = 10;

/** Extensions that a verifier may find critical: handled here, or without meaning for the path (RFC 5280 section 6.1). */
const handledExtensions: readonly string[] = Object.values(extensionOids);

/** Issued under this name and signed with this key; dates and CA:TRUE do not matter. */
export function isSignedBy(certificate: Certificate, issuer: Certificate): boolean {
  return equalBytes(certificate.issuerDer, issuer.subjectDer) && isSignedByKey(certificate, issuer.publicKey);
}

/** Whether the certificate is for this key: a private key, or a SubjectPublicKeyInfo. */
export function keyMatches(certificate: Certificate, key: PrivateKey | Uint8Array): boolean {
  return isSamePublicKey(certificate.spkiDer, key instanceof Uint8Array ? key : key.spkiDer);
}

function isSame(one: Certificate, other: Certificate): boolean {
  return equalBytes(one.der, other.der);
}

/** Every path from the leaf to an anchor, by name and signature, leaf first. */
function findPaths(request: ChainRequest): readonly (readonly Certificate[])[] {
  const { leaf, intermediates = [], anchors } = request;
  const paths: Certificate[][] = [];
  let checks = 0;
  const isIssuedBy = (certificate: Certificate, issuer: Certificate): boolean => {
    if (!equalBytes(certificate.issuerDer, issuer.subjectDer) || checks >= maxSignatureChecks) return false;
    checks++;
    return isSignedByKey(certificate, issuer.publicKey);
  };
  const extend = (path: readonly Certificate[], top: Certificate): void => {
    const others = (list: readonly Certificate[]) =>
      list.filter((c) => !path.some((member) => isSame(member, c)));
    for (const anchor of others(anchors)) if (isIssuedBy(top, anchor)) paths.push([...path, anchor]);
    if (path.length >= maxPathLength) return;
    for (const next of others(intermediates)) if (isIssuedBy(top, next)) extend([...path, next], next);
  };
  if (anchors.some((anchor) => isSame(anchor, leaf))) paths.push([leaf]);
  extend([leaf], leaf);
  return paths;
}

function timeFault({ notBefore, notAfter }: Certificate, atMs: number): ChainFault | undefined {
  if (atMs > notAfter) return "expired";
  return atMs < notBefore ? "not-yet-valid" : undefined;
}

function isSelfIssued({ issuerDer, subjectDer }: Certificate): boolean {
  return equalBytes(issuerDer, subjectDer);
}

/** @param below the certificates between the leaf and this one (RFC 5280 section 4.2.1.9: self-issued ones do not count) */
function issuerFault(issuer: Certificate, below: readonly Certificate[]): ChainFault | undefined {
  const constraints = basicConstraints(issuer);
  const isOldRoot = issuer.version < 3 && isSelfIssued(issuer);
  if (constraints?.isCa !== true && !isOldRoot) return "not-a-ca";
  if (keyUsage(issuer)?.bits.includes("keyCertSign") === false) return "not-a-ca";
  if (findExtension(issuer, extensionOids.nameConstraints)) return "name-constraints-unchecked";
  const count = below.filter((certificate) => !isSelfIssued(certificate)).length;
  return constraints?.pathLength !== undefined && count > constraints.pathLength ? "path-length" : undefined;
}

function hasUnhandledExtension({ extensions }: Certificate): boolean {
  return extensions.some(({ critical, oid }) => critical && !handledExtensions.includes(oid));
}

function judge(path: readonly Certificate[], { atMs, ignoreTime = false }: ChainRequest): ChainResult {
  for (const [index, certificate] of path.entries()) {
    const reason =
      (ignoreTime ? undefined : timeFault(certificate, atMs)) ??
      (index > 0 ? issuerFault(certificate, path.slice(1, index)) : undefined) ??
      (hasUnhandledExtension(certificate) ? "unhandled-critical-extension" : undefined);
    if (reason) return { ok: false, reason, path, at: certificate };
  }
  return { ok: true, path };
}

/**
 * Looks for a path from the leaf to one of the anchors as Go's crypto/x509 does, without host names and usages.
 * Of several paths a good one wins; if there is none, the fault of the first one found is told.
 */
export function verifyChain(request: ChainRequest): ChainResult {
  const results = findPaths(request).map((path) => judge(path, request));
  return results.find(({ ok }) => ok) ?? results[0] ?? { ok: false, reason: "no-path" };
}
