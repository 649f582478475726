// Opens the nodes of a cluster for the use cases that change them: the one place where a way to a node is chosen.
import { resolve } from "node:path";
import type { Cluster } from "../core/model/cluster.ts";
import type { ClusterSession } from "./cluster-renewal.ts";
import { defaultStateDirectory, partOf } from "./cluster-state.ts";
import type { LiveChoice } from "./local-node.ts";
import { type AccessOptions, localAccess, type NodeAccess } from "./node-access.ts";

export interface SessionOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly allowLinksTo: readonly string[];
  /** How processes are found; null works on files only. */
  readonly live: LiveChoice | null;
  /** True when trees of files are dialled too. */
  readonly isProbed: boolean;
  /** `--state-dir`; null for the default of the cluster's name. */
  readonly stateDirectory: string | null;
  /** What the operator was asked for, once for all nodes. */
  readonly passwords?: Passwords;
}

export interface Passwords {
  readonly sshPassword?: () => Promise<string>;
  readonly sudoPassword?: () => Promise<string>;
}

/** Nothing is reached yet; the caller closes it. */
export async function openSession(cluster: Cluster, options: SessionOptions): Promise<ClusterSession> {
  const { environment } = options;
  return {
    cluster,
    accesses: await Promise.all(
      cluster.nodes.map((node) => accessTo(node, { ...options, runsIn: partOf(cluster.name) })),
    ),
    stateDirectory:
      options.stateDirectory === null
        ? defaultStateDirectory(cluster.name, environment)
        : resolve(options.stateDirectory),
    environment,
  };
}

export async function closeSession({ accesses }: ClusterSession): Promise<void> {
  await Promise.all(accesses.map((access) => access.close()));
}

async function accessTo(
  node: Cluster["nodes"][number],
  options: SessionOptions & AccessOptions,
): Promise<NodeAccess> {
  if (node.reach.kind !== "ssh") return localAccess(node, options, options);
  const { openSshAccess } = await import("./ssh-access.ts");
  return openSshAccess(node, { ...options, ssh: options.passwords ?? {} });
}
