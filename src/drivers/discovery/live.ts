// Discovery of what runs on a node: which processes load the slots, where they listen, how to ask them whether they are well.
import { restartOrder } from "../../core/plan/order-of-starts.ts";
import type { CertificateSlot, NodeInventory, SlotId } from "../../core/model/inventory.ts";
import type {
  Endpoint,
  EtcdSlot,
  HealthCheck,
  LiveInventory,
  ProcessSlot,
  ServingEndpoint,
} from "../../core/model/live.ts";
import { type Probe, type StaticPod, hostPathOf } from "../../core/kubeconfig/manifest.ts";
import type { Profile } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, flagValue, readPods } from "./context.ts";
import { type KubeletSettings, paramsOfKubelet, readKubelet } from "./kubelet-files.ts";

/** Default ports and grace of the processes that kubeadm starts (kubernetes/cmd/kubeadm/app/constants/constants.go). */
const known: Readonly<Record<string, { readonly port: number; readonly graceSeconds: number }>> = {
  "kube-apiserver": { port: 6443, graceSeconds: 30 },
  "kube-controller-manager": { port: 10257, graceSeconds: 30 },
  "kube-scheduler": { port: 10259, graceSeconds: 30 },
  etcd: { port: 2379, graceSeconds: 60 },
};

/** Reads manifests and the kubelet's configuration again (from the view's memory); dials nothing. */
export async function discoverLive(
  view: NodeView,
  { profile, params }: { readonly profile: Profile; readonly params: Readonly<Record<string, string>> },
  inventory: NodeInventory,
): Promise<LiveInventory> {
  const kubelet = await readKubelet(view, profile, params);
  const own = paramsOfKubelet(profile, params, kubelet);
  const { pods, notes } = await readPods(view, profile, own);
  const discovery: Discovery = { view, profile, params: own, pods, notes };
  const processes = [
    kubeletProcess(view.node, kubelet, inventory.certificates),
    ...restartOrder.flatMap((name) => staticPod(discovery, name, inventory)),
  ];
  return {
    node: view.node,
    processes,
    etcd: etcdSlot(discovery, inventory),
    runtimeEndpoint:
      kubelet.flags.get("container-runtime-endpoint") ?? kubelet.config.containerRuntimeEndpoint ?? null,
  };
}

function kubeletProcess(
  node: string,
  { config, flags, source }: KubeletSettings,
  certificates: readonly CertificateSlot[],
): ProcessSlot {
  const at = (host: string | undefined, port: string | undefined, fallback: number): [string, number] => [
    dialled(host ?? ""),
    Number(port ?? fallback),
  ];
  const [host, port] = at(flags.get("address") ?? config.address, flags.get("port") ?? config.port, 10250);
  const [healthHost, healthPort] = at(
    flags.get("healthz-bind-address") ?? config.healthzBindAddress ?? "127.0.0.1",
    flags.get("healthz-port") ?? config.healthzPort,
    10248,
  );
  const serving = certificates.find((slot) => slot.name === "kubelet-server");
  return {
    node,
    consumer: "kubelet",
    manifest: null,
    version: null,
    reads: certificates.filter((slot) => isKubelets(slot)).map(({ id }) => id),
    flags: ownFlags(source, certificates),
    endpoints: [serve(node, "kubelet", https(host, port, null), serving?.id ?? null)],
    health:
      healthPort === 0
        ? { form: "none" }
        : { form: "http", endpoint: http(healthHost, healthPort), path: "/healthz" },
    graceSeconds: 30,
  };
}

function ownFlags(
  source: string,
  certificates: readonly CertificateSlot[],
): NonNullable<ProcessSlot["flags"]> {
  const kubeconfig = certificates.flatMap(({ name, holder }) =>
    name === "kubelet.conf" && holder.form === "kubeconfig" ? [holder.file.path] : [],
  );
  return [{ name: "config", path: source }, ...kubeconfig.map((path) => ({ name: "kubeconfig", path }))];
}

function isKubelets({ name }: CertificateSlot): boolean {
  return name === "kubelet.conf" || name === "kubelet-client" || name === "kubelet-server";
}

function staticPod(discovery: Discovery, name: string, inventory: NodeInventory): readonly ProcessSlot[] {
  const entry = discovery.pods.get(name);
  const defaults = known[name];
  if (!entry || !defaults) return [];
  const consumer = inventory.consumers.find((each) => each.name === name);
  return [
    {
      node: inventory.node,
      consumer: name,
      manifest: entry.manifest,
      version: consumer?.version ?? null,
      reads: consumer?.slots ?? [],
      endpoints: endpointsOf(discovery, name, inventory),
      health: healthOf(name, entry.pod),
      graceSeconds: defaults.graceSeconds,
    },
  ];
}

function endpointsOf(
  discovery: Discovery,
  name: string,
  { node, certificates }: NodeInventory,
): readonly ServingEndpoint[] {
  const pod = discovery.pods.get(name)?.pod;
  if (!pod) return [];
  const slot = (id: string): SlotId | null => certificates.find((each) => each.name === id)?.id ?? null;
  if (name === "etcd") {
    const clients = urls(flagValue(pod, "listen-client-urls"), "https://127.0.0.1:2379");
    const peers = urls(flagValue(pod, "listen-peer-urls"), "");
    return [
      ...clients.map((each) => serve(node, name, each, slot("etcd-server"))),
      ...peers.map((each) => serve(node, name, each, slot("etcd-peer"))),
    ];
  }
  const own = secureEndpoint(name, pod);
  if (own === null) return [];
  if (name !== "kube-apiserver") {
    const hasFile = flagValue(pod, "tls-cert-file") !== undefined;
    return hasFile ? [] : [serve(node, name, own, null)];
  }
  // The API server keeps a certificate of its own making for itself, chosen by this server name (k/k#86552).
  const loopback = { ...own, serverName: "apiserver-loopback-client" };
  return [serve(node, name, own, slot("apiserver")), serve(node, name, loopback, null)];
}

/** Where its flags make it listen; null when it does not. */
function secureEndpoint(name: string, pod: StaticPod): Endpoint | null {
  const port = Number(flagValue(pod, "secure-port") ?? known[name]?.port ?? 0);
  return port === 0 ? null : https(dialled(flagValue(pod, "bind-address") ?? ""), port, null);
}

/** The manifest's own probes, ready before live; etcd is asked for a read that needs the quorum. */
function healthOf(name: string, pod: StaticPod): HealthCheck {
  if (name === "etcd") return { form: "etcd" };
  const probes = pod.containers.flatMap((container) => container.probes);
  const probe = probes.find(isHttp);
  const endpoint = probe ? probedEndpoint(probe) : secureEndpoint(name, pod);
  if (endpoint === null) return { form: "none" };
  const path = name === "kube-apiserver" ? readyPath(probes) : (probe?.path ?? "/healthz");
  return { form: "http", endpoint, path };
}

function probedEndpoint({ host, port, scheme }: HttpProbe): Endpoint {
  const at = dialled(host ?? "");
  return scheme === "HTTP" ? http(at, Number(port)) : https(at, Number(port), null);
}

/** `/readyz` exists from 1.16 on; kubeadm's manifests name it from 1.19 on. */
function readyPath(probes: readonly Probe[]): string {
  const paths = probes.flatMap((probe) => (isHttp(probe) ? [probe.path] : []));
  return paths.find((path) => path.startsWith("/readyz")) ?? paths[0] ?? "/readyz";
}

type HttpProbe = Extract<Probe, { readonly form: "http" }>;

function isHttp(probe: Probe): probe is HttpProbe {
  return probe.form === "http" && typeof probe.port === "number";
}

function etcdSlot(discovery: Discovery, { certificates, authorities }: NodeInventory): EtcdSlot | null {
  const pod = discovery.pods.get("etcd")?.pod;
  const server = certificates.find((slot) => slot.name === "etcd-server");
  const authority = authorities.find(({ name }) => name === server?.authority);
  if (!pod || !server || !authority) return null;
  const directory = flagValue(pod, "data-dir");
  const client =
    certificates.find((slot) => slot.name === "etcd-healthcheck-client") ??
    certificates.find((slot) => slot.name === "apiserver-etcd-client");
  return {
    clients: loopbackFirst(urls(flagValue(pod, "listen-client-urls"), "https://127.0.0.1:2379")),
    dataDirectory: directory === undefined ? null : hostPathOf(pod, directory),
    members: (flagValue(pod, "initial-cluster") ?? "one").split(",").filter((text) => text !== "").length,
    authority: authority.id,
    server: server.id,
    client: client?.id ?? null,
  };
}

function loopbackFirst(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  const isLoopback = ({ host }: Endpoint): boolean => host.startsWith("127.") || host === "::1";
  return [...endpoints.filter(isLoopback), ...endpoints.filter((each) => !isLoopback(each))];
}

function urls(value: string | undefined, fallback: string): readonly Endpoint[] {
  return (value ?? fallback).split(",").flatMap((text) => {
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url?.protocol !== "https:") return [];
    return [https(dialled(url.hostname.replace(/^\[|\]$/g, "")), Number(url.port || 2379), null)];
  });
}

/** What to dial for an address that is listened on: the unspecified ones are reached on loopback. */
function dialled(host: string): string {
  if (host === "" || host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

function https(host: string, port: number, serverName: string | null): Endpoint {
  return { scheme: "https", host, port, serverName };
}

function http(host: string, port: number): Endpoint {
  return { scheme: "http", host, port, serverName: null };
}

function serve(node: string, consumer: string, endpoint: Endpoint, slot: SlotId | null): ServingEndpoint {
  const { host, port, serverName } = endpoint;
  const name = serverName === null ? "" : `@${serverName}`;
  return { id: `${node}/${consumer}/${host}:${port}${name}`, consumer, endpoint, slot };
}
