// A consumer that the kubelet runs from a manifest: found, stopped and removed through the container runtime.
// OUTPUTS: containers and sandboxes of that one pod; its manifest, by the script of manifest-bounce.ts.
import { AppError, wordsOf } from "../../core/model/errors.ts";
import type { ProcessInstance, StopOptions } from "../../engine/ports/node-processes.ts";
import { newestFirst, waitUntil, type ConsumerDriver } from "./consumer-driver.ts";
import { bounceManifest, type BounceOptions } from "./manifest-bounce.ts";
import type { PodContainer, PodListing, PodRuntime } from "./pod-runtime.ts";
import { processAt } from "./proc-files.ts";
import type { RuntimeChoice } from "./runtime-choice.ts";

export interface StaticPodOptions {
  readonly consumer: string;
  /** Name of the container; usually the consumer's. */
  readonly container: string;
  /** Name of the pod when known (`etcd-m1`): others with such a container are not looked at. */
  readonly pod: string | null;
  readonly runtimes: RuntimeChoice;
  readonly pollMs: number;
  /** How the manifest goes out and in. */
  readonly bounce: Omit<BounceOptions, "runtime" | "pod" | "marks" | "timeoutSeconds" | "signal">;
  /** Who takes it out and in; default this machine. */
  readonly bounceManifest?: typeof bounceManifest;
  /** `/proc`, or the one of another root; null where it cannot be read from here. */
  readonly proc: string | null;
  /** Instead of the manifest, where out-and-in is not safe; null where it is. */
  readonly insteadOfBounce: ((options: { readonly timeoutSeconds: number }) => Promise<void>) | null;
}

/** Between the end of the processes and their disappearance from the list. */
const goneSeconds = 30;
/**
 * A container that ends by itself while it is being stopped has the runtime complain first and list it as running for a moment
 * longer (containerd: "ttrpc: closed"): so many looks, then it is asked once more.
 */
const looksAfterComplaint = 20;

export function staticPod(options: StaticPodOptions): ConsumerDriver {
  const { consumer, runtimes, pollMs } = options;

  const mine = ({ containers, sandboxes }: PodListing): readonly PodContainer[] => {
    const fromApi = new Set(sandboxes.filter(({ source }) => source === "api").map(({ podUid }) => podUid));
    return containers.filter(
      ({ name, pod, podUid }) =>
        name === options.container && !fromApi.has(podUid) && (options.pod === null || pod === options.pod),
    );
  };

  const find = (signal?: AbortSignal) =>
    runtimes.choose(consumer, (listing) => mine(listing).length > 0, signal);

  async function stop({ graceSeconds, signal }: StopOptions): Promise<readonly string[]> {
    const { runtime, listing } = await find(signal);
    const found = mine(listing);
    const { through } = runtime;
    if (found.length === 0) throw new AppError("process-not-found", { consumer, through });
    const pods = [...new Set(found.map(({ pod }) => pod))].sort();
    if (pods.length > 1) throw new AppError("process-ambiguous", { consumer, through, pods });
    const uids = new Set(found.map(({ podUid }) => podUid));
    await stopPods({ runtime, listing, uids, consumer, graceSeconds, pollMs, signal });
    return found.map(({ id }) => id);
  }

  return {
    async look({ signal } = {}) {
      const { runtime, listing } = await find(signal);
      return { through: runtime.through, instances: newestFirst(mine(listing).map(instanceOf)) };
    },
    stop,
    // The kubelet's to start, and its manifest is there: that is how it was found.
    startability: () => Promise.resolve({ state: "can" }),
    async revive({ timeoutSeconds, signal }) {
      const { runtime, listing } = await find(signal);
      if (options.insteadOfBounce) {
        if (mine(listing).length > 0) {
          await stop({ graceSeconds: options.bounce.graceSeconds, ...(signal && { signal }) });
        }
        await options.insteadOfBounce({ timeoutSeconds });
        return;
      }
      const found = mine(listing);
      const pod = found[0]?.pod ?? options.pod ?? "";
      const marks = marksOf(found, listing, options.proc);
      const bounce = options.bounceManifest ?? bounceManifest;
      await bounce({
        ...options.bounce,
        runtime,
        pod,
        marks,
        timeoutSeconds,
        ...(signal && { signal }),
      });
    },
  };
}

/**
 * What tells the pod's processes from those of another control plane on the machine: who they are now, and for later ones what the
 * kubelet and the runtimes put into the path of their control groups (systemd has no dashes in a name).
 */
function marksOf(
  found: readonly PodContainer[],
  { sandboxes }: PodListing,
  proc: string | null,
): readonly string[] {
  const uids = new Set(found.map(({ podUid }) => podUid));
  const lives = found.flatMap(({ pid }) => {
    const life = pid === null || proc === null ? null : processAt(proc, pid);
    return life ? [`pid=${life.pid}@${life.startTicks}`] : [];
  });
  const groups = [
    ...[...uids].flatMap((uid) => [uid, uid.replaceAll("-", "_")]),
    ...found.map(({ id }) => id),
    ...sandboxes.filter(({ podUid }) => uids.has(podUid)).map(({ id }) => id),
  ];
  // A short or strange one would be found everywhere, or be more than a word of the shell.
  return [...lives, ...new Set(groups.filter((mark) => /^[\w-]{12,}$/.test(mark)))];
}

function instanceOf({ id, state, startedAt, image, pid }: PodContainer): ProcessInstance {
  return { id, state, startedAt, image, pid };
}

interface StopPods {
  readonly runtime: PodRuntime;
  readonly listing: PodListing;
  readonly uids: ReadonlySet<string>;
  readonly consumer: string;
  readonly graceSeconds: number;
  readonly pollMs: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Containers first, with grace, since stopping a sandbox gives none; then at once the sandbox, before the kubelet has put a
 * successor into it; then what is left of both. The uid of a static pod is a hash of its manifest: a successor has the same
 * one, so only what was listed, or lives in a sandbox that was listed, is removed.
 */
async function stopPods(target: StopPods): Promise<void> {
  const { runtime, listing, uids, signal } = target;
  const containers = listing.containers.filter(({ podUid }) => uids.has(podUid));
  const sandboxes = listing.sandboxes.filter(({ podUid }) => uids.has(podUid)).map(({ id }) => id);
  const complaints: string[] = [];
  const attempt = async (effect: () => Promise<void>): Promise<void> => {
    signal?.throwIfAborted();
    await effect().catch((error: unknown) => complaints.push(complaint(error)));
  };
  const running = containers.filter(({ state }) => state === "running").map(({ id }) => id);
  await stopContainers(target, running);
  await attempt(() => runtime.stopSandboxes(sandboxes));

  const known = new Set([...containers.map(({ id }) => id), ...sandboxes]);
  let left: readonly string[] = [];
  const isGone = await waitUntil(
    async () => {
      const now = await runtime.list();
      const rest = now.containers.filter(
        ({ id, sandboxId, state }) =>
          (runtime.removes || state === "running") &&
          (known.has(id) || (sandboxId !== null && known.has(sandboxId))),
      );
      const restOfSandboxes = now.sandboxes
        .filter(({ id, isReady }) => (runtime.removes || isReady) && known.has(id))
        .map(({ id }) => id);
      left = [...rest.map(({ id }) => id), ...restOfSandboxes];
      if (left.length === 0) return true;
      await attempt(() => runtime.remove(rest.map(({ id }) => id)));
      await attempt(() => runtime.removeSandboxes(restOfSandboxes));
      return false;
    },
    { seconds: goneSeconds, pollMs: target.pollMs, signal },
  );
  if (isGone) return;
  const reason = complaints.at(-1) ?? `still listed after ${goneSeconds} s`;
  const { consumer } = target;
  throw new AppError("process-not-stopped", { consumer, through: runtime.through, ids: left, reason });
}

/** Throws while one of them is still running: removing what was not stopped would be a SIGKILL without a SIGTERM. */
async function stopContainers(target: StopPods, ids: readonly string[]): Promise<void> {
  const { runtime, consumer, graceSeconds, pollMs, signal } = target;
  let left = ids;
  const isStopped = async (): Promise<boolean> => {
    const { containers } = await runtime.list(signal);
    const running = new Set(containers.filter(({ state }) => state === "running").map(({ id }) => id));
    left = ids.filter((id) => running.has(id));
    return left.length === 0;
  };
  let reason = "";
  for (let asked = 0; asked < 2; asked += 1) {
    signal?.throwIfAborted();
    try {
      await runtime.stop(left, graceSeconds);
      return;
    } catch (error) {
      reason = complaint(error);
    }
    const seconds = (looksAfterComplaint * pollMs) / 1000;
    if (await waitUntil(isStopped, { seconds, pollMs, signal })) return;
  }
  throw new AppError("process-not-stopped", { consumer, through: runtime.through, ids: left, reason });
}

function complaint(error: unknown): string {
  if (!(error instanceof AppError)) throw error;
  return wordsOf(error);
}
