// cluster.yaml -> Cluster: which nodes there are and the way to each. Checked by hand: the schema library costs more than the reading.
import type { Cluster, ClusterFault, ClusterNode, NodeRole } from "../model/cluster.ts";
import { AppError, attempt, isAppError, reasonOf } from "../model/errors.ts";
import { parseYaml } from "../kubeconfig/yaml-source.ts";
import type { YamlMap, YamlNode } from "../kubeconfig/yaml-tree.ts";
import { builtinProfileIds } from "./builtin.ts";
import { type ClusterReader, clusterReader, folderOf } from "./cluster-reader.ts";
import { readReach, sshDefaults, type SshDefaults } from "./cluster-reach.ts";
import { lateFaults } from "./cluster-rules.ts";

const clusterApiVersion = "perennial/v1";

const topKeys = ["apiVersion", "kind", "name", "profile", "set", "ssh", "nodes"];
const nodeKeys = ["name", "address", "roles", "local", "root", "ssh"];
const allRoles: readonly NodeRole[] = ["control-plane", "etcd", "worker"];
const defaultRoles: readonly NodeRole[] = ["control-plane", "etcd"];

/**
 * The cluster that a file describes; relative paths in it start at the file's folder, `~/` is left to the reader.
 * `path` is the file's, for messages and for that folder.
 * @throws AppError `cluster-invalid` with every fault and its line
 */
export function parseClusterFile(text: string, path: string): Cluster {
  const faults: ClusterFault[] = [];
  const reader = clusterReader(text, folderOf(path), faults);
  const root = rootOf(text, reader);
  const cluster = root === null ? null : readCluster(root, reader);
  if (faults.length > 0 || cluster === null)
    throw new AppError("cluster-invalid", { path, faults: faults.toSorted((a, b) => a.line - b.line) });
  return cluster;
}

function rootOf(text: string, reader: ClusterReader): YamlMap | null {
  // An editor of another system puts a byte order mark in front.
  const documents = attempt(() => parseYaml(text.replace(/^\ufeff/, "")));
  if (isAppError(documents)) {
    const { line } = documents.params as { readonly line?: unknown };
    reader.faultAt(typeof line === "number" ? line : 1, {
      at: "",
      fault: "not-yaml",
      value: "",
      detail: reasonOf(documents).replace(/ \(line \d+\)$/, ""),
    });
    return null;
  }
  const [root, second] = documents;
  if (second !== undefined) reader.fault(second, "", "several-documents");
  if (root === undefined) {
    reader.faultAt(1, { at: "", fault: "empty", value: "", detail: "" });
    return null;
  }
  return reader.map(root, "");
}

function readCluster(root: YamlMap, reader: ClusterReader): Cluster {
  reader.known(root, "", topKeys);
  reader.oneOf(root, "apiVersion", "", [clusterApiVersion], { required: true });
  reader.oneOf(root, "kind", "", ["Cluster"], { required: true });
  const defaults = sshDefaults(root, reader);
  const nodes = readNodes(root, defaults, reader);
  return {
    name: reader.name(root, "name", "") ?? "",
    profile: reader.oneOf(root, "profile", "", builtinProfileIds()),
    params: readParams(root, reader),
    nodes,
  };
}

function readParams(root: YamlMap, reader: ClusterReader): Readonly<Record<string, string>> {
  const set = reader.mapAt(root, "set", "");
  if (set === null) return {};
  const pairs = [...set.entries.keys()].flatMap((key) => {
    const value = reader.text(set, key, "set", { required: true });
    return value === null ? [] : [[key, value] as const];
  });
  return Object.fromEntries(pairs);
}

function readNodes(root: YamlMap, defaults: SshDefaults, reader: ClusterReader): readonly ClusterNode[] {
  const items = reader.list(root, "nodes", "", { required: true });
  const nodes = items.flatMap((item, index) => {
    const at = `nodes[${index}]`;
    const map = reader.map(item, at);
    return map === null ? [] : [{ item, at, node: readNode(map, { at, defaults }, reader) }];
  });
  lateFaults(nodes, reader);
  return nodes.map(({ node }) => node);
}

function readNode(
  map: YamlMap,
  { at, defaults }: { readonly at: string; readonly defaults: SshDefaults },
  reader: ClusterReader,
): ClusterNode {
  reader.known(map, at, nodeKeys);
  const name = reader.name(map, "name", at) ?? "";
  const address = reader.host(map, "address", at);
  return {
    name,
    address,
    roles: readRoles(map, at, reader),
    reach: readReach(map, { at, defaults, host: address ?? name }, reader),
  };
}

function readRoles(map: YamlMap, at: string, reader: ClusterReader): readonly NodeRole[] {
  const items = reader.list(map, "roles", at);
  if (items.length === 0) return defaultRoles;
  const roles = items.flatMap((item, index) => roleOf(item, `${at}.roles[${index}]`, reader));
  return [...new Set(roles)];
}

function roleOf(item: YamlNode, at: string, reader: ClusterReader): readonly NodeRole[] {
  const text = reader.scalar(item, at);
  if (text === null) return [];
  const role = allRoles.find((known) => known === text);
  if (role === undefined) reader.fault(item, at, "not-one-of", { value: text, detail: allRoles.join(", ") });
  return role === undefined ? [] : [role];
}
