// A platform that made a cluster and looks after it, as its nodes' files tell; and copies of certificates that only the API holds.
import type { NodeName } from "./address.ts";
import type { SlotId } from "./inventory.ts";

/** `global`: the platform itself runs in it. `unknown` when no file says how the platform calls the cluster. */
export type PlatformRole = "global" | "standalone" | "unknown";

export interface PlatformFacts {
  readonly id: "tkestack";
  /** Path of the file that the node was recognised by; null when `--profile` said so and nothing on the node does. */
  readonly mark: string | null;
  readonly role: PlatformRole;
  /** As the platform calls the cluster, and the file that says so. */
  readonly cluster: { readonly name: string; readonly source: string } | null;
  /** Why the node is left alone; null when it is not. */
  readonly leftAlone: LeftAlone | null;
  /** Kubeconfigs in which the platform keeps a token. */
  readonly tokenKubeconfigs: readonly string[];
}

export type LeftAlone =
  /** Older than what the runbook is for: `version` as the operator said it, or `path` of the file that shows it. */
  | { readonly code: "too-old"; readonly version: string | null; readonly path: string | null }
  /** Nothing of the platform is on the node: a cluster that was imported, or another one. */
  | { readonly code: "no-marks" };

/** A copy of a slot in the API of a cluster. The store for it is not there yet: it is data for people, and for a store to come. */
export interface ApiCopy {
  /** As the profile calls it: `tke-certs`. */
  readonly name: string;
  readonly source: SlotId;
  readonly store: "config-map" | "cluster-credential";
  readonly namespace: string | null;
  /** null when the cluster's name finds it. */
  readonly object: string | null;
  /** Names of the fields with certificate and key. */
  readonly certificate: string;
  readonly key: string;
}

/** What people do after a run, in the order given: an API copy of a certificate that the plan renews. */
export interface ManualStep extends ApiCopy {
  readonly kind: "manual";
  /** `m1/manual/tke-certs`. */
  readonly id: string;
  /** Where the renewed files are. */
  readonly node: NodeName;
  /** Paths on the node. */
  readonly files: { readonly certificate: string; readonly key: string };
  /** Of the certificate that the plan replaces: a copy holds it until then. null when there was none. */
  readonly oldSerialHex: string | null;
  readonly role: PlatformRole;
  /** As the platform calls the cluster; null when no file says. */
  readonly cluster: string | null;
}
