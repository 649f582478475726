// What each role is when no old certificate is left: organizations by version, names with their sources, who uses it here.
// Sources: kubernetes/cmd/kubeadm/app/util/pkiutil (GetAPIServerAltNames, GetEtcdAltNames, GetEtcdPeerAltNames).
import type { CertificateSlot, ExpectedSan, NodeInventory, SlotId } from "../../core/model/inventory.ts";
import { imageVersion } from "../../core/kubeconfig/manifest.ts";
import type { RoleDefaults } from "../../core/policy/remains.ts";
import type { VersionedOrganizations } from "../../core/profile/profile.ts";
import { type Discovery, flagValue } from "./context.ts";
import { hostOf, san, unique } from "./expected-names.ts";

export interface Known {
  readonly servers: readonly { readonly url: string; readonly path: string }[];
  /** The kubelet's cluster domain. */
  readonly domain: string | undefined;
}

export function rolesOf(
  discovery: Discovery,
  node: NodeInventory,
  known: Known,
): ReadonlyMap<SlotId, RoleDefaults> {
  const { profile } = discovery;
  const described = [...profile.certificates, ...profile.kubeconfigs];
  return new Map(
    node.certificates.flatMap((slot): readonly (readonly [SlotId, RoleDefaults])[] => {
      const description = described.find(({ name }) => name === slot.name);
      if (!description) return [];
      const role: RoleDefaults = {
        organizations: organizationsOf(discovery, description),
        names: namesOf(discovery, slot, known),
        isUsedHere: isUsedHere(discovery, slot),
      };
      return [[slot.id, role]];
    }),
  );
}

function organizationsOf(
  discovery: Discovery,
  description: {
    readonly organizations: readonly (readonly string[])[];
    readonly writes?: readonly VersionedOrganizations[] | undefined;
  },
): readonly string[] {
  const version = apiserverVersion(discovery);
  const written = description.writes?.find(({ before }) => before === undefined || isBelow(version, before));
  return written?.organizations ?? description.organizations[0] ?? [];
}

/** [major, minor]; null when the API server's manifest or its image's tag does not say. */
function apiserverVersion({ pods }: Discovery): readonly [number, number] | null {
  const images = pods.get("kube-apiserver")?.pod.containers.map(({ image }) => imageVersion(image)) ?? [];
  const version = images.find((one) => one !== undefined);
  return version ? [version.major, version.minor] : null;
}

/** An unknown version counts as old: the older organizations work everywhere. */
function isBelow(version: readonly [number, number] | null, before: string): boolean {
  if (version === null) return true;
  const [major = 0, minor = 0] = before.split(".").map(Number);
  return version[0] < major || (version[0] === major && version[1] < minor);
}

/** A client has no names. A server has all of kubeadm's, provided the manifest is there to say which addresses. */
function namesOf(discovery: Discovery, slot: CertificateSlot, known: Known): readonly ExpectedSan[] | null {
  const which = discovery.profile.certificates.find(({ name }) => name === slot.name)?.names;
  if (which === undefined) return [];
  if (which === "apiserver") return apiserverNames(discovery, slot, known);
  const pod = discovery.pods.get("etcd");
  if (!pod) return null;
  const fixed = ["localhost", "127.0.0.1", "::1"].flatMap((name) => san(name, "every kubeadm etcd"));
  return unique([...nodeName(discovery), ...slot.expected.sans, ...fixed]);
}

function apiserverNames(
  discovery: Discovery,
  slot: CertificateSlot,
  { servers, domain }: Known,
): readonly ExpectedSan[] | null {
  const entry = discovery.pods.get("kube-apiserver");
  if (!entry) return null;
  const issuer = flagValue(entry.pod, "service-account-issuer");
  const ofIssuer = /^https:\/\/kubernetes\.default\.svc\.([a-z0-9.-]+)$/.exec(issuer ?? "")?.[1];
  const [name, source] =
    domain !== undefined
      ? [domain, "clusterDomain of the kubelet"]
      : ofIssuer !== undefined
        ? [ofIssuer, `--service-account-issuer of ${entry.manifest}`]
        : ["cluster.local", "kubeadm's default domain"];
  return unique([
    ...nodeName(discovery),
    ...slot.expected.sans,
    ...san(`kubernetes.default.svc.${name}`, source),
    ...servers.flatMap(({ url, path }) => hostOf(url, path)),
  ]);
}

function nodeName({ view }: Discovery): readonly ExpectedSan[] {
  return san(view.node, "the node's name");
}

/**
 * A certificate is needed when a process of this node reads it. What none of the profile's processes reads (admin.conf) is
 * needed where one reads another certificate of the same authority; the kubelet's, wherever there are static pods.
 */
function isUsedHere({ profile, pods }: Discovery, slot: CertificateSlot): boolean {
  if (slot.management === "kubelet") return pods.size > 0;
  const readers = profile.consumers.filter(({ reads }) => reads.includes(slot.name));
  if (readers.length > 0) return readers.some(({ name }) => pods.has(name));
  const siblings = profile.certificates.filter(({ authority }) => authority === slot.authority);
  return profile.consumers.some(
    ({ name, reads }) => pods.has(name) && siblings.some((sibling) => reads.includes(sibling.name)),
  );
}
