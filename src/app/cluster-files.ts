// Cluster files on this machine: one, or every *.yaml of a folder.
import { readFile, readdir, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { Cluster, Reach } from "../core/model/cluster.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import { decodeYaml } from "../core/kubeconfig/yaml-source.ts";
import { parseClusterFile } from "../core/profile/cluster-file.ts";

/** As in the YAML reader: what is longer is no file of ours. */
const limitBytes = 1024 * 1024;

export interface ClusterFiles {
  /** As the operator wrote them: the file itself, or the folder's files by name. */
  readonly paths: readonly string[];
  readonly isFolder: boolean;
}

/** Throws `input-unreadable`, also for a folder without a *.yaml in it. */
export async function findClusterFiles(path: string): Promise<ClusterFiles> {
  const isFolder = await orUnreadable(path, async () => (await stat(path)).isDirectory());
  if (!isFolder) return { paths: [path], isFolder };
  const names = (await orUnreadable(path, () => readdir(path))).filter((name) => name.endsWith(".yaml"));
  if (names.length === 0)
    throw new AppError("input-unreadable", { path, reason: "there is no *.yaml in this folder" });
  return { paths: names.sort().map((name) => join(path, name)), isFolder };
}

/** @throws AppError `input-unreadable`, `cluster-invalid` */
export async function readClusterFile(path: string): Promise<Cluster> {
  const bytes = await orUnreadable(path, async () => {
    const { size } = await stat(path);
    if (size > limitBytes)
      throw new AppError("input-unreadable", { path, reason: `larger than ${limitBytes} bytes` });
    return readFile(path);
  });
  const cluster = parseClusterFile(textOf(bytes, path), resolve(path));
  return { ...cluster, nodes: cluster.nodes.map((node) => ({ ...node, reach: fromHome(node.reach) })) };
}

function textOf(bytes: Uint8Array, path: string): string {
  try {
    return decodeYaml(bytes);
  } catch (error) {
    if (!isAppError(error, "yaml-malformed")) throw error;
    const fault = { line: 1, at: "", fault: "not-yaml", value: "", detail: error.params.reason } as const;
    throw new AppError("cluster-invalid", { path, faults: [fault] }, { cause: error });
  }
}

function fromHome(reach: Reach): Reach {
  switch (reach.kind) {
    case "local":
      return reach;
    case "root":
      return { ...reach, root: atHome(reach.root) };
    case "ssh":
      return {
        ...reach,
        identityFile: reach.identityFile === null ? null : atHome(reach.identityFile),
        sshConfig: reach.sshConfig === null ? null : atHome(reach.sshConfig),
      };
  }
}

function atHome(path: string): string {
  return path === "~" || path.startsWith("~/") ? join(homedir(), path.slice(1)) : path;
}

async function orUnreadable<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (isAppError(error) || code === undefined) throw error;
    throw new AppError("input-unreadable", { path, reason: code }, { cause: error });
  }
}
