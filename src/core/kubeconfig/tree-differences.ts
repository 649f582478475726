// Compares two YAML trees: what a splice changed, as paths.
import type { YamlMap, YamlNode } from "./yaml-tree.ts";

export interface TreeDifference {
  readonly path: string;
  /** The new value when it is a scalar of the same style. */
  readonly text: string | undefined;
}

/**
 * The paths (`users[0].user.client-key-data`) at which two trees differ in kind, text, style, keys or their order, length, or sharing.
 * Offsets do not count. A difference above others is given alone.
 */
export function treeDifferences(a: YamlNode, b: YamlNode, path = ""): readonly TreeDifference[] {
  if (a.shared !== b.shared) return [{ path, text: undefined }];
  if (a.kind === "scalar" && b.kind === "scalar") {
    if (a.text === b.text && a.style === b.style) return [];
    return [{ path, text: a.style === b.style ? b.text : undefined }];
  }
  if (a.kind === "map" && b.kind === "map" && sameKeys(a, b)) {
    return [...a.entries].flatMap(([key, value]) => {
      const other = b.entries.get(key);
      return other ? treeDifferences(value, other, path === "" ? key : `${path}.${key}`) : [];
    });
  }
  if (a.kind === "list" && b.kind === "list" && a.items.length === b.items.length) {
    return a.items.flatMap((item, index) => {
      const other = b.items[index];
      return other ? treeDifferences(item, other, `${path}[${index}]`) : [];
    });
  }
  return [{ path, text: undefined }];
}

function sameKeys(a: YamlMap, b: YamlMap): boolean {
  return JSON.stringify([...a.entries.keys()]) === JSON.stringify([...b.entries.keys()]);
}
