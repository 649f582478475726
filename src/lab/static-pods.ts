// What the kubelet makes of its manifests: each pod is looked at by itself, and brought nearer to what it has to be.
//
//   no sandbox ──▶ sandbox, container ──▶ running ──exit──▶ exited ──back-off over──▶ next attempt
//   manifest gone or changed: SIGTERM, grace, removed
// Source: kubernetes/pkg/kubelet/kuberuntime (SyncPod, doBackOff), config/file.go.
import { createHash } from "node:crypto";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type StaticPod, hostPathOf, parseManifest } from "../core/kubeconfig/manifest.ts";
import type { CriClient, PodWish } from "./cri-client.ts";
import type { Log } from "./klog.ts";

export interface PodsOptions {
  /** Folder of manifests on this machine. */
  readonly folder: string;
  readonly node: string;
  readonly cri: CriClient;
  readonly pace: number;
  readonly log: Log;
}

type Container = StaticPod["containers"][number];

interface Wanted {
  readonly uid: string;
  readonly pod: StaticPod;
}

/** One answer of the runtime for all pods: each of them by itself would ask for the same lists again. */
interface Look extends Wanted {
  readonly sandboxes: Awaited<ReturnType<CriClient["sandboxes"]>>;
  readonly containers: Awaited<ReturnType<CriClient["containers"]>>;
}

interface BackOff {
  readonly delayMs: number;
  readonly since: number;
}

/** Kept between two looks. */
interface Memory {
  readonly busy: Set<string>;
  readonly backOffs: Map<string, BackOff>;
}

const graceSeconds = 30;
const firstBackOffMs = 10_000;
const longestBackOffMs = 300_000;

/** One look; what takes long goes on by itself, and is not begun twice. */
export function openPods(options: PodsOptions): () => Promise<void> {
  const memory: Memory = { busy: new Set(), backOffs: new Map() };
  return async () => {
    const wanted = readManifests(options);
    const [sandboxes, containers] = await Promise.all([options.cri.sandboxes(), options.cri.containers()]);
    const known = new Set(sandboxes.map(({ uid }) => uid));
    for (const uid of known) {
      if (!wanted.some((one) => one.uid === uid)) alone(memory, uid, options.log, () => remove(options, uid));
    }
    for (const one of wanted) {
      alone(memory, one.uid, options.log, () => sync(options, memory, { ...one, sandboxes, containers }));
    }
  };
}

function alone({ busy }: Memory, uid: string, log: Log, work: () => Promise<void>): void {
  if (busy.has(uid)) return;
  busy.add(uid);
  void work()
    .catch((error: unknown) => log("E", "pod_workers.go:191", `Error syncing pod ${uid}: ${String(error)}`))
    .finally(() => busy.delete(uid));
}

/** Not those with a dot in front; a file that is no pod is said and passed over. */
function readManifests({ folder, node, log }: PodsOptions): readonly Wanted[] {
  const names = listOrNone(folder).filter((name) => !name.startsWith("."));
  return names.flatMap((name): readonly Wanted[] => {
    try {
      const bytes = readFileSync(join(folder, name));
      const uid = createHash("md5").update(node).update(name).update(bytes).digest("hex");
      return [{ uid, pod: parseManifest(bytes) }];
    } catch (error) {
      log("E", "file.go:187", `Can't process manifest file "${join(folder, name)}": ${String(error)}`);
      return [];
    }
  });
}

function listOrNone(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function remove({ cri }: PodsOptions, uid: string): Promise<void> {
  const sandboxes = (await cri.sandboxes()).filter((one) => one.uid === uid);
  const inside = (await cri.containers()).filter(({ sandboxId }) =>
    sandboxes.some(({ id }) => id === sandboxId),
  );
  const running = inside.filter(({ state }) => state === "running");
  await Promise.all(running.map(({ id }) => cri.stopContainer(id, graceSeconds)));
  for (const { id } of sandboxes) await cri.removeSandbox(id);
}

async function sync(options: PodsOptions, memory: Memory, look: Look): Promise<void> {
  const { cri, node } = options;
  const { uid, pod, containers } = look;
  const name = `${pod.name}-${node}`;
  const namespace = pod.namespace ?? "default";
  const sandboxes = look.sandboxes.filter((one) => one.uid === uid);
  const ready = sandboxes.find(({ isReady }) => isReady);
  const attempt = ready?.attempt ?? Math.max(-1, ...sandboxes.map((one) => one.attempt)) + 1;
  const wish: PodWish = { name, namespace, uid, attempt };
  for (const { id, isReady } of sandboxes) if (!isReady) await cri.removeSandbox(id);
  const sandbox = ready?.id ?? (await cri.runSandbox(wish));
  for (const container of pod.containers.map((one) => onHost(pod, one))) {
    await syncContainer(options, memory, { pod: wish, sandbox, container, containers });
  }
}

/** Containers of the lab see the node's files, not mounts of them: a path of theirs is the path of what is mounted there. */
function onHost(pod: StaticPod, container: Container): Container {
  const command = container.command.map((word) =>
    word.replace(/^(--[\w-]+=)?(\/.*)$/, (_, flag: string | undefined, path: string) => {
      return `${flag ?? ""}${hostPathOf(pod, path, container.name)}`;
    }),
  );
  return { ...container, command };
}

interface Place {
  readonly pod: PodWish;
  readonly sandbox: string;
  readonly container: Container;
  readonly containers: Look["containers"];
}

async function syncContainer(options: PodsOptions, memory: Memory, place: Place): Promise<void> {
  const { cri, log } = options;
  const { pod, sandbox, container } = place;
  const all = place.containers
    .filter((one) => one.sandboxId === sandbox && one.name === container.name)
    .sort((a, b) => b.attempt - a.attempt);
  const [newest, ...older] = all;
  if (newest && newest.state !== "exited") return;
  if (newest && (await mustWait(options, memory, { key: `${pod.uid}/${container.name}`, id: newest.id })))
    return;
  // One dead container is kept, for its log.
  for (const { id } of older) await cri.removeContainer(id);
  const attempt = (newest?.attempt ?? -1) + 1;
  const { name, image, command } = container;
  log(
    "I",
    "kuberuntime_manager.go:660",
    `Starting container "${name}" in pod ${pod.name}, attempt ${attempt}`,
  );
  await cri.startContainer(sandbox, pod, { name, image, command, attempt });
}

/** Asked only when a container that has exited is listed: who removes it has it back at once. */
async function mustWait(
  { cri, pace, log }: PodsOptions,
  { backOffs }: Memory,
  { key, id }: { readonly key: string; readonly id: string },
): Promise<boolean> {
  const now = Date.now();
  const known = backOffs.get(key);
  if (known && now - (await cri.finishedAt(id)) < known.delayMs) {
    if (now - known.since > known.delayMs) {
      const seconds = Math.round(known.delayMs / pace / 1000);
      log(
        "E",
        "pod_workers.go:191",
        `Error syncing pod: back-off ${seconds}s restarting failed container ${key}`,
      );
    }
    return true;
  }
  const delayMs = known ? Math.min(known.delayMs * 2, longestBackOffMs * pace) : firstBackOffMs * pace;
  backOffs.set(key, { delayMs, since: now });
  return false;
}
