// The lab's pods through crictl and docker: found, stopped, taken out and in, by the drivers that do so on a node.
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { openNodeProcesses } from "../../src/drivers/process/open-node-processes.ts";
import type { NodeProcesses, ProcessInstance } from "../../src/engine/ports/node-processes.ts";
import { spawnCli } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const labs: string[] = [];

afterEach(async () => {
  for (const dir of labs.splice(0)) await spawnCli(["lab", "down", "--dir", dir]);
});

interface Case {
  readonly name: "crictl" | "docker";
  readonly runtime: "cri" | "docker";
  /** Below the host's root, as the kubelet's flags have it; null where they do not say. */
  readonly endpoint: string | null;
  readonly socket: string;
}

async function up({ runtime }: Case): Promise<string> {
  const dir = join(mkdtempSync(join(tmpdir(), "rt-")), "l");
  const words = ["--pace", "0.05", "--key-algorithm", "ECDSA-P256", "--runtime", runtime];
  const started = await spawnCli(["lab", "up", "--dir", dir, ...words]);
  labs.push(dir);
  expect(started).toMatchObject({ code: 0, err: "" });
  return dir;
}

function processesOf(dir: string, { name, endpoint }: Case): NodeProcesses {
  const folder = "/etc/kubernetes/manifests";
  return openNodeProcesses({
    root: join(dir, "m1"),
    consumers: ["etcd", "kube-scheduler"].map((consumer) => ({
      name: consumer,
      manifest: `${folder}/${consumer}.yaml`,
    })),
    runtimeEndpoint: endpoint,
    workFolder: join(dir, "work"),
    runtime: name,
    find: (program) => (program === name ? join(dir, "bin", program) : null),
    fileCheckSeconds: 1,
    graceSeconds: 5,
    pollMs: 300,
  });
}

describe.skipIf(!hasEtcd)("the lab's runtime", () => {
  it.each([
    {
      name: "crictl",
      runtime: "cri",
      endpoint: "unix:///run/lab-runtime.sock",
      socket: "run/lab-runtime.sock",
    },
    { name: "docker", runtime: "docker", endpoint: null, socket: "var/run/docker.sock" },
  ] as const)("is asked and told through $name", { timeout: 900_000 }, async (one) => {
    const dir = await up(one);
    const processes = processesOf(dir, one);
    const running = async (consumer: string): Promise<ProcessInstance | undefined> =>
      (await processes.look(consumer)).instances.find(({ state }) => state === "running");

    const found = await processes.look("kube-scheduler");
    expect(found.through).toBe(`${one.name} ${join(dir, "m1", one.socket)}`);
    expect(found.instances).toMatchObject([
      { state: "running", image: "registry.k8s.io/kube-scheduler:v1.20.2" },
    ]);
    const etcd = await running("etcd");
    const first = found.instances[0]?.id ?? "";

    expect(await processes.stop("kube-scheduler", { graceSeconds: 5 })).toEqual([first]);
    await expect.poll(() => running("kube-scheduler"), { timeout: 180_000, interval: 500 }).toBeDefined();
    const second = (await running("kube-scheduler"))?.id ?? "";
    expect(second).not.toBe(first);
    expect((await processes.look("kube-scheduler")).instances.map(({ id }) => id)).toEqual([second]);

    const manifest = join(dir, "m1/etc/kubernetes/manifests/kube-scheduler.yaml");
    const before = readFileSync(manifest, "utf8");
    await processes.revive("kube-scheduler", { timeoutSeconds: 30 });
    await expect
      .poll(async () => (await running("kube-scheduler"))?.id ?? second, { timeout: 180_000, interval: 500 })
      .not.toBe(second);
    expect(readFileSync(manifest, "utf8")).toBe(before);
    expect(readdirSync(join(dir, "m1/etc/kubernetes/.perennial-held"))).toEqual([]);
    expect((await running("etcd"))?.id).toBe(etcd?.id);
  });
});
