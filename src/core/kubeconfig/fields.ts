// Typed fields of manifests and of the kubelet's configuration.
import type { Reason } from "../model/reasons.ts";
import { AppError } from "../model/errors.ts";
import { child, toBoolean } from "./yaml-tree.ts";
import type { YamlMap, YamlNode } from "./yaml-tree.ts";

/** The text of a field, undefined when it is absent, null or empty. `at` is the address of the mapping. */
export function textField(map: YamlMap | undefined, key: string, at: string): string | undefined {
  const node = map && child(map, key);
  if (node === undefined) return undefined;
  if (node.kind !== "scalar") throw malformed(`${at}.${key} is not text`);
  return node.text === "" ? undefined : node.text;
}

export function booleanField(map: YamlMap | undefined, key: string, at: string): boolean | undefined {
  const node = map && child(map, key);
  if (node === undefined) return undefined;
  const value = toBoolean(node);
  if (value === undefined) throw malformed(`${at}.${key} is neither true nor false`);
  return value;
}

export function mapField(map: YamlMap | undefined, key: string, at: string): YamlMap | undefined {
  const node = map && child(map, key);
  return node === undefined ? undefined : asMap(node, `${at}.${key}`);
}

export function asMap(node: YamlNode, at: string): YamlMap {
  if (node.kind !== "map") throw malformed(`${at} is not a mapping`);
  return node;
}

/** The mappings of a list, none when it is absent. */
export function mapsField(map: YamlMap | undefined, key: string, at: string): readonly YamlMap[] {
  return listField(map, key, at).map((node, index) => asMap(node, `${at}.${key}[${index}]`));
}

/** The words of a list of text, none when it is absent. */
export function wordsField(map: YamlMap | undefined, key: string, at: string): readonly string[] {
  return listField(map, key, at).map((node, index) => {
    if (node.kind !== "scalar") throw malformed(`${at}.${key}[${index}] is not text`);
    return node.text;
  });
}

function listField(map: YamlMap | undefined, key: string, at: string): readonly YamlNode[] {
  const node = map && child(map, key);
  if (node === undefined) return [];
  if (node.kind !== "list") throw malformed(`${at}.${key} is not a list`);
  return node.items;
}

export function malformed(reason: Reason): AppError<"manifest-malformed"> {
  return new AppError("manifest-malformed", { reason });
}
