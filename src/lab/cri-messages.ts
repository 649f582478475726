// The Container Runtime Interface as its server and the kubelet speak it (kubernetes/cri-api, pkg/apis/runtime/v1/api.proto).
import {
  decodeMessage,
  encodeMessage,
  type ProtoField,
  type ProtoMessage,
} from "../drivers/shared/protobuf.ts";

export type Labels = Readonly<Record<string, string>>;

/** Labels that the kubelet gives (pkg/kubelet/types/labels.go). */
export const labelNames = {
  container: "io.kubernetes.container.name",
  pod: "io.kubernetes.pod.name",
  namespace: "io.kubernetes.pod.namespace",
  uid: "io.kubernetes.pod.uid",
  source: "kubernetes.io/config.source",
} as const;

/** Times in ms since the epoch, 0 for what has not been. */
export interface Sandbox {
  readonly id: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
  readonly isReady: boolean;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly logDirectory: string;
}

export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly command: readonly string[];
  readonly state: "created" | "running" | "exited";
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly pid: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** Below the sandbox's log directory. */
  readonly logPath: string;
}

const states = ["created", "running", "exited"] as const;

export function entriesField(field: number, entries: Labels): readonly ProtoField[] {
  return Object.entries(entries).map(([key, value]) => [
    field,
    "bytes",
    encodeMessage([
      [1, "bytes", key],
      [2, "bytes", value],
    ]),
  ]);
}

export function entriesIn(message: ProtoMessage | null, field: number): Labels {
  const entries = message?.messages(field) ?? [];
  return Object.fromEntries(entries.map((entry) => [entry.text(1), entry.text(2)]));
}

const nanoseconds = (at: number): bigint => BigInt(Math.round(at)) * 1_000_000n;

/** ListPodSandboxResponse. */
export function sandboxList(sandboxes: readonly Sandbox[]): Uint8Array {
  return encodeMessage(
    sandboxes.map((one): ProtoField => [
      1,
      "bytes",
      encodeMessage([
        [1, "bytes", one.id],
        [2, "bytes", sandboxMetadata(one)],
        [3, "varint", one.isReady ? 0 : 1],
        [4, "varint", nanoseconds(one.createdAt)],
        ...entriesField(5, one.labels),
        ...entriesField(6, one.annotations),
      ]),
    ]),
  );
}

export function sandboxMetadata({
  name,
  uid,
  namespace,
  attempt,
}: Pick<Sandbox, "name" | "uid" | "namespace" | "attempt">): Uint8Array {
  return encodeMessage([
    [1, "bytes", name],
    [2, "bytes", uid],
    [3, "bytes", namespace],
    [4, "varint", attempt],
  ]);
}

export function containerMetadata({ name, attempt }: Pick<Container, "name" | "attempt">): Uint8Array {
  return encodeMessage([
    [1, "bytes", name],
    [2, "varint", attempt],
  ]);
}

/** ListContainersResponse. */
export function containerList(containers: readonly Container[]): Uint8Array {
  return encodeMessage(
    containers.map((one): ProtoField => [
      1,
      "bytes",
      encodeMessage([
        [1, "bytes", one.id],
        [2, "bytes", one.sandboxId],
        [3, "bytes", containerMetadata(one)],
        [4, "bytes", encodeMessage([[1, "bytes", one.image]])],
        [5, "bytes", one.image],
        [6, "varint", states.indexOf(one.state)],
        [7, "varint", nanoseconds(one.createdAt)],
        ...entriesField(8, one.labels),
        ...entriesField(9, one.annotations),
      ]),
    ]),
  );
}

/** ContainerStatusResponse, with the pid where containerd tells it. */
export function containerStatus(one: Container): Uint8Array {
  const status = encodeMessage([
    [1, "bytes", one.id],
    [2, "bytes", containerMetadata(one)],
    [3, "varint", states.indexOf(one.state)],
    [4, "varint", nanoseconds(one.createdAt)],
    [5, "varint", nanoseconds(one.startedAt)],
    [6, "varint", nanoseconds(one.finishedAt)],
    [7, "varint", one.exitCode],
    [8, "bytes", encodeMessage([[1, "bytes", one.image]])],
    ...entriesField(12, one.labels),
    ...entriesField(13, one.annotations),
    [15, "bytes", one.logPath],
  ]);
  return encodeMessage([
    [1, "bytes", status],
    ...entriesField(2, { info: JSON.stringify({ pid: one.pid }) }),
  ]);
}

/** What the kubelet wants of ListPodSandbox. */
export function readSandboxes(
  bytes: Uint8Array,
): readonly Pick<
  Sandbox,
  "id" | "uid" | "name" | "attempt" | "isReady" | "createdAt" | "labels" | "annotations"
>[] {
  return decodeMessage(bytes)
    .messages(1)
    .map((item) => ({
      id: item.text(1),
      name: item.message(2)?.text(1) ?? "",
      uid: item.message(2)?.text(2) ?? "",
      attempt: Number(item.message(2)?.uint(4) ?? 0n),
      isReady: item.uint(3) === 0n,
      createdAt: Number(item.int(4) / 1_000_000n),
      labels: entriesIn(item, 5),
      annotations: entriesIn(item, 6),
    }));
}

/** What the kubelet wants of ListContainers. */
export function readContainers(
  bytes: Uint8Array,
): readonly Pick<
  Container,
  "id" | "sandboxId" | "name" | "attempt" | "image" | "state" | "createdAt" | "labels"
>[] {
  return decodeMessage(bytes)
    .messages(1)
    .map((item) => ({
      id: item.text(1),
      sandboxId: item.text(2),
      name: item.message(3)?.text(1) ?? "",
      attempt: Number(item.message(3)?.uint(2) ?? 0n),
      image: item.text(5),
      state: states[Number(item.uint(6))] ?? "exited",
      createdAt: Number(item.int(7) / 1_000_000n),
      labels: entriesIn(item, 8),
    }));
}

/** finished_at of a ContainerStatusResponse. */
export function readFinishedAt(bytes: Uint8Array): number {
  const finished = decodeMessage(bytes).message(1)?.int(6) ?? 0n;
  return Number(finished / 1_000_000n);
}

/** started_at of a ContainerStatusResponse, and the pid of its `info`. */
export function readStarted(bytes: Uint8Array): { readonly startedAt: number; readonly pid: number } {
  const reply = decodeMessage(bytes);
  const { pid } = JSON.parse(entriesIn(reply, 2)["info"] ?? "{}") as { readonly pid?: number };
  return { startedAt: Number((reply.message(1)?.int(5) ?? 0n) / 1_000_000n), pid: pid ?? 0 };
}
