// Reads static pod manifests: what runs, with which flags, and where its files are on the node.
import { asMap, booleanField, malformed, mapField, mapsField, textField, wordsField } from "./fields.ts";
import { readFlags, unwrapShell } from "./words.ts";
import { decodeYaml, parseYaml } from "./yaml-source.ts";
import { child, toInteger } from "./yaml-tree.ts";
import type { YamlMap } from "./yaml-tree.ts";

export { imageVersion } from "./image-version.ts";
export type { ImageVersion } from "./image-version.ts";

export interface StaticPod {
  readonly name: string;
  readonly namespace?: string;
  /** The label `component` that kubeadm writes. */
  readonly component?: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly containers: readonly StaticContainer[];
  readonly hostPaths: readonly HostPath[];
  /** Names that volumeMounts give and volumes does not: the API refuses such a pod. */
  readonly unknownVolumes: readonly string[];
  readonly hostNetwork: boolean;
}

export interface StaticContainer {
  readonly name: string;
  readonly image: string;
  /** `command` and `args`, the program first, a shell wrapper taken off. */
  readonly command: readonly string[];
  /** By name without dashes, values in order; a flag without a value is "true". */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly probes: readonly Probe[];
}

/** `host` is absent when the kubelet uses the pod's address; a named port that the container does not declare stays a name. */
export type Probe =
  | {
      readonly kind: ProbeKind;
      readonly form: "http";
      readonly host?: string;
      readonly port: number | string;
      readonly scheme: "HTTP" | "HTTPS";
      readonly path: string;
    }
  | { readonly kind: ProbeKind; readonly form: "tcp"; readonly host?: string; readonly port: number | string }
  | { readonly kind: ProbeKind; readonly form: "exec"; readonly command: readonly string[] }
  | { readonly kind: ProbeKind; readonly form: "other" };

export type ProbeKind = "liveness" | "readiness" | "startup";

/** One mount of a hostPath volume; a `subPath` is already part of `hostPath`. */
export interface HostPath {
  readonly container: string;
  readonly mountPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
}

/**
 * Reads the first Pod of a YAML or JSON file, whatever its API version.
 * @throws AppError `yaml-malformed`, `manifest-malformed`
 */
export function parseManifest(bytes: Uint8Array): StaticPod {
  const documents = parseYaml(decodeYaml(bytes)).map((node, index) => asMap(node, `document ${index + 1}`));
  const pod = documents.find((document) => textField(document, "kind", "pod") === "Pod");
  if (!pod) throw malformed(documents.length === 0 ? "empty" : "there is no Pod");
  return readPod(pod);
}

/**
 * The path on the node of a path in the pod's containers: the longest mount that holds it, itself when there is none.
 * With `container` only the mounts of that container count.
 */
export function hostPathOf(pod: StaticPod, containerPath: string, container?: string): string {
  const holding = pod.hostPaths.filter((mount) => {
    return (
      (container === undefined || mount.container === container) && isBelow(containerPath, mount.mountPath)
    );
  });
  const [longest] = holding.toSorted((a, b) => trimmed(b.mountPath).length - trimmed(a.mountPath).length);
  if (!longest) return containerPath;
  const rest = containerPath.slice(trimmed(longest.mountPath).length);
  return trimmed(`${trimmed(longest.hostPath)}${rest}`) || "/";
}

function isBelow(path: string, folder: string): boolean {
  return path === folder || `${path}/`.startsWith(`${trimmed(folder)}/`);
}

/** Without slashes at the end; the root is empty. */
function trimmed(path: string): string {
  let end = path.length;
  while (end > 0 && path[end - 1] === "/") end -= 1;
  return path.slice(0, end);
}

function readPod(pod: YamlMap): StaticPod {
  const metadata = mapField(pod, "metadata", "pod");
  const spec = mapField(pod, "spec", "pod");
  const name = textField(metadata, "name", "metadata");
  if (name === undefined) throw malformed("metadata.name is missing");
  const namespace = textField(metadata, "namespace", "metadata");
  const labels = readLabels(metadata);
  const component = labels.get("component");
  const containers = mapsField(spec, "containers", "spec");
  if (containers.length === 0) throw malformed("spec.containers is empty");
  const volumes = mapsField(spec, "volumes", "spec");
  return {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(component === undefined ? {} : { component }),
    labels,
    containers: containers.map((container, index) => readContainer(container, `spec.containers[${index}]`)),
    hostPaths: readHostPaths(containers, volumes),
    unknownVolumes: mountedNames(containers).filter((mounted) => !volumeNames(volumes).has(mounted)),
    hostNetwork: booleanField(spec, "hostNetwork", "spec") ?? false,
  };
}

function readLabels(metadata: YamlMap | undefined): ReadonlyMap<string, string> {
  const labels = mapField(metadata, "labels", "metadata");
  return new Map(
    [...(labels?.entries.keys() ?? [])].map((key) => [key, textField(labels, key, "metadata.labels") ?? ""]),
  );
}

function readContainer(container: YamlMap, at: string): StaticContainer {
  const command = unwrapShell([
    ...wordsField(container, "command", at),
    ...wordsField(container, "args", at),
  ]);
  return {
    name: textField(container, "name", at) ?? "",
    image: textField(container, "image", at) ?? "",
    command,
    flags: readFlags(command),
    probes: (["liveness", "readiness", "startup"] as const).flatMap((kind) => {
      const probe = mapField(container, `${kind}Probe`, at);
      return probe ? [readProbe(container, probe, { kind, at: `${at}.${kind}Probe` })] : [];
    }),
  };
}

interface ProbePlace {
  readonly kind: ProbeKind;
  readonly at: string;
}

function readProbe(container: YamlMap, probe: YamlMap, { kind, at }: ProbePlace): Probe {
  const exec = mapField(probe, "exec", at);
  if (exec) return { kind, form: "exec", command: unwrapShell(wordsField(exec, "command", `${at}.exec`)) };
  const http = mapField(probe, "httpGet", at);
  const target = http ?? mapField(probe, "tcpSocket", at);
  if (!target) return { kind, form: "other" };
  const host = textField(target, "host", at);
  const place = { kind, ...(host === undefined ? {} : { host }), port: readPort(container, target, at) };
  if (!http) return { ...place, form: "tcp" };
  const scheme = textField(http, "scheme", at)?.toUpperCase() === "HTTPS" ? "HTTPS" : "HTTP";
  return { ...place, form: "http", scheme, path: textField(http, "path", at) ?? "/" };
}

function readPort(container: YamlMap, target: YamlMap, at: string): number | string {
  const node = child(target, "port");
  if (node?.kind !== "scalar") throw malformed(`${at} has no port`);
  const port = toInteger(node);
  if (port !== undefined) return port;
  const declared = mapsField(container, "ports", at).find(
    (entry) => textField(entry, "name", at) === node.text,
  );
  const value = declared && child(declared, "containerPort");
  return (value && toInteger(value)) ?? node.text;
}

function mountedNames(containers: readonly YamlMap[]): readonly string[] {
  return containers.flatMap((container, index) => {
    const at = `spec.containers[${index}]`;
    return mapsField(container, "volumeMounts", at).flatMap((mount) => textField(mount, "name", at) ?? []);
  });
}

function volumeNames(volumes: readonly YamlMap[]): ReadonlySet<string> {
  return new Set(
    volumes.flatMap((volume, index) => textField(volume, "name", `spec.volumes[${index}]`) ?? []),
  );
}

function readHostPaths(containers: readonly YamlMap[], volumes: readonly YamlMap[]): readonly HostPath[] {
  const paths = new Map<string, string>();
  for (const [index, volume] of volumes.entries()) {
    const at = `spec.volumes[${index}]`;
    const path = textField(mapField(volume, "hostPath", at), "path", `${at}.hostPath`);
    const name = textField(volume, "name", at);
    if (path !== undefined && name !== undefined) paths.set(name, path);
  }
  return containers.flatMap((container, index) => {
    const at = `spec.containers[${index}]`;
    return mapsField(container, "volumeMounts", at).flatMap((mount) => {
      const hostPath = paths.get(textField(mount, "name", at) ?? "");
      const mountPath = textField(mount, "mountPath", at);
      if (hostPath === undefined || mountPath === undefined) return [];
      const subPath = textField(mount, "subPath", at);
      return {
        container: textField(container, "name", at) ?? "",
        mountPath,
        hostPath: subPath === undefined ? hostPath : `${trimmed(hostPath)}/${subPath}`,
        readOnly: booleanField(mount, "readOnly", at) ?? false,
      };
    });
  });
}
