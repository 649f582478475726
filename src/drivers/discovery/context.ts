// What the discovery functions share: the profile with its parameters, the node's static pods, the notes taken on the way.
import type { Reason } from "../../core/model/reasons.ts";
import { fileAddress } from "../../core/model/address.ts";
import { isAppError, reasonOf } from "../../core/model/errors.ts";
import type { DiscoveryNote, Origin } from "../../core/model/inventory.ts";
import { type StaticPod, hostPathOf, parseManifest } from "../../core/kubeconfig/manifest.ts";
import { type Profile, substitute } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";

export interface Discovery {
  readonly view: NodeView;
  readonly profile: Profile;
  readonly params: Readonly<Record<string, string>>;
  /** Static pods by consumer name (`etcd`, `kube-apiserver`, ...), with the manifest's path. */
  readonly pods: ReadonlyMap<string, { readonly pod: StaticPod; readonly manifest: string }>;
  readonly notes: DiscoveryNote[];
}

/** A path and how it became known. */
export interface Found {
  readonly path: string;
  readonly origin: Origin;
}

export function pathIn(discovery: Pick<Discovery, "profile" | "params">, template: string): string {
  return substitute(template, discovery.params, discovery.profile.id);
}

/** The path a flag of a process names, on the node; the profile's default when the flag or the process is not there. */
export function flagPath(
  discovery: Discovery,
  of: string | undefined,
  flag: string | undefined,
  fallback: string,
): Found {
  const entry = of === undefined ? undefined : discovery.pods.get(of);
  const value = entry && flag !== undefined ? flagValue(entry.pod, flag) : undefined;
  if (entry && flag !== undefined && value !== undefined && value.startsWith("/")) {
    return {
      path: hostPathOf(entry.pod, value),
      origin: { kind: "flag", source: entry.manifest, field: `--${flag}` },
    };
  }
  return { path: pathIn(discovery, fallback), origin: { kind: "default" } };
}

/** The last value wins, as in pflag. */
export function flagValue(pod: StaticPod, flag: string): string | undefined {
  return pod.containers
    .map((container) => container.flags.get(flag)?.at(-1))
    .find((value) => value !== undefined);
}

export async function readPods(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<Pick<Discovery, "pods" | "notes">> {
  const pods = new Map<string, { readonly pod: StaticPod; readonly manifest: string }>();
  const notes: DiscoveryNote[] = [];
  for (const consumer of profile.consumers) {
    const manifest = pathIn({ profile, params }, consumer.manifest);
    const address = fileAddress(view.node, manifest);
    const reading = await view.read(manifest);
    if (reading.state === "unreadable")
      notes.push({ code: "manifest-unreadable", address, detail: reading.reason });
    if (reading.state === "absent" && reading.danglingLink !== null) {
      const detail = `a link to ${reading.danglingLink}, which is not there`;
      notes.push({ code: "manifest-unreadable", address, detail });
    }
    if (reading.state !== "present") continue;
    try {
      const pod = parseManifest(reading.bytes);
      const lack = lackOf(pod);
      if (lack === null) pods.set(consumer.name, { pod, manifest });
      else notes.push({ code: "manifest-broken", address, detail: lack });
    } catch (error) {
      if (!isAppError(error)) throw error;
      notes.push({ code: "manifest-broken", address, detail: reasonOf(error) });
    }
  }
  return { pods, notes };
}

/** A manifest cut in half may still be YAML: its flags are then not to be believed. kubeadm writes the image and the name last. */
function lackOf(pod: StaticPod): Reason | null {
  for (const [index, { command, image, name }] of pod.containers.entries()) {
    const at = `spec.containers[${index}]`;
    if (command.length === 0) return `${at} has no command`;
    if (image === "") return `${at} has no image`;
    if (name === "") return `${at} has no name`;
  }
  const unknown = pod.unknownVolumes[0];
  return unknown === undefined ? null : `there is no volume ${unknown}`;
}
