// Reads any YAML with the yaml package: bounded in depth, tokens and aliases, and never with an error of another type than AppError.
import type { Alias, CST, Document, ErrorCode, ParsedNode, Scalar, YAMLMap, YAMLSeq } from "yaml";
import { AppError } from "../model/errors.ts";
import { malformedYaml } from "./yaml-bounds.ts";
import { loadYaml } from "./yaml-package.cjs";
import { asShared, isNull } from "./yaml-tree.ts";
import type { YamlBounds } from "./yaml-bounds.ts";
import type { Placed, YamlList, YamlMap, YamlNode, YamlScalar, YamlStyle } from "./yaml-tree.ts";

interface Context {
  readonly yaml: ReturnType<typeof loadYaml>;
  readonly text: string;
  readonly nodes: number;
  readonly anchors: Map<string, YamlNode>;
}

/**
 * The documents of a YAML text that are not empty, in order.
 * @throws AppError `yaml-malformed`
 */
export function readWithLibrary(text: string, bounds: YamlBounds): readonly YamlNode[] {
  const yaml = loadYaml();
  return compose(text, bounds).flatMap((document) => {
    const { contents } = document;
    if (contents === null) return [];
    const node = convert({ yaml, text, nodes: bounds.nodes, anchors: new Map() }, contents);
    return isNull(node) ? [] : [node];
  });
}

function compose(text: string, bounds: YamlBounds): readonly Document.Parsed[] {
  // `failsafe` tries no tag on a scalar; the package's own search for equal keys is quadratic, `convert` has another.
  const { Composer } = loadYaml();
  const composer = new Composer({ schema: "failsafe", resolveKnownTags: false, uniqueKeys: false });
  try {
    const documents = tokens(text, bounds).flatMap((token) => [...composer.next(token)]);
    documents.push(...composer.end());
    const fault = [composer.streamInfo(), ...documents].flatMap(({ errors }) => errors)[0];
    if (fault) throw malformedYaml(wordOf(fault.code), lineAt(text, fault.pos[0]));
    return documents;
  } catch (error) {
    if (error instanceof AppError) throw error;
    // No cause: the package's messages quote its input, which may be a key.
    throw malformedYaml("unreadable", 1);
  }
}

type Word<T extends string> = T extends `${infer First}_${infer Rest}`
  ? `${Lowercase<First>}-${Word<Rest>}`
  : Lowercase<T>;

/** `BAD_INDENT` as `bad-indent`; the type makes a code of the package without a reason of ours a compile error. */
function wordOf(code: ErrorCode): Word<ErrorCode> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return code.toLowerCase().replaceAll("_", "-") as Word<ErrorCode>;
}

function tokens(text: string, bounds: YamlBounds): readonly CST.Token[] {
  const { Lexer, Parser } = loadYaml();
  const parser = new Parser();
  const found: CST.Token[] = [];
  let count = 0;
  for (const lexeme of new Lexer().lex(text)) {
    for (const token of parser.next(lexeme)) found.push(token);
    count += 1;
    if (parser.stack.length > bounds.depth) throw malformedYaml("too-deep", lineAt(text, parser.offset));
    if (count > bounds.tokens) throw malformedYaml("too-many-tokens", lineAt(text, parser.offset));
  }
  found.push(...parser.end());
  return found;
}

function convert(context: Context, node: ParsedNode): YamlNode {
  if (context.yaml.isAlias(node)) return resolveAlias(context, node);
  refuseTag(context, node);
  const converted = context.yaml.isScalar(node)
    ? toScalar(node)
    : context.yaml.isMap(node)
      ? toMap(context, node)
      : toList(context, node);
  if (converted.weight > context.nodes)
    throw malformedYaml("too-many-nodes", lineAt(context.text, node.range[0]));
  if (node.anchor !== undefined) context.anchors.set(node.anchor, converted);
  return converted;
}

function resolveAlias(context: Context, node: Alias.Parsed): YamlNode {
  const target = context.anchors.get(node.source);
  if (!target) throw malformedYaml("unknown-anchor", lineAt(context.text, node.range[0]));
  return asShared(target);
}

/** Tags that only say what a node is anyway are read; `!!binary` and the like would change the value. */
function refuseTag(context: Context, node: Exclude<ParsedNode, Alias.Parsed>): void {
  if (node.tag === undefined || node.tag === "!") return;
  if (/^tag:yaml\.org,2002:(?:str|map|seq|int|bool|float)$/.test(node.tag)) return;
  throw malformedYaml("tag-not-supported", lineAt(context.text, node.range[0]));
}

const styles: Readonly<Record<string, YamlStyle>> = {
  QUOTE_SINGLE: "single",
  QUOTE_DOUBLE: "double",
  BLOCK_LITERAL: "literal",
  BLOCK_FOLDED: "folded",
};

function toScalar(node: Scalar.Parsed): YamlScalar {
  return {
    kind: "scalar",
    text: node.source,
    style: styles[node.type ?? "PLAIN"] ?? "plain",
    ...placed(node, 1),
  };
}

function toMap(context: Context, node: YAMLMap.Parsed): YamlMap {
  const entries = new Map<string, YamlNode>();
  const merged: YamlNode[] = [];
  let weight = 1;
  for (const pair of node.items) {
    const key = convert(context, pair.key);
    const value = pair.value === null ? emptyAfter(key) : convert(context, pair.value);
    weight += 1 + value.weight;
    if (key.kind !== "scalar") throw malformedYaml("key-not-text", lineAt(context.text, key.start));
    if (entries.has(key.text)) throw malformedYaml("duplicate-key", lineAt(context.text, key.start));
    if (key.text === "<<" && key.style === "plain") merged.push(value);
    else entries.set(key.text, value);
  }
  for (const value of merged) addMerged(context, entries, value);
  return { kind: "map", entries, ...placed(node, weight) };
}

/** Merge keys: what the mapping says itself wins, then the earlier of several sources. */
function addMerged(context: Context, entries: Map<string, YamlNode>, value: YamlNode): void {
  if (value.kind === "list") {
    for (const item of value.items) addMerged(context, entries, item);
    return;
  }
  if (value.kind === "scalar") throw malformedYaml("merge-not-a-map", lineAt(context.text, value.start));
  for (const [key, merged] of value.entries) if (!entries.has(key)) entries.set(key, asShared(merged));
}

function toList(context: Context, node: YAMLSeq.Parsed): YamlList {
  const items = node.items.map((item) => convert(context, item));
  return {
    kind: "list",
    items,
    ...placed(
      node,
      items.reduce((sum, item) => sum + item.weight, 1),
    ),
  };
}

function placed(node: Exclude<ParsedNode, Alias.Parsed>, weight: number): Placed {
  return { start: node.range[0], end: node.range[1], shared: node.anchor !== undefined, weight };
}

/** `{a}`: the key has no value. */
function emptyAfter(key: YamlNode): YamlScalar {
  return { kind: "scalar", text: "", style: "plain", start: key.end, end: key.end, shared: false, weight: 1 };
}

/** The line of an offset, the first is 1. */
function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line += 1;
  return line;
}
