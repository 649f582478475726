// What a certificate of a CA elsewhere lacks of the identity that was asked for. Foreign CAs write names anew (other string types, other
// order): what counts is what Kubernetes and TLS read.
import type { Certificate, Extension } from "../pki/certificate.ts";
import type { CertificationRequest } from "../pki/csr.ts";
import { decodeExtendedKeyUsages, decodeKeyUsage, decodeSubjectAltNames } from "../pki/extension-values.ts";
import { extensionOids } from "../pki/extensions.ts";
import { formatName, parseName } from "../pki/names.ts";

/** Subject and extensions of a certificate or of a request. */
export type Identity = Pick<Certificate | CertificationRequest, "subjectDer"> & {
  readonly extensions: readonly Extension[];
};

export interface LostIdentity {
  /** Set when the names are not the same set: what was asked for, and what came. */
  readonly subject: { readonly asked: string; readonly found: string } | null;
  /** `dns:lb.example`, `ip:192.0.2.10`. */
  readonly sans: readonly string[];
  /** Extended key usages by name or OID. */
  readonly usages: readonly string[];
  /** Key usage bits; all of them when there is no such extension. */
  readonly keyUsages: readonly string[];
}

export function lostIdentity(asked: Identity, found: Identity): LostIdentity {
  const lacking = (read: (identity: Identity) => readonly string[]): readonly string[] => {
    const present = new Set(read(found));
    return read(asked).filter((value) => !present.has(value));
  };
  const isSame = subjectKey(asked) === subjectKey(found);
  return {
    subject: isSame ? null : { asked: subjectText(asked), found: subjectText(found) },
    sans: lacking(sansOf),
    usages: lacking(usagesOf),
    keyUsages: lacking(keyUsagesOf),
  };
}

/** The attributes as a set: neither the order nor the string type says who somebody is, one more organization does. */
function subjectKey({ subjectDer }: Identity): string {
  const attributes = parseName(subjectDer).rdns.flat();
  return JSON.stringify(attributes.map(({ oid, value }) => `${oid}=${value}`).toSorted());
}

export function subjectText({ subjectDer }: Pick<Identity, "subjectDer">): string {
  return formatName(parseName(subjectDer));
}

function valueOf({ extensions }: Identity, oid: string): Uint8Array | undefined {
  return extensions.find((extension) => extension.oid === oid)?.valueDer;
}

function sansOf(identity: Identity): readonly string[] {
  const value = valueOf(identity, extensionOids.subjectAltName);
  if (!value) return [];
  return decodeSubjectAltNames(value).map((san) =>
    san.kind === "other"
      ? `other:${Buffer.from(san.der).toString("hex")}`
      : // Host names are the same in any case (RFC 5280 section 7.2).
        `${san.kind}:${san.kind === "dns" ? san.value.toLowerCase() : san.value}`,
  );
}

function usagesOf(identity: Identity): readonly string[] {
  const value = valueOf(identity, extensionOids.extendedKeyUsage);
  return value ? decodeExtendedKeyUsages(value) : [];
}

function keyUsagesOf(identity: Identity): readonly string[] {
  const value = valueOf(identity, extensionOids.keyUsage);
  return value ? decodeKeyUsage(value) : [];
}
