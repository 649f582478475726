// A cluster file before it is written: what one node knows of its cluster, each value with who says so. Data only.
import type { NodeName } from "./address.ts";
import type { NodeRole } from "./cluster.ts";

export type ClusterSource =
  /** A file of the node; `field` is a flag or a key in it. */
  | { readonly kind: "file"; readonly path: string; readonly field: string }
  /** The member list that etcd answered with. */
  | { readonly kind: "member-list" }
  /** An option of the command. */
  | { readonly kind: "option"; readonly option: string }
  /** Nothing says it. */
  | { readonly kind: "default" };

export interface ClusterSign {
  readonly value: string;
  readonly source: ClusterSource;
}

export interface DraftNode {
  readonly name: NodeName;
  readonly address: ClusterSign | null;
  readonly roles: readonly NodeRole[];
  /** Who says that there is such a node. */
  readonly source: ClusterSource;
  /** `null`: over SSH. */
  readonly reach: { readonly kind: "local" } | { readonly kind: "root"; readonly root: string } | null;
}

export interface ClusterDraft {
  readonly name: ClusterSign;
  readonly profile: string | null;
  readonly params: Readonly<Record<string, string>>;
  /** Where kubeconfigs find the API: a load balancer, or another node. */
  readonly servers: readonly ClusterSign[];
  /** The one it was made on comes first. */
  readonly nodes: readonly DraftNode[];
  /** Why etcd's member list is not in it; null when it is. */
  readonly noMemberList: "files-only" | "no-etcd" | { readonly reason: string } | null;
}
