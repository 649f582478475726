// docker against a real dockerd.
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNodeProcesses } from "../../../src/drivers/process/open-node-processes.ts";
import type { NodeProcesses } from "../../../src/engine/ports/node-processes.ts";
import { canRun } from "./support/daemon.ts";
import { startDocker, type Docker } from "./support/docker.ts";

describe.skipIf(!canRun("dockerd", "docker", "busybox"))("a real docker", () => {
  let docker: Docker;
  beforeAll(async () => {
    docker = await startDocker();
  });
  afterAll(() => docker?.stop());

  function open(): NodeProcesses {
    return openNodeProcesses({
      root: "/",
      consumers: [{ name: "etcd", manifest: "/nowhere/etcd.yaml" }],
      runtimeEndpoint: null,
      workFolder: join(docker.folder, "work"),
      // Never the machine's own.
      sockets: { cri: [], docker: docker.socket, containerd: "/nowhere" },
      runtime: "docker",
      pollMs: 50,
    });
  }

  it("finds the container and not its sandbox, and takes both away with SIGTERM", async () => {
    const made = docker.makePod("etcd");
    const other = docker.makePod("kube-apiserver");
    const { through, instances } = await open().look("etcd");
    expect(through).toBe(`docker ${docker.socket}`);
    expect(instances).toEqual([
      {
        id: made.container,
        state: "running",
        startedAt: Date.parse(docker.docker("inspect", "-f", "{{.State.StartedAt}}", made.container)),
        image: "localhost/perennial-test:1",
        pid: Number(docker.docker("inspect", "-f", "{{.State.Pid}}", made.container)),
      },
    ]);
    expect(await open().stop("etcd", { graceSeconds: 20 })).toEqual([made.container]);
    const left = docker.docker("ps", "-a", "-q", "--no-trunc").split("\n").sort();
    expect(left).toEqual([other.container, other.sandbox].sort());
    await expect(open().stop("etcd", { graceSeconds: 1 })).rejects.toMatchObject({
      code: "process-not-found",
      params: { consumer: "etcd", through: `docker ${docker.socket}` },
    });
  });

  it("removes a container that has crashed", async () => {
    const made = docker.makePod("etcd", "exit 1");
    docker.docker("wait", made.container);
    expect((await open().look("etcd")).instances.map(({ id, state }) => [id, state])).toEqual([
      [made.container, "exited"],
    ]);
    expect(await open().stop("etcd", { graceSeconds: 1 })).toEqual([made.container]);
    expect((await open().look("etcd")).instances).toEqual([]);
  });
});
