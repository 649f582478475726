// Discovery of a cluster from one of its nodes: its name, this node's address, the other members that files name, where its API is.
import { isAppError } from "../../core/model/errors.ts";
import type { ClusterSign } from "../../core/model/cluster-draft.ts";
import { parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import type { Profile } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, flagValue, pathIn, readPods } from "./context.ts";
import { hostOf } from "./expected-names.ts";

export interface ClusterSigns {
  /** As kubeconfigs call it. */
  readonly cluster: ClusterSign | null;
  readonly node: string;
  readonly address: ClusterSign | null;
  readonly hasApiServer: boolean;
  readonly hasEtcd: boolean;
  /** etcd members as this node's manifest names them, this one among them. */
  readonly members: readonly { readonly name: string; readonly address: ClusterSign }[];
  /** Where kubeconfigs find the API, this node's own address left out. */
  readonly servers: readonly ClusterSign[];
}

export async function discoverClusterSigns(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<ClusterSigns> {
  const discovery = { view, profile, params, ...(await readPods(view, profile, params)) };
  const address = flagSign(discovery, "kube-apiserver", "advertise-address") ?? peerSign(discovery);
  const kubeconfigs = await clustersOf(discovery);
  const hosts = new Set([address?.value, "127.0.0.1", "localhost", "::1"]);
  return {
    cluster: kubeconfigs.map(({ name }) => name).find(({ value }) => value !== "") ?? null,
    node: view.node,
    address,
    hasApiServer: discovery.pods.has("kube-apiserver"),
    hasEtcd: discovery.pods.has("etcd"),
    members: membersOf(discovery),
    servers: unique(kubeconfigs.flatMap(({ server }) => (server === null ? [] : [server]))).filter(
      ({ value }) => !hosts.has(hostIn(value) ?? ""),
    ),
  };
}

function flagSign(discovery: Discovery, of: string, flag: string): ClusterSign | null {
  const entry = discovery.pods.get(of);
  const value = entry && flagValue(entry.pod, flag);
  return entry && value !== undefined && value !== ""
    ? { value, source: { kind: "file", path: entry.manifest, field: `--${flag}` } }
    : null;
}

function peerSign(discovery: Discovery): ClusterSign | null {
  const sign = flagSign(discovery, "etcd", "initial-advertise-peer-urls");
  const host = sign && hostIn(sign.value.split(",")[0] ?? "");
  return sign && host !== null ? { ...sign, value: host } : null;
}

/** `m1=https://192.0.2.11:2380,m2=...`; kubeadm writes those that were there when the node joined. */
function membersOf(discovery: Discovery): ClusterSigns["members"] {
  const sign = flagSign(discovery, "etcd", "initial-cluster");
  return (sign?.value ?? "").split(",").flatMap((pair) => {
    const cut = pair.indexOf("=");
    const host = hostIn(pair.slice(cut + 1));
    if (sign === null || cut < 1 || host === null) return [];
    return [{ name: pair.slice(0, cut), address: { ...sign, value: host } }];
  });
}

interface KubeconfigSign {
  readonly name: ClusterSign;
  readonly server: ClusterSign | null;
}

async function clustersOf(discovery: Discovery): Promise<readonly KubeconfigSign[]> {
  const found: KubeconfigSign[] = [];
  for (const { path: template } of discovery.profile.kubeconfigs) {
    const path = pathIn(discovery, template);
    const reading = await discovery.view.read(path);
    if (reading.state !== "present") continue;
    for (const { name, server } of clustersIn(reading.bytes)) {
      const source = { kind: "file", path, field: "server" } as const;
      found.push({
        name: { value: name, source: { kind: "file", path, field: "clusters" } },
        server: server === undefined ? null : { value: server, source },
      });
    }
  }
  return found;
}

/** A file that is broken names nothing; `check` tells of it. */
function clustersIn(bytes: Uint8Array): readonly { readonly name: string; readonly server?: string }[] {
  try {
    return parseKubeconfig(bytes).clusters;
  } catch (error) {
    if (isAppError(error)) return [];
    throw error;
  }
}

/** The host of a URL, of whatever scheme; null when there is none. */
export function hostIn(url: string): string | null {
  return hostOf(url.replace(/^[a-z]+:/i, "https:"), "")[0]?.value ?? null;
}

function unique(signs: readonly ClusterSign[]): readonly ClusterSign[] {
  return [...new Map(signs.toReversed().map((sign) => [sign.value, sign])).values()].toReversed();
}
