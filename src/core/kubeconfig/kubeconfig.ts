// Reads a kubeconfig: who authenticates with which certificate, and which authority each cluster is trusted by.
import type { Reason } from "../model/reasons.ts";
import { AppError } from "../model/errors.ts";
import { decodeBase64 } from "./base64.ts";
import { decodeYaml, parseYaml } from "./yaml-source.ts";
import { child } from "./yaml-tree.ts";
import type { YamlMap, YamlNode } from "./yaml-tree.ts";

export interface Kubeconfig {
  readonly currentContext?: string;
  readonly contexts: readonly KubeconfigContext[];
  readonly clusters: readonly KubeconfigCluster[];
  readonly users: readonly KubeconfigUser[];
}

/** `cluster` and `user` are names, empty when the context has none. */
export interface KubeconfigContext {
  readonly name: string;
  readonly cluster: string;
  readonly user: string;
}

export interface KubeconfigCluster {
  readonly name: string;
  readonly server?: string;
  readonly authority: KubeconfigSource | { readonly form: "none" };
}

/** `other` lists the ways to authenticate besides the certificate; client-go may use them together. */
export interface KubeconfigUser {
  readonly name: string;
  readonly certificate: KubeconfigSource | undefined;
  readonly key: KubeconfigSource | undefined;
  readonly other: readonly OtherCredential[];
}

/** Embedded bytes are those of the PEM text; a path may be relative to the kubeconfig's folder. */
export type KubeconfigSource =
  | { readonly form: "embedded"; readonly pem: Uint8Array }
  | { readonly form: "file"; readonly path: string };

export type OtherCredential = "token" | "tokenFile" | "exec" | "auth-provider" | "username";

const others = [
  "token",
  "tokenFile",
  "exec",
  "auth-provider",
  "username",
] as const satisfies readonly OtherCredential[];

/**
 * Reads YAML or JSON. As in client-go, `*-data` wins over a path and an empty value is none; names must be unique in their list.
 * Source: k8s.io/client-go/tools/clientcmd/api/v1 types.go and conversion.go.
 * @throws AppError `yaml-malformed`, `kubeconfig-malformed`
 */
export function parseKubeconfig(bytes: Uint8Array): Kubeconfig {
  return readKubeconfig(parseKubeconfigTree(decodeYaml(bytes)));
}

/** The mapping at the root of a kubeconfig's text. */
export function parseKubeconfigTree(text: string): YamlMap {
  const [root, second] = parseYaml(text);
  if (root === undefined) throw malformed("empty");
  if (second !== undefined) throw malformed("more than one document");
  const map = asMap(root, "the document");
  const kind = textOf(map, "kind", "kind");
  if (kind !== undefined && kind !== "Config") throw malformed("kind is not Config");
  return map;
}

/** The model of a root that `parseKubeconfigTree` gave. */
export function readKubeconfig(root: YamlMap): Kubeconfig {
  const currentContext = textOf(root, "current-context", "current-context");
  return {
    ...(currentContext === undefined ? {} : { currentContext }),
    contexts: entriesOf(root, "contexts", "context").map(({ name, body, at }) => ({
      name,
      cluster: textOf(body, "cluster", at) ?? "",
      user: textOf(body, "user", at) ?? "",
    })),
    clusters: entriesOf(root, "clusters", "cluster").map(readCluster),
    users: entriesOf(root, "users", "user").map(readUser),
  };
}

/** The user of the current context, undefined when there is no such context or no such user. */
export function currentUser(kubeconfig: Kubeconfig): KubeconfigUser | undefined {
  const context = kubeconfig.contexts.find(({ name }) => name === kubeconfig.currentContext);
  return kubeconfig.users.find(({ name }) => name === context?.user);
}

export interface NamedEntry {
  readonly name: string;
  readonly body: YamlMap;
  /** Whether the list or the entry stands for more than one place. */
  readonly shared: boolean;
  /** The address shown to people. */
  readonly at: string;
}

/** The entries of `users`, `clusters` or `contexts`, with the mapping they name; an entry without one counts as empty. */
export function entriesOf(root: YamlMap, list: string, field: string): readonly NamedEntry[] {
  const node = child(root, list);
  if (node === undefined) return [];
  if (node.kind !== "list") throw malformed(`${list} is not a list`);
  const seen = new Set<string>();
  return node.items.map((item, index) => {
    const at = `${list}[${index}]`;
    const entry = asMap(item, at);
    const name = textOf(entry, "name", at);
    if (name === undefined) throw malformed(`${at} has no name`);
    if (seen.has(name)) throw malformed(`${list} has the name ${name} twice`);
    seen.add(name);
    const body = child(entry, field) ?? emptyMap;
    return {
      name,
      body: asMap(body, `${at}.${field}`),
      shared: node.shared || entry.shared || body.shared,
      at,
    };
  });
}

const emptyMap: YamlMap = { kind: "map", entries: new Map(), start: 0, end: 0, shared: false, weight: 1 };

function readCluster({ name, body, at }: NamedEntry): KubeconfigCluster {
  const server = textOf(body, "server", at);
  const authority = readSource(body, "certificate-authority", at) ?? { form: "none" as const };
  return { name, ...(server === undefined ? {} : { server }), authority };
}

function readUser({ name, body, at }: NamedEntry): KubeconfigUser {
  return {
    name,
    certificate: readSource(body, "client-certificate", at),
    key: readSource(body, "client-key", at),
    other: others.filter((key) => isGiven(child(body, key))),
  };
}

function isGiven(node: YamlNode | undefined): boolean {
  return node !== undefined && !(node.kind === "scalar" && node.text === "");
}

function readSource(body: YamlMap, field: string, at: string): KubeconfigSource | undefined {
  const data = textOf(body, `${field}-data`, at);
  const path = textOf(body, field, at);
  const pem = data === undefined ? undefined : decodeBase64(data);
  if (data !== undefined && pem === undefined) throw malformed(`${at} ${field}-data is not base64`);
  if (pem !== undefined && pem.length > 0) return { form: "embedded", pem };
  return path === undefined ? undefined : { form: "file", path };
}

/** The text of a field, undefined when it is absent, null or empty. */
function textOf(map: YamlMap, key: string, at: string): string | undefined {
  const node = child(map, key);
  if (node === undefined) return undefined;
  if (node.kind !== "scalar") throw malformed(`${at} ${key} is not text`);
  return node.text === "" ? undefined : node.text;
}

function asMap(node: YamlNode, at: string): YamlMap {
  if (node.kind !== "map") throw malformed(`${at} is not a mapping`);
  return node;
}

function malformed(reason: Reason): AppError<"kubeconfig-malformed"> {
  return new AppError("kubeconfig-malformed", { reason });
}
