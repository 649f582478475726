// Discovery functions of the kubelet: what its configuration and flags say, where its own certificates are.
import { posix } from "node:path";
import { fileAddress } from "../../core/model/address.ts";
import { isAppError, reasonOf } from "../../core/model/errors.ts";
import type { CertificateSlot, DiscoveryNote } from "../../core/model/inventory.ts";
import {
  type KubeletConfig,
  parseKubeletConfig,
  parseKubeletFlags,
} from "../../core/kubeconfig/kubelet-config.ts";
import { type KubeconfigDescription, type Profile, substitute } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { type Discovery, pathIn } from "./context.ts";
import { observedSlot } from "./observed-slot.ts";

export interface KubeletSettings {
  /** Path of the configuration file. */
  readonly source: string;
  readonly config: KubeletConfig;
  readonly flags: ReadonlyMap<string, string>;
  readonly notes: readonly DiscoveryNote[];
}

/** Absent files say nothing; unreadable and broken ones leave a note. */
export async function readKubelet(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<KubeletSettings> {
  const source = substitute(profile.kubelet.configuration, params, profile.id);
  const flagFile = await view.read(substitute(profile.kubelet.flags, params, profile.id));
  const text = flagFile.state === "present" ? Buffer.from(flagFile.bytes).toString("utf8") : "";
  const flags = parseKubeletFlags(text);
  const address = fileAddress(view.node, source);
  const reading = await view.read(source);
  if (reading.state === "unreadable") {
    const note: DiscoveryNote = { code: "kubelet-config-unreadable", address, detail: reading.reason };
    return { source, flags, config: {}, notes: [note] };
  }
  if (reading.state === "absent") return { source, flags, config: {}, notes: [] };
  try {
    return { source, flags, config: parseKubeletConfig(reading.bytes), notes: [] };
  } catch (error) {
    if (!isAppError(error)) throw error;
    const note: DiscoveryNote = { code: "kubelet-config-broken", address, detail: reasonOf(error) };
    return { source, flags, config: {}, notes: [note] };
  }
}

/** The profile's parameters with what the kubelet says of its folders, where nobody has set them. */
export function paramsOfKubelet(
  profile: Profile,
  params: Readonly<Record<string, string>>,
  { config, flags }: KubeletSettings,
): Readonly<Record<string, string>> {
  const said = {
    manifestsDir: flags.get("pod-manifest-path") ?? config.staticPodPath,
    kubeletPkiDir: flags.get("cert-dir"),
  };
  return { ...params, ...ifDefault(profile, params, said) };
}

/** Absolute values for parameters that still have the profile's own. */
export function ifDefault(
  profile: Profile,
  params: Readonly<Record<string, string>>,
  said: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string>> {
  const isDefault = (name: string): boolean =>
    params[name] === substitute(`{${name}}`, profile.params, profile.id);
  return Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) =>
      value?.startsWith("/") && isDefault(name) ? [[name, posix.resolve(value)]] : [],
    ),
  );
}

/** The kubelet's serving pair: named in its flags or configuration, rotated through the API, or made by itself. */
export async function kubeletServing(
  discovery: Discovery,
  { config, flags, source }: KubeletSettings,
): Promise<readonly CertificateSlot[]> {
  const { profile, view } = discovery;
  const named = flags.get("tls-cert-file") ?? config.tlsCertFile;
  if (named?.startsWith("/")) {
    const key = flags.get("tls-private-key-file") ?? config.tlsPrivateKeyFile ?? named;
    const origin = { kind: "kubelet-config", source, field: "tlsCertFile" } as const;
    return [observedSlot(view.node, { name: "kubelet-server", certificate: named, key, origin })];
  }
  const rotated = pathIn(discovery, profile.kubelet.rotatedServing);
  const candidates = [
    { certificate: rotated, key: rotated },
    {
      certificate: pathIn(discovery, profile.kubelet.servingCertificate),
      key: pathIn(discovery, profile.kubelet.servingKey),
    },
  ];
  for (const pair of candidates) {
    if (await isAbsent(view, pair.certificate)) continue;
    return [observedSlot(view.node, { name: "kubelet-server", ...pair, origin: { kind: "default" } })];
  }
  return [];
}

/** The rotated client pair, when kubelet.conf does not name it: the kubelet prefers it to what is embedded there. */
export async function kubeletClient(
  discovery: Discovery,
  known: readonly CertificateSlot[],
): Promise<readonly CertificateSlot[]> {
  const { profile, view } = discovery;
  const path = pathIn(discovery, profile.kubelet.rotatedClient);
  const isKnown = known.some(({ holder }) => holder.form === "pem" && holder.certificate.path === path);
  if (isKnown || (await isAbsent(view, path))) return [];
  const origin = { kind: "default" } as const;
  const slot = observedSlot(view.node, { name: "kubelet-client", certificate: path, key: path, origin });
  const role = known.find(({ name }) => name === kubeletRole(profile)?.name);
  if (!role) return [slot];
  // Left over from another CA it keeps the kubelet out, whatever kubelet.conf holds.
  return [{ ...slot, authority: role.authority, expected: role.expected, management: "kubelet" }];
}

function kubeletRole(profile: Profile): KubeconfigDescription | undefined {
  return profile.kubeconfigs.find(({ role }) => role === "kubelet");
}

/** A dangling link is not absent: somebody means something to be there. */
async function isAbsent(view: NodeView, path: string): Promise<boolean> {
  const reading = await view.read(path);
  return reading.state === "absent" && reading.danglingLink === null;
}
