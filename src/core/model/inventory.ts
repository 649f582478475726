// The inventory: every slot, authority, key pair and consumer of one cluster, and how we know of each.
import type { Address, NodeName } from "./address.ts";
import type { ApiCopy, PlatformFacts } from "./platform.ts";

/** `NODE/NAME`, e.g. `m1/apiserver`, `m1/admin.conf`, `m1/root/.kube/config#users/kubernetes-admin`. */
export type SlotId = string;

/** How a path became known; shown by `check -o wide` and by the plan. */
export interface Origin {
  readonly kind: "flag" | "kubelet-config" | "kubeconfig" | "default" | "scan";
  /** The file that said so; absent for a default. */
  readonly source?: string;
  /** The flag or field, e.g. `--tls-cert-file`. */
  readonly field?: string;
}

/** Where a certificate and its key live. For kubeconfigs `file` is one object that holds both. */
export type Holder =
  | { readonly form: "pem"; readonly certificate: Address; readonly key: Address | null }
  | {
      readonly form: "kubeconfig";
      readonly file: Address;
      /** Name of the entry below `users:`. */
      readonly user: string;
      /** Name of the cluster that the user's context names, when there is one. */
      readonly cluster: string | null;
    };

/**
 * What a role asks of its certificate. `organizations: null` means "whatever it is" (kubeadm's own choice
 * changed over versions, facts/kubeadm 1.1); the SAN list holds what the node must be reachable by.
 */
export interface ExpectedIdentity {
  readonly commonNames: readonly string[] | null;
  readonly organizations: readonly (readonly string[])[] | null;
  readonly usages: readonly string[];
  readonly sans: readonly ExpectedSan[];
}

export interface ExpectedSan {
  readonly kind: "dns" | "ip";
  readonly value: string;
  /** Where the demand comes from, e.g. `--advertise-address of kube-apiserver.yaml`. */
  readonly source: string;
}

/**
 * Who renews a slot:
 * `renew` – we do, by default; `kubelet` – the kubelet rotates it while it is valid, we do once it expired;
 * `copy` – follows the slot whose identity it holds; `observe` – never written by us.
 */
export type Management = "renew" | "kubelet" | "copy" | "observe";

export interface CertificateSlot {
  readonly id: SlotId;
  readonly node: NodeName;
  /** kubeadm's name where it has one; else the path without its leading slash. */
  readonly name: string;
  readonly holder: Holder;
  /** Name of the authority that should have signed it; null when nothing says so. */
  readonly authority: string | null;
  readonly expected: ExpectedIdentity;
  readonly management: Management;
  /** Per node (its names are in it) or shared by all nodes. */
  readonly sharing: "per-node" | "shared";
  /** Set for what kubeadm leaves to others: the client pair of an etcd elsewhere. */
  readonly isOutsideKubeadm?: true;
  /** A missing optional slot is no finding (super-admin.conf, ~/.kube/config). */
  readonly optional: boolean;
  /** Candidate originals of a copy, best first. */
  readonly copyOf: readonly SlotId[];
  readonly origin: Origin;
}

export interface AuthoritySlot {
  readonly id: SlotId;
  readonly node: NodeName;
  readonly name: string;
  readonly certificate: Address;
  readonly key: Address;
  readonly origin: Origin;
  /** As for certificates. */
  readonly isOutsideKubeadm?: true;
}

/** The service-account pair: not X.509, never renewed, identical on all control-plane nodes. */
export interface KeyPairSlot {
  readonly id: SlotId;
  readonly node: NodeName;
  readonly name: string;
  readonly publicKey: Address;
  readonly privateKey: Address;
  readonly origin: Origin;
}

/** Files whose mode and owner matter though they hold no certificate of ours (manifests, kubeconfigs by token). */
export interface Consumer {
  readonly node: NodeName;
  /** `kube-apiserver`, `etcd`, `kube-controller-manager`, `kube-scheduler`, `kubelet`. */
  readonly name: string;
  readonly manifest: Address | null;
  readonly version: string | null;
  readonly slots: readonly SlotId[];
  /** Of etcd: how many members its manifest names, where it is one of several. The first of a cluster names only itself. */
  readonly members?: number;
}

/** Something discovery wants said: a manifest it could not read, a path it had to assume. */
export interface DiscoveryNote {
  readonly code:
    | "manifest-unreadable"
    | "manifest-broken"
    | "kubeconfig-unreadable"
    | "kubeconfig-broken"
    | "kubelet-config-broken"
    | "kubelet-config-unreadable"
    | "kubeconfig-without-certificate"
    | "home-unreadable"
    | "name-not-utf8"
    | "external-etcd";
  readonly address: Address;
  readonly detail: string;
}

export interface NodeInventory {
  readonly node: NodeName;
  readonly authorities: readonly AuthoritySlot[];
  readonly certificates: readonly CertificateSlot[];
  readonly keyPairs: readonly KeyPairSlot[];
  readonly consumers: readonly Consumer[];
  readonly notes: readonly DiscoveryNote[];
  /** Absent for plain kubeadm. */
  readonly platform?: PlatformFacts;
  /** Copies of certificates of this node that only the API holds. */
  readonly apiCopies?: readonly ApiCopy[];
}

export interface Inventory {
  readonly cluster: string;
  readonly profile: { readonly id: string; readonly digest: string };
  readonly nodes: readonly NodeInventory[];
}
