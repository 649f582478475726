// What the kubelet asks of its runtime.
import { join } from "node:path";
import { decodeMessage, encodeMessage, type ProtoField } from "../drivers/shared/protobuf.ts";
import { openGrpc } from "../drivers/shared/grpc.ts";
import {
  containerMetadata,
  entriesField,
  labelNames,
  readContainers,
  readFinishedAt,
  readSandboxes,
  readStarted,
  sandboxMetadata,
} from "./cri-messages.ts";

export interface PodWish {
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly attempt: number;
}

export interface ContainerWish {
  readonly name: string;
  readonly image: string;
  readonly command: readonly string[];
  readonly attempt: number;
}

export interface CriClient {
  sandboxes(): Promise<ReturnType<typeof readSandboxes>>;
  containers(): Promise<ReturnType<typeof readContainers>>;
  finishedAt(container: string): Promise<number>;
  /** ms since the epoch, 0 for one that never started; 0 for one that does not run. */
  status(container: string): Promise<{ readonly startedAt: number; readonly pid: number }>;
  runSandbox(pod: PodWish): Promise<string>;
  startContainer(sandbox: string, pod: PodWish, container: ContainerWish): Promise<void>;
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  stopSandbox(id: string): Promise<void>;
  /** Stops and removes. */
  removeSandbox(id: string): Promise<void>;
  close(): void;
}

/** Only pods that come from files. */
export function openCri(socket: string): CriClient {
  const connection = openGrpc({ kind: "unix", path: socket }, { deadlineMs: 120_000 });
  const call = (method: string, fields: readonly ProtoField[]): Promise<Uint8Array> =>
    connection.unary(`/runtime.v1.RuntimeService/${method}`, encodeMessage(fields));
  const byId = async (method: string, id: string): Promise<void> => {
    await call(method, [[1, "bytes", id]]);
  };
  return {
    sandboxes: async () => {
      const all = readSandboxes(await call("ListPodSandbox", []));
      return all.filter(({ annotations }) => annotations[labelNames.source] === "file");
    },
    containers: async () => readContainers(await call("ListContainers", [])),
    finishedAt: async (id) => readFinishedAt(await call("ContainerStatus", [[1, "bytes", id]])),
    status: async (id) => readStarted(await call("ContainerStatus", [[1, "bytes", id]])),
    runSandbox: async (pod) =>
      decodeMessage(await call("RunPodSandbox", [[1, "bytes", sandboxConfig(pod)]])).text(1),
    startContainer: async (sandbox, pod, container) => {
      const reply = await call("CreateContainer", [
        [1, "bytes", sandbox],
        [2, "bytes", containerConfig(pod, container)],
        [3, "bytes", sandboxConfig(pod)],
      ]);
      await byId("StartContainer", decodeMessage(reply).text(1));
    },
    stopContainer: async (id, graceSeconds) => {
      await call("StopContainer", [
        [1, "bytes", id],
        [2, "varint", graceSeconds],
      ]);
    },
    removeContainer: (id) => byId("RemoveContainer", id),
    stopSandbox: (id) => byId("StopPodSandbox", id),
    removeSandbox: async (id) => {
      await byId("StopPodSandbox", id);
      await byId("RemovePodSandbox", id);
    },
    close: () => connection.close(),
  };
}

function labelsOf({ name, namespace, uid }: PodWish): Readonly<Record<string, string>> {
  return { [labelNames.pod]: name, [labelNames.namespace]: namespace, [labelNames.uid]: uid };
}

function sandboxConfig(pod: PodWish): Uint8Array {
  const logs = join("/var/log/pods", `${pod.namespace}_${pod.name}_${pod.uid}`);
  return encodeMessage([
    [1, "bytes", sandboxMetadata(pod)],
    [3, "bytes", logs],
    ...entriesField(6, labelsOf(pod)),
    ...entriesField(7, { [labelNames.source]: "file" }),
  ]);
}

function containerConfig(pod: PodWish, container: ContainerWish): Uint8Array {
  return encodeMessage([
    [1, "bytes", containerMetadata(container)],
    [2, "bytes", encodeMessage([[1, "bytes", container.image]])],
    ...container.command.map((word): ProtoField => [3, "bytes", word]),
    ...entriesField(9, { ...labelsOf(pod), [labelNames.container]: container.name }),
    [11, "bytes", `${container.name}/${container.attempt}.log`],
  ]);
}
