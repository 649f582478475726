// Discovery of one node: profile + manifests + kubelet configuration + kubeconfigs -> NodeInventory.
import { posix } from "node:path";
import { fileAddress } from "../../core/model/address.ts";
import type {
  AuthoritySlot,
  CertificateSlot,
  Consumer,
  KeyPairSlot,
  NodeInventory,
  Origin,
} from "../../core/model/inventory.ts";
import { type StaticPod, imageVersion } from "../../core/kubeconfig/manifest.ts";
import { parsePem } from "../../core/pki/pem.ts";
import type { AuthorityDescription, CertificateDescription, Profile } from "../../core/profile/profile.ts";
import type { ObjectReading } from "../../core/policy/facts.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, flagPath, flagValue, pathIn, readPods } from "./context.ts";
import { expectedNames } from "./expected-names.ts";
import { discoverKubeconfigs } from "./kubeconfigs.ts";
import { ifDefault, kubeletClient, kubeletServing, paramsOfKubelet, readKubelet } from "./kubelet-files.ts";
import { observedSlot } from "./observed-slot.ts";
import { expandPattern } from "./patterns.ts";
import { type EtcdPlace, etcdPlace } from "./etcd-place.ts";
import { discoverPlatform } from "./platform.ts";

/** True when the node has what the profile is recognised by, and one of its marks where it has any. */
export async function recognises(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<boolean> {
  const { recognise, marks } = profile;
  const stateOf = async (path: string): Promise<ObjectReading["state"]> =>
    (await view.read(pathIn({ profile, params }, path))).state;
  const anyOf = async (
    paths: readonly string[],
    isThere: (state: ObjectReading["state"]) => boolean,
  ): Promise<boolean> => {
    for (const path of paths) if (isThere(await stateOf(path))) return true;
    return false;
  };
  // A mark tells one distribution from another: one that could not be looked at, or was not collected, tells nothing.
  const isMarked = marks === undefined || (await anyOf(marks, (state) => state === "present"));
  return isMarked && (await anyOf(recognise, (state) => state !== "absent"));
}

/** Everything the profile describes, at the paths the node's own configuration names. */
export async function discoverNode(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<NodeInventory> {
  const kubelet = await readKubelet(view, profile, params);
  const discovery = await openDiscovery(view, profile, paramsOfKubelet(profile, params, kubelet));
  discovery.notes.push(...kubelet.notes);
  const etcd = await etcdPlace(discovery);
  const kubeconfigs = await discoverKubeconfigs(discovery, view.node);
  const authorities: AuthoritySlot[] = [];
  for (const description of authoritiesAt(discovery, etcd))
    authorities.push(await authoritySlot(discovery, description, etcd));
  const described = certificatesAt(discovery, etcd).map((certificate) =>
    certificateSlot(discovery, certificate, { etcd, authorities, servers: kubeconfigs.servers }),
  );
  const isControlPlane = discovery.pods.size > 0 || (await anyPresent(view, described));
  const own = isControlPlane ? described : [];
  const profileKubeconfigs = isControlPlane
    ? kubeconfigs.slots.filter(({ optional }) => etcd !== "alone" || optional)
    : kubeconfigs.slots.filter((slot) => slot.management !== "renew");
  const known = [...own, ...profileKubeconfigs];
  const platform = await discoverPlatform(discovery, own);
  return {
    node: view.node,
    authorities: isControlPlane ? authorities : authorities.filter((authority) => authority.name === "ca"),
    certificates: [
      ...known,
      ...(await kubeletServing(discovery, kubelet)),
      ...(await kubeletClient(discovery, known)),
      ...(await strangers(discovery, known, authorities)),
    ],
    keyPairs:
      isControlPlane && etcd !== "alone" ? profile.keyPairs.map((pair) => keyPairSlot(discovery, pair)) : [],
    consumers: consumersOf(discovery),
    notes: discovery.notes,
    ...platform,
  };
}

/** kubeadm keeps everything in one folder: where the flags put the CA is where unnamed files lie (certificatesDir). */
export async function openDiscovery(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<Discovery> {
  const { pods, notes } = await readPods(view, profile, params);
  const discovery = { view, profile, params, pods, notes };
  const client = flagPath(discovery, "kube-apiserver", "client-ca-file", "{pkiDir}/ca.crt");
  const serving = flagPath(discovery, "kube-apiserver", "tls-cert-file", "{pkiDir}/apiserver.crt");
  const pkiDir = posix.dirname(client.path);
  if (pkiDir !== posix.dirname(serving.path)) return discovery;
  return { ...discovery, params: { ...params, ...ifDefault(profile, params, { pkiDir }) } };
}

function authoritiesAt({ profile, pods }: Discovery, etcd: EtcdPlace): readonly AuthorityDescription[] {
  if (etcd === "alone") return profile.authorities.filter(({ part }) => part === "etcd");
  if (etcd === "stacked") return profile.authorities;
  // The CA of an etcd elsewhere is known where the API server names it.
  const apiserver = pods.get("kube-apiserver");
  const isNamed = apiserver !== undefined && flagValue(apiserver.pod, "etcd-cafile") !== undefined;
  return profile.authorities.filter(({ part }) => part !== "etcd" || isNamed);
}

function certificatesAt({ profile, pods }: Discovery, etcd: EtcdPlace): readonly CertificateDescription[] {
  const { certificates } = profile;
  if (etcd === "stacked") return certificates;
  if (etcd === "alone") return certificates.filter(({ part }) => part !== undefined);
  const apiserver = pods.get("kube-apiserver");
  const hasClient = apiserver !== undefined && flagValue(apiserver.pod, "etcd-certfile") !== undefined;
  return certificates.filter(({ part }) => part === undefined || (part === "etcd-client" && hasClient));
}

async function anyPresent(view: NodeView, slots: readonly CertificateSlot[]): Promise<boolean> {
  for (const slot of slots) {
    if (slot.holder.form !== "pem") continue;
    const reading = await view.read(slot.holder.certificate.path);
    if (reading.state !== "absent") return true;
  }
  return false;
}

async function authoritySlot(
  discovery: Discovery,
  description: AuthorityDescription,
  etcd: EtcdPlace,
): Promise<AuthoritySlot> {
  const { node } = discovery.view;
  const own = {
    certificate: pathIn(discovery, description.certificate),
    key: pathIn(discovery, description.key),
    origin: { kind: "default" } as const,
  };
  const flagged = flaggedAuthority(discovery, description);
  const { certificate, key, origin } =
    flagged && !(await isBundleWith(discovery.view, flagged, own)) ? flagged : own;
  return {
    id: `${node}/${description.name}`,
    node,
    name: description.name,
    certificate: fileAddress(node, certificate),
    key: fileAddress(node, key),
    origin,
    ...(etcd === "elsewhere" && description.part === "etcd" ? { isOutsideKubeadm: true } : {}),
  };
}

interface AuthorityFiles {
  readonly certificate: string;
  readonly key: string;
  readonly origin: Origin;
}

/** The key lies beside its certificate, unless that is where the profile expects it anyway. */
function flaggedAuthority(discovery: Discovery, description: AuthorityDescription): AuthorityFiles | null {
  const flag = description.flags.find(({ of, certificate }) => {
    const entry = discovery.pods.get(of);
    return entry !== undefined && flagValue(entry.pod, certificate)?.startsWith("/") === true;
  });
  const { path, origin } = flagPath(discovery, flag?.of, flag?.certificate, description.certificate);
  if (path === pathIn(discovery, description.certificate)) return null;
  return { certificate: path, key: path.replace(/\.(crt|pem|cert)$/, ".key"), origin };
}

/** A trust bundle without a key of its own, in which the authority of the usual place is: the signer is the one there. */
async function isBundleWith(view: NodeView, flagged: AuthorityFiles, own: AuthorityFiles): Promise<boolean> {
  if ((await view.read(flagged.key)).state !== "absent") return false;
  const [bundle, usual] = [await view.read(flagged.certificate), await view.read(own.certificate)];
  if (bundle.state !== "present" || usual.state !== "present") return false;
  const trusted = parsePem(bundle.bytes).blocks;
  return parsePem(usual.bytes).blocks.some(({ der }) =>
    trusted.some((other) => Buffer.compare(der, other.der) === 0),
  );
}

function certificateSlot(
  discovery: Discovery,
  description: CertificateDescription,
  found: {
    readonly etcd: EtcdPlace;
    readonly authorities: readonly AuthoritySlot[];
    readonly servers: readonly { readonly url: string; readonly path: string }[];
  },
): CertificateSlot {
  const { node } = discovery.view;
  const { flags } = description;
  const certificate = flagPath(discovery, flags?.of, flags?.certificate, description.certificate);
  const key = flagPath(discovery, flags?.of, flags?.key, description.key);
  const isClient = description.part === "etcd-client";
  // Signed for an etcd that somebody else may have made, by whatever name they liked.
  const isForeign = isClient && found.etcd === "elsewhere";
  const isNamed = found.authorities.some(({ name }) => name === description.authority);
  return {
    id: `${node}/${description.name}`,
    node,
    name: description.name,
    holder: {
      form: "pem",
      certificate: fileAddress(node, certificate.path),
      key: fileAddress(node, key.path),
    },
    authority: isForeign && !isNamed ? null : description.authority,
    expected: {
      commonNames: isForeign ? null : description.commonNames.map((name) => name.replace("{node}", node)),
      organizations: isForeign ? null : description.organizations,
      usages: description.usages,
      sans: description.names ? expectedNames(discovery, description.names, found.servers) : [],
    },
    management: isForeign && !isNamed ? "observe" : "renew",
    sharing: "per-node",
    // kubeadm's guide makes it on the etcd hosts and carries it to the masters: it may have stayed.
    optional: isClient && found.etcd === "alone",
    copyOf: [],
    origin: certificate.origin,
    ...(isForeign ? { isOutsideKubeadm: true } : {}),
  };
}

function keyPairSlot(discovery: Discovery, pair: Profile["keyPairs"][number]): KeyPairSlot {
  const { node } = discovery.view;
  const publicKey = flagPath(discovery, pair.flags?.of, pair.flags?.publicKey, pair.publicKey);
  const privateKey = flagPath(discovery, pair.flags?.of, pair.flags?.privateKey, pair.privateKey);
  return {
    id: `${node}/${pair.name}`,
    node,
    name: pair.name,
    publicKey: fileAddress(node, publicKey.path),
    privateKey: fileAddress(node, privateKey.path),
    origin: privateKey.origin,
  };
}

/** Certificates lying beside the known ones: shown, because somebody put them there for something. */
async function strangers(
  discovery: Discovery,
  known: readonly CertificateSlot[],
  authorities: readonly AuthoritySlot[],
): Promise<readonly CertificateSlot[]> {
  const taken = new Set([
    ...known.flatMap(({ holder }) => (holder.form === "pem" ? [holder.certificate.path] : [])),
    ...authorities.map((authority) => authority.certificate.path),
  ]);
  const found: CertificateSlot[] = [];
  for (const pattern of discovery.profile.scan) {
    for (const path of await expandPattern(discovery, pattern)) {
      if (taken.has(path)) continue;
      taken.add(path);
      const reading = await discovery.view.read(path);
      if (reading.state === "present" && !Buffer.from(reading.bytes).includes("-----BEGIN CERTIFICATE-----"))
        continue;
      found.push(
        observedSlot(discovery.view.node, {
          name: path.slice(1),
          certificate: path,
          key: null,
          origin: { kind: "scan", source: path },
        }),
      );
    }
  }
  return found;
}

function consumersOf(discovery: Discovery): readonly Consumer[] {
  const { node } = discovery.view;
  return discovery.profile.consumers.flatMap(({ name, reads }) => {
    const entry = discovery.pods.get(name);
    if (!entry) return [];
    const version = entry.pod.containers
      .map((container) => imageVersion(container.image))
      .find((v) => v !== undefined);
    return [
      {
        node,
        name,
        manifest: fileAddress(node, entry.manifest),
        version: version ? `${version.major}.${version.minor}.${version.patch}` : null,
        slots: reads.map((slot) => `${node}/${slot}`),
        ...membersIn(entry.pod),
      },
    ];
  });
}

function membersIn(pod: StaticPod): { readonly members?: number } {
  const members = (flagValue(pod, "initial-cluster") ?? "").split(",").filter((text) => text !== "").length;
  return members > 1 ? { members } : {};
}
