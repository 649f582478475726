// The comparison that guards every splice.
import { describe, expect, it } from "vitest";
import { treeDifferences } from "../../../src/core/kubeconfig/tree-differences.ts";
import { parseYaml } from "../../../src/core/kubeconfig/yaml-source.ts";
import type { YamlNode } from "../../../src/core/kubeconfig/yaml-tree.ts";

function tree(text: string): YamlNode {
  const [root] = parseYaml(text);
  if (!root) throw new Error("empty");
  return root;
}

describe("treeDifferences", () => {
  it.each<[string, string, readonly { readonly path: string; readonly text: string | undefined }[]]>([
    ["a: {b: [x, y]}", "a:   # moved\n  b:\n  - x\n  - y\n", []],
    ["a: {b: [x, y]}", "a: {b: [x, z]}", [{ path: "a.b[1]", text: "z" }]],
    [
      "a: x\nb: y",
      "a: p\nb: q",
      [
        { path: "a", text: "p" },
        { path: "b", text: "q" },
      ],
    ],
    ["a: x", "a: 'x'", [{ path: "a", text: undefined }]],
    ["a: {b: x}", "a: {b: x, c: y}", [{ path: "a", text: undefined }]],
    ["a: {b: x, c: y}", "a: {c: y, b: x}", [{ path: "a", text: undefined }]],
    ["a: [x]", "a: [x, x]", [{ path: "a", text: undefined }]],
    ["a: [x]", "a: {x: y}", [{ path: "a", text: undefined }]],
    ["a: x", "a: &x x", [{ path: "a", text: undefined }]],
    ["x", "y", [{ path: "", text: "y" }]],
  ])("between %j and %j are %j", (before, after, expected) => {
    expect(treeDifferences(tree(before), tree(after))).toEqual(expected);
  });
});
