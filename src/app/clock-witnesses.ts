// Who is asked what time it is before anything is renewed: the node's files, its journals, and, when it may be dialled, other machines.
import { formatAddress, parseAddress, type Address } from "../core/model/address.ts";
import type { ClockWitness } from "../core/model/clock.ts";
import type { Refusal } from "../core/model/refusal.ts";
import { attempt, isAppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import { parseKubeconfig } from "../core/kubeconfig/kubeconfig.ts";
import { clockDoubts } from "../core/plan/clock-doubts.ts";
import { type NewestChange, newestBelow, newestChange } from "../drivers/discovery/newest-change.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import { systemClock } from "../drivers/shared/world.ts";
import { newestEntry } from "../engine/runs.ts";
import { type LocalNode, isLive, stateDirectoryOf } from "./local-node.ts";

/**
 * Where a node keeps writing, and where a clock that was right has left its mark: systemd-timesyncd and chrony write to a file of
 * theirs whenever they have set the clock. The second number is how many folders deep.
 */
const places: readonly (readonly [folder: string, depth: number])[] = [
  ["/etc/kubernetes", 3],
  ["/var/lib/etcd", 3],
  ["/var/lib/kubelet/pki", 0],
  ["/var/log/pods", 2],
  ["/var/log/journal", 1],
  ["/var/log", 0],
  ["/var/lib/systemd/timesync", 0],
  ["/var/lib/chrony", 0],
];

/**
 * undefined when nobody is asked: the time given is not the machine's own, so that no file and no other clock speaks of it. The tree
 * of `--root` is asked like `/`: it may be the disk of a node seen from a rescue system, whose own clock is the one in doubt.
 */
export async function askForTime(
  local: LocalNode,
  objects: readonly Address[],
): Promise<readonly ClockWitness[] | undefined> {
  if (local.isMachineClock !== true) return undefined;
  const file = newestFile(local, objects);
  const run = await newestEntry(openStateDirectory(stateDirectoryOf(local)));
  return [
    ...(file === null ? [] : [{ kind: "file", ...file } as const]),
    ...(run === null ? [] : [{ kind: "run", ...run } as const]),
    ...(isLive(local) ? await askPeers(local, objects) : []),
  ];
}

/** What speaks against the clock now, for a plan that was made before. */
export async function doubtsOfNow(local: LocalNode, plan: Plan): Promise<readonly Refusal[]> {
  const objects = plan.guards.map(({ address }) => parseAddress(address));
  const witnesses = await askForTime(
    local,
    objects.filter(({ store }) => store === "file"),
  );
  return clockDoubts(witnesses ?? [], { node: objects[0]?.node ?? "", at: systemClock.now() });
}

function newestFile({ root }: LocalNode, objects: readonly Address[]): NewestChange | null {
  const known = newestChange(root, [...new Set(objects.map(({ path }) => path))]);
  return places.reduce<NewestChange | null>((newest, [folder, depth]) => {
    const found = newestBelow(root, folder, depth);
    return found !== null && (newest === null || found.at > newest.at) ? found : newest;
  }, known);
}

/** API servers that the node's kubeconfigs lead to. Where that is the node itself it agrees, and says nothing. */
async function askPeers(local: LocalNode, objects: readonly Address[]): Promise<readonly ClockWitness[]> {
  const { askTime } = await import("../drivers/health/peer-clock.ts");
  const answers = await Promise.all((await serversOf(local, objects)).map((url) => askTime(url)));
  return answers.flatMap((answer) => (answer === null ? [] : [{ kind: "peer", ...answer } as const]));
}

async function serversOf(local: LocalNode, objects: readonly Address[]): Promise<readonly string[]> {
  const files = new Map(
    objects.filter(({ path }) => path.endsWith(".conf")).map((each) => [formatAddress(each), each]),
  );
  const servers = new Set<string>();
  const store = local.openStore(objects[0]?.node ?? "");
  try {
    for (const address of files.values()) {
      for (const url of await serversIn(store, address)) servers.add(url);
    }
  } finally {
    store.close();
  }
  return [...servers].slice(0, mostPeers);
}

/** Each is waited for. */
const mostPeers = 4;

/** None in a file that is not there, cannot be read or is no kubeconfig: the plan itself says so. */
async function serversIn(
  store: ReturnType<LocalNode["openStore"]>,
  { store: kind, node, path }: Address,
): Promise<readonly string[]> {
  try {
    const observation = await store.read({ store: kind, node, path });
    if (observation.state === "absent") return [];
    const kubeconfig = attempt(() => parseKubeconfig(observation.bytes));
    observation.bytes.fill(0);
    return isAppError(kubeconfig) ? [] : kubeconfig.clusters.flatMap(({ server }) => server ?? []);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return [];
  }
}
