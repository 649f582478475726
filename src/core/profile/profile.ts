// A profile: the description of one distribution, as data. `{param}` is the only construct in it.
import { AppError } from "../model/errors.ts";

export interface FlagSource {
  /** Name of the process (component label of its static pod). */
  readonly of: string;
  /** Flag without its dashes whose value is the certificate's path. */
  readonly certificate: string;
  readonly key?: string | undefined;
}

/** Organizations that kubeadm writes below a version (`1.29`), or from the last such version on. */
export interface VersionedOrganizations {
  readonly before?: string | undefined;
  readonly organizations: readonly string[];
}

export interface AuthorityDescription {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly part?: "etcd" | undefined;
  /** The common name to make it again with, by explicit word; without it that is refused. */
  readonly recreate?: string | undefined;
  readonly flags: readonly FlagSource[];
}

export interface CertificateDescription {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
  readonly part?: "etcd" | "etcd-client" | undefined;
  readonly commonNames: readonly string[];
  readonly organizations: readonly (readonly string[])[];
  readonly writes?: readonly VersionedOrganizations[] | undefined;
  readonly usages: readonly string[];
  /** The discovery function that knows which names it must carry. */
  readonly names?: "apiserver" | "etcd-peer" | "etcd-server" | undefined;
  readonly flags?: FlagSource | undefined;
}

export interface KubeconfigDescription {
  readonly name: string;
  readonly path: string;
  readonly authority: string;
  readonly role?: "kubelet" | undefined;
  readonly optional: boolean;
  readonly commonNames: readonly string[];
  readonly organizations: readonly (readonly string[])[];
  readonly writes?: readonly VersionedOrganizations[] | undefined;
  readonly flags?: FlagSource | undefined;
}

export interface KeyPairDescription {
  readonly name: string;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly flags?:
    | { readonly of: string; readonly publicKey: string; readonly privateKey: string }
    | undefined;
}

/** A copy of a certificate and its key that only the API of a cluster holds. */
export interface ApiCopyDescription {
  readonly name: string;
  /** The certificate it is a copy of. */
  readonly of: string;
  /** The clusters of the platform in whose API it is; without it every one's. */
  readonly role?: "global" | undefined;
  readonly store: "config-map" | "cluster-credential";
  /** null for objects that every cluster has one of. */
  readonly namespace: string | null;
  readonly object: string | null;
  readonly certificate: string;
  readonly key: string;
}

export interface Profile {
  readonly id: string;
  readonly title: string;
  /** The profile that this one was laid over. */
  readonly extends?: string | undefined;
  readonly params: Readonly<Record<string, string>>;
  readonly recognise: readonly string[];
  /** With one of these the profile fits whatever signs of another distribution there are. */
  readonly certain?: readonly string[] | undefined;
  /** One of these has to be there as well: it tells the nodes of a profile from those of the one it extends. */
  readonly marks?: readonly string[] | undefined;
  /** The discovery function that knows what else is to be known of such a node. */
  readonly platform?: "tkestack" | undefined;
  readonly apiCopies?: readonly ApiCopyDescription[] | undefined;
  readonly authorities: readonly AuthorityDescription[];
  readonly certificates: readonly CertificateDescription[];
  readonly kubeconfigs: readonly KubeconfigDescription[];
  readonly copies: {
    readonly of: readonly string[];
    readonly files: readonly string[];
    readonly scan: readonly string[];
  };
  /** Where old files lie. */
  readonly backups?:
    | {
        /** Folders laid out like `{kubernetesDir}`, like `{pkiDir}`; folders with kubeconfigs in them. */
        readonly kubernetes: readonly string[];
        readonly pki: readonly string[];
        readonly kubeconfigs: readonly string[];
        /** Files with a kubelet's client certificate. */
        readonly kubelet: readonly string[];
        /** Of copies beside the file itself. */
        readonly endings: readonly string[];
      }
    | undefined;
  readonly scan: readonly string[];
  readonly keyPairs: readonly KeyPairDescription[];
  readonly kubelet: {
    readonly configuration: string;
    readonly flags: string;
    readonly servingCertificate: string;
    readonly servingKey: string;
    readonly rotatedServing: string;
    readonly rotatedClient: string;
    readonly bootstrap?: string | undefined;
  };
  readonly consumers: readonly {
    readonly name: string;
    readonly manifest: string;
    readonly reads: readonly string[];
  }[];
}

/** Parameters of a profile with `--set` applied and references among them resolved; unknown names are refused. */
export function resolveParams(
  profile: Profile,
  overrides: Readonly<Record<string, string>>,
): Record<string, string> {
  for (const name of Object.keys(overrides)) {
    if (profile.params[name] === undefined) {
      throw new AppError("name-unknown", { name, known: Object.keys(profile.params) });
    }
  }
  const raw = { ...profile.params, ...overrides };
  const resolved: Record<string, string> = {};
  for (const name of Object.keys(raw)) resolved[name] = substitute(raw[name] ?? "", raw, profile.id);
  return resolved;
}

/** Replaces every `{name}`; nesting is bounded so that a cycle is an error, not a hang. */
export function substitute(text: string, params: Readonly<Record<string, string>>, profile: string): string {
  let current = text;
  for (let depth = 0; depth < 8 && current.includes("{"); depth += 1) {
    current = current.replace(/\{([A-Za-z]+)\}/g, (_, name: string) => {
      const value = params[name];
      if (value === undefined)
        throw new AppError("profile-invalid", { profile, reason: `unknown parameter {${name}} in ${text}` });
      return value;
    });
  }
  if (current.includes("{"))
    throw new AppError("profile-invalid", { profile, reason: `parameters of ${text} never end` });
  return current;
}
