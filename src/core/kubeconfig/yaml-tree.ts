// The tree that kubeconfigs and manifests are read from: scalars as written, with their place in the text.

/**
 * One YAML node. `start` and `end` are offsets in UTF-16 units of the text, without trailing white space.
 * `shared` says that the node carries an anchor or was reached through an alias or a merge key: its bytes stand for more than one place.
 */
export type YamlNode = YamlScalar | YamlMap | YamlList;

export interface Placed {
  readonly start: number;
  readonly end: number;
  readonly shared: boolean;
  /** How many nodes this one stands for when every alias below it is written out. */
  readonly weight: number;
}

export interface YamlScalar extends Placed {
  readonly kind: "scalar";
  /** The value as text, before any tag is guessed: `0644` stays `0644`. */
  readonly text: string;
  readonly style: YamlStyle;
}

export type YamlStyle = "plain" | "single" | "double" | "literal" | "folded";

export interface YamlMap extends Placed {
  readonly kind: "map";
  readonly entries: ReadonlyMap<string, YamlNode>;
}

export interface YamlList extends Placed {
  readonly kind: "list";
  readonly items: readonly YamlNode[];
}

/** A node read through an alias or a merge key. */
export function asShared(node: YamlNode): YamlNode {
  return { ...node, shared: true };
}

/** Empty, `~` and `null` are to Kubernetes what a missing key is. */
export function isNull(node: YamlNode): boolean {
  return node.kind === "scalar" && node.style === "plain" && /^(?:|~|null|Null|NULL)$/.test(node.text);
}

/** The value of `key`, undefined when absent or null. */
export function child(node: YamlMap, key: string): YamlNode | undefined {
  const value = node.entries.get(key);
  return value === undefined || isNull(value) ? undefined : value;
}

/**
 * YAML 1.1 booleans as go-yaml v2 reads them, undefined when the node is none.
 * Source: gopkg.in/yaml.v2 resolve.go.
 */
export function toBoolean(node: YamlNode): boolean | undefined {
  if (node.kind !== "scalar" || node.style !== "plain") return undefined;
  if (/^(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/.test(node.text)) return true;
  if (/^(?:n|N|no|No|NO|false|False|FALSE|off|Off|OFF)$/.test(node.text)) return false;
  return undefined;
}

/** YAML 1.1 whole numbers (a leading zero means octal), undefined when the node is none. */
export function toInteger(node: YamlNode): number | undefined {
  if (node.kind !== "scalar" || node.style !== "plain") return undefined;
  if (/^0[0-7]+$/.test(node.text)) return Number.parseInt(node.text, 8);
  return /^(?:0|[1-9]\d{0,14}|0x[0-9a-fA-F]{1,12})$/.test(node.text) ? Number(node.text) : undefined;
}
