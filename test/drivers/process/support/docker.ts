// A real dockerd on folders and a containerd of its own, with pods as dockershim would name and label them.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../../../../src/drivers/process/run-command.ts";
import { newFolder, startDaemon, type Daemon } from "./daemon.ts";
import { buildImage, command, imageName, politeLine } from "./image.ts";

export interface Docker extends Daemon {
  readonly socket: string;
  docker(...args: readonly string[]): string;
  /** A sandbox and a container; their ids. */
  makePod(name: string, line?: string): { readonly sandbox: string; readonly container: string };
}

export async function startDocker(): Promise<Docker> {
  const folder = newFolder();
  const socket = join(folder, "sock");
  const docker = (...args: readonly string[]): string =>
    execFileSync(findProgram("docker") ?? "docker", ["-H", `unix://${socket}`, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  const flags = ["--iptables=false", "--bridge=none", "--storage-driver", "vfs"];
  const folders = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")];
  const containerd = await startOwnContainerd();
  const ends = ["-H", `unix://${socket}`, "-p", join(folder, "pid"), "--containerd", containerd.socket];
  const daemon = await startDaemon(folder, ["dockerd", ...flags, ...folders, ...ends], () =>
    docker("version"),
  ).catch(async (error: unknown) => {
    await containerd.stop();
    throw error;
  });

  docker("load", "-q", "-i", buildImage(folder, findProgram("busybox") ?? ""));

  function make(name: string, container: string, type: string, line: string): string {
    const labels = {
      "io.kubernetes.container.name": container,
      "io.kubernetes.docker.type": type,
      "io.kubernetes.pod.name": `${name}-m1`,
      "io.kubernetes.pod.namespace": "kube-system",
      "io.kubernetes.pod.uid": `uid-${name}`,
      // A pod's own labels are on its sandbox only.
      ...(container === "POD" ? { component: name } : {}),
    };
    const given = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
    const full = `k8s_${container}_${name}-m1_kube-system_uid-${name}_0`;
    return docker("run", "-d", "--network", "none", "--name", full, ...given, imageName, ...command(line));
  }

  return {
    ...daemon,
    socket,
    docker,
    makePod: (name, line = politeLine) => ({
      sandbox: make(name, "POD", "podsandbox", politeLine),
      container: make(name, name, "container", line),
    }),
    async stop() {
      try {
        const ids = docker("ps", "-a", "-q").split("\n");
        if (ids[0] !== "") docker("rm", "-f", ...ids);
      } finally {
        await daemon.stop();
        await containerd.stop();
      }
    },
  };
}

/** Left alone, dockerd takes the machine's containerd when there is one: its end would be ours, and our containers would be its. */
async function startOwnContainerd(): Promise<Daemon & { readonly socket: string }> {
  const folder = newFolder();
  const socket = join(folder, "containerd.sock");
  const config = join(folder, "config.toml");
  writeFileSync(
    config,
    `version = 2
root = "${folder}/root"
state = "${folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "${socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "${folder}/opt"
`,
  );
  const ctr = findProgram("ctr") ?? "ctr";
  const daemon = await startDaemon(folder, ["containerd", "--config", config], () =>
    execFileSync(ctr, ["-a", socket, "version"], { stdio: "ignore" }),
  );
  return { ...daemon, socket };
}
