// Where processes listen, what they load, how they are asked: from manifests and the kubelet's configuration, nothing dialled.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { gatherLive } from "../../../src/app/gather.ts";
import type { Endpoint, LiveInventory, ProcessSlot } from "../../../src/core/model/live.ts";
import { restartOrder } from "../../../src/core/plan/order-of-starts.ts";
import { discoverLive } from "../../../src/drivers/discovery/live.ts";
import { choice, controlPlane, edit, nodeAt, today } from "../../support/control-plane.ts";
import { fixture } from "../../support/fixtures.ts";

const manifests = "etc/kubernetes/manifests";
const kubeletConfig = "var/lib/kubelet/config.yaml";

async function liveOf(root: string): Promise<LiveInventory> {
  return (await gatherLive(nodeAt(root), choice, { at: today, discover: discoverLive })).live;
}

function processOf({ processes }: LiveInventory, name: string): ProcessSlot {
  const found = processes.find(({ consumer }) => consumer === name);
  if (!found) throw new TypeError(`no process ${name}`);
  return found;
}

const text = ({ scheme, host, port, serverName }: Endpoint): string =>
  `${scheme}://${host}:${port}${serverName === null ? "" : `@${serverName}`}`;

/** `https://127.0.0.1:6443 m1/apiserver`. */
const listenersOf = (live: LiveInventory, name: string): readonly string[] =>
  processOf(live, name).endpoints.map(({ endpoint, slot }) => `${text(endpoint)} ${slot}`);

function healthOf(live: LiveInventory, name: string): string {
  const { health } = processOf(live, name);
  return health.form === "http" ? `${text(health.endpoint)}${health.path}` : health.form;
}

/** Adds a flag to a manifest, behind the program's name. */
function addFlag(root: string, name: string, flag: string): void {
  edit(root, `${manifests}/${name}.yaml`, `    - ${name}\n`, `    - ${name}\n    - "${flag}"\n`);
}

function configureKubelet(root: string, ...lines: readonly string[]): void {
  const all = ["kind: KubeletConfiguration", "staticPodPath: /etc/kubernetes/manifests", ...lines, ""];
  mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
  writeFileSync(join(root, kubeletConfig), all.join("\n"));
}

describe("a node of kubeadm 1.20 (kubeadm-ha-expired)", () => {
  const live = liveOf(fixture("kubeadm-ha-expired/m1"));

  it("has its five processes in the order of restarts", async () => {
    expect((await live).processes.map(({ consumer }) => consumer)).toEqual(restartOrder);
  });

  it("names each listener, and whose certificate it presents", async () => {
    expect(listenersOf(await live, "etcd")).toEqual([
      "https://127.0.0.1:2379 m1/etcd-server",
      "https://192.0.2.11:2379 m1/etcd-server",
      "https://192.0.2.11:2380 m1/etcd-peer",
    ]);
    expect(listenersOf(await live, "kube-apiserver")).toEqual([
      "https://127.0.0.1:6443 m1/apiserver",
      "https://127.0.0.1:6443@apiserver-loopback-client null",
    ]);
    expect(listenersOf(await live, "kube-controller-manager")).toEqual(["https://127.0.0.1:10257 null"]);
    expect(listenersOf(await live, "kube-scheduler")).toEqual(["https://127.0.0.1:10259 null"]);
  });

  it("gives every listener an id of its own", async () => {
    const ids = (await live).processes.flatMap(({ endpoints }) => endpoints.map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toContain("m1/kube-apiserver/127.0.0.1:6443@apiserver-loopback-client");
  });

  it("asks each process where its own probes ask", async () => {
    const names = restartOrder;
    const inventory = await live;
    expect(names.map((name) => healthOf(inventory, name))).toEqual([
      "http://127.0.0.1:10248/healthz",
      "etcd",
      "https://192.0.2.11:6443/readyz",
      "https://127.0.0.1:10259/healthz",
      "https://127.0.0.1:10257/healthz",
    ]);
  });

  it("knows versions, manifests, grace, and what each process loads", async () => {
    const rows = (await live).processes.map((each) => [
      each.consumer,
      each.version,
      each.manifest,
      each.graceSeconds,
    ]);
    expect(rows).toEqual([
      ["kubelet", null, null, 30],
      ["etcd", "3.4.13", `/${manifests}/etcd.yaml`, 60],
      ["kube-apiserver", "1.20.2", `/${manifests}/kube-apiserver.yaml`, 30],
      ["kube-scheduler", "1.20.2", `/${manifests}/kube-scheduler.yaml`, 30],
      ["kube-controller-manager", "1.20.2", `/${manifests}/kube-controller-manager.yaml`, 30],
    ]);
    expect(processOf(await live, "kube-scheduler").reads).toEqual(["m1/scheduler.conf"]);
    expect(processOf(await live, "etcd").reads).toEqual([
      "m1/etcd-server",
      "m1/etcd-peer",
      "m1/etcd-healthcheck-client",
    ]);
    expect(processOf(await live, "kubelet").reads).toContain("m1/kubelet.conf");
  });

  it("knows how etcd is reached, loopback first, and where its data lie", async () => {
    const { etcd } = await live;
    expect(etcd?.clients.map(text)).toEqual(["https://127.0.0.1:2379", "https://192.0.2.11:2379"]);
    expect(etcd).toMatchObject({
      dataDirectory: "/var/lib/etcd",
      members: 1,
      authority: "m1/etcd-ca",
      server: "m1/etcd-server",
      client: "m1/etcd-healthcheck-client",
    });
  });

  it.each(["m2", "m3"])("sees the members that %s joined", async (node) => {
    const { etcd } = await liveOf(fixture(`kubeadm-ha-expired/${node}`));
    expect(etcd?.members).toBe(node === "m2" ? 2 : 3);
  });
});

describe("other trees", () => {
  it.each([
    ["kubeadm-valid/m1", "https://192.0.2.11:6443/readyz"],
    ["kubeadm-external-ca-expired/m1", "https://192.0.2.11:6443/readyz"],
    ["kubeadm-half-done/m1", "https://192.0.2.11:6443/readyz"],
  ])("%s is read as well", async (name, ready) => {
    const live = await liveOf(fixture(name));
    expect(live.processes.map(({ consumer }) => consumer)).toEqual(restartOrder);
    expect(healthOf(live, "kube-apiserver")).toBe(ready);
  });

  it("a node without manifests has its kubelet, and no etcd", async () => {
    const root = await controlPlane();
    rmSync(join(root, manifests), { recursive: true });
    const live = await liveOf(root);
    expect([live.processes.map(({ consumer }) => consumer), live.etcd]).toEqual([["kubelet"], null]);
  });
});

describe("the API server", () => {
  it("is dialled where it is bound, unspecified addresses on loopback", async () => {
    for (const [address, host] of [
      ["0.0.0.0", "127.0.0.1"],
      ["::", "::1"],
      ["192.0.2.11", "192.0.2.11"],
      ["2001:db8::1", "2001:db8::1"],
    ] as const) {
      const root = fixture("kubeadm-valid/m1");
      addFlag(root, "kube-apiserver", `--bind-address=${address}`);
      expect(processOf(await liveOf(root), "kube-apiserver").endpoints[0]?.endpoint.host).toBe(host);
    }
  });

  it("has the port of its flag", async () => {
    const root = fixture("kubeadm-valid/m1");
    edit(root, `${manifests}/kube-apiserver.yaml`, "--secure-port=6443", "--secure-port=8443");
    expect(listenersOf(await liveOf(root), "kube-apiserver")[0]).toBe("https://127.0.0.1:8443 m1/apiserver");
  });

  it("without probes is asked at its own port", async () => {
    const root = fixture("kubeadm-valid/m1");
    const path = `${manifests}/kube-apiserver.yaml`;
    edit(root, path, "--secure-port=6443", "--secure-port=8443");
    for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"])
      edit(root, path, `    ${probe}:`, `    ${probe}Off:`);
    expect(healthOf(await liveOf(root), "kube-apiserver")).toBe("https://127.0.0.1:8443/readyz");
  });

  it("of old manifests, which know only /healthz, is asked there", async () => {
    const root = fixture("kubeadm-valid/m1");
    const path = `${manifests}/kube-apiserver.yaml`;
    edit(root, path, "path: /livez", "path: /healthz");
    edit(root, path, "path: /readyz", "path: /healthz");
    expect(healthOf(await liveOf(root), "kube-apiserver")).toBe("https://192.0.2.11:6443/healthz");
  });
});

describe("controller-manager and scheduler", () => {
  it("that serve a file of their own present nothing that we know", async () => {
    const root = fixture("kubeadm-valid/m1");
    addFlag(root, "kube-scheduler", "--tls-cert-file=/etc/kubernetes/pki/scheduler.crt");
    expect(listenersOf(await liveOf(root), "kube-scheduler")).toEqual([]);
  });

  it("without a secure port present nothing", async () => {
    const root = fixture("kubeadm-valid/m1");
    addFlag(root, "kube-scheduler", "--secure-port=0");
    expect(listenersOf(await liveOf(root), "kube-scheduler")).toEqual([]);
  });
});

describe("etcd", () => {
  const listen = "--listen-client-urls=https://127.0.0.1:2379,https://192.0.2.11:2379";
  const etcd = `${manifests}/etcd.yaml`;

  it.each([
    ["https://127.0.0.1:2379", ["https://127.0.0.1:2379"]],
    ["https://192.0.2.11:2379,https://[::1]:2379", ["https://::1:2379", "https://192.0.2.11:2379"]],
    ["https://0.0.0.0:12379", ["https://127.0.0.1:12379"]],
    ["https://[::]:2379", ["https://::1:2379"]],
    ["https://[2001:db8::11]:2379", ["https://2001:db8::11:2379"]],
    ["http://127.0.0.1:2379", []],
    ["unix:///run/etcd.sock,https://127.0.0.1:2379", ["https://127.0.0.1:2379"]],
  ])("that listens on %s is dialled at %j", async (urls, dialled) => {
    const root = fixture("kubeadm-valid/m1");
    edit(root, etcd, listen, `--listen-client-urls=${urls}`);
    expect((await liveOf(root)).etcd?.clients.map(text)).toEqual(dialled);
  });

  it("keeps its data where the host path leads", async () => {
    const root = fixture("kubeadm-valid/m1");
    edit(root, etcd, "      path: /var/lib/etcd\n", "      path: /data/etcd-disk\n");
    expect((await liveOf(root)).etcd?.dataDirectory).toBe("/data/etcd-disk");
    edit(root, etcd, "--data-dir=/var/lib/etcd", "--data-dir=/var/lib/etcd/sub");
    expect((await liveOf(root)).etcd?.dataDirectory).toBe("/data/etcd-disk/sub");
  });

  it("whose data directory is no host path, or is not named, has none that we could copy", async () => {
    const root = fixture("kubeadm-valid/m1");
    edit(root, etcd, "    - --data-dir=/var/lib/etcd\n", "");
    expect((await liveOf(root)).etcd?.dataDirectory).toBeNull();
  });
});

describe("the kubelet", () => {
  it("whose health endpoint is off is not asked", async () => {
    const root = fixture("kubeadm-valid/m1");
    configureKubelet(root, "healthzPort: 0");
    expect(healthOf(await liveOf(root), "kubelet")).toBe("none");
  });

  it("is asked and dialled where its configuration says", async () => {
    const root = await controlPlane();
    configureKubelet(
      root,
      "address: 192.0.2.11",
      "port: 11250",
      'healthzBindAddress: "::"',
      "healthzPort: 11248",
      "containerRuntimeEndpoint: unix:///run/crio/crio.sock",
    );
    const live = await liveOf(root);
    expect(healthOf(live, "kubelet")).toBe("http://::1:11248/healthz");
    expect(processOf(live, "kubelet").endpoints.map(({ endpoint }) => text(endpoint))).toEqual([
      "https://192.0.2.11:11250",
    ]);
    expect(live.runtimeEndpoint).toBe("unix:///run/crio/crio.sock");
  });

  it("listens everywhere by default, and is reached on loopback", async () => {
    const root = await controlPlane();
    configureKubelet(root, "address: 0.0.0.0");
    expect(processOf(await liveOf(root), "kubelet").endpoints[0]?.endpoint).toEqual({
      scheme: "https",
      host: "127.0.0.1",
      port: 10250,
      serverName: null,
    });
  });
});
