// Where a collected node's processes listen, and where its kubeconfigs lead: what the lab's network must have for nothing to be changed.
import { posix } from "node:path";
import { isIP } from "node:net";
import type { StaticContainer, StaticPod } from "../../core/kubeconfig/manifest.ts";
import { nearOf, usualPorts, type LabPorts } from "../lab-node.ts";
import type { CollectedHost } from "./read-facts.ts";

/** By the program that it runs, whatever it is called. */
export function containerOf({ pods }: Pick<CollectedHost, "pods">, program: string): StaticContainer | null {
  return podOf({ pods }, program)?.containers.find((one) => programOf(one) === program) ?? null;
}

export function podOf({ pods }: Pick<CollectedHost, "pods">, program: string): StaticPod | null {
  return (
    [...pods.values()].find(({ containers }) => containers.some((one) => programOf(one) === program)) ?? null
  );
}

function programOf({ command: [program = ""] }: StaticContainer): string {
  return posix.basename(program);
}

export function flagOf(container: StaticContainer | null, name: string): string | null {
  return container?.flags.get(name)?.at(-1) ?? null;
}

const urlFlags = [
  "initial-advertise-peer-urls",
  "advertise-client-urls",
  "listen-peer-urls",
  "listen-client-urls",
] as const;

/** IP addresses that are the node's own, its first one first; empty for a node that says none (a worker). */
export function addressesOf(host: CollectedHost): readonly string[] {
  const apiServer = containerOf(host, "kube-apiserver");
  const etcd = containerOf(host, "etcd");
  const { config, flags } = host.kubelet;
  const found = [
    flagOf(apiServer, "advertise-address"),
    ...urlFlags.flatMap((flag) => urlsIn(flagOf(etcd, flag)).map(hostOf)),
    ...(flags.get("node-ip") ?? "").split(","),
    config?.address ?? null,
    flagOf(apiServer, "bind-address"),
  ];
  return [...new Set(found.filter((one): one is string => one !== null && isOwn(one)))];
}

/** Not loopback, not every address there is. */
function isOwn(address: string): boolean {
  return isIP(address) > 0 && !/^(127\.|0\.0\.0\.0$|::1?$)/.test(address);
}

function urlsIn(list: string | null): readonly URL[] {
  return (list ?? "").split(",").flatMap(parsedUrl);
}

function parsedUrl(text: string): readonly URL[] {
  return URL.canParse(text) ? [new URL(text)] : [];
}

/** Without the brackets that URL keeps. */
function hostOf(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}

/** 0 for what does not listen on a port of its own. */
export function portsOf(host: CollectedHost): LabPorts {
  const etcd = containerOf(host, "etcd");
  const port = (program: string, usual: number): number =>
    Number(flagOf(containerOf(host, program), "secure-port") ?? usual);
  const first = (flag: string, usual: number): number => Number(urlsIn(flagOf(etcd, flag))[0]?.port ?? usual);
  const { config } = host.kubelet;
  const near = nearOf(addressesOf(host)[0] ?? "127.0.0.1");
  const metrics = urlsIn(flagOf(etcd, "listen-metrics-urls")).find((url) => hostOf(url) === near);
  return {
    etcd: first("advertise-client-urls", usualPorts.etcd),
    etcdPeer: first("initial-advertise-peer-urls", usualPorts.etcdPeer),
    etcdMetrics: Number(metrics?.port ?? 0),
    apiServer: port("kube-apiserver", usualPorts.apiServer),
    controllerManager: port("kube-controller-manager", usualPorts.controllerManager),
    scheduler: port("kube-scheduler", usualPorts.scheduler),
    kubelet: Number(config?.port ?? usualPorts.kubelet),
    kubeletHealth: Number(config?.healthzPort ?? usualPorts.kubeletHealth),
  };
}

export interface Front {
  /** A name, or an address that is no node's. */
  readonly host: string;
  readonly port: number;
}

/** Where kubeconfigs lead that is none of the nodes: load balancers, by name or by address. */
export function frontsOf(hosts: readonly CollectedHost[]): readonly Front[] {
  const own = new Set(hosts.flatMap((host) => [host.name, ...addressesOf(host)]));
  const servers = hosts.flatMap(({ kubeconfigs }) =>
    [...kubeconfigs.values()].flatMap(({ clusters }) => clusters.map(({ server }) => server ?? "")),
  );
  const fronts = servers
    .flatMap(parsedUrl)
    .map((url) => ({ host: hostOf(url), port: Number(url.port || 443) }));
  const needed = fronts.filter(({ host }) => !own.has(host) && host !== "localhost" && isFront(host));
  return [...new Map(needed.map((front) => [`${front.host} ${front.port}`, front])).values()];
}

function isFront(host: string): boolean {
  return isIP(host) > 0 ? isOwn(host) : /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(host);
}
