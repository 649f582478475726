// Discovery of one node: profile + manifests + kubelet configuration + kubeconfigs -> NodeInventory.
import { type Address, fileAddress } from "../../core/model/address.ts";
import { isAppError, reasonOf } from "../../core/model/errors.ts";
import type {
  AuthoritySlot,
  CertificateSlot,
  Consumer,
  ExpectedIdentity,
  KeyPairSlot,
  NodeInventory,
} from "../../core/model/inventory.ts";
import { parseKubeletConfig } from "../../core/kubeconfig/kubelet-config.ts";
import { imageVersion } from "../../core/kubeconfig/manifest.ts";
import type { AuthorityDescription, CertificateDescription, Profile } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, flagPath, flagValue, pathIn, readPods } from "./context.ts";
import { expectedNames } from "./expected-names.ts";
import { discoverKubeconfigs } from "./kubeconfigs.ts";
import { expandPattern } from "./patterns.ts";

const anything: ExpectedIdentity = { commonNames: null, organizations: null, usages: [], sans: [] };

/** True when one of the profile's marks is on the node. */
export async function recognises(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<boolean> {
  for (const mark of profile.recognise) {
    const reading = await view.read(pathIn({ profile, params }, mark));
    if (reading.state !== "absent") return true;
  }
  return false;
}

/** Everything the profile describes, at the paths the node's own configuration names. */
export async function discoverNode(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<NodeInventory> {
  const discovery: Discovery = { view, profile, params, ...(await readPods(view, profile, params)) };
  const hasEtcd = await isEtcdHere(discovery);
  const kubeconfigs = await discoverKubeconfigs(discovery, view.node);
  const authorities = profile.authorities
    .filter((authority) => hasEtcd || authority.part !== "etcd")
    .map((authority) => authoritySlot(discovery, authority));
  const described = profile.certificates
    .filter((certificate) => hasEtcd || certificate.part !== "etcd")
    .map((certificate) => certificateSlot(discovery, certificate, { hasEtcd, servers: kubeconfigs.servers }));
  const isControlPlane = discovery.pods.size > 0 || (await anyPresent(view, described));
  const own = isControlPlane ? described : [];
  const profileKubeconfigs = isControlPlane
    ? kubeconfigs.slots
    : kubeconfigs.slots.filter((slot) => slot.management !== "renew");
  const known = [...own, ...profileKubeconfigs];
  return {
    node: view.node,
    authorities: isControlPlane ? authorities : authorities.filter((authority) => authority.name === "ca"),
    certificates: [
      ...known,
      ...(await kubeletServing(discovery)),
      ...(await strangers(discovery, known, authorities)),
    ],
    keyPairs: isControlPlane ? profile.keyPairs.map((pair) => keyPairSlot(discovery, pair)) : [],
    consumers: consumersOf(discovery),
    notes: discovery.notes,
  };
}

/** etcd is external when no member runs here and the API server's etcd is elsewhere (facts/kubeadm 1.4, last row). */
async function isEtcdHere(discovery: Discovery): Promise<boolean> {
  if (discovery.pods.has("etcd")) return true;
  const apiserver = discovery.pods.get("kube-apiserver");
  const servers = apiserver ? flagValue(apiserver.pod, "etcd-servers") : undefined;
  if (!apiserver || servers === undefined || /127\.0\.0\.1|localhost|\[::1\]/.test(servers)) return true;
  const address = fileAddress(discovery.view.node, apiserver.manifest);
  discovery.notes.push({ code: "external-etcd", address, detail: servers });
  return false;
}

async function anyPresent(view: NodeView, slots: readonly CertificateSlot[]): Promise<boolean> {
  for (const slot of slots) {
    if (slot.holder.form !== "pem") continue;
    const reading = await view.read(slot.holder.certificate.path);
    if (reading.state !== "absent") return true;
  }
  return false;
}

function authoritySlot(discovery: Discovery, description: AuthorityDescription): AuthoritySlot {
  const { node } = discovery.view;
  const flag = description.flags.find(({ of, certificate }) => {
    const entry = discovery.pods.get(of);
    return entry !== undefined && flagValue(entry.pod, certificate)?.startsWith("/") === true;
  });
  const certificate = flagPath(discovery, flag?.of, flag?.certificate, description.certificate);
  // The key lies beside its certificate, unless that is where the profile expects it anyway.
  const isDefault = certificate.path === pathIn(discovery, description.certificate);
  const key = isDefault
    ? pathIn(discovery, description.key)
    : certificate.path.replace(/\.(crt|pem|cert)$/, ".key");
  return {
    id: `${node}/${description.name}`,
    node,
    name: description.name,
    certificate: fileAddress(node, certificate.path),
    key: fileAddress(node, key),
    origin: certificate.origin,
  };
}

function certificateSlot(
  discovery: Discovery,
  description: CertificateDescription,
  found: {
    readonly hasEtcd: boolean;
    readonly servers: readonly { readonly url: string; readonly path: string }[];
  },
): CertificateSlot {
  const { node } = discovery.view;
  const { flags } = description;
  const certificate = flagPath(discovery, flags?.of, flags?.certificate, description.certificate);
  const key = flagPath(discovery, flags?.of, flags?.key, description.key);
  const isForeign = description.part === "etcd-client" && !found.hasEtcd;
  return {
    id: `${node}/${description.name}`,
    node,
    name: description.name,
    holder: {
      form: "pem",
      certificate: fileAddress(node, certificate.path),
      key: fileAddress(node, key.path),
    },
    authority: isForeign ? null : description.authority,
    expected: {
      commonNames: isForeign ? null : description.commonNames.map((name) => name.replace("{node}", node)),
      organizations: isForeign ? null : description.organizations,
      usages: description.usages,
      sans: description.names ? expectedNames(discovery, description.names, found.servers) : [],
    },
    management: isForeign ? "observe" : "renew",
    sharing: "per-node",
    optional: false,
    copyOf: [],
    origin: certificate.origin,
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

/** The kubelet's serving pair: named in its configuration, rotated through the API, or made by itself. */
async function kubeletServing(discovery: Discovery): Promise<readonly CertificateSlot[]> {
  const { profile, view } = discovery;
  const configPath = pathIn(discovery, profile.kubelet.configuration);
  const config = await readKubeletConfig(discovery, configPath);
  const named = config?.tlsCertFile;
  const candidates = [
    ...(named === undefined
      ? []
      : [{ certificate: named, key: config?.tlsPrivateKeyFile ?? named, field: "tlsCertFile" }]),
    {
      certificate: pathIn(discovery, profile.kubelet.rotatedServing),
      key: pathIn(discovery, profile.kubelet.rotatedServing),
      field: null,
    },
    {
      certificate: pathIn(discovery, profile.kubelet.servingCertificate),
      key: pathIn(discovery, profile.kubelet.servingKey),
      field: null,
    },
  ];
  for (const { certificate, key, field } of candidates) {
    const reading = await view.read(certificate);
    if (reading.state === "absent" && field === null) continue;
    return [
      observed(discovery, {
        name: "kubelet-server",
        certificate: fileAddress(view.node, certificate),
        key: fileAddress(view.node, key),
        origin: field === null ? { kind: "default" } : { kind: "kubelet-config", source: configPath, field },
      }),
    ];
  }
  return [];
}

async function readKubeletConfig(
  discovery: Discovery,
  path: string,
): Promise<ReturnType<typeof parseKubeletConfig> | undefined> {
  const reading = await discovery.view.read(path);
  if (reading.state === "unreadable") {
    const address = fileAddress(discovery.view.node, path);
    discovery.notes.push({ code: "kubelet-config-unreadable", address, detail: reading.reason });
  }
  if (reading.state !== "present") return undefined;
  try {
    return parseKubeletConfig(reading.bytes);
  } catch (error) {
    if (!isAppError(error)) throw error;
    const address = fileAddress(discovery.view.node, path);
    discovery.notes.push({ code: "kubelet-config-broken", address, detail: reasonOf(error) });
    return undefined;
  }
}

function observed(
  discovery: Discovery,
  found: Pick<CertificateSlot, "name" | "origin"> & {
    readonly certificate: Address;
    readonly key: Address | null;
  },
): CertificateSlot {
  const { node } = discovery.view;
  return {
    id: `${node}/${found.name}`,
    node,
    name: found.name,
    holder: { form: "pem", certificate: found.certificate, key: found.key },
    authority: null,
    expected: anything,
    management: "observe",
    sharing: "per-node",
    optional: true,
    copyOf: [],
    origin: found.origin,
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
      const certificate = fileAddress(discovery.view.node, path);
      found.push(
        observed(discovery, {
          name: path.slice(1),
          certificate,
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
      },
    ];
  });
}
