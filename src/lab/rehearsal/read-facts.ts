// FACTS of `lab up --like`: one text of `perennial collect` for each node, or folders of them, and what each says of its node.
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { collectedNode, readFacts } from "../../app/collected-node.ts";
import { gather } from "../../app/gather.ts";
import { AppError, isAppError } from "../../core/model/errors.ts";
import { type StaticPod, parseManifest } from "../../core/kubeconfig/manifest.ts";
import {
  type KubeletConfig,
  parseKubeletConfig,
  parseKubeletFlags,
} from "../../core/kubeconfig/kubelet-config.ts";
import { type Kubeconfig, parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import type { Collected } from "../../core/policy/collected.ts";

export interface CollectedHost {
  readonly name: string;
  readonly profile: string;
  readonly collected: Collected;
  /** By path, of the folder that the kubelet reads. */
  readonly pods: ReadonlyMap<string, StaticPod>;
  readonly kubeconfigs: ReadonlyMap<string, Kubeconfig>;
  readonly kubelet: { readonly config: KubeletConfig | null; readonly flags: ReadonlyMap<string, string> };
}

/** Becomes a folder, a host name and the name of a certificate: what a Kubernetes node may be called. */
const nodeName = /^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$/;
/** What the lab itself has in its directory. */
const taken: ReadonlySet<string> = new Set(["bin", "ssh", "lb", "lab.json", "cluster.yaml", "balancer.log"]);

/** In the order of their names. @throws AppError `input-unreadable`, `facts-damaged`, `not-a-node`, `value-invalid` */
export async function readCollectedHosts(
  paths: readonly string[],
  at: number,
): Promise<readonly CollectedHost[]> {
  const hosts: CollectedHost[] = [];
  for (const path of paths.flatMap(filesIn)) hosts.push(await readHost(path, at));
  const names = hosts.map(({ name }) => name);
  const refused = names.find(
    (name, index) => !nodeName.test(name) || taken.has(name) || names.indexOf(name) !== index,
  );
  if (refused !== undefined) {
    const expected = "one text of facts for each node, a node's name in it" as const;
    throw new AppError("value-invalid", { what: "--like", value: refused, expected });
  }
  return hosts.toSorted((a, b) => a.name.localeCompare(b.name));
}

function filesIn(path: string): readonly string[] {
  if (!isFolder(path)) return [path];
  const files = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isFile());
  const names = files.map(({ name }) => name).filter((name) => !name.startsWith("."));
  if (names.length === 0) throw new AppError("input-unreadable", { path, reason: "there is no such file" });
  return names.sort().map((name) => join(path, name));
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (cause) {
    // `facts.txt/` is a file with too much behind it.
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "unreadable";
    throw new AppError("input-unreadable", { path, reason }, { cause });
  }
}

async function readHost(path: string, at: number): Promise<CollectedHost> {
  const node = collectedNode(await readFacts(path), path);
  const { inventory } = await gather(node, { id: null, params: {} }, at);
  const [found] = inventory.nodes;
  if (!found) throw new TypeError("a node was read and is not in the inventory");
  const { collected } = node;
  const kubelet = kubeletOf(collected);
  const folder = kubelet.config?.staticPodPath ?? kubelet.flags.get("pod-manifest-path") ?? manifests;
  return {
    name: found.node,
    profile: inventory.profile.id,
    collected,
    pods: readable(collected, (one) => one.startsWith(`${folder.replace(/\/$/, "")}/`), parseManifest),
    kubeconfigs: readable(collected, (one) => /\.conf$|\/config$/.test(one), parseKubeconfig),
    kubelet,
  };
}

const manifests = "/etc/kubernetes/manifests";
/** In the order in which systemd reads them. */
const flagFiles = [
  "/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf",
  "/etc/systemd/system/kubelet.service.d/10-kubeadm.conf",
  "/var/lib/kubelet/kubeadm-flags.env",
  "/etc/default/kubelet",
  "/etc/sysconfig/kubelet",
] as const;

function kubeletOf(collected: Collected): CollectedHost["kubelet"] {
  const [config = null] = readable(
    collected,
    (path) => path === "/var/lib/kubelet/config.yaml",
    parseKubeletConfig,
  ).values();
  const texts = flagFiles.map((path) => collected.files.get(path));
  const flags = texts.flatMap((file) =>
    file?.state === "found" ? [...parseKubeletFlags(Buffer.from(file.bytes).toString("utf8"))] : [],
  );
  return { config, flags: new Map(flags) };
}

/** What cannot be read has its finding; here it only says nothing. */
function readable<T>(
  { files }: Collected,
  isMeant: (path: string) => boolean,
  parse: (bytes: Uint8Array) => T,
): ReadonlyMap<string, T> {
  const found = [...files.values()].flatMap((file): readonly (readonly [string, T])[] => {
    if (file.state !== "found" || !isMeant(file.path)) return [];
    try {
      return [[file.path, parse(file.bytes)]];
    } catch (error) {
      if (isAppError(error)) return [];
      throw error;
    }
  });
  return new Map(found);
}
