// Which runtimes are candidates, and which of them is chosen.
import { createServer, type Server } from "node:net";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../../src/core/model/errors.ts";
import { findPodRuntimes, type PodRuntimesOptions } from "../../../src/drivers/process/pod-runtimes.ts";
import type { PodContainer, PodListing, PodRuntime } from "../../../src/drivers/process/pod-runtime.ts";
import { openRuntimeChoice } from "../../../src/drivers/process/runtime-choice.ts";

let root: string;
let servers: Server[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "perennial-runtimes-"));
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await new Promise((resolve) => server.close(resolve));
  rmSync(root, { recursive: true, force: true });
});

async function listen(path: string): Promise<string> {
  const socket = join(root, path);
  mkdirSync(dirname(socket), { recursive: true });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  servers.push(server);
  return socket;
}

function find(options: Partial<PodRuntimesOptions> = {}) {
  return findPodRuntimes({
    root,
    endpoint: null,
    only: null,
    sockets: {},
    run: () => Promise.reject(new Error("nothing may be started")),
    find: (name) => `/usr/bin/${name}`,
    pollMs: 1,
    ...options,
  });
}
const names = (options?: Partial<PodRuntimesOptions>): readonly string[] =>
  find(options).candidates.map(({ through }) => through.replaceAll(root, ""));

describe("the candidates", () => {
  it("are every runtime whose socket is there, the CRI first", async () => {
    await listen("/run/containerd/containerd.sock");
    await listen("/var/run/docker.sock");
    expect(names()).toEqual([
      "cri unix:///run/containerd/containerd.sock",
      "crictl /run/containerd/containerd.sock",
      "docker /var/run/docker.sock",
      "nerdctl /run/containerd/containerd.sock",
      "ctr /run/containerd/containerd.sock",
    ]);
  });

  it("are only the socket that the kubelet names: others on the machine are not ours to stop", async () => {
    await listen("/run/containerd/containerd.sock");
    await listen("/var/run/docker.sock");
    await listen("/data/containerd/own.sock");
    expect(names({ endpoint: "unix:///data/containerd/own.sock" })).toEqual([
      "cri unix:///data/containerd/own.sock",
      "crictl /data/containerd/own.sock",
      "nerdctl /data/containerd/own.sock",
      "ctr /data/containerd/own.sock",
    ]);
  });

  it("are docker too when the kubelet speaks to cri-dockerd", async () => {
    await listen("/run/containerd/containerd.sock");
    await listen("/var/run/docker.sock");
    await listen("/run/cri-dockerd.sock");
    expect(names({ endpoint: "/run/cri-dockerd.sock" })).toEqual([
      "cri unix:///run/cri-dockerd.sock",
      "crictl /run/cri-dockerd.sock",
      "docker /var/run/docker.sock",
    ]);
  });

  it("are one when the user names one, and what is missing is said", async () => {
    await listen("/run/containerd/containerd.sock");
    expect(names({ only: "ctr" })).toEqual(["ctr /run/containerd/containerd.sock"]);
    expect(find({ only: "crictl", find: () => null })).toEqual({
      candidates: [],
      absent: ["crictl: not installed"],
    });
    expect(find({ only: "docker" })).toEqual({ candidates: [], absent: ["docker: no socket"] });
  });
});

describe("the choice", () => {
  const container: PodContainer = {
    id: "c1",
    name: "etcd",
    namespace: "kube-system",
    pod: "etcd-m1",
    podUid: "u1",
    sandboxId: null,
    state: "running",
    startedAt: 1,
    image: null,
    pid: null,
  };
  const nothing = (): Promise<never> => Promise.reject(new TypeError("only lists are expected"));
  const runtime = (through: string, list: () => Promise<PodListing>): PodRuntime => ({
    name: "cri",
    through,
    socket: "",
    removes: true,
    list,
    stop: nothing,
    remove: nothing,
    stopSandboxes: nothing,
    removeSandboxes: nothing,
  });
  const wanted = ({ containers }: PodListing): boolean => containers.length > 0;
  const empty: PodListing = { containers: [], sandboxes: [] };

  it("falls on the runtime that lists the pod, and stays there when the pod is gone", async () => {
    let listing: PodListing = { containers: [container], sandboxes: [] };
    const choice = openRuntimeChoice([
      runtime("containerd", () => Promise.resolve(empty)),
      runtime("docker", () => Promise.resolve(listing)),
    ]);
    expect((await choice.choose("etcd", wanted)).runtime.through).toBe("docker");
    listing = empty;
    expect((await choice.choose("etcd", wanted)).runtime.through).toBe("docker");
  });

  it("is an error only when nobody answers, with every reason", async () => {
    const fails = (reason: string) => () =>
      Promise.reject(new AppError("command-failed", { command: "x", reason }));
    const choice = openRuntimeChoice(
      [runtime("a", fails("refused")), runtime("b", fails("too late"))],
      ["ctr: not installed"],
    );
    await expect(choice.choose("etcd", wanted)).rejects.toMatchObject({
      code: "process-unknowable",
      params: { consumer: "etcd", tried: ["ctr: not installed", "a: refused", "b: too late"] },
    });
    const half = openRuntimeChoice([
      runtime("a", fails("refused")),
      runtime("b", () => Promise.resolve(empty)),
    ]);
    expect(await half.choose("etcd", wanted)).toMatchObject({
      runtime: { through: "b" },
      listing: empty,
    });
  });
});
