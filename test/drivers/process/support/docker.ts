// A real dockerd on folders of its own, with pods as dockershim would name and label them.
import { execFileSync } from "node:child_process";
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
  const ends = ["-H", `unix://${socket}`, "-p", join(folder, "pid")];
  const daemon = await startDaemon(folder, ["dockerd", ...flags, ...folders, ...ends], () =>
    docker("version"),
  );
  docker("load", "-q", "-i", buildImage(folder, findProgram("busybox") ?? ""));

  function make(name: string, container: string, type: string, line: string): string {
    const labels = {
      "io.kubernetes.container.name": container,
      "io.kubernetes.docker.type": type,
      "io.kubernetes.pod.name": `${name}-m1`,
      "io.kubernetes.pod.namespace": "kube-system",
      "io.kubernetes.pod.uid": `uid-${name}`,
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
      const ids = docker("ps", "-a", "-q").split("\n");
      if (ids[0] !== "") docker("rm", "-f", ...ids);
      await daemon.stop();
    },
  };
}
