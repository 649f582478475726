// What no single field of cluster.yaml can say: two nodes that are one, two that are this machine.
import type { ClusterNode, Reach } from "../model/cluster.ts";
import { type YamlNode, child } from "../kubeconfig/yaml-tree.ts";
import { type ClusterReader, keyAt } from "./cluster-reader.ts";

interface ReadNode {
  readonly item: YamlNode;
  readonly at: string;
  readonly node: ClusterNode;
}

export function lateFaults(nodes: readonly ReadNode[], reader: ClusterReader): void {
  noteTwice(nodes, { key: "name", of: ({ name }) => name }, reader);
  noteTwice(nodes, { key: "address", of: ({ address }) => address ?? "" }, reader);
  noteTwice(nodes, { key: "root", of: ({ reach }) => (reach.kind === "root" ? reach.root : "") }, reader);
  noteTwice(nodes, { key: "ssh", of: ({ reach }) => loginOf(reach) }, reader);
  const [, ...others] = nodes.filter(({ node }) => node.reach.kind === "local");
  for (const { item, at, node } of others)
    reader.fault(placeOf(item, "local"), keyAt(at, "local"), "second-local", { value: node.name });
}

interface Trait {
  readonly key: string;
  /** Empty says nothing. */
  readonly of: (node: ClusterNode) => string;
}

function noteTwice(nodes: readonly ReadNode[], { key, of }: Trait, reader: ClusterReader): void {
  const first = new Map<string, number>();
  for (const { item, at, node } of nodes) {
    const value = of(node);
    if (value === "") continue;
    const place = placeOf(item, key);
    const line = first.get(value);
    if (line === undefined) first.set(value, reader.lineOf(place));
    else reader.fault(place, keyAt(at, key), "duplicate", { value, detail: String(line) });
  }
}

/** Two hosts behind one name differ in port or in the way there. */
function loginOf(reach: Reach): string {
  if (reach.kind !== "ssh" || reach.host === "") return "";
  const port = reach.port === null ? "" : `:${reach.port}`;
  return `${reach.host}${port}${reach.jump === null ? "" : ` (${reach.jump})`}`;
}

function placeOf(item: YamlNode, key: string): YamlNode {
  return (item.kind === "map" ? child(item, key) : undefined) ?? item;
}
