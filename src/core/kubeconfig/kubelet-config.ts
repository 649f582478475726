// Reads the kubelet's configuration file, and the flags it gets from systemd and kubeadm.
import { asMap, booleanField, malformed, mapField, textField } from "./fields.ts";
import { readFlags, splitWords } from "./words.ts";
import { decodeYaml, parseYaml } from "./yaml-source.ts";
import { child, type YamlMap } from "./yaml-tree.ts";

/** A field that the file does not set is absent; the kubelet's defaults are not filled in. */
export interface KubeletConfig {
  /** `authentication.x509.clientCAFile`. */
  readonly clientCaFile?: string;
  readonly tlsCertFile?: string;
  readonly tlsPrivateKeyFile?: string;
  readonly rotateCertificates?: boolean;
  readonly serverTLSBootstrap?: boolean;
  readonly staticPodPath?: string;
  /** Where the kubelet itself listens, and where it says how it is. */
  readonly address?: string;
  readonly port?: string;
  readonly healthzBindAddress?: string;
  readonly healthzPort?: string;
  /** From 1.27; before it is a flag only. */
  readonly containerRuntimeEndpoint?: string;
  /** A Go duration; the kubelet's default is 20s. */
  readonly fileCheckFrequency?: string;
  readonly clusterDomain?: string;
}

/**
 * Reads the KubeletConfiguration among the documents of `/var/lib/kubelet/config.yaml`.
 * @throws AppError `yaml-malformed`, `manifest-malformed`
 */
export function parseKubeletConfig(bytes: Uint8Array): KubeletConfig {
  const documents = parseYaml(decodeYaml(bytes)).map((node, index) => asMap(node, `document ${index + 1}`));
  const config = documents.find(
    (document) => textField(document, "kind", "configuration") === "KubeletConfiguration",
  );
  if (!config) throw malformed("there is no KubeletConfiguration");
  const x509 = mapField(mapField(config, "authentication", "configuration"), "x509", "authentication");
  return withoutAbsent({
    clientCaFile: textField(x509, "clientCAFile", "authentication.x509"),
    tlsCertFile: textField(config, "tlsCertFile", "configuration"),
    tlsPrivateKeyFile: textField(config, "tlsPrivateKeyFile", "configuration"),
    rotateCertificates: booleanField(config, "rotateCertificates", "configuration"),
    serverTLSBootstrap: booleanField(config, "serverTLSBootstrap", "configuration"),
    staticPodPath: textField(config, "staticPodPath", "configuration"),
    address: textField(config, "address", "configuration"),
    port: scalarText(config, "port"),
    healthzBindAddress: textField(config, "healthzBindAddress", "configuration"),
    healthzPort: scalarText(config, "healthzPort"),
    containerRuntimeEndpoint: textField(config, "containerRuntimeEndpoint", "configuration"),
    fileCheckFrequency: textField(config, "fileCheckFrequency", "configuration"),
    clusterDomain: textField(config, "clusterDomain", "configuration"),
  });
}

function scalarText(config: YamlMap, key: string): string | undefined {
  const node = child(config, key);
  return node?.kind === "scalar" ? node.text : undefined;
}

type OrUndefined<T> = { readonly [K in keyof T]-?: T[K] | undefined };

function withoutAbsent(config: OrUndefined<KubeletConfig>): KubeletConfig {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined));
}

/**
 * The kubelet's flags in `kubeadm-flags.env`, `/etc/default/kubelet`, a systemd unit or its drop-ins, or several of these
 * texts joined by a line break in the order systemd reads them. With an `ExecStart` its words count, its variables expanded (an unknown one is
 * nothing, the last `ExecStart` wins); without one all variables count. The last value of a flag wins. Nothing is malformed here.
 */
export function parseKubeletFlags(text: string): ReadonlyMap<string, string> {
  const variables = new Map<string, string>();
  let start: string | undefined;
  for (const line of text.replaceAll("\r\n", "\n").replaceAll("\\\n", " ").split("\n")) {
    const [, key = "", value = ""] = /^\s*(?:export\s+)?([A-Za-z_]\w*)\s*=(.*)$/.exec(line) ?? [];
    if (key === "ExecStart") start = value.trim() === "" ? undefined : value;
    else if (key === "Environment") for (const word of splitWords(value)) assign(variables, word);
    else if (key !== "" && key !== "EnvironmentFile") variables.set(key, unquoted(value.trim()));
  }
  const values = start === undefined ? [...variables.values()] : [expand(start, variables)];
  const flags = readFlags(values.flatMap((words) => splitWords(words)));
  return new Map([...flags].map(([name, all]) => [name, all.at(-1) ?? ""]));
}

function assign(variables: Map<string, string>, assignment: string): void {
  const equals = assignment.indexOf("=");
  if (equals > 0) variables.set(assignment.slice(0, equals), assignment.slice(equals + 1));
}

function unquoted(value: string): string {
  return /^["']/.test(value) ? splitWords(value).join(" ") : value;
}

function expand(line: string, variables: ReadonlyMap<string, string>): string {
  return line.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    return variables.get(braced ?? bare ?? "") ?? "";
  });
}
