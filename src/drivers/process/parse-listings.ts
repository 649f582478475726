// What crictl, docker, nerdctl and ctr print, as pods. Unknown fields are skipped; a wrong shape is `command-failed`.
import { AppError } from "../../core/model/errors.ts";
import { isSandbox, podLabels, podOf, type Labels, type PodListing } from "./pod-runtime.ts";

type Json = Readonly<Record<string, unknown>>;

/** `crictl ps -a -o json` and `crictl pods -o json`: the CRI messages in protobuf's JSON form. */
export function parseCrictl(ps: string, pods: string): PodListing {
  const containers = objects(parseJson("crictl ps", ps)["containers"]).map((item) => {
    const labels = labelsOf(item["labels"]);
    return {
      ...podOf(labels),
      id: text(item["id"]),
      name: labels[podLabels.container] ?? "",
      sandboxId: textOrNull(item["podSandboxId"]),
      state: item["state"] === "CONTAINER_RUNNING" ? ("running" as const) : ("exited" as const),
      startedAt: nanosecondsToMs(item["createdAt"]),
      image: textOrNull(object(item["image"])["image"]),
      pid: null,
    };
  });
  const sandboxes = objects(parseJson("crictl pods", pods)["items"]).map((item) => ({
    ...podOf(labelsOf(item["labels"])),
    id: text(item["id"]),
    isReady: item["state"] === "SANDBOX_READY",
    source: labelsOf(item["annotations"])[podLabels.source] ?? null,
  }));
  return { containers, sandboxes };
}

/** `docker inspect ID...`; nerdctl prints the same, with containerd's labels. */
export function parseInspect(output: string): PodListing {
  const items = objects(parseJsonValue("inspect", output)).map((item) => ({
    item,
    state: object(item["State"]),
    labels: labelsOf(object(item["Config"])["Labels"]),
  }));
  const isRunning = (state: Json): boolean => state["Running"] === true || state["Status"] === "running";
  const containers = items.filter(({ labels }) => isContainer(labels));
  const sandboxes = items.filter(({ labels }) => isSandbox(labels));
  return {
    containers: containers.map(({ item, state, labels }) => ({
      ...podOf(labels),
      id: text(item["Id"]),
      name: labels[podLabels.container] ?? "",
      sandboxId: labels[podLabels.dockerSandbox] ?? null,
      state: isRunning(state) ? "running" : "exited",
      startedAt: dateToMs(state["StartedAt"]) ?? dateToMs(item["Created"]),
      image: textOrNull(object(item["Config"])["Image"]) ?? textOrNull(item["Image"]),
      pid: isRunning(state) ? pidOf(state["Pid"]) : null,
    })),
    sandboxes: sandboxes.map(({ item, state, labels }) => ({
      ...podOf(labels),
      id: text(item["Id"]),
      isReady: isRunning(state),
      // dockershim keeps annotations as labels with a prefix
      source: labels[`annotation.${podLabels.source}`] ?? null,
    })),
  };
}

/** `ctr containers info ID`, one text a container, and `ctr tasks ls`. */
export function parseCtr(infos: readonly string[], tasks: string): PodListing {
  const running = new Map(parseTasks(tasks).map((task) => [task.id, task.pid]));
  const items = infos.map((info) => parseJson("ctr containers info", info));
  const containers = items.filter((item) => isContainer(labelsOf(item["Labels"])));
  const sandboxes = items.filter((item) => isSandbox(labelsOf(item["Labels"])));
  return {
    containers: containers.map((item) => {
      const [id, labels] = [text(item["ID"]), labelsOf(item["Labels"])];
      const annotations = labelsOf(object(item["Spec"])["annotations"]);
      return {
        ...podOf(labels),
        id,
        name: labels[podLabels.container] ?? "",
        sandboxId: annotations["io.kubernetes.cri.sandbox-id"] ?? null,
        state: running.has(id) ? "running" : "exited",
        startedAt: dateToMs(item["CreatedAt"]),
        image: textOrNull(item["Image"]),
        pid: running.get(id) ?? null,
      };
    }),
    sandboxes: sandboxes.map((item) => ({
      ...podOf(labelsOf(item["Labels"])),
      id: text(item["ID"]),
      isReady: running.has(text(item["ID"])),
      source: null,
    })),
  };
}

/** Lines of `ctr tasks ls` that run: `TASK PID STATUS`. A paused task holds its files and ports, so it counts. */
export function parseTasks(output: string): readonly { readonly id: string; readonly pid: number }[] {
  return output.split("\n").flatMap((line) => {
    const [id = "", pid = "", status = ""] = line.trim().split(/\s+/);
    return /^(RUNNING|PAUSED|PAUSING|CREATED)$/.test(status) ? [{ id, pid: Number(pid) }] : [];
  });
}

function isContainer(labels: Labels): boolean {
  return !isSandbox(labels) && labels[podLabels.container] !== undefined;
}

function parseJsonValue(command: string, output: string): unknown {
  try {
    return JSON.parse(output) as unknown;
  } catch (error) {
    throw new AppError("command-failed", { command, reason: "its output is not JSON" }, { cause: error });
  }
}

function parseJson(command: string, output: string): Json {
  return object(parseJsonValue(command, output));
}

function object(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function objects(value: unknown): readonly Json[] {
  return Array.isArray(value) ? value.map(object) : [];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function textOrNull(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}

function labelsOf(value: unknown): Labels {
  return Object.fromEntries(
    Object.entries(object(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}

function pidOf(value: unknown): number | null {
  return typeof value === "number" && value > 0 ? value : null;
}

/** Protobuf's JSON writes an int64 as text. */
function nanosecondsToMs(value: unknown): number | null {
  const nanoseconds = typeof value === "string" && /^\d+$/.test(value) ? BigInt(value) : null;
  return nanoseconds === null || nanoseconds === 0n ? null : Number(nanoseconds / 1_000_000n);
}

/** Go prints a time that never was as year 1. */
function dateToMs(value: unknown): number | null {
  const ms = typeof value === "string" ? Date.parse(value) : Number.NaN;
  return Number.isNaN(ms) || ms <= 0 ? null : ms;
}
