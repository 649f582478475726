// A cluster of the real programs: expired, brought back by one command, restarted the long way, refused where no leaf helps.
import { X509Certificate } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, statSync } from "node:fs";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNodeProcesses } from "../../src/drivers/process/open-node-processes.ts";
import type { NodeProcesses } from "../../src/engine/ports/node-processes.ts";
import { formatDate } from "../../src/report/time.ts";
import { type ProcessResult, spawnCli } from "../support/cli.ts";
import { rig, whyNoRig } from "../support/rig.ts";
import { snapshotTree } from "../support/tree.ts";

const missing = whyNoRig();
const kubernetes = "/etc/kubernetes";
const manifests = join(kubernetes, "manifests");
const state = mkdtempSync(join(tmpdir(), "rig-"));
const run = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli([...words, "--state-dir", state]);

const parts = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;

function stored(path: string): X509Certificate {
  return new X509Certificate(readFileSync(join(kubernetes, "pki", path)));
}

/** Where the peers' listener is, too: not on loopback. */
function address(): string {
  const text = readFileSync(join(manifests, "kube-apiserver.yaml"), "utf8");
  return /advertise-address=(\S+)/.exec(text)?.[1] ?? "";
}

function served(port: number): Promise<X509Certificate | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: address(), port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerX509Certificate() ?? null);
      socket.destroy();
    });
    socket.once("error", () => resolve(socket.getPeerX509Certificate() ?? null));
    socket.setTimeout(3000, () => socket.destroy(new Error("no answer")));
  });
}

function field(name: string): string {
  const text = readFileSync(join(kubernetes, "admin.conf"), "utf8");
  return Buffer.from(new RegExp(`${name}-data: (\\S+)`).exec(text)?.[1] ?? "", "base64").toString();
}

/** As the administrator, and with the authority that his kubeconfig trusts: status and body, or the system's code. */
function ask(path: string): Promise<string> {
  const identity = { cert: field("client-certificate"), key: field("client-key") };
  const trust = { ca: field("certificate-authority"), servername: "kubernetes" };
  return new Promise((resolve) => {
    const one = request({ host: "127.0.0.1", port: 6443, path, agent: false, ...identity, ...trust });
    one.setTimeout(5000, () => one.destroy(new Error("no answer")));
    one.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    one.once("response", (answer) => {
      const body: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => body.push(chunk));
      answer.once("end", () => resolve(`${answer.statusCode} ${Buffer.concat(body).toString()}`));
    });
    one.end();
  });
}

interface PodList {
  readonly items: readonly {
    readonly metadata: { readonly name: string };
    readonly status: {
      readonly phase: string;
      readonly containerStatuses?: readonly { readonly ready: boolean; readonly containerID: string }[];
    };
  }[];
}

/** `etcd-m1 Running true containerd://ID` */
async function pods(): Promise<readonly string[]> {
  const answer = await ask("/api/v1/namespaces/kube-system/pods");
  if (!answer.startsWith("200 ")) return [answer];
  const { items } = JSON.parse(answer.slice(4)) as PodList;
  return items.map(({ metadata, status }) => {
    const [container] = status.containerStatuses ?? [];
    return `${metadata.name} ${status.phase} ${container?.ready ?? false} ${container?.containerID ?? ""}`;
  });
}

function node(): NodeProcesses {
  return openNodeProcesses({
    root: "/",
    consumers: parts.map((name) => ({ name, manifest: join(manifests, `${name}.yaml`) })),
    runtimeEndpoint: "unix:///run/containerd/containerd.sock",
    workFolder: join(state, "work"),
    pollMs: 100,
  });
}

async function running(processes: NodeProcesses, name: string): Promise<string | undefined> {
  const { instances } = await processes.look(name);
  return instances.find((one) => one.state === "running")?.id;
}

describe.skipIf(missing !== null)(`a real cluster${missing === null ? "" : ` (skipped: ${missing})`}`, () => {
  beforeAll(() => rig("up"), 180_000);
  afterAll(() => rig("down"), 60_000);

  it("is dead once its certificates have ended", { timeout: 120_000 }, async () => {
    await rig("expire");
    expect(await ask("/readyz")).not.toMatch(/^200/);
    expect(Date.parse(stored("apiserver.crt").validTo)).toBeLessThan(Date.now());
  });

  it(
    "is brought back by one command: every listener serves what was issued, the API answers, the pods run",
    { timeout: 300_000 },
    async () => {
      const renewed = await run("renew", "--yes");
      expect(renewed).toMatchObject({ code: 0, err: "" });
      expect(renewed.out).toContain("8 listeners serve the right certificates, the API accepts writes");
      const issued = Object.fromEntries(
        [...renewed.out.matchAll(/\] (\S+) renewed: serial ([0-9a-f]+)/g)].map(([, name, serial]) => [
          name,
          serial,
        ]),
      );
      expect(Object.keys(issued)).toHaveLength(11);
      for (const [port, name, path] of [
        [2379, "etcd-server", "etcd/server.crt"],
        [2380, "etcd-peer", "etcd/peer.crt"],
        [6443, "apiserver", "apiserver.crt"],
      ] as const) {
        const presented = (await served(port))?.serialNumber.toLowerCase();
        expect({ name, presented }).toEqual({ name, presented: issued[name] });
        expect(presented).toBe(stored(path).serialNumber.toLowerCase());
      }
      expect(await ask("/readyz")).toBe("200 ok");
      // The kubelet reports what it sees every ten seconds, and the API server's own restart is behind it.
      const wanted = parts.map((name) => expect.stringMatching(new RegExp(`^${name}-m1 Running true `)));
      await expect.poll(async () => (await pods()).toSorted(), { timeout: 180_000 }).toEqual(wanted);
      expect(await run("check")).toMatchObject({ code: 0 });
    },
  );

  it("goes back to what had expired only when somebody says yes", async () => {
    const before = snapshotTree(kubernetes);
    const asked = await run("rollback", "last");
    expect(asked).toMatchObject({ code: 2, out: "" });
    expect(asked.err).toContain("rollback asks before it changes anything");
    expect(snapshotTree(kubernetes)).toEqual(before);
  });

  it(
    "starts a pod anew by its manifest, out and in, and leaves the manifest as it was",
    { timeout: 150_000 },
    async () => {
      const processes = node();
      const manifest = join(manifests, "kube-scheduler.yaml");
      const [bytes, { mtimeMs, ino }] = [readFileSync(manifest, "utf8"), statSync(manifest)];
      const [before, others] = [
        await running(processes, "kube-scheduler"),
        await Promise.all(parts.slice(0, 3).map((name) => running(processes, name))),
      ];
      await processes.revive("kube-scheduler", { timeoutSeconds: 90 });
      expect(readFileSync(manifest, "utf8")).toBe(bytes);
      expect(statSync(manifest)).toMatchObject({ mtimeMs, ino, mode: 0o100600 });
      expect(readdirSync(join(kubernetes, ".perennial-held"))).toEqual([]);
      // A kubelet that still ends the old pod takes the manifest up again with its next look, 20 s later.
      await expect
        .poll(async () => [undefined, before].includes(await running(processes, "kube-scheduler")), {
          timeout: 60_000,
        })
        .toBe(false);
      expect(await Promise.all(parts.slice(0, 3).map((name) => running(processes, name)))).toEqual(others);
    },
  );

  it(
    "has its manifest back when whoever took it out is killed, and the API server comes back by it",
    { timeout: 300_000 },
    async () => {
      const processes = node();
      const before = await running(processes, "kube-apiserver");
      const given = new AbortController();
      const revival = processes.revive("kube-apiserver", { timeoutSeconds: 90, signal: given.signal });
      await expect
        .poll(() => existsSync(join(kubernetes, ".perennial-held/kube-apiserver.yaml")), {
          interval: 20,
          timeout: 20_000,
        })
        .toBe(true);
      given.abort();
      await expect(revival).rejects.toThrow();
      await expect
        .poll(() => existsSync(join(manifests, "kube-apiserver.yaml")), { timeout: 100_000 })
        .toBe(true);
      await expect.poll(() => ask("/readyz"), { timeout: 90_000 }).toBe("200 ok");
      expect(await running(processes, "kube-apiserver")).not.toBe(before);
    },
  );

  it(
    "with authorities that have ended is refused, with the way on, and left as it is",
    { timeout: 180_000 },
    async () => {
      await rig("expire", "-ca");
      const before = snapshotTree(kubernetes);
      const refused = await run("renew", "--yes");
      expect(refused).toMatchObject({ code: 4, out: "" });
      expect(refused.err).toContain("refused for 3 reasons, nothing was changed");
      expect(refused.err).toContain(
        `the CA in m1:/etc/kubernetes/pki/etcd/ca.crt expired ${formatDate(Date.parse(stored("etcd/ca.crt").validTo))}; a certificate signed by it would be refused everywhere`,
      );
      expect(refused.err).toContain("hint: renew the CA first: perennial check");
      expect(snapshotTree(kubernetes)).toEqual(before);
      const { code, out } = await run("check");
      expect(code).toBe(3);
      expect(out).toContain(
        "make a new CA certificate with the same key and name: openssl x509 -in /etc/kubernetes/pki/ca.crt",
      );
      expect(out).toContain("install that one file on every control-plane node");
    },
  );
});
