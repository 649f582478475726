// Holds the reader of plain YAML against the yaml package: the same tree, or no answer.
import { readFileSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { readPlainYaml } from "../../../src/core/kubeconfig/plain-yaml.ts";
import { defaultBounds } from "../../../src/core/kubeconfig/yaml-bounds.ts";
import { readWithLibrary } from "../../../src/core/kubeconfig/yaml-library.ts";
import { decodeYaml, parseYaml } from "../../../src/core/kubeconfig/yaml-source.ts";
import { unpackFixtures } from "../../support/fixtures.ts";
import { hostileMs, sample } from "./support.ts";

/** Everything a tree says, the order of its keys included. */
function written(node: unknown): string {
  return JSON.stringify(node, (_, value: unknown) => (value instanceof Map ? [...value] : value));
}

function byLibrary(text: string): string {
  try {
    return written(readWithLibrary(text, defaultBounds));
  } catch (error) {
    if (isAppError(error, "yaml-malformed")) return `refused: ${error.message}`;
    throw error;
  }
}

/** Whether the plain reader answered; its answer must be that of the package. */
function answersAlike(text: string): boolean {
  const node = readPlainYaml(text, defaultBounds);
  if (node === undefined) return false;
  const expected = byLibrary(text);
  if (written([node]) !== expected) expect({ text, tree: written([node]) }).toEqual({ text, tree: expected });
  return true;
}

const word = fc.constantFrom(..."a b name user client-key-data k8s.io/etcd.url x_1 9 yes xé".split(" "));

/** Values as they are written in the document. */
const plainTexts =
  "null|0644|1e3|2024-01-01|yes|0x1F|a:b|a#b|x{}|a'b|a\"b|+.5|.|..|_|a, b|x!|1 - 2|two words|xé\u{1f600}\u2028\u0085x|" +
  "https://192.0.2.1:6443|--a=b,c=https://x:1|-1|--x|/etc/kubernetes|kubernetes-admin@kubernetes";
const otherTexts = `{}|[]|""|''|'a: b #c'|"- it's"|'{'|"0644"|' '`;
const scalarText = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...plainTexts.split("|")) },
  { weight: 2, arbitrary: fc.base64String({ minLength: 4, maxLength: 60 }) },
  { weight: 2, arbitrary: fc.constantFrom(...otherTexts.split("|")) },
);

type Shape = string | readonly Shape[] | { readonly [key: string]: Shape };

const { shape } = fc.letrec<{ shape: Shape }>((tie) => ({
  shape: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    scalarText,
    fc.array(tie("shape"), { minLength: 1, maxLength: 4 }),
    fc.dictionary(word, tie("shape"), { minKeys: 1, maxKeys: 4 }),
  ),
}));

const root = fc.oneof(
  fc.dictionary(word, shape, { minKeys: 1, maxKeys: 5 }),
  fc.array(shape, { minLength: 1, maxLength: 4 }),
);

/** Writes a shape as Go does; `listIndent` 2 is how people often write it. A list within a list does not belong to the shape. */
function write(node: Shape, indent: string, listIndent: string): readonly string[] {
  if (typeof node === "string") return [`${indent}${node}`];
  if (Array.isArray(node)) {
    return node.flatMap((item: Shape) => {
      const lines = write(Array.isArray(item) ? "nested" : item, `${indent}  `, listIndent);
      return lines.map((line, index) => (index === 0 ? `${indent}- ${line.slice(indent.length + 2)}` : line));
    });
  }
  return Object.entries(node).flatMap(([key, value]) => {
    if (typeof value === "string") return [`${indent}${key}: ${value}`];
    const below = Array.isArray(value) ? `${indent}${listIndent}` : `${indent}  `;
    return [`${indent}${key}:`, ...write(value, below, listIndent)];
  });
}

const between = fc.oneof(
  { weight: 7, arbitrary: fc.constant("\n") },
  { weight: 3, arbitrary: fc.constantFrom("\n\n", "\n# c\n", "\n# - x: y\n", "\n#\n\n") },
);

const document = fc
  .record({
    node: root,
    listIndent: fc.constantFrom("", "", "  "),
    breaks: fc.array(between, { minLength: 1, maxLength: 12 }),
    start: fc.constantFrom("", "", "", "\n", "# c\n"),
    end: fc.constantFrom("\n", "\n", "", "\n\n", "\n# c\n", "\n# c"),
  })
  .map(({ node, listIndent, breaks, start, end }) => {
    const lines = write(node, "", listIndent);
    const body = lines.map((line, index) => (index === 0 ? line : `${breaks[index % breaks.length]}${line}`));
    return `${start}${body.join("")}${end}`;
  });

/** What is inserted: every indicator, breaks and blanks of all kinds, and what changes the meaning of a line. */
const characters =
  "# : - { } [ ] & * ! | > ' \" % @ ` \\ ? , ~ = . \0 \u007f \u{feff} \u0085 \u2028 \u2029 \u00a0 \u0002 \u0018 \u001f é \u{1f600}";
const blanks = [
  " ",
  "  ",
  "\t",
  "\n",
  "\n\n",
  "\r",
  "\r\n",
  "\n ",
  "\n  ",
  " \n",
  ": ",
  " :",
  " #",
  "\n#",
  "# ",
  "- ",
  "? ",
];
const words =
  "a: b|\na: b\n|a:\n|:\n|-\n|\n- |\n  - |- - a|? a\n: b\n|---\n|...\n|--- |%YAML 1.2\n|yes|0644|null|''|\"\"|{}|[]|<<: |&a |*a|!!str ";
const fragment = fc.constantFrom(...characters.split(" "), ...blanks, ...words.split("|"));

interface Change {
  readonly at: number;
  readonly removed: number;
  readonly inserted: string;
  readonly atLine: boolean;
}

const change = fc.record<Change>({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  removed: fc.constantFrom(0, 0, 0, 1, 1, 2, 5),
  inserted: fc.oneof(fragment, fc.constant(""), fc.string({ maxLength: 2, unit: "binary" })),
  atLine: fc.boolean(),
});

function applyChange(text: string, { at, removed, inserted, atLine }: Change): string {
  const anywhere = Math.floor(at * text.length);
  const place = atLine ? text.lastIndexOf("\n", anywhere) + 1 : anywhere;
  return text.slice(0, place) + inserted + text.slice(place + removed);
}

/** Kubeconfigs and manifests of the real trees, by their path there. */
function realFiles(): readonly (readonly [string, string])[] {
  const dir = unpackFixtures();
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.conf$|\.ya?ml$|\.manifest$|kubeconfig|^config$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => [relative(dir, path), decodeYaml(readFileSync(path))] as const);
}

describe("readPlainYaml", () => {
  it("reads every document of its shape, and reads it as the yaml package does", () => {
    fc.assert(
      fc.property(document, (text) => {
        expect(answersAlike(text), text).toBe(true);
      }),
      { numRuns: 1500 },
    );
  });

  it("reads whatever becomes of such a document as the yaml package does, or not at all", () => {
    const answered = { yes: 0, no: 0 };
    fc.assert(
      fc.property(document, fc.array(change, { minLength: 1, maxLength: 4 }), (text, changes) => {
        answered[answersAlike(changes.reduce(applyChange, text)) ? "yes" : "no"] += 1;
      }),
      { numRuns: 6000 },
    );
    expect(answered.yes).toBeGreaterThan(500);
    expect(answered.no).toBeGreaterThan(500);
  });

  it("reads lines in any order and indentation as the yaml package does, or not at all", () => {
    const indented = fc.tuple(
      fc.constantFrom("", "", " ", "  ", "  ", "    "),
      fc.constantFrom("", "- ", "- ", "-  ", "-", "- - "),
      fc.constantFrom(
        "a: b",
        "c: d",
        "e:",
        "f:",
        "g",
        "h: {}",
        "i: 'j'",
        "# k",
        "",
        "l:m",
        "n: o: p",
        "q: r #s",
        "t : u",
      ),
    );
    fc.assert(
      fc.property(fc.array(indented, { minLength: 1, maxLength: 6 }), (lines) => {
        answersAlike(lines.map((parts) => `${parts.join("")}\n`).join(""));
      }),
      { numRuns: 6000 },
    );
  });

  it("reads every kubeconfig, and every manifest that kubeadm wrote, of the real control planes", () => {
    const files = realFiles();
    const others = files.filter(([, text]) => !answersAlike(text)).map(([path]) => path);
    expect(files.length).toBeGreaterThan(40);
    expect(others.filter((path) => !/^tos-expired\/.*\.manifest$/.test(path))).toEqual([]);
  });

  it("reads a damaged kubeconfig as the yaml package does, or not at all", () => {
    const text = decodeYaml(sample("admin.conf")).replaceAll(/([A-Za-z0-9+/]{40})[A-Za-z0-9+/]+/g, "$1");
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        answersAlike(changes.reduce(applyChange, text));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    "a: b",
    "a: b\n",
    "a:\n- b\n- c: d\n  e:\n  - f\ng: {}\nh: []\n",
    "a:\n  - b\nc: null\n",
    "# c\n\na: ''\n# c\nb: \"x: y #z\"\n\n# c",
    "- a\n- b: c\n",
    "a: 0644\nb: 1e3\nc: yes\nd: 2024-01-01\ne: https://x:1\nf: --x=y\n",
    "a: b c  d\ne-f.g/h_i: 'it is'\n",
    "a: xé\u00a0\nb: c\u2028d\u2029\nc: d\u0085\n",
  ])("answers for %j", (text) => {
    expect(answersAlike(text)).toBe(true);
  });

  it("answers for base64 of any length", () => {
    expect(answersAlike(`a: ${"QUJD".repeat(100_000)}=\n`)).toBe(true);
  });

  it.each([
    ["nothing to read", ["", "\n", "# c\n", "a", "{}\n", "[]\n"]],
    ["an empty value", ["a:", "a:\n", "a: \n", "a:\nb: c\n", "-\n", "- \n", "a: ~\n"]],
    [
      "odd blanks",
      ["a: b \n", "a:  b\n", "a : b\n", " a: b\n", "a: b\n  \n", "a:\tb\n", "\ta: b\n", "a: b\tc\n"],
    ],
    ["line breaks of other systems", ["a: b\r\n", "a: b\r"]],
    ["a byte order mark", ["\u{feff}a: b\n"]],
    ["a comment beside or among content", ["a: b # c\n", "a:\n  # c\n  b: c\n"]],
    [
      "a value with an indicator",
      ["a: b: c\n", "a: b:\n", "a: @b\n", "a: `b\n", "a: %b\n", "a: ,b\n", "a: ---\n", "a: ...\n"],
    ],
    ["several lines of one value", ["a: b\n  c\n", "a: |\n  b\n", "a: >-\n  b\n", "- a\n  b\n"]],
    ["flow collections", ["a: [b]\n", "a: {b: c}\n", "a: {} b\n"]],
    ["anchors, aliases, tags, merge keys", ["a: &x b\n", "a: *x\n", "a: !!str b\n", "<<: {}\n"]],
    [
      "keys that are not one word",
      ["? a\n: b\n", '"a": b\n', "a b: c\n", ": a\n", `${"k".repeat(1100)}: a\n`],
    ],
    ["equal keys", ["a: b\na: c\n", "x:\n- a: b\n  a: c\n"]],
    ["lists in lists", ["- - a\n", "-\n  a: b\n", "-a\n"]],
    ["escapes and open quotes", ["a: 'it''s'\n", 'a: "\\n"\n', "a: 'b\n", "a: 'b' c\n", "a: '\n"]],
    [
      "marks of documents",
      ["---\na: b\n", "a: b\n---\nc: d\n", "a: b\n...\n", "...: b\n", "%YAML 1.2\n---\na: b\n"],
    ],
    ["wrong indentation", ["a: b\n c: d\n", "a:\n  b: c\n d: e\n", "a:\n- b\n - c\n", "- a: b\n c: d\n"]],
    ["a list beside keys", ["- a\nb: c\n", "a: b\n- c\n", "a:\n b:\n- c\n"]],
  ] satisfies [string, string[]][])("leaves %s to the yaml package", (_, texts) => {
    expect(texts.filter((text) => readPlainYaml(text, defaultBounds) !== undefined)).toEqual([]);
  });

  it("leaves what is beyond the bounds to the yaml package", () => {
    const text = "a:\n- b: c\n  d: e\n";
    const bounds = { sizeBytes: 100, depth: 12, tokens: 48, nodes: 8 };
    const [node] = readWithLibrary(text, bounds);
    expect(node?.weight).toBe(8);
    expect(readPlainYaml(text, bounds)).toEqual(node);
    expect(readPlainYaml(text, { ...bounds, depth: 11 })).toBeUndefined();
    expect(readPlainYaml(text, { ...bounds, tokens: 35 })).toBeUndefined();
    expect(readPlainYaml(text, { ...bounds, nodes: 7 })).toBeUndefined();
  });

  it("answers within any bounds only what the yaml package accepts within them", () => {
    const bounds = fc.record({
      sizeBytes: fc.constant(defaultBounds.sizeBytes),
      depth: fc.integer({ min: 1, max: 24 }),
      tokens: fc.integer({ min: 1, max: 300 }),
      nodes: fc.integer({ min: 1, max: 40 }),
    });
    fc.assert(
      fc.property(document, bounds, (text, given) => {
        const node = readPlainYaml(text, given);
        if (node !== undefined) expect(written(readWithLibrary(text, given))).toBe(written([node]));
      }),
      { numRuns: 1000 },
    );
  });

  it.each([
    ["keys", Array.from({ length: 80_000 }, (_, index) => `k${index}: v`).join("\n")],
    ["nested keys", Array.from({ length: 1400 }, (_, index) => `${" ".repeat(index)}k:`).join("\n")],
    ["a long key", `${"k".repeat(1_000_000)}: v\n`],
    ["colons", `a: ${"b:".repeat(500_000)}\n`],
    ["quotes", `a: ${"''".repeat(500_000)}\n`],
    ["spaces", `${" ".repeat(1_000_000)}a: b\n`],
    ["items", "- a\n".repeat(250_000)],
    ["dashes", `${"- ".repeat(500_000)}a\n`],
    ["comments", "#\n".repeat(500_000)],
  ])("takes bounded time for 1 MB of %s", (_, text) => {
    const startedAt = performance.now();
    expect(readPlainYaml(text, defaultBounds)).toBeUndefined();
    expect(performance.now() - startedAt).toBeLessThan(hostileMs / 10);
  });
});

describe("parseYaml", () => {
  it("takes the plain reader's answer, and the yaml package's where there is none", () => {
    expect(written(parseYaml("a: b\n"))).toBe(written([readPlainYaml("a: b\n", defaultBounds)]));
    expect(written(parseYaml("a: b # c\n"))).toBe(byLibrary("a: b # c\n"));
  });

  it("loads the yaml package through yaml-package.cjs only, as any other import would load it at every start", () => {
    const src = join(import.meta.dirname, "../../../src");
    const importers = readdirSync(src, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .filter((name) =>
        /^(?:import|export) (?!type ).*from "yaml";|^import "yaml"/m.test(
          readFileSync(join(src, name), "utf8"),
        ),
      );
    expect(importers).toEqual([]);
  });
});
