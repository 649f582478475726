// Reads the plain YAML that kubeadm and kubectl write without the yaml package, which takes longer to load than these files to read.
import type { YamlBounds } from "./yaml-bounds.ts";
import type { YamlList, YamlMap, YamlNode, YamlScalar, YamlStyle } from "./yaml-tree.ts";

/** One line with content: `start` is the first character after the indentation, `next` the start of the line below. */
interface Line {
  readonly indent: number;
  readonly start: number;
  readonly next: number;
  readonly content: string;
}

interface Source {
  readonly lines: Line[];
  /** The nearest line that was not read yet. */
  at: number;
}

/** More tokens than the yaml package makes of one line of this shape; and more of its open tokens than one collection takes. */
const tokensPerLine = 12;
const tokensPerLevel = 4;

/** An implicit key may have 1024 characters. Source: YAML 1.2.2 section 7.4.2 */
const longestKey = 1000;

/**
 * The tree of a text of this shape, the same as the yaml package makes of it: block mappings and lists with one entry per line,
 * one-line scalars (plain, or quoted without escapes), `{}`, `[]`, comments at the first column, empty lines, no tabs, one document.
 * Undefined for everything else, wrong YAML and texts beyond the bounds included: the package decides about those.
 * Time is linear; `sizeBytes` is for the caller to check.
 * Source: what sigs.k8s.io/yaml writes.
 */
export function readPlainYaml(text: string, bounds: YamlBounds): YamlNode | undefined {
  if (text.includes("\t") || text.includes("\r")) return undefined;
  const source = { lines: linesOf(text, Math.floor(bounds.tokens / tokensPerLine)), at: 0 };
  if (source.lines[0]?.indent !== 0) return undefined;
  const root = readBlock(source, Math.floor(bounds.depth / tokensPerLevel));
  return root && source.at === source.lines.length && root.weight <= bounds.nodes ? root : undefined;
}

/** The lines with content; none when the text has more than `most` lines. */
function linesOf(text: string, most: number): Line[] {
  const lines: Line[] = [];
  let count = 0;
  for (let from = 0; from < text.length; count += 1) {
    if (count >= most) return [];
    const feed = text.indexOf("\n", from);
    const end = feed === -1 ? text.length : feed;
    const next = feed === -1 ? end : feed + 1;
    const start = skipSpaces(text, from, end);
    if (end > from && text[from] !== "#")
      lines.push({ indent: start - from, start, next, content: text.slice(start, end) });
    from = next;
  }
  return lines;
}

function skipSpaces(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && text.charCodeAt(at) === 0x20) at += 1;
  return at;
}

/** The mapping or list that begins on the current line; `depth` is how many levels it may have. */
function readBlock(source: Source, depth: number): YamlMap | YamlList | undefined {
  const line = source.lines[source.at];
  if (line === undefined || depth <= 0) return undefined;
  return isItem(line) ? readList(source, line, depth) : readMap(source, line, depth);
}

function isItem({ content }: Line): boolean {
  return content.startsWith("- ");
}

/** Ends at the first line that is no entry of this mapping; whether that one is in order is for the levels above to say. */
function readMap(source: Source, first: Line, depth: number): YamlMap | undefined {
  const entries = new Map<string, YamlNode>();
  let weight = 1;
  let end = first.next;
  for (let line = first; line.indent === first.indent && !isItem(line);) {
    const key = keyOf(line.content);
    if (key === undefined || entries.has(key)) return undefined;
    const value = readValue(source, line, key, depth);
    if (value === undefined) return undefined;
    entries.set(key, value);
    weight += 1 + value.weight;
    end = source.lines[source.at - 1]?.next ?? end;
    const following = source.lines[source.at];
    if (following === undefined) break;
    line = following;
  }
  return { kind: "map", entries, start: first.start, end, shared: false, weight };
}

function readValue(source: Source, line: Line, key: string, depth: number): YamlNode | undefined {
  source.at += 1;
  if (line.content.length > key.length + 1) return readScalar(line, key.length + 2);
  const below = source.lines[source.at];
  // A list may stand at the indentation of its key, a mapping may not.
  const least = below && isItem(below) ? line.indent : line.indent + 1;
  return below && below.indent >= least ? readBlock(source, depth - 1) : undefined;
}

function readList(source: Source, first: Line, depth: number): YamlList | undefined {
  const items: YamlNode[] = [];
  let weight = 1;
  let end = first.next;
  for (let line = first; line.indent === first.indent && isItem(line);) {
    const item = readListItem(source, line, depth);
    if (item === undefined) return undefined;
    items.push(item);
    weight += item.weight;
    end = source.lines[source.at - 1]?.next ?? end;
    const following = source.lines[source.at];
    if (following === undefined) break;
    line = following;
  }
  return { kind: "list", items, start: first.start, end, shared: false, weight };
}

function readListItem(source: Source, line: Line, depth: number): YamlNode | undefined {
  const { indent, start, next, content } = line;
  const inner = { indent: indent + 2, start: start + 2, next, content: content.slice(2) };
  if (keyOf(inner.content) === undefined) {
    source.at += 1;
    return readScalar(line, 2);
  }
  // The mapping begins behind the dash: read on as if the dash were a space.
  source.lines[source.at] = inner;
  return depth > 1 ? readMap(source, inner, depth - 1) : undefined;
}

/** The key of `key: value` or `key:`, undefined when the text is neither or the key is not a simple word. */
function keyOf(content: string): string | undefined {
  const colon = content.indexOf(": ");
  const end = colon === -1 && content.endsWith(":") ? content.length - 1 : colon;
  if (end <= 0 || end > longestKey) return undefined;
  const key = content.slice(0, end);
  return !key.includes(" ") && isPlain(key) ? key : undefined;
}

/** What stands on the line from `from` on, when it is all of one scalar or an empty collection. */
function readScalar(line: Line, from: number): YamlNode | undefined {
  const source = line.content.slice(from);
  const start = line.start + from;
  const placed = { start, end: start + source.length, shared: false, weight: 1 };
  if (source === "{}") return { kind: "map", entries: new Map(), ...placed };
  if (source === "[]") return { kind: "list", items: [], ...placed };
  const style = styleOf(source);
  if (style === undefined) return undefined;
  const text = style === "plain" ? source : source.slice(1, -1);
  return { kind: "scalar", text, style, ...placed } satisfies YamlScalar;
}

function styleOf(source: string): YamlStyle | undefined {
  const quote = source[0];
  if (quote === "'" || quote === '"') {
    // The next quote is the last character, and nothing is escaped.
    if (source.indexOf(quote, 1) !== source.length - 1 || source.length < 2) return undefined;
    if (quote === "'") return "single";
    return source.includes("\\") ? undefined : "double";
  }
  return isPlain(source) ? "plain" : undefined;
}

/** Whether these characters are one plain scalar, on their own and before a line feed. */
function isPlain(source: string): boolean {
  const last = source[source.length - 1];
  if (last === ":" || last === " ") return false;
  return beginsPlain(source) && !source.includes(": ") && !source.includes(" #");
}

/** Fewer beginnings than YAML allows: letters, digits, `/ . _ +`, at most two hyphens before them; and no mark of a document. */
function beginsPlain(source: string): boolean {
  return /^(?:--?)?[A-Za-z0-9/._+]/.test(source) && !source.startsWith("...");
}
