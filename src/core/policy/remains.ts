// Remains: what backups, other files and the profile say about things that are missing. Read once, judged by the planner.
import type { Address } from "../model/address.ts";
import type { ExpectedSan, SlotId } from "../model/inventory.ts";
import type { ObjectFacts } from "./facts.ts";

/** A file found where backups and copies lie. */
export interface Remain {
  readonly address: Address;
  readonly bytes: Uint8Array;
  readonly facts: ObjectFacts;
}

/** What a role is when no old certificate is found. */
export interface RoleDefaults {
  /** kubeadm's choice for the version that runs here. */
  readonly organizations: readonly string[];
  /** Every name with who says so; null when the role has names and nothing says which. */
  readonly names: readonly ExpectedSan[] | null;
  /** True when a process of this node uses it. */
  readonly isUsedHere: boolean;
}

export interface AuthorityRemains {
  readonly certificate: Remain;
  readonly key: Remain | null;
}

export interface Remains {
  readonly roles: ReadonlyMap<SlotId, RoleDefaults>;
  /** Files that may hold an old certificate of the slot (for kubeconfigs: an old kubeconfig), the best place first. */
  readonly certificates: ReadonlyMap<SlotId, readonly Remain[]>;
  /** By `NODE/NAME` of the authority. */
  readonly authorities: ReadonlyMap<SlotId, readonly AuthorityRemains[]>;
  /** Where old halves of key pairs lie: paths of private keys, by slot id. */
  readonly keyPairs: ReadonlyMap<SlotId, readonly string[]>;
  /** Authorities that `--recreate-authority` may make, by name, with their common name. */
  readonly recreatable: ReadonlyMap<string, string>;
  /** Where the API is, best first, with the file that says so. */
  readonly servers: readonly { readonly url: string; readonly path: string }[];
  /** Name of the cluster in kubeconfigs that are here, or kubeadm's own. */
  readonly clusterName: string;
  /** The kubelet's bootstrap kubeconfig when it is not there. */
  readonly missingBootstrap: string | null;
}
