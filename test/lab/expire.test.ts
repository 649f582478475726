// The day that `lab expire` chooses, and what ends on it: leafs, or the authorities too.
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { formatDate } from "../../src/report/time.ts";
import { type ProcessResult, runCli, spawnCli } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";
import { snapshotTree } from "../support/tree.ts";

const dir = join(mkdtempSync(join(tmpdir(), "ex-")), "l");
const root = join(dir, "m1");
const pki = join(root, "etc/kubernetes/pki");
const day = 86_400_000;

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);

const authorities = ["ca.crt", "etcd/ca.crt", "front-proxy-ca.crt"] as const;
const leafs = [
  "apiserver.crt",
  "apiserver-etcd-client.crt",
  "apiserver-kubelet-client.crt",
  "front-proxy-client.crt",
  "etcd/server.crt",
  "etcd/peer.crt",
  "etcd/healthcheck-client.crt",
] as const;

const read = (path: string): X509Certificate => new X509Certificate(readFileSync(join(pki, path)));

/** `YYYY-MM-DDTHH:MM:SSZ`, the ends of the certificates named, each once. */
function endsOf(paths: readonly string[]): readonly string[] {
  return [...new Set(paths.map((path) => written(Date.parse(read(path).validTo))))];
}

function embedded(name: string): X509Certificate {
  const text = readFileSync(join(root, "etc/kubernetes", name), "utf8");
  return new X509Certificate(Buffer.from(/client-certificate-data: (\S+)/.exec(text)?.[1] ?? "", "base64"));
}

function written(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+/, "");
}

function keys(): Record<string, string> {
  return Object.fromEntries(Object.entries(snapshotTree(pki)).filter(([path]) => /\.(key|pub)$/.test(path)));
}

describe.skipIf(!hasEtcd).sequential("the end of a lab's certificates", () => {
  beforeAll(async () => {
    const up = await lab("up", "--pace", "0.05", "--key-algorithm", "ECDSA-P256");
    expect(up).toMatchObject({ code: 0, err: "" });
  });

  afterAll(() => lab("down"));

  it("is the day of --at, for every leaf and no authority; keys stay", async () => {
    const [before, ends] = [keys(), endsOf(authorities)];
    const at = written(Date.now() - 3 * day);
    const expired = await lab("expire", "--at", at);
    expect(expired.code).toBe(0);
    expect(expired.out).toContain(`Every certificate has ended at ${formatDate(Date.parse(at))}`);
    expect(endsOf(leafs)).toEqual([at]);
    for (const name of ["admin.conf", "scheduler.conf", "controller-manager.conf"])
      expect(written(Date.parse(embedded(name).validTo))).toBe(at);
    expect(endsOf(authorities)).toEqual(ends);
    expect(keys()).toEqual(before);
    for (const path of leafs.slice(0, 3))
      expect(read(path).checkIssued(read(path.includes("etcd") ? "etcd/ca.crt" : "ca.crt"))).toBe(true);
  });

  it("may lie ahead: everything runs, and check counts the days", async () => {
    const at = written(Date.now() + 5 * day);
    expect((await lab("expire", "--at", at)).code).toBe(0);
    expect(endsOf(leafs)).toEqual([at]);
    const { out } = await runCli(["check", "--root", root, "-o", "json"]);
    const { findings } = JSON.parse(out) as { findings: { code: string }[] };
    expect(findings.some(({ code }) => code === "certificate-expired")).toBe(false);
    await expect.poll(async () => (await lab("status")).code, { timeout: 180_000 }).toBe(0);
  });

  it("with --ca is the authorities' too: nothing can be renewed, and check says what is to be done", async () => {
    const before = keys();
    const at = written(Date.now() - 2 * day);
    expect((await lab("expire", "--ca", "--at", at)).code).toBe(0);
    expect(endsOf([...authorities, ...leafs])).toEqual([at]);
    expect(keys()).toEqual(before);
    for (const path of authorities) expect(read(path).checkIssued(read(path))).toBe(true);
    const text = readFileSync(join(root, "etc/kubernetes/admin.conf"), "utf8");
    const trusted = /certificate-authority-data: (\S+)/.exec(text)?.[1] ?? "";
    expect(new X509Certificate(Buffer.from(trusted, "base64")).fingerprint256).toBe(
      read("ca.crt").fingerprint256,
    );
    const stored = snapshotTree(join(root, "etc/kubernetes"));
    const refused = await spawnCli(["renew", "--yes", "--root", root, "--probe"]);
    expect(refused).toMatchObject({ code: 4, out: "" });
    expect(refused.err).toContain("hint: renew the CA first: perennial check");
    expect(snapshotTree(join(root, "etc/kubernetes"))).toEqual(stored);
    const { out } = await runCli(["check", "--root", root]);
    expect(out).toContain("make a new CA certificate with the same key and name");
  });

  it("cannot be chosen without the keys of the CAs: refused, nothing is touched", async () => {
    const key = join(root, "etc/kubernetes/pki/front-proxy-ca.key");
    const bytes = readFileSync(key);
    rmSync(key);
    const before = snapshotTree(join(root, "etc/kubernetes"));
    const { code, err } = await lab("expire");
    expect(code).toBe(1);
    expect(err).toContain("the keys of these CAs are not in the lab");
    expect(err).toContain("front-proxy-ca");
    expect(snapshotTree(join(root, "etc/kubernetes"))).toEqual(before);
    writeFileSync(key, bytes, { mode: 0o600 });
  });

  it("is no day at all when --at is none: nothing is touched", async () => {
    const before = snapshotTree(join(root, "etc/kubernetes"));
    expect((await lab("expire", "--at", "yesterday-ish")).code).toBe(2);
    expect(snapshotTree(join(root, "etc/kubernetes"))).toEqual(before);
  });
});
