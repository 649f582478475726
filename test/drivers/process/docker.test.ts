// docker against a real dockerd.
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNodeProcesses } from "../../../src/drivers/process/open-node-processes.ts";
import type { NodeProcesses } from "../../../src/engine/ports/node-processes.ts";
import { canRun } from "./support/daemon.ts";
import { deafLine } from "./support/image.ts";
import { startDocker, type Docker } from "./support/docker.ts";
import { inScript } from "./support/script-words.ts";

describe.skipIf(!canRun("dockerd", "docker", "containerd", "ctr", "busybox"))("a real docker", () => {
  let docker: Docker;
  beforeAll(async () => {
    docker = await startDocker();
  });
  afterAll(() => docker?.stop());

  function open(manifest = "/nowhere/etcd.yaml"): NodeProcesses {
    return openNodeProcesses({
      root: "/",
      consumers: [{ name: "etcd", manifest }],
      fileCheckSeconds: -4,
      graceSeconds: 10,
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

  it("gives the grace that was asked for, then SIGKILL", async () => {
    const made = docker.makePod("etcd", deafLine);
    const since = performance.now();
    expect(await open().stop("etcd", { graceSeconds: 1 })).toEqual([made.container]);
    expect(performance.now() - since).toBeGreaterThan(1000);
    expect((await open().look("etcd")).instances).toEqual([]);
  });

  it("takes a manifest out and in by docker's own command line, when no kubelet ends the pod", async () => {
    const made = docker.makePod("etcd");
    const folder = join(docker.folder, "manifests");
    mkdirSync(folder);
    const manifest = join(folder, "etcd.yaml");
    writeFileSync(manifest, "kind: Pod\n", { mode: 0o640 });
    const before = statSync(manifest);
    await open(manifest).revive("etcd", { timeoutSeconds: 40 });
    const after = statSync(manifest);
    expect([after.ino, after.mode, after.mtimeMs]).toEqual([before.ino, before.mode, before.mtimeMs]);
    const left = docker.docker("ps", "-a", "-q", "--no-trunc").split("\n");
    expect([made.container, made.sandbox].filter((id) => left.includes(id))).toEqual([]);
  });

  it.each(["docker", "nerdctl"])(
    "is cycled by the script of plan --script through %s",
    { timeout: 900_000 },
    async (name) => {
      const folder = join(docker.folder, `script-${name}`);
      mkdirSync(folder);
      // nerdctl's words are docker's, behind its namespace; what knows the pod is asked, not what comes first.
      const shim = `#!/bin/sh\n[ "$1 $2" = '-n k8s.io' ] || exit 9\nshift 2\nDOCKER_HOST='unix://${docker.socket}' exec docker "$@"\n`;
      writeFileSync(join(folder, "nerdctl"), shim, { mode: 0o755 });
      const host = name === "docker" ? docker.socket : join(folder, "nobody");
      const path = `${name === "nerdctl" ? `${folder}:` : ""}${process.env["PATH"] ?? ""}`;
      const environment = { DOCKER_HOST: `unix://${host}`, PATH: path, CONTAINERD_ADDRESS: "/nowhere" };
      const first = docker.makePod("etcd");
      const looked = await inScript(
        `choose_runtime etcd; id=$(containers "$runtime" etcd)
        in_etcd sh -c 'exit 3'; echo "$runtime $id $?"`,
        folder,
        environment,
      );
      expect(looked).toEqual({ code: 0, out: `${name} ${first.container} 3\n` });
      const cycled = inScript("cycle etcd 5", folder, environment);
      const idsOf = (...words: readonly string[]): readonly string[] =>
        docker.docker("ps", "-q", "--no-trunc", ...words).split("\n");
      if (name === "docker") {
        await expect
          .poll(() => idsOf("-a"), { timeout: 180_000 })
          .not.toEqual(
            expect.arrayContaining([expect.stringMatching(`${first.container}|${first.sandbox}`)]),
          );
      } else {
        await expect.poll(() => idsOf(), { timeout: 180_000 }).not.toContain(first.container);
        docker.docker("rm", "-f", first.container, first.sandbox);
      }
      const second = docker.makePod("etcd");
      expect(await cycled).toEqual({
        code: 0,
        out: `etcd: stopping\netcd: a new container runs, ${second.container}\n`,
      });
      // Once more, as after a crash: the successor is not stopped.
      expect(await inScript("cycle etcd 5", folder, environment)).toMatchObject({ code: 0 });
      expect(idsOf()).toContain(second.container);
      docker.docker("rm", "-f", second.container, second.sandbox);
    },
  );
});
