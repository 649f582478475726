// The CRI and ctr against a real containerd.
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNodeProcesses } from "../../../src/drivers/process/open-node-processes.ts";
import type { NodeProcesses } from "../../../src/engine/ports/node-processes.ts";
import { startContainerd, type Containerd } from "./support/containerd.ts";
import { canRun } from "./support/daemon.ts";
import { deafLine } from "./support/image.ts";
import { inScript } from "./support/script-words.ts";

const isPossible = canRun("containerd", "ctr", "runc", "busybox");

describe.skipIf(!isPossible)("a real containerd", () => {
  let containerd: Containerd;
  beforeAll(async () => {
    containerd = await startContainerd();
  });
  afterAll(() => containerd?.stop());

  function open(runtime?: "cri" | "ctr"): NodeProcesses {
    return openNodeProcesses({
      root: "/",
      consumers: ["etcd", "kube-apiserver", "kube-scheduler", "kube-controller-manager"].map((name) => ({
        name,
        manifest: join(containerd.folder, "manifests", `${name}.yaml`),
      })),
      runtimeEndpoint: `unix://${containerd.socket}`,
      workFolder: join(containerd.folder, "work"),
      // Never the machine's own.
      sockets: { cri: [containerd.socket], docker: "/nowhere", containerd: containerd.socket },
      pollMs: 50,
      fileCheckSeconds: -4,
      graceSeconds: 5,
      find: (name) => (name === "ctr" ? "/usr/bin/ctr" : null),
      ...(runtime && { runtime }),
    });
  }
  const idsOf = async (consumer: string): Promise<readonly string[]> =>
    (await open("cri").look(consumer)).instances.map(({ id }) => id);

  it("shows the same container through the CRI and through ctr, with the host's pid", async () => {
    const made = await containerd.makePod({ container: "kube-scheduler" });
    const [cri, ctr] = [await open("cri").look("kube-scheduler"), await open("ctr").look("kube-scheduler")];
    expect([cri.through, ctr.through]).toEqual([
      `cri unix://${containerd.socket}`,
      `ctr ${containerd.socket}`,
    ]);
    expect(cri.instances.map(({ id, state, image }) => ({ id, state, image }))).toEqual([
      { id: made.container, state: "running", image: "localhost/perennial-test:1" },
    ]);
    expect(ctr.instances.map(({ id, state, image }) => ({ id, state, image }))).toEqual([
      { id: made.container, state: "running", image: "localhost/perennial-test:1" },
    ]);
    const pid = cri.instances[0]?.pid ?? 0;
    expect(ctr.instances[0]?.pid).toBe(pid);
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toContain("/bin/busybox");
    const startedAt = cri.instances[0]?.startedAt ?? 0;
    expect(Math.abs(startedAt - statSync(`/proc/${pid}`).ctimeMs)).toBeLessThan(10_000);
  });

  it("takes the container and its sandbox away through the CRI, its crashed predecessors too, and nobody else's", async () => {
    const first = await containerd.makePod({ container: "etcd", line: "exit 1" });
    const second = await containerd.makePod({ container: "etcd", sandbox: first.sandbox, attempt: 1 });
    const other = await containerd.makePod({ container: "etcd", namespace: "default", pod: "etcd-0" });
    const daemon = await containerd.makePod({ container: "etcd", pod: "etcd-x", source: "api" });
    expect((await open("cri").look("etcd")).instances.map(({ id, state }) => [id, state])).toEqual([
      [second.container, "running"],
      [first.container, "exited"],
    ]);
    expect([...(await open("cri").stop("etcd", { graceSeconds: 10 }))].sort()).toEqual(
      [first.container, second.container].sort(),
    );
    const left = containerd.ctr("containers", "ls", "-q").split("\n");
    expect([first.container, second.container, first.sandbox].filter((id) => left.includes(id))).toEqual([]);
    expect([other, daemon].flatMap(Object.values).every((id) => left.includes(id))).toBe(true);
    await expect(open("cri").stop("etcd", { graceSeconds: 10 })).rejects.toMatchObject({
      code: "process-not-found",
      params: { consumer: "etcd", through: `cri unix://${containerd.socket}` },
    });
  });

  it("removes a container that only ever crashes, so that nothing holds up the next one", async () => {
    const made = await containerd.makePod({ container: "kube-apiserver", line: "exit 1" });
    expect(await open("cri").stop("kube-apiserver", { graceSeconds: 10 })).toEqual([made.container]);
    expect(await idsOf("kube-apiserver")).toEqual([]);
  });

  it("refuses two pods with the same container, and stops neither", async () => {
    const pods = ["kube-apiserver-m1", "kube-apiserver-m2"];
    const made = [];
    for (const pod of pods) made.push(await containerd.makePod({ container: "kube-apiserver", pod }));
    await expect(open().stop("kube-apiserver", { graceSeconds: 1 })).rejects.toMatchObject({
      code: "process-ambiguous",
      params: { consumer: "kube-apiserver", pods },
    });
    const { instances } = await open().look("kube-apiserver");
    expect(instances.map(({ id, state }) => [id, state])).toEqual(
      made.reverse().map(({ container }) => [container, "running"]),
    );
  });

  it("stops through ctr with SIGTERM, grace, SIGKILL, and leaves the removal to the CRI, which still can", async () => {
    const made = await containerd.makePod({ container: "kube-controller-manager", line: deafLine });
    const since = performance.now();
    expect(await open("ctr").stop("kube-controller-manager", { graceSeconds: 1 })).toEqual([made.container]);
    expect(performance.now() - since).toBeGreaterThan(1000);
    const { instances } = await open("cri").look("kube-controller-manager");
    expect(instances.map(({ id, state }) => [id, state])).toEqual([[made.container, "exited"]]);
    expect(await open("cri").stop("kube-controller-manager", { graceSeconds: 1 })).toEqual([made.container]);
    expect(await idsOf("kube-controller-manager")).toEqual([]);
  });

  it("takes a manifest out and in, stopping the pod itself when no kubelet does", async () => {
    const folder = join(containerd.folder, "manifests");
    const manifest = join(folder, "kube-scheduler.yaml");
    mkdirSync(folder);
    writeFileSync(manifest, "kind: Pod\n", { mode: 0o640 });
    utimesSync(manifest, 1000, 2000);
    const before = statSync(manifest);
    await open("cri").revive("kube-scheduler", { timeoutSeconds: 30 });
    const after = statSync(manifest);
    expect([after.ino, after.mode, after.mtimeMs]).toEqual([before.ino, before.mode, before.mtimeMs]);
    const { instances } = await open("cri").look("kube-scheduler");
    expect(instances.map(({ state }) => state)).toEqual(["exited"]);
  });

  it("without any command line knows the pod's processes by their control groups, and waits for no namesake", async () => {
    const made = await containerd.makePod({ container: "busybox", pod: "shell-m1" });
    const other = await containerd.makePod({ container: "busybox", pod: "shell-m2", namespace: "default" });
    const folder = join(containerd.folder, "bare");
    mkdirSync(folder);
    const manifest = join(folder, "shell.yaml");
    writeFileSync(manifest, "kind: Pod\n");
    const bare = openNodeProcesses({
      root: "/",
      consumers: [{ name: "shell", container: "busybox", manifest }],
      runtimeEndpoint: `unix://${containerd.socket}`,
      workFolder: join(containerd.folder, "work"),
      sockets: { cri: [containerd.socket], docker: "/nowhere", containerd: containerd.socket },
      pollMs: 50,
      fileCheckSeconds: 15,
      find: () => null,
    });
    // As the kubelet would, once it sees that the manifest is gone.
    const kubelet = expect
      .poll(() => existsSync(manifest), { timeout: 180_000, interval: 20 })
      .toBe(false)
      .then(() => bare.stop("shell", { graceSeconds: 5 }));
    await bare.revive("shell", { timeoutSeconds: 40 });
    expect(await kubelet).toEqual([made.container]);
    expect([
      existsSync(manifest),
      readFileSync(join(containerd.folder, "work", "bounce-shell.status"), "utf8"),
    ]).toEqual([true, expect.stringMatching(/^done /)]);
    const script = readFileSync(join(containerd.folder, "work", "bounce-shell.sh"), "utf8");
    expect(script).toContain("runtime='proc'");
    expect(script).toContain(made.container);
    expect(script).not.toContain(other.container);
    const tasks = containerd.ctr("tasks", "ls");
    expect(tasks).toMatch(new RegExp(`${other.container}\\s+\\d+\\s+RUNNING`));
  });

  it("is cycled by the script of plan --script through ctr", { timeout: 900_000 }, async () => {
    const folder = join(containerd.folder, "script");
    mkdirSync(folder);
    const environment = { CONTAINERD_ADDRESS: containerd.socket, DOCKER_HOST: "unix:///nowhere" };
    const first = await containerd.makePod({ container: "kube-controller-manager" });
    const looked = await inScript(
      `choose_runtime kube-controller-manager; id=$(containers "$runtime" kube-controller-manager)
      in_etcd sh -c 'exit 3'; echo "$runtime $id $?"`,
      folder,
      environment,
    );
    expect(looked).toEqual({ code: 0, out: `ctr ${first.container} 3\n` });
    const cycled = inScript("cycle kube-controller-manager 10", folder, environment);
    const isRunning = (): boolean =>
      new RegExp(`^${first.container} .*RUNNING`, "m").test(containerd.ctr("tasks", "ls"));
    await expect.poll(isRunning, { timeout: 180_000 }).toBe(false);
    const wish = { container: "kube-controller-manager", sandbox: first.sandbox, attempt: 1 };
    const second = await containerd.makePod(wish);
    expect(await cycled).toEqual({
      code: 0,
      out: `kube-controller-manager: stopping\nkube-controller-manager: a new container runs, ${second.container}\n`,
    });
  });

  it("kills through ctr what does not end in its grace", { timeout: 900_000 }, async () => {
    const folder = join(containerd.folder, "script-deaf");
    mkdirSync(folder);
    const environment = { CONTAINERD_ADDRESS: containerd.socket, DOCKER_HOST: "unix:///nowhere" };
    // A name of its own: that none is left is what is asked.
    const made = await containerd.makePod({ container: "kube-deaf", pod: "deaf-m1", line: deafLine });
    const commands = `runtime=ctr process=kube-deaf; stop_container ${made.container} 1; echo $?; wait_for 10 is_gone; echo $?`;
    expect(await inScript(commands, folder, environment)).toEqual({ code: 0, out: "0\n0\n" });
  });
});
