// Discovery for plans that make missing things again: old files in backup places, names, servers, the profile's own roles.
//
// INPUTS   the places a profile lists under `backups`, manifests, kubelet configuration, kubeconfigs
// OUTPUTS  nothing
import { posix } from "node:path";
import type { Inventory, NodeInventory, SlotId } from "../../core/model/inventory.ts";
import { currentUser, parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import { attempt, isAppError } from "../../core/model/errors.ts";
import type { AuthorityRemains, Remain, Remains } from "../../core/policy/remains.ts";
import type { Profile } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, flagValue, pathIn } from "./context.ts";
import { paramsOfKubelet, readKubelet } from "./kubelet-files.ts";
import { openDiscovery } from "./node.ts";
import { expandPattern } from "./patterns.ts";
import { placesOf, type Places } from "./backup-places.ts";
import { rolesOf } from "./recreate-roles.ts";

/** Looks only for what is missing on the node; with nothing missing it costs one read. */
export async function discoverRemains(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
  inventory: Inventory,
): Promise<Remains> {
  const kubelet = await readKubelet(view, profile, params);
  const own = { ...paramsOfKubelet(profile, params, kubelet), node: view.node };
  const discovery = await openDiscovery(view, profile, own);
  const node = inventory.nodes.find(({ node: name }) => name === view.node);
  const isBootstrapMissing = await missingPath(discovery, profile.kubelet.bootstrap);
  const base = emptyRemains(profile, isBootstrapMissing);
  if (!node || !(await isAnythingMissing(view, node))) return base;
  const places = await placesOf(discovery);
  const certificates = await oldCertificates(discovery, node, places);
  const servers = await serversOf(discovery, node, [...certificates.values()].flat());
  return {
    ...base,
    certificates,
    authorities: await oldAuthorities(discovery, node, places),
    keyPairs: await oldKeyPairs(discovery, node, places),
    servers: servers.urls,
    clusterName: servers.clusterName,
    roles: rolesOf(discovery, node, { servers: servers.urls, domain: kubelet.config.clusterDomain }),
  };
}

function emptyRemains(profile: Profile, missingBootstrap: string | null): Remains {
  return {
    roles: new Map(),
    certificates: new Map(),
    authorities: new Map(),
    keyPairs: new Map(),
    recreatable: new Map(
      profile.authorities.flatMap(({ name, recreate }) => (recreate === undefined ? [] : [[name, recreate]])),
    ),
    servers: [],
    clusterName: "kubernetes",
    missingBootstrap,
  };
}

async function missingPath(discovery: Discovery, template: string | undefined): Promise<string | null> {
  if (template === undefined) return null;
  const path = pathIn(discovery, template);
  return (await discovery.view.read(path)).state === "absent" ? path : null;
}

async function isAnythingMissing(view: NodeView, node: NodeInventory): Promise<boolean> {
  const paths = [
    ...node.certificates.filter(({ optional }) => !optional).map(pathOfSlot),
    ...node.authorities.map(({ certificate }) => certificate.path),
    ...node.keyPairs.flatMap(({ publicKey, privateKey }) => [publicKey.path, privateKey.path]),
  ];
  for (const path of paths) if ((await view.read(path)).state === "absent") return true;
  return false;
}

function pathOfSlot({ holder }: NodeInventory["certificates"][number]): string {
  return holder.form === "kubeconfig" ? holder.file.path : holder.certificate.path;
}

/** Whatever lies at one of the places; whether it fits is judged later. */
async function remainsAt(view: NodeView, paths: readonly string[]): Promise<readonly Remain[]> {
  const found: Remain[] = [];
  for (const path of new Set(paths)) {
    const reading = await view.read(path);
    if (reading.state !== "present" || reading.facts.linkLeavesTree) continue;
    found.push({ address: reading.facts.address, bytes: reading.bytes, facts: reading.facts });
  }
  return found;
}

async function oldCertificates(
  discovery: Discovery,
  node: NodeInventory,
  places: Places,
): Promise<ReadonlyMap<SlotId, readonly Remain[]>> {
  const { view, profile } = discovery;
  const found = new Map<SlotId, readonly Remain[]>();
  for (const slot of node.certificates) {
    if (slot.optional || slot.management === "observe" || slot.management === "copy") continue;
    const path = pathOfSlot(slot);
    if ((await view.read(path)).state !== "absent") continue;
    const description = [...profile.certificates, ...profile.kubeconfigs].find(
      ({ name }) => name === slot.name,
    );
    const usual =
      description === undefined
        ? path
        : pathIn(discovery, "path" in description ? description.path : description.certificate);
    const copies = node.certificates
      .filter(({ copyOf, holder }) => copyOf.includes(slot.id) && holder.form === "kubeconfig")
      .map(pathOfSlot);
    const kubelet =
      slot.management === "kubelet" ? await expanded(discovery, profile.backups?.kubelet ?? []) : [];
    const paths = [...places.of(path), ...places.of(usual), ...copies, ...kubelet];
    found.set(
      slot.id,
      await remainsAt(
        view,
        paths.filter((one) => one !== path),
      ),
    );
  }
  return found;
}

async function expanded(discovery: Discovery, patterns: readonly string[]): Promise<readonly string[]> {
  const all: string[] = [];
  for (const pattern of patterns) all.push(...(await expandPattern(discovery, pattern)));
  return all;
}

async function oldAuthorities(
  discovery: Discovery,
  node: NodeInventory,
  places: Places,
): Promise<ReadonlyMap<SlotId, readonly AuthorityRemains[]>> {
  const { view } = discovery;
  const found = new Map<SlotId, readonly AuthorityRemains[]>();
  for (const authority of node.authorities) {
    if ((await view.read(authority.certificate.path)).state !== "absent") continue;
    const certificates = await remainsAt(view, places.of(authority.certificate.path));
    const keys = await remainsAt(view, [...places.of(authority.key.path), authority.key.path]);
    // A pair is what lies together; which key fits is judged later, for the first certificate of each place.
    const pairs = certificates.flatMap((certificate): readonly AuthorityRemains[] => {
      const folder = posix.dirname(certificate.address.path);
      const beside = keys.filter(({ address }) => posix.dirname(address.path) === folder);
      return beside.length === 0 ? [{ certificate, key: null }] : beside.map((key) => ({ certificate, key }));
    });
    found.set(authority.id, pairs);
  }
  return found;
}

async function oldKeyPairs(
  { view }: Discovery,
  node: NodeInventory,
  places: Places,
): Promise<ReadonlyMap<SlotId, readonly string[]>> {
  const found = new Map<SlotId, readonly string[]>();
  for (const { id, publicKey, privateKey } of node.keyPairs) {
    const isHere = (await view.read(privateKey.path)).state !== "absent";
    const wanted = isHere ? publicKey.path : privateKey.path;
    const remains = await remainsAt(view, places.of(wanted));
    found.set(
      id,
      remains.map(({ address }) => address.path),
    );
  }
  return found;
}

interface Servers {
  readonly urls: readonly { readonly url: string; readonly path: string }[];
  readonly clusterName: string;
}

/** Those of the node's own kubeconfigs first, then of old ones and copies, at last its own API server. */
async function serversOf(
  { view, pods }: Discovery,
  node: NodeInventory,
  remains: readonly Remain[],
): Promise<Servers> {
  const urls: { readonly url: string; readonly path: string }[] = [];
  const names: string[] = [];
  const paths = [
    ...node.certificates.filter(({ holder }) => holder.form === "kubeconfig").map(pathOfSlot),
    ...remains.map(({ address }) => address.path),
  ];
  for (const path of new Set(paths)) {
    const reading = await view.read(path);
    if (reading.state !== "present") continue;
    const kubeconfig = attempt(() => parseKubeconfig(reading.bytes));
    if (isAppError(kubeconfig)) continue;
    const user = currentUser(kubeconfig)?.name;
    const context = kubeconfig.contexts.find((one) => one.user === user);
    for (const cluster of kubeconfig.clusters.filter(({ name }) => name === context?.cluster)) {
      names.push(cluster.name);
      if (cluster.server !== undefined) urls.push({ url: cluster.server, path });
    }
  }
  const apiserver = pods.get("kube-apiserver");
  const address = apiserver ? flagValue(apiserver.pod, "advertise-address") : undefined;
  if (apiserver && address !== undefined) {
    const host = address.includes(":") ? `[${address}]` : address;
    const port = flagValue(apiserver.pod, "secure-port") ?? "6443";
    urls.push({ url: `https://${host}:${port}`, path: apiserver.manifest });
  }
  return { urls, clusterName: names[0] ?? "kubernetes" };
}
