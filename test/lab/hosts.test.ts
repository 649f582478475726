// Labs of several hosts: each with a root, processes and an address of its own, one etcd, an outage that is real, nothing left behind.
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { networkInterfaces, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostsStatus } from "../../src/lab/hosts-status.ts";
import { type Lab, readLab } from "../../src/lab/places.ts";
import { processesOf } from "../../src/lab/processes.ts";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { type ProcessResult, runCli, spawnCli, startCli } from "../support/cli.ts";
import { etcdctl, hasEtcd } from "../support/etcd-server.ts";

const base = mkdtempSync(join(tmpdir(), "hosts-"));
const quick = ["--pace", "0.15", "--key-algorithm", "ECDSA-P256"] as const;

const lab = (dir: string, ...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);

async function status(dir: string): Promise<HostsStatus> {
  const { out } = await runCli(["lab", "status", "--dir", dir, "-o", "json"]);
  return JSON.parse(out) as HostsStatus;
}

function stored(dir: string, host: string, path: string): X509Certificate {
  return new X509Certificate(readFileSync(join(dir, host, "etc/kubernetes/pki", path)));
}

function served(host: string, port: number): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() ?? null);
      socket.destroy();
    });
    socket.once("error", () => resolve(null));
  });
}

function askEtcd(dir: string, host: string, ...words: readonly string[]): string {
  const pki = join(dir, host, "etc/kubernetes/pki/etcd");
  const { address, ports } = readLab(dir).hosts.find(({ name }) => name === host)!;
  const client = ["healthcheck-client.crt", "healthcheck-client.key"].map((name) => join(pki, name));
  return etcdctl(
    `--cacert=${join(pki, "ca.crt")}`,
    `--cert=${client[0] ?? ""}`,
    `--key=${client[1] ?? ""}`,
    `--endpoints=${address ?? ""}:${ports.etcd}`,
    ...words,
  );
}

/** Processes, links and mounts that are there. */
function traces({ directory, network, ...rest }: Lab): readonly string[] {
  const mounts = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return [
    ...processesOf({ directory, ...rest }).map(({ pid, name }) => `${pid} ${name}`),
    ...Object.keys(networkInterfaces()).filter((name) => name === network?.link),
    ...mounts.filter((line) => line.includes(directory)),
    ...(existsSync(directory) ? readdirSync(directory) : []),
  ];
}

async function downAnyway(dir: string): Promise<void> {
  if (existsSync(join(dir, "lab.json"))) await lab(dir, "down");
}

const masters = ["m1", "m2", "m3"] as const;

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("hosts with namespaces of their own", () => {
  const dir = join(base, "a b");
  const ssh = (host: string, script: string): string =>
    execFileSync("ssh", ["-F", join(dir, "ssh/config"), host, script], {
      encoding: "utf8",
      timeout: 180_000,
    });

  beforeAll(async () => {
    expect(await lab(dir, "up", "--hosts", "3", "--workers", "1", ...quick)).toMatchObject({
      code: 0,
      err: "",
    });
  }, 900_000);

  afterAll(() => downAnyway(dir));

  it("are all well: three members, three API servers, one worker that is Ready", async () => {
    expect(await status(dir)).toMatchObject({
      kind: "rooms",
      etcd: { members: 3, healthy: 3, hasQuorum: true },
      apiServers: { count: 3, healthy: 3 },
      workers: { count: 1, ready: 1 },
    });
  });

  it("have one etcd: what is written through one is read through another", () => {
    expect(askEtcd(dir, "m1", "member", "list").trim().split("\n")).toHaveLength(3);
    askEtcd(dir, "m1", "put", "/trial", "written");
    expect(askEtcd(dir, "m3", "get", "--print-value-only", "/trial").trim()).toBe("written");
  });

  it("are logged in to without anything of ~/.ssh, and each sees its own root and its own processes", () => {
    for (const host of [...masters, "w1"]) {
      const [name, digest, first, usr] = ssh(
        host,
        "cat /proc/sys/kernel/hostname; sha256sum < /var/lib/kubelet/config.yaml; tr '\\0' ' ' < /proc/1/cmdline; echo; touch /usr/x 2>&1 || :",
      ).split("\n");
      const config = readFileSync(join(dir, host, "var/lib/kubelet/config.yaml"));
      expect(config.toString()).toContain(readLab(dir).hosts.find((one) => one.name === host)?.address);
      const expected = execFileSync("sha256sum", { input: config, encoding: "utf8" }).trim();
      expect({ name, digest, first }).toEqual({
        name: host,
        digest: expected,
        first: "/bin/sh -eu /lab/init ",
      });
      expect(usr).toContain("Read-only file system");
    }
    expect(
      ssh("m1", "ls /etc/kubernetes/pki/etcd/*.key; ssh m2 cat /etc/hostname").trim().split("\n").at(-1),
    ).toBe("m2");
    expect(() => ssh("w1", "ls /etc/kubernetes/pki/ca.key 2>&1")).toThrow();
  });

  it("are described in cluster.yaml", () => {
    const text = readFileSync(join(dir, "cluster.yaml"), "utf8");
    expect(text).toContain(join(dir, "ssh/config"));
    expect(text.match(/name: (m1|m2|m3|w1)$/gm)).toHaveLength(4);
  });

  it("are not made a second time in the same directory", async () => {
    const again = await lab(dir, "up", "--hosts", "3");
    expect(again.code).toBe(2);
    expect(again.err).toContain("a new or empty directory");
  });

  it("stand beside another lab, with IPv6 addresses, that comes and goes", { timeout: 900_000 }, async () => {
    const other = join(base, "b");
    expect(await lab(other, "up", "--hosts", "1", "--ipv6", ...quick)).toMatchObject({ code: 0, err: "" });
    const known = readLab(other);
    const { endpoint, hosts } = await status(other);
    expect([endpoint, hosts[0]?.address].every((address) => address?.startsWith("fd"))).toBe(true);
    expect(stored(other, "m1", "etcd/peer.crt").subjectAltName?.toLowerCase()).toContain("ip address:fd");
    const shown = execFileSync("ssh", [
      "-F",
      join(other, "ssh/config"),
      "m1",
      "cat /etc/kubernetes/manifests/etcd.yaml",
    ]);
    expect(shown.toString()).toContain(`--listen-peer-urls=https://[${hosts[0]?.address ?? ""}]:2380`);
    expect(await lab(other, "down")).toMatchObject({ code: 0, err: "" });
    expect(traces(known)).toEqual([]);
    expect((await status(dir)).etcd.healthy).toBe(3);
  });

  it("lose a worker whose kubelet is stopped, and get it back", { timeout: 900_000 }, async () => {
    const ready = async (): Promise<number | null> => (await status(dir)).workers.ready;
    ssh(
      "w1",
      "systemctl stop kubelet; systemctl show -p MainPID,ActiveState kubelet.service | grep inactive",
    );
    await expect.poll(ready, { timeout: 180_000, interval: 500 }).toBe(0);
    ssh("w1", "systemctl restart kubelet && systemctl is-active kubelet");
    await expect.poll(ready, { timeout: 180_000, interval: 500 }).toBe(1);
  });

  it(
    "are dead once everything has expired: names and keys kept, no quorum, no API, no kubelet",
    { timeout: 900_000 },
    async () => {
      const before = stored(dir, "m2", "etcd/server.crt");
      expect((await lab(dir, "expire")).code).toBe(0);
      const after = stored(dir, "m2", "etcd/server.crt");
      expect(Date.parse(after.validTo)).toBeLessThan(Date.now());
      expect([
        after.subject,
        after.subjectAltName,
        after.publicKey.export({ type: "spki", format: "pem" }),
      ]).toEqual([
        before.subject,
        before.subjectAltName,
        before.publicKey.export({ type: "spki", format: "pem" }),
      ]);
      const { etcd, apiServers, workers, hosts } = await status(dir);
      expect({ etcd, apiServers, workers }).toEqual({
        etcd: { members: 3, healthy: 0, hasQuorum: false },
        apiServers: { count: 3, healthy: 0 },
        workers: { count: 1, ready: null },
      });
      const kubelets = hosts.map(({ parts }) => parts.find(({ name }) => name === "kubelet")?.ailment);
      expect(kubelets.every((ailment) => ailment !== null)).toBe(true);
      expect(() =>
        askEtcd(dir, "m1", "--dial-timeout=1s", "--command-timeout=2s", "get", "/trial"),
      ).toThrow();
    },
  );

  it(
    "come back when every master's files are renewed, with what was in etcd",
    { timeout: 900_000 },
    async () => {
      for (const host of masters) {
        expect(await runCli(["renew", "--root", join(dir, host), "--yes"])).toMatchObject({ code: 0 });
      }
      const well = async (): Promise<readonly number[]> => {
        const { etcd, apiServers } = await status(dir);
        return [etcd.healthy, apiServers.healthy];
      };
      await expect.poll(well, { timeout: 180_000, interval: 500 }).toEqual([3, 3]);
      expect(askEtcd(dir, "m2", "get", "--print-value-only", "/trial").trim()).toBe("written");
    },
  );

  it("leave nothing behind, though a runtime and a whole host were killed", async () => {
    const known = readLab(dir);
    const victims = processesOf(known).filter(
      ({ host, name }) => (host === "m1" && name === "runtime") || (host === "m2" && name === "unshare"),
    );
    expect(victims.length).toBeGreaterThanOrEqual(2);
    for (const { pid } of victims) process.kill(pid, "SIGKILL");
    expect(await lab(dir, "down")).toMatchObject({ code: 0, err: "" });
    expect(traces(known)).toEqual([]);
  });

  it("leave nothing behind when `up` was killed halfway", { timeout: 900_000 }, async () => {
    const half = join(base, "c d");
    const child = startCli(["lab", "up", "--hosts", "2", ...quick, "--dir", half]);
    const isUnderWay = (): boolean =>
      existsSync(join(half, "lab.json")) && processesOf(readLab(half)).some(({ name }) => name === "etcd");
    while (!isUnderWay() && child.exitCode === null) await sleep(20);
    child.kill("SIGKILL");
    const known = readLab(half);
    expect(known.network?.link ?? "").toMatch(/^pl[0-9a-f]{8}$/);
    // Nothing that is mounted there is ever removed.
    const mounted = join(half, "m1/var/tmp");
    execFileSync("mount", ["-t", "tmpfs", "none", mounted]);
    const refused = await lab(half, "down");
    execFileSync("umount", [mounted]);
    expect(refused.err).toContain(`something is mounted below it: ${mounted}`);
    expect(existsSync(join(half, "m1/etc/hostname"))).toBe(true);
    expect(await lab(half, "down")).toMatchObject({ code: 0, err: "" });
    expect(traces(known)).toEqual([]);
  });
});

describe
  .skipIf(!hasEtcd)
  .sequential("hosts on loopback addresses, with an etcd that reads its files once", () => {
    const dir = join(base, "_l 1");

    beforeAll(async () => {
      const words = ["--hosts", "2", "--workers", "1", "--loopback", "--etcd-31", ...quick];
      expect(await lab(dir, "up", ...words)).toMatchObject({ code: 0, err: "" });
    }, 900_000);

    afterAll(() => downAnyway(dir));

    it("are all well, on addresses of their own, and cluster.yaml names their roots", async () => {
      expect(await status(dir)).toMatchObject({
        kind: "loopback",
        etcd: { members: 2, healthy: 2 },
        workers: { count: 1, ready: 1 },
      });
      const { hosts } = readLab(dir);
      expect(new Set(hosts.map(({ address }) => address)).size).toBe(3);
      expect(hosts.every(({ address }) => address?.startsWith("127."))).toBe(true);
      const text = readFileSync(join(dir, "cluster.yaml"), "utf8");
      expect(text).toContain(`root: ${join(dir, "m2")}`);
      expect(text).not.toContain("ssh:");
      expect(text).toMatch(/^name: lab_l-1$/m);
    });

    it("do not notice a renewed certificate of etcd", async () => {
      const { address = "", ports } = readLab(dir).hosts[0]!;
      const before = stored(dir, "m1", "etcd/peer.crt").serialNumber;
      expect(await runCli(["renew", "etcd-peer", "--root", join(dir, "m1"), "--yes"])).toMatchObject({
        code: 0,
      });
      expect(stored(dir, "m1", "etcd/peer.crt").serialNumber).not.toBe(before);
      expect((await served(address, ports.etcdPeer))?.serialNumber).toBe(before);
    });

    it("are dead once everything has expired, and gone after `down`", { timeout: 900_000 }, async () => {
      expect((await lab(dir, "expire")).code).toBe(0);
      expect(await status(dir)).toMatchObject({
        etcd: { healthy: 0, hasQuorum: false },
        apiServers: { healthy: 0 },
        workers: { ready: null },
      });
      const known = readLab(dir);
      expect(await lab(dir, "down")).toMatchObject({ code: 0, err: "" });
      expect(traces(known)).toEqual([]);
    });
  });

describe("what a lab of several hosts refuses", () => {
  const refused = [
    { words: ["--hosts", "0"], says: "a whole number from 1 to 7" },
    { words: ["--workers", "1"], says: "--hosts with it" },
    { words: ["--hosts", "2", "--ipv6", "--loopback"], says: "root, namespaces, iproute2 and sshd" },
  ] as const;

  it.each(refused)("$words", async ({ words, says }) => {
    const dir = join(base, "none");
    const { code, err } = await runCli(["lab", "up", ...words, "--dir", dir]);
    expect(code).toBe(2);
    expect(err).toContain(says);
    expect(existsSync(dir)).toBe(false);
  });
});
