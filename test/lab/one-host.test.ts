// A control plane that really runs: broken by expiry, repaired by the bundle as a process of its own, killed wherever it can be.
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { liveFailpoints } from "../../src/engine/failpoints.ts";
import { type HostStatus, labStatus } from "../../src/lab/status.ts";
import { readLab } from "../../src/lab/places.ts";
import { processesOf } from "../../src/lab/processes.ts";
import { type ProcessResult, runCli, spawnCli } from "../support/cli.ts";
import { etcdctl, hasEtcd } from "../support/etcd-server.ts";

const base = mkdtempSync(join(tmpdir(), "lab-"));
const dir = join(base, "l");
const root = join(dir, "m1");
const pki = join(root, "etc/kubernetes/pki");
const ports = () => readLab(dir).hosts[0]!.ports;

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);
const on = (words: readonly string[], failpoint?: string): Promise<ProcessResult> =>
  spawnCli(
    [...words, "--root", root, "--probe"],
    failpoint === undefined ? {} : { PERENNIAL_FAILPOINT: failpoint },
  );

async function ailments(): Promise<Readonly<Record<string, string | null>>> {
  const [host] = await labStatus(readLab(dir));
  return Object.fromEntries((host as HostStatus).parts.map(({ name, ailment }) => [name, ailment]));
}

const allWell = {
  kubelet: null,
  etcd: null,
  "kube-apiserver": null,
  "kube-controller-manager": null,
  "kube-scheduler": null,
};

async function causes(): Promise<readonly string[]> {
  const { out } = await runCli(["diagnose", "--root", root, "-o", "json"]);
  const { diagnoses } = JSON.parse(out) as { diagnoses: { cause: string; certainty: string }[] };
  return diagnoses.map(({ cause, certainty }) => `${cause} ${certainty}`);
}

/** What a listener presents; null where nobody listens. */
function served(port: number): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() ?? null);
      socket.destroy();
    });
    socket.once("error", () => resolve(null));
  });
}

function stored(path: string): X509Certificate {
  return new X509Certificate(readFileSync(join(pki, path)));
}

const ended = (certificate: X509Certificate | null): boolean =>
  certificate !== null && Date.parse(certificate.validTo) < Date.now();

function readEtcd(...words: readonly string[]): string {
  const tls = [`--cacert=${pki}/etcd/ca.crt`, `--cert=${pki}/etcd/healthcheck-client.crt`];
  return etcdctl(
    ...tls,
    `--key=${pki}/etcd/healthcheck-client.key`,
    `--endpoints=127.0.0.1:${ports().etcd}`,
    ...words,
  );
}

/** An etcd that reads its files once has to be stopped like the others; 3.4 is called 3.1 for that. */
async function callEtcdOld(): Promise<void> {
  const path = join(root, "etc/kubernetes/manifests/etcd.yaml");
  writeFileSync(path, readFileSync(path, "utf8").replace("etcd:3.4.13-0", "etcd:3.1.18"));
}

describe.skipIf(!hasEtcd).sequential("a control plane of one host", () => {
  beforeAll(async () => {
    const up = await lab("up", "--pace", "0.05", "--key-algorithm", "ECDSA-P256");
    expect(up).toMatchObject({ code: 0, err: "" });
  });

  afterAll(async () => {
    if (existsSync(join(dir, "lab.json"))) await lab("down");
  });

  it("listens on loopback only, and everything says that it is well", async () => {
    expect(await ailments()).toEqual(allWell);
    const pids = processesOf(readLab(dir)).map(({ pid }) => pid);
    expect(pids.length).toBeGreaterThanOrEqual(6);
    const elsewhere = readFileSync("/proc/net/tcp", "utf8")
      .split("\n")
      .filter((line) => Object.values(ports()).some((port) => line.includes(` 00000000:${hexPort(port)} `)));
    expect(elsewhere).toEqual([]);
  });

  it("is dead once its certificates have ended: nothing is trusted, the API server and the kubelet have given up", async () => {
    expect((await lab("expire")).code).toBe(0);
    expect(ended(await served(ports().etcd))).toBe(true);
    expect(await served(ports().apiServer)).toBe(null);
    expect(await ailments()).toMatchObject({ kubelet: "ECONNREFUSED", etcd: null });
    expect(() => readEtcd("endpoint", "health")).toThrow();
  });

  it("says in its logs why, and diagnose says which certificates", async () => {
    await expect
      .poll(causes, { timeout: 180_000 })
      .toEqual(
        expect.arrayContaining([
          "certificate-expired confirmed",
          "etcd-unreachable confirmed",
          "bootstrap-kubeconfig-missing confirmed",
        ]),
      );
  });

  it("is brought back by one command, and what is served is what is stored", async () => {
    const before = stored("apiserver.crt").serialNumber;
    const renewed = await on(["renew", "--yes"]);
    expect(renewed).toMatchObject({ code: 0, err: "" });
    expect(renewed.out).toContain("the API accepts writes");
    expect(await ailments()).toEqual(allWell);
    expect((await served(ports().etcd))?.serialNumber).toBe(stored("etcd/server.crt").serialNumber);
    expect((await served(ports().apiServer))?.serialNumber).toBe(stored("apiserver.crt").serialNumber);
    expect(stored("apiserver.crt").serialNumber).not.toBe(before);
    expect(readEtcd("get", "--prefix", "--keys-only", "/registry/")).toContain(
      "/leases/kube-controller-manager",
    );
  });

  it(
    "goes back to what had expired when that is asked for, and comes back again",
    { timeout: 900_000 },
    async () => {
      expect(await on(["rollback", "last", "--yes"])).toMatchObject({ code: 0 });
      expect(ended(stored("etcd/server.crt"))).toBe(true);
      expect(await ailments()).toMatchObject({ kubelet: "ECONNREFUSED" });
      expect(await on(["renew", "--yes"])).toMatchObject({ code: 0, err: "" });
      expect(await ailments()).toEqual(allWell);
    },
  );

  it(
    "loses nothing when a run is killed at every step on the running node in turn",
    { timeout: 900_000 },
    async () => {
      await callEtcdOld();
      expect((await lab("expire")).code).toBe(0);
      const bouncePoints = liveFailpoints.filter((point) => /^run\..*(bounce|stop|return)$/.test(point));
      const points = [
        "run.before-snapshot",
        "run.after-snapshot",
        ...Array.from({ length: 5 }, () => bouncePoints).flat(),
        "run.before-prove-live",
        "run.after-prove-live",
      ];
      for (const [index, point] of points.entries()) {
        const killed = await on(index === 0 ? ["renew", "--yes"] : ["resume"], point);
        expect({ index, point, signal: killed.signal, err: killed.err }).toMatchObject({ signal: "SIGKILL" });
      }
      expect(await on(["resume"])).toMatchObject({ code: 0, err: "" });
      expect(await ailments()).toEqual(allWell);
      expect((await served(ports().etcd))?.serialNumber).toBe(stored("etcd/server.crt").serialNumber);
      expect(ended(await served(ports().apiServer))).toBe(false);
    },
  );

  it(
    "goes back to the certificates of before, and serves them, though the rollback is killed twice",
    { timeout: 900_000 },
    async () => {
      const before = stored("etcd/server.crt").serialNumber;
      expect(await on(["renew", "etcd-server", "scheduler.conf", "--yes"])).toMatchObject({ code: 0 });
      expect(stored("etcd/server.crt").serialNumber).not.toBe(before);
      for (const point of ["rollback.before-rebounce", "rollback.after-rebounce"]) {
        expect((await on(["rollback", "last", "--yes"], point)).signal).toBe("SIGKILL");
      }
      expect(await on(["rollback", "last", "--yes"])).toMatchObject({ code: 0 });
      expect((await served(ports().etcd))?.serialNumber).toBe(before);
      await expect.poll(ailments, { timeout: 180_000 }).toEqual(allWell);
    },
  );

  it("is gone after `down`, though its runtime was killed: no process, no file", async () => {
    const known = readLab(dir);
    const runtime = processesOf(known).find(({ name }) => name === "runtime");
    process.kill(runtime?.pid ?? 0, "SIGKILL");
    expect(await lab("down")).toMatchObject({ code: 0, err: "" });
    expect(processesOf(known)).toEqual([]);
    expect(existsSync(root)).toBe(false);
  });
});

function hexPort(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, "0");
}
