// Discovery function `tkestack`: which of the platform's clusters a node belongs to, how old it is, where the platform keeps a token.
// Sources: tkestack/tke pkg/platform/provider/baremetal/{constants,cluster,phases}, tags v1.0.0 to v1.9.2.
import type { ApiCopy, LeftAlone, PlatformFacts, PlatformRole } from "../../core/model/platform.ts";
import type { CertificateSlot } from "../../core/model/inventory.ts";
import { isAppError } from "../../core/model/errors.ts";
import { currentUser, type Kubeconfig, parseKubeconfig } from "../../core/kubeconfig/kubeconfig.ts";
import { type Discovery, pathIn } from "./context.ts";
import { expandPattern } from "./patterns.ts";

export interface FoundPlatform {
  readonly platform: PlatformFacts;
  readonly apiCopies: readonly ApiCopy[];
}

/** null for a profile without a platform. */
export async function discoverPlatform(
  discovery: Discovery,
  certificates: readonly CertificateSlot[],
): Promise<FoundPlatform | null> {
  const id = discovery.profile.platform;
  if (id === undefined) return null;
  const mark = await markOf(discovery);
  const cluster = await clusterOf(discovery);
  const role = roleOf(cluster?.name);
  const platform: PlatformFacts = {
    id,
    mark,
    role,
    cluster,
    leftAlone: await leftAlone(discovery, mark),
    tokenKubeconfigs: await tokenKubeconfigs(discovery),
  };
  return { platform, apiCopies: apiCopies(discovery, { certificates, role }) };
}

async function markOf(discovery: Discovery): Promise<string | null> {
  for (const template of discovery.profile.marks ?? []) {
    const path = pathIn(discovery, template);
    if ((await discovery.view.read(path)).state === "present") return path;
  }
  return null;
}

/** The platform's installer calls its own cluster so; every other one gets a name of its own (`cls-...`). */
const globalName = "global";
/** kubeadm's own name for a cluster: who writes kubeconfigs without the platform's configuration leaves it there. */
const kubeadmsName = "kubernetes";

function roleOf(name: string | undefined): PlatformRole {
  if (name === undefined) return "unknown";
  return name === globalName ? "global" : "standalone";
}

/** kubeadm's kubeconfigs call the cluster as the platform does (`clusterName`), and so does the platform's own one by token. */
async function clusterOf(discovery: Discovery): Promise<PlatformFacts["cluster"]> {
  const own = discovery.profile.kubeconfigs.map(({ path }) => pathIn(discovery, path));
  for (const path of [...own, ...(await copies(discovery))]) {
    const name = (await kubeconfigAt(discovery, path))?.clusters[0]?.name ?? "";
    if (name !== "" && name !== kubeadmsName) return { name, source: path };
  }
  return null;
}

async function copies(discovery: Discovery): Promise<readonly string[]> {
  const found = await Promise.all(
    discovery.profile.copies.files.map((pattern) => expandPattern(discovery, pattern)),
  );
  return found.flat();
}

async function tokenKubeconfigs(discovery: Discovery): Promise<readonly string[]> {
  const found: string[] = [];
  for (const path of await copies(discovery)) {
    const kubeconfig = await kubeconfigAt(discovery, path);
    const user = kubeconfig && currentUser(kubeconfig);
    if (user && !user.certificate && user.other.includes("token")) found.push(path);
  }
  return found;
}

/** A file that is broken says nothing here; its own slot or note reports it. */
async function kubeconfigAt(discovery: Discovery, path: string): Promise<Kubeconfig | null> {
  const reading = await discovery.view.read(path);
  if (reading.state !== "present") return null;
  try {
    return parseKubeconfig(reading.bytes);
  } catch (error) {
    if (isAppError(error)) return null;
    throw error;
  }
}

/** The runbook is for 1.2.5 and later. */
const oldest = [1, 2, 5] as const;

async function leftAlone(discovery: Discovery, mark: string | null): Promise<LeftAlone | null> {
  const version = discovery.params["tkeVersion"] ?? "unknown";
  const said = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version)?.slice(1).map(Number);
  if (said !== undefined) return isBefore(said, oldest) ? { code: "too-old", version, path: null } : null;
  if (mark === null) return { code: "no-marks" };
  const path = pathIn(discovery, "{kubernetesDir}/kubeadm-config.yaml");
  return (await isOfOldPlatform(discovery, path)) ? { code: "too-old", version: null, path } : null;
}

function isBefore(version: readonly number[], other: readonly number[]): boolean {
  for (const [index, number] of other.entries()) {
    const own = version[index] ?? 0;
    if (own !== number) return own < number;
  }
  return false;
}

/**
 * The first master keeps the configuration that the platform ran kubeadm with. Up to 1.2.4 it has no part for kube-proxy, from 1.2.5 on it
 * has one (git diff v1.2.4 v1.2.5 -- pkg/platform/provider/baremetal/conf/kubeadm/kubeadm-config.yaml).
 */
async function isOfOldPlatform(discovery: Discovery, path: string): Promise<boolean> {
  const reading = await discovery.view.read(path);
  if (reading.state !== "present") return false;
  const text = Buffer.from(reading.bytes).toString("utf8");
  const has = (kind: string): boolean => new RegExp(`^kind: *${kind} *$`, "m").test(text);
  return (
    text.includes("TKE kubeadm bootstrap token") &&
    has("ClusterConfiguration") &&
    !has("KubeProxyConfiguration")
  );
}

/** Copies of what is on this node, in the order of the profile. Where the role is not known they may be there. */
function apiCopies(
  discovery: Discovery,
  { certificates, role }: { readonly certificates: readonly CertificateSlot[]; readonly role: PlatformRole },
): readonly ApiCopy[] {
  return (discovery.profile.apiCopies ?? []).flatMap((copy): readonly ApiCopy[] => {
    const source = certificates.find(({ name }) => name === copy.of);
    const isElsewhere = copy.role === "global" && role === "standalone";
    if (source === undefined || isElsewhere) return [];
    const { name, store, object, certificate, key } = copy;
    const namespace = copy.namespace === null ? null : pathIn(discovery, copy.namespace);
    return [{ name, source: source.id, store, namespace, object, certificate, key }];
  });
}
