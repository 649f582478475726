// A cluster as the operator describes it in `cluster.yaml`: its nodes and the way to each. Data only.
import type { NodeName } from "./address.ts";

export type NodeRole = "control-plane" | "etcd" | "worker";

/** How a node is reached. Paths are this machine's. */
export type Reach =
  | { readonly kind: "local" }
  /** A tree of files that stands for the node; nothing of it is dialled. */
  | { readonly kind: "root"; readonly root: string }
  | {
      readonly kind: "ssh";
      /** A host of the system's SSH configuration, a name or an address. */
      readonly host: string;
      readonly user: string | null;
      readonly port: number | null;
      readonly identityFile: string | null;
      /** As `ssh -J` takes it. */
      readonly jump: string | null;
      /** A file for `ssh -F`; null for the user's and the system's. */
      readonly sshConfig: string | null;
      /** True when the login is not root and everything goes through sudo. */
      readonly sudo: boolean;
    };

export interface ClusterNode {
  readonly name: NodeName;
  /** Address the other nodes know it by; null when nothing says so. */
  readonly address: string | null;
  readonly roles: readonly NodeRole[];
  readonly reach: Reach;
}

export interface Cluster {
  readonly name: string;
  /** null recognises each node by its files. */
  readonly profile: string | null;
  /** Parameters of the profile, as `--set`. */
  readonly params: Readonly<Record<string, string>>;
  readonly nodes: readonly ClusterNode[];
}

/** One fault of a cluster file. */
export interface ClusterFault {
  /** The first line is 1. */
  readonly line: number;
  /** `nodes[1].ssh.port`; empty for the file as a whole. */
  readonly at: string;
  readonly fault: ClusterFaultCode;
  /** What stands there. */
  readonly value: string;
  /** By fault: what may stand there, why it is no YAML, or the line of the first of two. */
  readonly detail: string;
}

export type ClusterFaultCode =
  | "not-yaml"
  | "several-documents"
  | "unknown-key"
  | "missing"
  | "empty"
  | "not-text"
  | "not-a-list"
  | "not-a-mapping"
  | "not-a-boolean"
  | "not-one-of"
  | "not-a-name"
  | "not-a-host"
  | "not-a-port"
  | "not-a-user"
  | "not-a-jump"
  | "not-a-path"
  | "not-true"
  | "several-reaches"
  | "duplicate"
  | "second-local";
