// Three masters and a worker over real SSH: rolled while they are well, brought back when everything has expired, with one command each.
import { mkdtempSync, readFileSync, readdirSync } from "node:fs";
import { X509Certificate } from "node:crypto";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HostsStatus } from "../../src/lab/hosts-status.ts";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { type ProcessResult, runCli, spawnCli } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const base = mkdtempSync(join(tmpdir(), "recovery-"));
const dir = join(base, "lab");
const state = join(base, "state");
const masters = ["m1", "m2", "m3"] as const;
const long = 900_000;

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);

function perennial(...words: readonly string[]): Promise<ProcessResult> {
  return spawnCli([...words, "-f", join(dir, "cluster.yaml"), "--state-dir", state]);
}

async function status(): Promise<HostsStatus> {
  const { out } = await runCli(["lab", "status", "--dir", dir, "-o", "json"]);
  return JSON.parse(out) as HostsStatus;
}

function serials(path: string): readonly string[] {
  return masters.map(
    (host) => new X509Certificate(readFileSync(join(dir, host, "etc/kubernetes/pki", path))).serialNumber,
  );
}

function kept(host: string): readonly string[] {
  const runs = join(dir, host, "var/lib/perennial/clusters/lab/runs");
  return readdirSync(runs).flatMap((run) => readdirSync(join(runs, run)));
}

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("three masters over SSH", () => {
  beforeAll(async () => {
    const up = await lab(
      "up",
      "--hosts",
      "3",
      "--workers",
      "1",
      "--pace",
      "0.15",
      "--key-algorithm",
      "ECDSA-P256",
    );
    expect(up).toMatchObject({ code: 0, err: "" });
  }, long);
  afterAll(async () => {
    await lab("down");
  }, long);

  it("are rolled node by node between gates, and every listener proves it", { timeout: long }, async () => {
    const before = serials("apiserver.crt");
    const { code, out, err } = await perennial("renew", "--all", "--yes");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    for (const host of masters) expect(out).toContain(`[roll] ${host} is done and proved`);
    expect(out.match(/\[gate\] etcd: all 3 members are healthy and agree/g)).toHaveLength(6);
    expect(out).not.toContain("etcd: stopping");
    const after = serials("apiserver.crt");
    for (const [index] of masters.entries()) expect(after[index]).not.toBe(before[index]);
    expect((await status()).etcd).toMatchObject({ hasQuorum: true });
    // Old keys stay where they were, and every node has a copy of the journal.
    for (const host of masters) expect(kept(host)).toEqual(["before", "journal.jsonl", "plan.json"]);
  });

  it(
    "are asked for their members when only one of them is worked on, and not written to",
    { timeout: long },
    async () => {
      const before = new Map(masters.map((host) => [host, kept(host)]));
      const { code, out, err } = await perennial("renew", "m2/scheduler.conf", "--yes");
      expect({ code, err }).toEqual({ code: 0, err: "" });
      expect(out.match(/\[gate\] etcd: all 3 members are healthy and agree/g)).toHaveLength(2);
      for (const [host, files] of before) expect(kept(host).length > files.length).toBe(host === "m2");
    },
  );

  it("are brought back when nothing answers any more, the worker as well", { timeout: long }, async () => {
    await lab("expire");
    expect((await status()).etcd).toMatchObject({ hasQuorum: false });
    const { code, out, err } = await perennial("renew", "--yes");
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toContain("etcd has no quorum");
    expect(out).toContain("[gate] etcd: the quorum is there");
    const now = await status();
    expect(now.etcd).toMatchObject({ hasQuorum: true });
    expect(now.apiServers).toMatchObject({ healthy: 3 });
    expect(now.workers).toMatchObject({ count: 1, ready: 1 });
    expect(await perennial("renew", "--yes")).toMatchObject({ code: 0 });
    const words = ["verify", "-f", join(dir, "cluster.yaml")];
    const verified = await spawnCli(words);
    expect(verified).toMatchObject({ code: 0, err: "" });
    expect(verified.out).toMatch(/^\d{2} proved on the running node, 0 failed, 2 not looked at$/m);
    expect(verified.out).toContain("3 of 3 voters are well");
  });

  it("are left alone where one of them cannot be reached", { timeout: long }, async () => {
    const text = readFileSync(join(dir, "cluster.yaml"), "utf8");
    const file = join(dir, "with-m9.yaml");
    const { writeFileSync } = await import("node:fs");
    writeFileSync(
      file,
      text.replace("nodes:\n", "nodes:\n  - name: m9\n    address: 127.0.0.9\n    ssh: root@127.0.0.9:9\n"),
    );
    const before = serials("apiserver.crt");
    const { code, err } = await spawnCli(["renew", "--all", "--yes", "-f", file, "--state-dir", state]);
    expect(code).toBe(4);
    expect(err).toContain("m9 cannot be reached");
    expect(err).toContain("--skip-unreachable");
    expect(serials("apiserver.crt")).toEqual(before);
  });
});
