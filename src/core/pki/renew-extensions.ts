// The extensions of a certificate's successor: those of the old one, byte for byte where nothing has to change.
import { findExtension, type Certificate, type Extension } from "./certificate.ts";
import { encodeSequence, encodeTlv, equalBytes, readChildren, readTlv, readWhole, tags } from "./der.ts";
import { encodeOctetString } from "./der-values.ts";
import {
  authorityKeyId,
  encodeAuthorityKeyIdValue,
  encodeGeneralName,
  encodeSubjectAltNames,
  extensionOids,
  type SanEntry,
  type SanInput,
} from "./extensions.ts";
import { keyIdOfSpki } from "./fingerprints.ts";
import { isSamePublicKey } from "./keys.ts";

/** The same extension with another value: type and criticality stay as they are encoded. */
function withValue(extension: Extension, valueDer: Uint8Array): Uint8Array {
  const parts = readChildren(extension.der, readTlv(extension.der, 0));
  const kept = parts.slice(0, -1).map((tlv) => extension.der.subarray(tlv.start, tlv.end));
  return encodeSequence(...kept, encodeOctetString(valueDer));
}

/** What the AKI of a certificate has to say about its issuer. */
export interface IssuerIdentity {
  readonly keyId: Uint8Array;
  readonly issuerDer: Uint8Array;
  readonly serial: Uint8Array;
}

/** The forms the old AKI has (keyid, DirName and serial) are kept, with the issuer's present values. */
function renewAuthorityKeyId(old: Certificate, extension: Extension, issuer: IssuerIdentity): Uint8Array {
  const had = authorityKeyId(old) ?? {};
  const value = encodeAuthorityKeyIdValue({
    ...(had.keyId && { keyId: issuer.keyId }),
    ...(had.issuerDer && { issuerDer: encodeTlv(0xa4, issuer.issuerDer) }),
    ...(had.serial && { serial: issuer.serial }),
  });
  return equalBytes(value, extension.valueDer) ? extension.der : withValue(extension, value);
}

function renewSubjectKeyId(old: Certificate, extension: Extension, spkiDer: Uint8Array): Uint8Array {
  if (isSamePublicKey(old.spkiDer, spkiDer)) return extension.der;
  return withValue(extension, encodeOctetString(keyIdOfSpki(spkiDer)));
}

export function derOfName(name: SanInput | SanEntry): Uint8Array {
  return "der" in name ? name.der : encodeGeneralName(name);
}

/** Names not there yet, each once. */
function missingNames(present: readonly Uint8Array[], wanted: readonly Uint8Array[]): Uint8Array[] {
  const missing: Uint8Array[] = [];
  for (const name of wanted) {
    if (![...present, ...missing].some((other) => equalBytes(other, name))) missing.push(name);
  }
  return missing;
}

function renewSans(extension: Extension, addSans: readonly Uint8Array[]): Uint8Array {
  const list = readWhole(extension.valueDer, tags.sequence);
  const present = readChildren(extension.valueDer, list).map((tlv) =>
    extension.valueDer.subarray(tlv.start, tlv.end),
  );
  const missing = missingNames(present, addSans);
  return missing.length === 0 ? extension.der : withValue(extension, encodeSequence(...present, ...missing));
}

interface ExtensionChanges {
  readonly spkiDer: Uint8Array;
  readonly issuer: IssuerIdentity;
  readonly addSans: readonly Uint8Array[];
}

export function renewExtensions(old: Certificate, changes: ExtensionChanges): Uint8Array[] {
  const renewed = old.extensions.map((extension) => {
    if (extension.oid === extensionOids.subjectKeyId)
      return renewSubjectKeyId(old, extension, changes.spkiDer);
    if (extension.oid === extensionOids.authorityKeyId)
      return renewAuthorityKeyId(old, extension, changes.issuer);
    if (extension.oid === extensionOids.subjectAltName) return renewSans(extension, changes.addSans);
    return extension.der;
  });
  return [...renewed, ...newSans(old, changes.addSans)];
}

/** A SAN extension for a certificate that has none, when names are to be added. */
function newSans(old: Certificate, addSans: readonly Uint8Array[]): Uint8Array[] {
  const names = missingNames([], addSans);
  if (names.length === 0 || findExtension(old, extensionOids.subjectAltName)) return [];
  // RFC 5280 section 4.2.1.6: critical when the subject is empty.
  const sanEntries = names.map((der) => ({ kind: "other" as const, value: "", der }));
  return [encodeSubjectAltNames(sanEntries, old.subjectDer.length === 2)];
}

const requestedOids: ReadonlySet<string> = new Set([
  extensionOids.subjectAltName,
  extensionOids.keyUsage,
  extensionOids.extendedKeyUsage,
]);

/**
 * The extensions that a CA elsewhere is asked for: SAN, key usage and extended key usage of the old certificate, byte for byte and in
 * its order, with names added as `renewCertificate` adds them. What a CA decides for itself (SKI, AKI, basicConstraints) is left out.
 * @returns whole extensions, DER
 */
export function requestedExtensions(
  old: Certificate,
  addSans: readonly (SanInput | SanEntry)[] = [],
): readonly Uint8Array[] {
  const names = addSans.map(derOfName);
  const kept = old.extensions.filter(({ oid }) => requestedOids.has(oid));
  return [
    ...kept.map((extension) =>
      extension.oid === extensionOids.subjectAltName ? renewSans(extension, names) : extension.der,
    ),
    ...newSans(old, names),
  ];
}
