// Bounds and errors of the YAML reader.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { decodeYaml, parseYaml } from "../../../src/core/kubeconfig/yaml-source.ts";
import { child, isNull, toBoolean, toInteger } from "../../../src/core/kubeconfig/yaml-tree.ts";
import type { YamlNode } from "../../../src/core/kubeconfig/yaml-tree.ts";
import { faultOf, hostileMs } from "./support.ts";

function plain(node: YamlNode): unknown {
  if (node.kind === "scalar") return node.text;
  if (node.kind === "list") return node.items.map(plain);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plain(value)]));
}

function scalar(text: string): YamlNode {
  const [root] = parseYaml(`a: ${text}\n`);
  const node = root?.kind === "map" ? root.entries.get("a") : undefined;
  if (!node) throw new Error("no node");
  return node;
}

function read(text: string): unknown {
  return parseYaml(text).map(plain);
}

const letters = ["a", "b", "c", "d", "e", "f", "g", "h", "i"];
const bomb = letters
  .map((letter, index) => {
    const inner = index === 0 ? '"lol"' : `*${letters[index - 1]}`;
    return `${letter}: &${letter} [${Array.from({ length: 9 }, () => inner).join(",")}]`;
  })
  .join("\n");

describe("parseYaml", () => {
  it("reads mappings, lists, every scalar style and several documents", () => {
    const text =
      "a: 0644\nb: 'x''y'\nc: \"x\\ty\"\nd: |\n  l1\n  l2\ne: >-\n  f1\n  f2\nf: {g: [1, yes]}\n---\n- x\n...\n";
    expect(read(text)).toEqual([
      { a: "0644", b: "x'y", c: "x\ty", d: "l1\nl2\n", e: "f1 f2", f: { g: ["1", "yes"] } },
      ["x"],
    ]);
  });

  it("leaves out empty documents", () => {
    expect(read("---\n# nothing\n---\n~\n---\na: b\n")).toEqual([{ a: "b" }]);
    expect(read("")).toEqual([]);
  });

  it("reads JSON indented with tabs", () => {
    expect(read('{\n\t"a": "b",\n\t"c": [1, 2]\n}\n')).toEqual([{ a: "b", c: ["1", "2"] }]);
  });

  it("resolves aliases and merge keys: own keys win, then the earlier source", () => {
    const text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: own}\nd: *a\n";
    expect(read(text)).toEqual([
      {
        a: { x: "1", y: "1" },
        b: { x: "2", z: "2" },
        c: { y: "own", x: "1", z: "2" },
        d: { x: "1", y: "1" },
      },
    ]);
  });

  it("marks what stands behind an anchor, an alias or a merge key as shared", () => {
    const [root] = parseYaml("a: &a {x: 1}\nb: {<<: *a, y: 2}\nc: *a\n");
    if (root?.kind !== "map") throw new Error("not a map");
    const b = child(root, "b");
    if (b?.kind !== "map") throw new Error("not a map");
    expect([root.shared, child(root, "a")?.shared, b.shared, child(root, "c")?.shared]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([child(b, "x")?.shared, child(b, "y")?.shared]).toEqual([true, false]);
  });

  it.each([
    ["a: 1\nb: 2\na: 3\n", "duplicate-key", 3],
    ["a: {b: 1,\n  b: 2}\n", "duplicate-key", 2],
    ["a: *nobody\n", "unknown-anchor", 1],
    ["a: &a [*a]\n", "unknown-anchor", 1],
    ["a:\n  !!binary aGk=\n", "tag-not-supported", 2],
    ["x: 1\n? [a]\n: b\n", "key-not-text", 2],
    ["a: b\n<<: c\n", "merge-not-a-map", 2],
    ["a: 'b\n", "missing-char", 2],
    ["a: b\n c: d\n", "unexpected-token", 1],
  ])("refuses %j with %s on line %d", (text, reason, line) => {
    const fault = faultOf(() => parseYaml(text));
    expect(fault.code).toBe("yaml-malformed");
    expect(fault.params).toEqual({ reason: expect.any(String), line: expect.any(Number) });
    expect(fault.params).toMatchObject(reason === "unexpected-token" ? {} : { reason, line });
  });

  it("never quotes its input in an error", () => {
    const texts = [
      "SECRET: {SECRET",
      "a: SECRET\n SECRET: x",
      "'SECRET' SECRET: [",
      "&SECRET *SECRET",
      "!SECRET!x y",
    ];
    for (const text of texts) {
      const error = (() => {
        try {
          parseYaml(text);
        } catch (thrown) {
          if (thrown instanceof Error) return thrown;
        }
        return new Error("nothing was thrown");
      })();
      expect(isAppError(error, "yaml-malformed"), text).toBe(true);
      expect(`${error.message} ${error.stack} ${String(error.cause)}`).not.toContain("SECRET");
    }
  });

  it.each<[string, string, string]>([
    ["the alias bomb of CVE-2019-11253", bomb, "too-many-nodes"],
    ["nesting of 10,000 lists", "[".repeat(10_000) + "]".repeat(10_000), "too-deep"],
    ["nesting of 10,000 block lists", `${"- ".repeat(10_000)}x`, "too-deep"],
    ["1 MiB of opening brackets", "[".repeat(1 << 20), "too-deep"],
    ["1 MiB of opening braces", "{".repeat(1 << 20), "too-deep"],
    ["1 MiB of question marks", "? ".repeat(1 << 19), "too-deep"],
    ["1 MiB of compact mappings", "a: ".repeat(349_000), "too-deep"],
    ["1 MiB of anchors", "&a ".repeat(349_000), "too-many-tokens"],
    ["1 MiB of list items", "- a\n".repeat(1 << 18), "too-many-tokens"],
    ["1 MiB of comments", "#\n".repeat(1 << 19), "too-many-tokens"],
    ["1 MiB of documents", "---\n".repeat(1 << 18), "too-many-tokens"],
    ["a file above 1 MiB", " ".repeat((1 << 20) + 1), "too-large"],
    ["a file above 1 MiB of UTF-8", "é".repeat((1 << 19) + 1), "too-large"],
  ])("refuses %s in bounded time", (_, text, reason) => {
    const startedAt = performance.now();
    expect(faultOf(() => parseYaml(text))).toMatchObject({ code: "yaml-malformed", params: { reason } });
    expect(performance.now() - startedAt).toBeLessThan(hostileMs);
  });

  it.each([
    ["long plain text", `a: ${"x ".repeat(1 << 18)}`],
    ["long quoted escapes", `a: "${"\\\\".repeat(1 << 18)}"`],
    ["long folded lines", `a: 'b${"  \n".repeat(1 << 17)}'\n`],
    ["a long block scalar", `a: |\n${" x\n\n".repeat(1 << 17)}`],
    ["thousands of keys", Array.from({ length: 8000 }, (_, index) => `k${index}: v`).join("\n")],
  ])("reads or refuses %s in bounded time", (_, text) => {
    const startedAt = performance.now();
    try {
      parseYaml(text);
    } catch (error) {
      expect(isAppError(error, "yaml-malformed")).toBe(true);
    }
    expect(performance.now() - startedAt).toBeLessThan(hostileMs);
  });

  it("throws nothing but yaml-malformed on any text made of YAML's own characters", () => {
    const part = fc.constantFrom(
      "a",
      "- ",
      "? ",
      ": ",
      "{",
      "}",
      "[",
      "]",
      ",",
      "&a ",
      "*a",
      "!t ",
      "|",
      ">-",
      "'",
      '"',
      "\\",
      "#",
      "\n",
      "\r\n",
      "  ",
      "\t",
      "%",
      "---\n",
      "...\n",
      "<<: ",
      "~",
      "\u{feff}",
      "\u{1f600}",
      "\0",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) => {
        try {
          parseYaml(parts.join(""));
        } catch (error) {
          expect(isAppError(error, "yaml-malformed")).toBe(true);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe("decodeYaml", () => {
  it("keeps a byte order mark, so that the text encodes to the same bytes", () => {
    const bytes = new Uint8Array([0xef, 0xbb, 0xbf, 0x61]);
    expect(new TextEncoder().encode(decodeYaml(bytes))).toEqual(bytes);
  });

  it.each([[[0xff, 0xfe, 0x61, 0x00]], [[0x61, 0xc3]]])("refuses bytes that are not UTF-8: %j", (bytes) => {
    const fault = faultOf(() => decodeYaml(new Uint8Array(bytes)));
    expect(fault).toEqual({ code: "yaml-malformed", params: { reason: "not-utf-8", line: 1 } });
  });
});

describe("scalars by the rules of YAML 1.1", () => {
  it("reads booleans", () => {
    expect(
      ["yes", "On", "true", "no", "off", "False", "'yes'", "maybe"].map((text) => toBoolean(scalar(text))),
    ).toEqual([true, true, true, false, false, false, undefined, undefined]);
  });

  it("reads whole numbers, octal with a leading zero", () => {
    expect(
      ["0", "6443", "0644", "0x1F", "'1'", "1.5", "http"].map((text) => toInteger(scalar(text))),
    ).toEqual([0, 6443, 420, 31, undefined, undefined, undefined]);
  });

  it("takes an empty value, a tilde and null for null, but not in quotes", () => {
    expect(["", "~", "null", "''", '"null"', "nil"].map((text) => isNull(scalar(text)))).toEqual([
      true,
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});
