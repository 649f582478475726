// A real containerd with its CRI plugin, and pods as a kubelet would make them.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openGrpc } from "../../../../src/drivers/shared/grpc.ts";
import { encodeMessage, decodeMessage, type ProtoField } from "../../../../src/drivers/shared/protobuf.ts";
import { findProgram } from "../../../../src/drivers/process/run-command.ts";
import { newFolder, startDaemon, type Daemon } from "./daemon.ts";
import { buildImage, command, imageName, politeLine } from "./image.ts";

export interface PodWish {
  readonly container: string;
  readonly pod?: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly attempt?: number;
  readonly source?: "file" | "api";
  /** A line for sh. */
  readonly line?: string;
  /** Puts the container into a sandbox that is there. */
  readonly sandbox?: string;
}

export interface MadePod {
  readonly sandbox: string;
  readonly container: string;
}

export interface Containerd extends Daemon {
  readonly socket: string;
  makePod(wish: PodWish): Promise<MadePod>;
  ctr(...args: readonly string[]): string;
}

const service = "/runtime.v1.RuntimeService";

export async function startContainerd(): Promise<Containerd> {
  const folder = newFolder();
  const socket = join(folder, "containerd.sock");
  const config = join(folder, "config.toml");
  writeFileSync(config, configuration(folder, socket));
  const ctr = (...args: readonly string[]): string =>
    execFileSync(findProgram("ctr") ?? "ctr", ["-a", socket, "-n", "k8s.io", ...args], { encoding: "utf8" });
  const daemon = await startDaemon(folder, ["containerd", "--config", config], () => ctr("version"));
  try {
    ctr("images", "import", "--snapshotter", "native", buildImage(folder, findProgram("busybox") ?? ""));
  } catch (error) {
    await daemon.stop();
    throw error;
  }
  return {
    ...daemon,
    socket,
    ctr,
    makePod: (wish) => makePod(socket, folder, wish),
    async stop() {
      try {
        await removeAll(socket);
      } finally {
        await daemon.stop();
      }
    },
  };
}

function configuration(folder: string, socket: string): string {
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${imageName}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "native"
[plugins."io.containerd.grpc.v1.cri".cni]
conf_dir = "${folder}/cni"
bin_dir = "${folder}/cni-bin"
`;
}

const map = (field: number, entries: Readonly<Record<string, string>>): ProtoField[] =>
  Object.entries(entries).map(([key, value]) => [
    field,
    "bytes",
    encodeMessage([
      [1, "bytes", key],
      [2, "bytes", value],
    ]),
  ]);

async function makePod(socket: string, folder: string, wish: PodWish): Promise<MadePod> {
  const { container, pod = `${container}-m1`, namespace = "kube-system", uid = `uid-${pod}` } = wish;
  const attempt = wish.attempt ?? 0;
  const podLabels = {
    "io.kubernetes.pod.name": pod,
    "io.kubernetes.pod.namespace": namespace,
    "io.kubernetes.pod.uid": uid,
  };
  // NamespaceMode NODE is 2: no CNI.
  const host = encodeMessage([1, 2, 3].map((field) => [field, "varint", 2] as const));
  const sandboxConfig = encodeMessage([
    [
      1,
      "bytes",
      encodeMessage([
        [1, "bytes", pod],
        [2, "bytes", uid],
        [3, "bytes", namespace],
        [4, "varint", attempt],
      ]),
    ],
    [3, "bytes", join(folder, "pod-logs")],
    ...map(6, podLabels),
    ...map(7, { "kubernetes.io/config.source": wish.source ?? "file" }),
    [8, "bytes", encodeMessage([[2, "bytes", encodeMessage([[1, "bytes", host]])]])],
  ]);
  const containerConfig = encodeMessage([
    [
      1,
      "bytes",
      encodeMessage([
        [1, "bytes", container],
        [2, "varint", attempt],
      ]),
    ],
    [2, "bytes", encodeMessage([[1, "bytes", imageName]])],
    ...command(wish.line ?? politeLine).map((word): ProtoField => [3, "bytes", word]),
    ...map(9, { ...podLabels, "io.kubernetes.container.name": container }),
    [11, "bytes", `${container}-${attempt}.log`],
  ]);
  const connection = openGrpc({ kind: "unix", path: socket }, { deadlineMs: 20_000 });
  const call = async (method: string, fields: readonly ProtoField[]): Promise<string> =>
    decodeMessage(await connection.unary(`${service}/${method}`, encodeMessage(fields))).text(1);
  try {
    const sandbox = wish.sandbox ?? (await call("RunPodSandbox", [[1, "bytes", sandboxConfig]]));
    const id = await call("CreateContainer", [
      [1, "bytes", sandbox],
      [2, "bytes", containerConfig],
      [3, "bytes", sandboxConfig],
    ]);
    await call("StartContainer", [[1, "bytes", id]]);
    return { sandbox, container: id };
  } finally {
    connection.close();
  }
}

async function removeAll(socket: string): Promise<void> {
  const connection = openGrpc({ kind: "unix", path: socket }, { deadlineMs: 20_000 });
  try {
    const pods = decodeMessage(await connection.unary(`${service}/ListPodSandbox`, new Uint8Array()));
    for (const id of pods.messages(1).map((pod) => pod.text(1))) {
      const request = encodeMessage([[1, "bytes", id]]);
      await connection.unary(`${service}/StopPodSandbox`, request);
      await connection.unary(`${service}/RemovePodSandbox`, request);
    }
  } finally {
    connection.close();
  }
}
