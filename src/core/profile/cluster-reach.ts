// The way to a node in cluster.yaml: `local: true`, `root: DIR`, `ssh:` as a mapping or as USER@HOST:PORT; SSH to its address by default.
import type { Reach } from "../model/cluster.ts";
import { type YamlMap, type YamlNode, child, toBoolean } from "../kubeconfig/yaml-tree.ts";
import { type ClusterReader, isHost, keyAt } from "./cluster-reader.ts";

type SshReach = Extract<Reach, { readonly kind: "ssh" }>;

export type SshDefaults = Omit<SshReach, "kind" | "host">;

const sshKeys = ["user", "port", "identityFile", "jump", "sudo"];
const reaches = ["local", "root", "ssh"] as const;

/** A login of the far side; no leading dash, which ssh would take for an option. */
const isUser = (text: string): boolean => /^[A-Za-z0-9_][A-Za-z0-9._\\@+-]{0,127}\$?$/.test(text);
const isPort = (text: string): boolean => /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65_535;
/** `[USER@]HOST[:PORT]`, several with commas, or ssh:// addresses (ssh(1), -J). */
const isJump = (text: string): boolean => /^[A-Za-z0-9_[][^\s\p{Cc}'"`$\\;&|<>()]*$/u.test(text);

const nothing: SshDefaults = {
  user: null,
  port: null,
  identityFile: null,
  jump: null,
  sshConfig: null,
  sudo: false,
};

/** The mapping `ssh:` at the top of the file: what holds for all nodes unless they say otherwise. */
export function sshDefaults(root: YamlMap, reader: ClusterReader): SshDefaults {
  const map = reader.mapAt(root, "ssh", "");
  if (map === null) return nothing;
  reader.known(map, "ssh", ["config", ...sshKeys]);
  return {
    ...readSsh(map, "ssh", { defaults: nothing, reader }),
    sshConfig: reader.path(map, "config", "ssh"),
  };
}

interface Place {
  readonly at: string;
  readonly defaults: SshDefaults;
  /** Where SSH leads when nothing else is said. */
  readonly host: string;
}

export function readReach(map: YamlMap, place: Place, reader: ClusterReader): Reach {
  const said = reaches.filter((key) => child(map, key) !== undefined);
  const [first, second] = said;
  const extra = second === undefined ? undefined : map.entries.get(second);
  if (extra !== undefined) reader.fault(extra, place.at, "several-reaches", { value: said.join(", ") });
  if (first === "local") return readLocal(map, place.at, reader);
  if (first === "root") return { kind: "root", root: reader.path(map, "root", place.at) ?? "" };
  return readSshReach(map, place, reader);
}

function readLocal(map: YamlMap, at: string, reader: ClusterReader): Reach {
  const node = child(map, "local");
  if (node === undefined || toBoolean(node) === true) return { kind: "local" };
  reader.fault(node, keyAt(at, "local"), "not-true");
  // Nowhere: what is wrong already is not wrong twice.
  return { kind: "root", root: "" };
}

function readSshReach(map: YamlMap, { at, defaults, host }: Place, reader: ClusterReader): SshReach {
  const node = child(map, "ssh");
  const usual = { kind: "ssh", host, ...defaults } as const;
  if (node === undefined) return usual;
  const here = keyAt(at, "ssh");
  if (node.kind === "scalar") return { ...usual, ...readLogin(node, here, reader) };
  const own = reader.map(node, here);
  if (own === null) return usual;
  reader.known(own, here, ["host", ...sshKeys]);
  return {
    kind: "ssh",
    host: reader.host(own, "host", here) ?? host,
    ...readSsh(own, here, { defaults, reader }),
  };
}

function readSsh(
  map: YamlMap,
  at: string,
  { defaults, reader }: { readonly defaults: SshDefaults; readonly reader: ClusterReader },
): SshDefaults {
  const port = reader.matching(map, "port", at, { fits: isPort, fault: "not-a-port" });
  return {
    user: reader.matching(map, "user", at, { fits: isUser, fault: "not-a-user" }) ?? defaults.user,
    port: port === null ? defaults.port : Number(port),
    identityFile: reader.path(map, "identityFile", at) ?? defaults.identityFile,
    jump: reader.matching(map, "jump", at, { fits: isJump, fault: "not-a-jump" }) ?? defaults.jump,
    sshConfig: defaults.sshConfig,
    sudo: reader.boolean(map, "sudo", at) ?? defaults.sudo,
  };
}

/** `USER@HOST:PORT`, user and port optional; an IPv6 address with a port stands in brackets. */
function readLogin(
  node: YamlNode,
  at: string,
  reader: ClusterReader,
): Partial<Pick<SshReach, "host" | "user" | "port">> {
  const text = reader.scalar(node, at);
  if (text === null) return {};
  const cut = text.lastIndexOf("@");
  const user = cut < 0 ? null : text.slice(0, cut);
  const { host, port } = splitPort(text.slice(cut + 1));
  if (!isHost(host)) reader.fault(node, at, "not-a-host", { value: host });
  if (user !== null && !isUser(user)) reader.fault(node, at, "not-a-user", { value: user });
  if (port !== null && !isPort(port)) reader.fault(node, at, "not-a-port", { value: port });
  return {
    host,
    ...(user === null ? {} : { user }),
    ...(port === null ? {} : { port: Number(port) }),
  };
}

function splitPort(text: string): { readonly host: string; readonly port: string | null } {
  const [, bracketed, after] = /^\[([^\]]*)\](?::(.*))?$/s.exec(text) ?? [];
  if (bracketed !== undefined) return { host: bracketed, port: after ?? null };
  const parts = text.split(":");
  const [host = "", port] = parts;
  // More colons than one are an IPv6 address.
  return parts.length === 2 && port !== undefined ? { host, port } : { host: text, port: null };
}
