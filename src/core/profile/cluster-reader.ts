// Typed fields of cluster.yaml: what does not fit becomes a fault with its line, and reading goes on, so that all faults are told at once.
import type { ClusterFault, ClusterFaultCode } from "../model/cluster.ts";
import { tryParseIpAddress } from "../pki/ip-address.ts";
import {
  type YamlList,
  type YamlMap,
  type YamlNode,
  child,
  isNull,
  toBoolean,
} from "../kubeconfig/yaml-tree.ts";

interface Said {
  readonly value?: string;
  readonly detail?: string;
}

/** Every method that finds a fault notes it and answers null. `at` is the address of the mapping that holds the key. */
export interface ClusterReader {
  /** For relative paths. */
  readonly folder: string;
  fault(node: YamlNode, at: string, fault: ClusterFaultCode, said?: Said): void;
  faultAt(line: number, fault: Omit<ClusterFault, "line">): void;
  lineOf(node: YamlNode): number;
  /** Notes every key that is not among `keys`. */
  known(map: YamlMap, at: string, keys: readonly string[]): void;
  map(node: YamlNode, at: string): YamlMap | null;
  mapAt(map: YamlMap, key: string, at: string): YamlMap | null;
  /** Empty when absent; a list that is there has entries. */
  list(map: YamlMap, key: string, at: string, options?: Required): readonly YamlNode[];
  scalar(node: YamlNode, at: string): string | null;
  text(map: YamlMap, key: string, at: string, options?: Required): string | null;
  boolean(map: YamlMap, key: string, at: string): boolean | null;
  oneOf(map: YamlMap, key: string, at: string, known: readonly string[], options?: Required): string | null;
  /** Of a cluster or of a node; it has to be there. */
  name(map: YamlMap, key: string, at: string): string | null;
  /** A name, an address, or a host of the SSH configuration. */
  host(map: YamlMap, key: string, at: string): string | null;
  /** Absolute, or what begins with `~/`. */
  path(map: YamlMap, key: string, at: string): string | null;
  /** A text that has to match. */
  matching(map: YamlMap, key: string, at: string, form: Form): string | null;
}

interface Required {
  readonly required?: true;
}

export interface Form {
  readonly fits: (text: string) => boolean;
  readonly fault: ClusterFaultCode;
}

/** As in /etc/hostname; it becomes part of `NODE/NAME`. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$/;

/** Nothing that ssh could take for an option, and nothing that breaks a line. */
export function isHost(text: string): boolean {
  return namePattern.test(text) || tryParseIpAddress(text) !== undefined;
}

export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  if (at < 0) return "";
  return at === 0 ? "/" : path.slice(0, at);
}

export function keyAt(at: string, key: string): string {
  return at === "" ? key : `${at}.${key}`;
}

/** Collects into `faults`. */
export function clusterReader(text: string, folder: string, faults: ClusterFault[]): ClusterReader {
  // A byte order mark is not part of what was parsed.
  const offset = text.startsWith("\ufeff") ? 1 : 0;
  const lineOf = (node: YamlNode): number => text.slice(0, node.start + offset).split("\n").length;
  const faultAt: ClusterReader["faultAt"] = (line, fault) => void faults.push({ line, ...fault });
  const fault: ClusterReader["fault"] = (node, at, code, { value = "", detail = "" } = {}) =>
    faultAt(lineOf(node), { at, fault: code, value, detail });

  function map(node: YamlNode, at: string): YamlMap | null {
    if (node.kind === "map") return node;
    fault(node, at, "not-a-mapping");
    return null;
  }

  function required(holder: YamlMap, key: string, at: string): YamlNode | null {
    const node = child(holder, key);
    if (node === undefined) fault(holder.entries.get(key) ?? holder, keyAt(at, key), "missing");
    return node ?? null;
  }

  function childAt(holder: YamlMap, key: string, place: string, options?: Required): YamlNode | null {
    return options?.required === true ? required(holder, key, place) : (child(holder, key) ?? null);
  }

  function scalar(node: YamlNode, place: string): string | null {
    if (node.kind !== "scalar" || isNull(node)) fault(node, place, "not-text");
    else if (node.text === "") fault(node, place, "empty");
    else return node.text;
    return null;
  }

  function read(holder: YamlMap, key: string, place: string, options?: Required): string | null {
    const node = childAt(holder, key, place, options);
    return node === null ? null : scalar(node, keyAt(place, key));
  }

  function matching(
    holder: YamlMap,
    key: string,
    place: string,
    { required: isRequired, fits, fault: code }: Form & Required,
  ): string | null {
    const value = read(holder, key, place, isRequired === true ? { required: true } : {});
    if (value === null || fits(value)) return value;
    fault(holder.entries.get(key) ?? holder, keyAt(place, key), code, { value });
    return null;
  }

  return {
    folder,
    fault,
    faultAt,
    lineOf,
    map,
    scalar,
    text: read,
    known(holder, place, keys) {
      for (const [key, node] of holder.entries)
        if (!keys.includes(key))
          fault(node, keyAt(place, key), "unknown-key", { value: key, detail: keys.join(", ") });
    },
    mapAt(holder, key, place) {
      const node = child(holder, key);
      return node === undefined ? null : map(node, keyAt(place, key));
    },
    list(holder, key, place, options) {
      const node = childAt(holder, key, place, options);
      if (node === null) return [];
      if (node.kind !== "list") fault(node, keyAt(place, key), "not-a-list");
      else if (node.items.length === 0) fault(node, keyAt(place, key), "empty");
      return node.kind === "list" ? (node satisfies YamlList).items : [];
    },
    boolean(holder, key, place) {
      const node = child(holder, key);
      if (node === undefined) return null;
      const value = toBoolean(node);
      if (value === undefined) fault(node, keyAt(place, key), "not-a-boolean");
      return value ?? null;
    },
    oneOf(holder, key, place, known, options) {
      const value = read(holder, key, place, options);
      if (value === null || known.includes(value)) return value;
      const detail = known.join(", ");
      fault(holder.entries.get(key) ?? holder, keyAt(place, key), "not-one-of", { value, detail });
      return null;
    },
    name: (holder, key, place) =>
      matching(holder, key, place, {
        required: true,
        fits: (value) => namePattern.test(value),
        fault: "not-a-name",
      }),
    host: (holder, key, place) => matching(holder, key, place, { fits: isHost, fault: "not-a-host" }),
    path(holder, key, place) {
      const value = matching(holder, key, place, { fits: isPath, fault: "not-a-path" });
      return value === null ? null : resolved(folder, value);
    },
    matching,
  };
}

function isPath(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return !/[\u0000-\u001f\u007f]/.test(text);
}

function resolved(folder: string, path: string): string {
  if (path === "~" || path.startsWith("~/")) return path;
  const whole = path.startsWith("/") || folder === "" ? path : `${folder}/${path}`;
  const parts: string[] = [];
  for (const part of whole.split("/")) {
    if (part === "" || part === ".") continue;
    const isUp = part === ".." && parts.length > 0 && parts.at(-1) !== "..";
    if (isUp) parts.pop();
    else if (part !== ".." || !whole.startsWith("/")) parts.push(part);
  }
  const joined = parts.join("/");
  if (whole.startsWith("/")) return `/${joined}`;
  return joined === "" ? "." : joined;
}
