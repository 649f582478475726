// Secrets and ConfigMaps as kubectl prints them, YAML or JSON, alone or in a List: their values, each with its place. Pure.
import { attempt, isAppError } from "../model/errors.ts";
import { decodeBase64 } from "../kubeconfig/base64.ts";
import { parseYaml } from "../kubeconfig/yaml-source.ts";
import { isNull, type YamlNode } from "../kubeconfig/yaml-tree.ts";

/** One value of one object. */
export interface ObjectValue {
  /** `secrets/istio-system/demo-kube-certs/ca.crt`: as in the API's paths, then the key. */
  readonly where: string;
  /** null when it is no base64, which every value of `data` in a Secret has to be. */
  readonly bytes: Uint8Array | null;
}

/** More than one file of a node: `kubectl get secrets -A` of a large cluster. */
const limits = { sizeBytes: 8 << 20, tokens: 600_000, nodes: 300_000 };

/** Before anything is parsed: most files are something else. */
const looksLikeIt = /\bkind["']?\s*:\s*["']?(?:Secret|ConfigMap|List|SecretList|ConfigMapList)\b/;

const plurals: Readonly<Record<string, string>> = { Secret: "secrets", ConfigMap: "configmaps" };

/** null when these are no such objects. */
export function objectValues(bytes: Uint8Array): readonly ObjectValue[] | null {
  if (bytes.length > limits.sizeBytes) return null;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  if (!looksLikeIt.test(text)) return null;
  const documents = documentsOf(text);
  const objects = documents
    .flatMap(membersOf)
    .filter((object) => Object.hasOwn(plurals, textOf(object["kind"])));
  return objects.length === 0 ? null : objects.flatMap(valuesOf);
}

type Plain = Readonly<Record<string, unknown>>;

function documentsOf(text: string): readonly Plain[] {
  // The yaml package reads JSON, too, but in many times the time.
  if (text.trimStart().startsWith("{")) {
    try {
      return [recordOf(JSON.parse(text))];
    } catch {
      return [];
    }
  }
  const nodes = attempt(() => parseYaml(text, limits));
  return isAppError(nodes) ? [] : nodes.map((node) => recordOf(plainOf(node)));
}

/** The object itself, or what a List holds. */
function membersOf(object: Plain): readonly Plain[] {
  const { items } = object;
  if (!textOf(object["kind"]).endsWith("List") || !Array.isArray(items)) return [object];
  // A SecretList of the API does not repeat the kind in each of its items.
  const kind = textOf(object["kind"]).slice(0, -"List".length);
  return items.map((item): Plain => ({ ...(kind === "" ? {} : { kind }), ...recordOf(item) }));
}

function valuesOf(object: Plain): readonly ObjectValue[] {
  const metadata = recordOf(object["metadata"]);
  const kind = textOf(object["kind"]);
  const path = [plurals[kind] ?? kind, textOf(metadata["namespace"]), textOf(metadata["name"])];
  const at = path.filter((part) => part !== "").join("/");
  const values = (field: string, decode: (text: string) => Uint8Array | null): readonly ObjectValue[] =>
    Object.entries(recordOf(object[field])).map(([key, value]) => ({
      where: `${at}/${key}`,
      bytes: decode(textOf(value)),
    }));
  const base64 = (text: string): Uint8Array | null => decodeBase64(text) ?? null;
  const plain = (text: string): Uint8Array => Buffer.from(text, "utf8");
  return kind === "Secret"
    ? [...values("data", base64), ...values("stringData", plain)]
    : [...values("data", plain), ...values("binaryData", base64)];
}

function plainOf(node: YamlNode): unknown {
  if (node.kind === "scalar") return isNull(node) ? null : node.text;
  if (node.kind === "list") return node.items.map(plainOf);
  return Object.fromEntries([...node.entries].map(([key, value]) => [key, plainOf(value)]));
}

function recordOf(value: unknown): Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Plain) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
