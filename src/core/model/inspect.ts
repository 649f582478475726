// The result of `inspect`: everything found in one file, kubeconfig, bundle, object or handshake, with its position.

export type InspectedItem =
  | {
      readonly kind: "certificate";
      /**
       * `line 14`, `users/kubernetes-admin`, `clusters/kubernetes`; in an object `secrets/NAMESPACE/NAME/KEY`, and behind it the place in
       * the value, unless that is its first line; `handshake 1` is what a listener shows first.
       */
      readonly where: string;
      readonly subject: string;
      readonly issuer: string;
      readonly serialHex: string;
      readonly notBefore: number;
      readonly notAfter: number;
      readonly isAuthority: boolean;
      readonly sans: readonly string[];
      readonly usages: readonly string[];
      readonly keyUsages: readonly string[];
      readonly keyAlgorithm: string;
      readonly signatureAlgorithm: string;
      readonly sha256: string;
      readonly spkiSha256: string;
      readonly subjectKeyId: string | null;
      readonly authorityKeyId: string | null;
      readonly anomalies: readonly string[];
      /** Extensions we have no name for: object identifiers, with criticality. */
      readonly otherExtensions: readonly { readonly oid: string; readonly critical: boolean }[];
      /** `where` of a private key in the same file that belongs to it; null when there is none. */
      readonly keyAt: string | null;
    }
  | {
      readonly kind: "private-key";
      readonly where: string;
      readonly format: string;
      readonly keyAlgorithm: string;
      readonly spkiSha256: string;
      readonly matches: readonly string[];
    }
  | { readonly kind: "encrypted-key"; readonly where: string; readonly format: string }
  | {
      readonly kind: "public-key";
      readonly where: string;
      readonly keyAlgorithm: string;
      readonly spkiSha256: string;
    }
  | { readonly kind: "request"; readonly where: string }
  | { readonly kind: "other"; readonly where: string; readonly label: string }
  | { readonly kind: "broken"; readonly where: string; readonly code: string; readonly reason: string };

export interface InspectResult {
  readonly at: number;
  readonly path: string;
  readonly form: "pem" | "der" | "kubeconfig" | "objects" | "handshake";
  readonly items: readonly InspectedItem[];
  /** PEM damage: a BEGIN without END and the like. */
  readonly faults: readonly { readonly line: number; readonly fault: string }[];
}
