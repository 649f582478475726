// Replaces embedded certificates and keys of a kubeconfig by splicing bytes; everything else in the file stays as it is.
import type { Reason } from "../model/reasons.ts";
import { Buffer } from "node:buffer";
import { AppError, assertNever } from "../model/errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";
import { entriesOf, parseKubeconfigTree, readKubeconfig } from "./kubeconfig.ts";
import { treeDifferences } from "./tree-differences.ts";
import { decodeYaml } from "./yaml-source.ts";
import { child } from "./yaml-tree.ts";
import type { NamedEntry } from "./kubeconfig.ts";
import type { YamlMap, YamlScalar } from "./yaml-tree.ts";

export interface KubeconfigEdits {
  readonly users?: readonly UserEdit[];
  readonly clusters?: readonly ClusterEdit[];
}

/** What is not given stays. */
export interface UserEdit {
  readonly name: string;
  readonly certificatePem?: Uint8Array;
  readonly keyPem?: Uint8Array;
}

export interface ClusterEdit {
  readonly name: string;
  readonly authorityPem: Uint8Array;
}

/** One scalar to replace: `[start, end)` are offsets in the text, `path` is its place in the tree. */
interface Splice {
  readonly path: string;
  readonly start: number;
  readonly end: number;
  readonly base64: string;
}

/**
 * The bytes of the kubeconfig with the named `*-data` fields replaced, base64 in one line as kubeadm writes it. Quotes, block
 * style, comments, order, line ends and a byte order mark stay byte for byte; a field that holds these bytes already is not touched.
 * The result is read again and compared: exactly the wanted paths differ.
 * @throws AppError `splice-unsafe` when a field is not embedded, is reached through an anchor, alias or merge key, or the comparison fails;
 * `yaml-malformed`, `kubeconfig-malformed` · TypeError when an edit is no PEM text or names a field twice
 */
export function spliceKubeconfig(bytes: Uint8Array, edits: KubeconfigEdits): Uint8Array {
  const text = decodeYaml(bytes);
  const before = parseKubeconfigTree(text);
  readKubeconfig(before);
  const splices = planSplices(text, before, edits);
  if (splices.length === 0) return bytes;
  const spliced = applySplices(text, splices);
  assertOnlyWantedDiffer(before, parseAgain(spliced), splices);
  return new TextEncoder().encode(spliced);
}

function planSplices(text: string, root: YamlMap, edits: KubeconfigEdits): readonly Splice[] {
  const users = entriesOf(root, "users", "user");
  const clusters = entriesOf(root, "clusters", "cluster");
  const wanted = [
    ...(edits.users ?? []).flatMap((edit) => {
      const entry = find(users, "user", edit.name);
      return [
        fieldEdit(entry, "client-certificate", edit.certificatePem),
        fieldEdit(entry, "client-key", edit.keyPem),
      ];
    }),
    ...(edits.clusters ?? []).map((edit) => {
      return fieldEdit(find(clusters, "cluster", edit.name), "certificate-authority", edit.authorityPem);
    }),
  ].filter((edit) => edit !== undefined);
  const splices = wanted.flatMap((edit) => planSplice(text, edit, root.shared));
  const paths = wanted.map(({ path }) => path);
  if (new Set(paths).size !== paths.length) throw new TypeError("an edit names the same field twice");
  return splices.toSorted((a, b) => a.start - b.start);
}

interface FieldEdit {
  readonly entry: FoundEntry;
  readonly field: string;
  readonly path: string;
  readonly pem: Uint8Array;
}

interface FoundEntry extends NamedEntry {
  readonly what: "user" | "cluster";
}

function find(entries: readonly NamedEntry[], what: "user" | "cluster", name: string): FoundEntry {
  const entry = entries.find((candidate) => candidate.name === name);
  if (!entry) throw unsafe(`there is no ${what} ${name}`);
  return { ...entry, what };
}

function fieldEdit(entry: FoundEntry, field: string, pem: Uint8Array | undefined): FieldEdit | undefined {
  if (pem === undefined) return undefined;
  // Text that begins like PEM also never encodes to something YAML takes for a number, a truth value or null.
  if (!Buffer.from(pem).includes("-----BEGIN ")) throw new TypeError(`the new ${field}-data is not PEM`);
  return { entry, field, pem, path: `${entry.at}.${entry.what}.${field}-data` };
}

function planSplice(text: string, edit: FieldEdit, rootShared: boolean): readonly Splice[] {
  const scalar = embeddedScalar(edit);
  if (rootShared || edit.entry.shared || scalar.shared) {
    throw unsafe(`${describe(edit)}-data stands behind an anchor, an alias or a merge key`);
  }
  const old = decodeBase64(scalar.text);
  if (old !== undefined && Buffer.from(old).equals(edit.pem)) return [];
  const { start, end } = contentRange(text, scalar);
  return [{ path: edit.path, start, end, base64: encodeBase64(edit.pem) }];
}

function embeddedScalar(edit: FieldEdit): YamlScalar {
  const node = child(edit.entry.body, `${edit.field}-data`);
  if (node?.kind === "scalar" && node.text !== "") return node;
  const file = child(edit.entry.body, edit.field) !== undefined;
  throw unsafe(`${describe(edit)} is ${file ? "a file" : "absent"}, not embedded`);
}

function describe({ entry, field }: FieldEdit): string {
  return `${entry.what} ${entry.name}: ${field}`;
}

/** The characters of the value itself, without quotes, block header, indentation and trailing line breaks. */
function contentRange(
  text: string,
  { start, end, style }: YamlScalar,
): { readonly start: number; readonly end: number } {
  switch (style) {
    case "plain":
      return { start, end };
    case "single":
    case "double":
      return { start: start + 1, end: end - 1 };
    case "literal":
    case "folded": {
      const body = text.indexOf("\n", start) + 1;
      const content = text.slice(body, end);
      return {
        start: body + content.length - content.trimStart().length,
        end: body + content.trimEnd().length,
      };
    }
    default:
      return assertNever(style);
  }
}

function applySplices(text: string, splices: readonly Splice[]): string {
  const parts: string[] = [];
  let at = 0;
  for (const { start, end, base64 } of splices) {
    parts.push(text.slice(at, start), base64);
    at = end;
  }
  return parts.join("") + text.slice(at);
}

function parseAgain(text: string): YamlMap {
  try {
    const root = parseKubeconfigTree(text);
    readKubeconfig(root);
    return root;
  } catch (cause) {
    throw new AppError("splice-unsafe", { reason: "the result is not a kubeconfig" }, { cause });
  }
}

function assertOnlyWantedDiffer(before: YamlMap, after: YamlMap, splices: readonly Splice[]): void {
  const wanted = new Map(splices.map(({ path, base64 }) => [path, base64]));
  const differing = treeDifferences(before, after);
  if (differing.length !== wanted.size) throw unsafe("other fields would change");
  for (const { path, text } of differing) {
    if (text === undefined || text.trim() !== wanted.get(path))
      throw unsafe(`${path} would not get its value`);
  }
}

function unsafe(reason: Reason): AppError<"splice-unsafe"> {
  return new AppError("splice-unsafe", { reason });
}
