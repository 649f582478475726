// Reads the YAML of a node's disk: bounded in size, depth, tokens and aliases, and never with an error of another type than AppError.
import { Buffer } from "node:buffer";
import { AppError } from "../model/errors.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import { defaultBounds, malformedYaml } from "./yaml-bounds.ts";
import { readWithLibrary } from "./yaml-library.ts";
import type { YamlNode } from "./yaml-tree.ts";

export interface YamlLimits {
  /** In bytes of UTF-8; default 1 MiB. */
  readonly sizeBytes?: number;
  /** Tokens that are open at one place; a collection takes one or two; default 128. */
  readonly depth?: number;
  /** Lexical tokens of the whole text; default 60,000. */
  readonly tokens?: number;
  /** Nodes of one document with all aliases written out; default 20,000 (CVE-2019-11253). */
  readonly nodes?: number;
}

/**
 * The documents of a YAML text that are not empty, in order; JSON is YAML too. Kubernetes reads YAML 1.1, therefore scalars
 * stay text here and `toBoolean` and `toInteger` read them by the old rules. Merge keys are resolved.
 * @throws AppError `yaml-malformed`; its reason is a word of this tool or of the yaml package, never text of the input
 */
export function parseYaml(text: string, limits: YamlLimits = {}): readonly YamlNode[] {
  const bounds = { ...defaultBounds, ...limits };
  if (text.length > bounds.sizeBytes || Buffer.byteLength(text) > bounds.sizeBytes)
    throw malformedYaml("too-large", 1);
  const plain = readPlainYaml(text, bounds);
  return plain ? [plain] : readWithLibrary(text, bounds);
}

/**
 * The text of a file. A byte order mark stays, so that the text encodes to the same bytes again.
 * @throws AppError `yaml-malformed` when it is too large or not UTF-8
 */
export function decodeYaml(bytes: Uint8Array): string {
  if (bytes.length > defaultBounds.sizeBytes) throw malformedYaml("too-large", 1);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new AppError("yaml-malformed", { reason: "not-utf-8", line: 1 }, { cause });
  }
}
