// The messages of the Container Runtime Interface that are spoken here (kubernetes/cri-api, pkg/apis/runtime/v1/api.proto;
// v1alpha2 has the same numbers).
import { decodeMessage, encodeMessage, type ProtoMessage } from "../shared/protobuf.ts";
import {
  isSandbox,
  podLabels,
  podOf,
  type Labels,
  type PodContainer,
  type PodSandbox,
} from "./pod-runtime.ts";

/** ListContainersRequest and ListPodSandboxRequest: everything in this namespace. */
export function listRequest(kind: "containers" | "sandboxes", namespace: string): Uint8Array {
  const entry = encodeMessage([
    [1, "bytes", podLabels.namespace],
    [2, "bytes", namespace],
  ]);
  // label_selector is field 4 of ContainerFilter, 3 of PodSandboxFilter.
  const filter = encodeMessage([[kind === "containers" ? 4 : 3, "bytes", entry]]);
  return encodeMessage([[1, "bytes", filter]]);
}

/** RemoveContainerRequest, StopPodSandboxRequest, RemovePodSandboxRequest. */
export function idRequest(id: string): Uint8Array {
  return encodeMessage([[1, "bytes", id]]);
}

/** StopContainerRequest; the timeout is in seconds, 0 would be SIGKILL at once. */
export function stopRequest(id: string, graceSeconds: number): Uint8Array {
  return encodeMessage([
    [1, "bytes", id],
    [2, "varint", graceSeconds],
  ]);
}

/** ContainerStatusRequest, verbose: only then the pid is told. */
export function statusRequest(id: string): Uint8Array {
  return encodeMessage([
    [1, "bytes", id],
    [2, "varint", true],
  ]);
}

/** ContainerState: CREATED 0, RUNNING 1, EXITED 2, UNKNOWN 3. */
const running = 1n;

/** ListContainersResponse; `startedAt` is the time of creation, moments before the start. */
export function parseContainers(bytes: Uint8Array): readonly PodContainer[] {
  return decodeMessage(bytes)
    .messages(1)
    .map((item) => ({ item, labels: labelsIn(item, 8) }))
    .filter(({ labels }) => !isSandbox(labels))
    .map(({ item, labels }) => ({
      ...podOf(labels),
      id: item.text(1),
      name: labels[podLabels.container] ?? item.message(3)?.text(1) ?? "",
      sandboxId: item.text(2) === "" ? null : item.text(2),
      state: item.uint(6) === running ? "running" : "exited",
      startedAt: millisecondsOf(item.int(7)),
      image: item.message(4)?.text(1) ?? null,
      pid: null,
    }));
}

/** ListPodSandboxResponse. */
export function parseSandboxes(bytes: Uint8Array): readonly PodSandbox[] {
  return decodeMessage(bytes)
    .messages(1)
    .map((item) => ({
      ...podOf(labelsIn(item, 5)),
      id: item.text(1),
      // SANDBOX_READY is 0
      isReady: item.uint(3) === 0n,
      source: labelsIn(item, 6)[podLabels.source] ?? null,
    }));
}

/** ContainerStatusResponse: when it started, and its pid as containerd and CRI-O tell it. */
export function parseStatus(bytes: Uint8Array): Pick<PodContainer, "startedAt" | "pid"> {
  const response = decodeMessage(bytes);
  const info = new Map(entriesIn(response, 2)).get("info");
  return { startedAt: millisecondsOf(response.message(1)?.int(5) ?? 0n), pid: pidIn(info) };
}

/** The text is the runtime's own, for people; JSON with a pid is what two of them write. */
function pidIn(info: string | undefined): number | null {
  const [, pid] = /"pid"\s*:\s*(\d+)/.exec(info ?? "") ?? [];
  return pid === undefined || pid === "0" ? null : Number(pid);
}

function labelsIn(message: ProtoMessage, field: number): Labels {
  return Object.fromEntries(entriesIn(message, field));
}

function entriesIn(message: ProtoMessage, field: number): readonly (readonly [string, string])[] {
  return message.messages(field).map((entry) => [entry.text(1), entry.text(2)] as const);
}

function millisecondsOf(nanoseconds: bigint): number | null {
  return nanoseconds <= 0n ? null : Number(nanoseconds / 1_000_000n);
}
