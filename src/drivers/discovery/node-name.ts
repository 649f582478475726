// Discovery function `node-name`: what the cluster calls this node, from the node's own files.
import { isAppError } from "../../core/model/errors.ts";
import { currentUser, parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import { parseManifest } from "../../core/kubeconfig/manifest.ts";
import { type Profile, substitute } from "../../core/profile/profile.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";
import { flagValue } from "./context.ts";

/** etcd's `--name`, then the user of kubelet.conf (`system:node:NAME`), then /etc/hostname; null when nothing says. */
export async function discoverNodeName(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<string | null> {
  return (
    (await fromEtcd(view, profile, params)) ??
    (await fromKubelet(view, profile, params)) ??
    (await fromHostname(view))
  );
}

/** What etcd and the kubelet call the node; empty when neither says. A host name is not what the cluster calls it. */
export async function discoverToldNames(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const told = [await fromEtcd(view, profile, params), await fromKubelet(view, profile, params)];
  return told.filter((name) => name !== null);
}

async function fromEtcd(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<string | null> {
  const consumer = profile.consumers.find(({ name }) => name === "etcd");
  if (!consumer) return null;
  const name = await parsed(view, substitute(consumer.manifest, params, profile.id), (bytes) =>
    flagValue(parseManifest(bytes), "name"),
  );
  // kubeadm names the member after the node; "default" is etcd's own default and says nothing.
  return name === undefined || name === "default" ? null : name;
}

async function fromKubelet(
  view: NodeView,
  profile: Profile,
  params: Readonly<Record<string, string>>,
): Promise<string | null> {
  const description = profile.kubeconfigs.find(({ role }) => role === "kubelet");
  if (!description) return null;
  const path = substitute(description.path, params, profile.id);
  const user = await parsed(view, path, (bytes) => currentUser(parseKubeconfig(bytes))?.name);
  const match = /^system:node:([^@]+)$/.exec(user ?? "");
  return match?.[1] ?? null;
}

async function fromHostname(view: NodeView): Promise<string | null> {
  const reading = await view.read("/etc/hostname");
  if (reading.state !== "present") return null;
  const name = Buffer.from(reading.bytes).toString("utf8").trim();
  return /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(name) ? name : null;
}

/** A file that is broken says nothing here; its own slot or note reports it. */
async function parsed<T>(
  view: NodeView,
  path: string,
  read: (bytes: Uint8Array) => T | undefined,
): Promise<T | undefined> {
  const reading = await view.read(path);
  if (reading.state !== "present") return undefined;
  try {
    return read(reading.bytes);
  } catch (error) {
    if (isAppError(error)) return undefined;
    throw error;
  }
}
