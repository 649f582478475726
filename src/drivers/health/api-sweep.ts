// The rest of the cluster as the API knows it: nodes that are not ready, containers in a crash loop, refusals in the newest logs.
import type { Looked, Sweep, SweptContainer, SweptLog, SweptNode } from "../../core/model/verification.ts";
import type { WriteProof } from "../../engine/ports/live.ts";
import type { Dial } from "../shared/dial.ts";
import { backendsOf } from "./api-backends.ts";
import { type Json, arrayOf, listObjects, objectOf, textOf } from "./api-objects.ts";
import { type AskApi, apiClient, complaint } from "./api-server.ts";
import { failureText } from "./probes.ts";

/** Logs are read of so many containers, the newest first, so many lines of each. */
const mostLogs = 30;
const tailLines = 200;
const logLimit = 128 * 1024;
const lineLimit = 200;

export interface SweepOptions {
  readonly signal?: AbortSignal;
  /** ms since the epoch: lines from before are old news. */
  readonly logsSince: number;
  readonly now: number;
}

/** @throws the signal's reason; what the API refuses is an answer */
export async function sweepApi(
  access: Omit<WriteProof, "name"> & { readonly dial?: Dial | undefined },
  { signal, logsSince, now }: SweepOptions,
): Promise<Looked<Sweep>> {
  const client = await attempted(() => Promise.resolve(apiClient(access, signal)), signal);
  if (client.state !== "seen") return client;
  const ask = client.value;
  const [nodes, pods] = await Promise.all([
    attempted(async () => (await listObjects(ask, "/api/v1/nodes")).map(nodeOf), signal),
    attempted(async () => (await listObjects(ask, "/api/v1/pods")).map(podOf), signal),
  ]);
  const newest = pods.state === "seen" ? newestOf(pods.value) : [];
  const sinceSeconds = Math.max(1, Math.ceil((now - logsSince) / 1000));
  const apiBackends =
    pods.state === "seen"
      ? await attempted(() => backendsOf(ask, pods.value), signal)
      : ({ state: "skipped" } as const);
  const logs = await attempted(() => readLogs(ask, newest, sinceSeconds), signal);
  return {
    state: "seen",
    value: {
      nodes,
      containers:
        pods.state === "seen"
          ? { state: "seen", value: pods.value.flatMap(({ containers }) => containers) }
          : pods,
      logs: pods.state === "seen" ? logs : { state: "skipped" },
      logsRead: newest.length,
      apiBackends,
    },
  };
}

async function attempted<T>(action: () => Promise<T>, signal?: AbortSignal): Promise<Looked<T>> {
  try {
    return { state: "seen", value: await action() };
  } catch (error) {
    signal?.throwIfAborted();
    return { state: "failed", reason: failureText(error) };
  }
}

function nodeOf(item: Json): SweptNode {
  const ready = arrayOf(objectOf(item["status"])["conditions"])
    .map(objectOf)
    .find(({ type }) => type === "Ready");
  const since = Date.parse(textOf(ready?.["lastTransitionTime"]));
  return {
    name: textOf(objectOf(item["metadata"])["name"]),
    isReady: ready?.["status"] === "True",
    reason: textOf(ready?.["reason"]),
    since: Number.isNaN(since) ? null : since,
  };
}

interface Pod {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** ms; when the oldest of its containers that run began; null while none does. */
  readonly runsSince: number | null;
  /** ms; when the youngest of its containers began. */
  readonly startedAt: number;
  readonly containers: readonly SweptContainer[];
}

function podOf(item: Json): Pod {
  const metadata = objectOf(item["metadata"]);
  const status = objectOf(item["status"]);
  const [namespace, name] = [textOf(metadata["namespace"]), textOf(metadata["name"])];
  const statuses = [...arrayOf(status["initContainerStatuses"]), ...arrayOf(status["containerStatuses"])].map(
    objectOf,
  );
  const running = arrayOf(status["containerStatuses"])
    .map((each) => Date.parse(textOf(objectOf(objectOf(objectOf(each)["state"])["running"])["startedAt"])))
    .filter((at) => !Number.isNaN(at));
  return {
    namespace,
    name,
    node: textOf(objectOf(item["spec"])["nodeName"]),
    runsSince: running.length === 0 ? null : Math.min(...running),
    startedAt: Math.max(0, ...statuses.map(startOf)),
    containers: statuses.map((each) => ({
      pod: `${namespace}/${name}`,
      container: textOf(each["name"]),
      node: textOf(objectOf(item["spec"])["nodeName"]),
      restarts: typeof each["restartCount"] === "number" ? each["restartCount"] : 0,
      isCrashLooping: objectOf(objectOf(each["state"])["waiting"])["reason"] === "CrashLoopBackOff",
    })),
  };
}

/** Running now, or the last life that ended. */
function startOf(status: Json): number {
  const at = (state: unknown, how: string): number =>
    Date.parse(textOf(objectOf(objectOf(state)[how])["startedAt"])) || 0;
  return Math.max(at(status["state"], "running"), at(status["lastState"], "terminated"));
}

interface Target extends SweptContainer {
  readonly path: string;
}

/** The pods that began last, and those of kube-system before others: they live off the API. */
function newestOf(pods: readonly Pod[]): readonly Target[] {
  const rank = ({ namespace }: Pod): number => (namespace === "kube-system" ? 0 : 1);
  return pods
    .toSorted((a, b) => rank(a) - rank(b) || b.startedAt - a.startedAt)
    .flatMap(({ namespace, name, containers }) =>
      containers.map((each) => ({
        ...each,
        path: `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/${encodeURIComponent(name)}/log`,
      })),
    )
    .slice(0, mostLogs);
}

/**
 * One after the other: it is a favour that is asked, not a load. The log of a container that has not begun is refused with 400;
 * anything else that is refused is why nothing can be said.
 */
async function readLogs(
  ask: AskApi,
  targets: readonly Target[],
  sinceSeconds: number,
): Promise<readonly SweptLog[]> {
  const found: SweptLog[] = [];
  for (const { path, pod, container, node } of targets) {
    const query = `?container=${encodeURIComponent(container)}&tailLines=${tailLines}&sinceSeconds=${sinceSeconds}&limitBytes=${logLimit}`;
    const answer = await ask("GET", path + query, undefined, logLimit);
    if (answer.status === 400 || answer.status === 404) continue;
    if (answer.status !== 200) throw new Error(complaint(`GET ${path}`, answer));
    const lines = answer.body.split("\n").filter((line) => refusal.test(line));
    const line = lines.at(-1);
    if (line !== undefined)
      found.push({ pod, container, node, count: lines.length, line: line.slice(0, lineLimit) });
  }
  return found;
}

/** client-go's words for 401, and those of a peer whose chain is not trusted (crypto/x509, verify.go). */
const refusal = /\bUnauthorized\b|x509: certificate (?:has expired|signed by unknown authority)/;
