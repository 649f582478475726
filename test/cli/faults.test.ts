// Faults 5, 7 and 10 by their numbers: authorities that end too soon, names and usages that must not be lost, files that are none.
import { execFileSync, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

const pki = "etc/kubernetes/pki";

function certificate(root: string, name: string): X509Certificate {
  return new X509Certificate(readFileSync(join(root, pki, name)));
}

describe("fault 5: a leaf that would outlive its CA", () => {
  it("is refused when the validity was asked for, with nothing changed", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const before = snapshotTree(root, []);
    const { code, err } = await runCli(["renew", "apiserver", "--validity", "20y", "--yes", "--root", root]);
    expect(code).toBe(4);
    expect(err).toMatch(/^error: /);
    expect(err).toContain("m1/apiserver");
    expect(err).toMatch(/^hint: /m);
    expect(snapshotTree(root, [])).toEqual(before);
  });

  it("is capped by default, and the plan says so", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const now = Date.parse("2034-08-01T00:00:00Z");
    const { code, out } = await runCli(["plan", "apiserver", "--root", root, "-o", "json"], { now });
    const plan: { notices: { code: string; notAfter?: number }[] } = JSON.parse(out);
    const end = Date.parse(certificate(root, "ca.crt").validTo);
    expect(code).toBe(0);
    expect(plan.notices).toContainEqual(expect.objectContaining({ code: "validity-capped", notAfter: end }));
  });

  it("is refused when the CA itself has expired, with nothing changed", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const before = snapshotTree(root, []);
    const now = Date.parse("2035-01-01T00:00:00Z");
    const { code, err } = await runCli(["renew", "--yes", "--root", root], { now });
    expect(code).toBe(4);
    expect(err).toContain("expired");
    expect(snapshotTree(root, [])).toEqual(before);
  });
});

describe("fault 7: names and usages", () => {
  it.each(["apiserver.crt", "etcd/server.crt", "etcd/peer.crt"])("of %s are never lost", async (name) => {
    const root = fixture("kubeadm-ha-expired/m1");
    const old = certificate(root, name);
    const words = ["renew", "--all", "--yes", "--key-algorithm", "ECDSA-P256", "--root", root];
    expect((await runCli([...words, "--add-san", "lb2.example"])).code).toBe(0);
    const renewed = certificate(root, name);
    const names = (text: string | undefined): readonly string[] => (text ?? "").split(", ").sort();
    const added = name === "apiserver.crt" ? ["DNS:lb2.example"] : [];
    expect(names(renewed.subjectAltName)).toEqual([...names(old.subjectAltName), ...added].sort());
    expect(renewed.keyUsage).toEqual(old.keyUsage);
    expect(renewed.subject).toBe(old.subject);
  });
});

describe("fault 10: what is no regular file", () => {
  const target = `${pki}/apiserver.crt`;

  async function expectTold(root: string, type: string): Promise<void> {
    const started = process.hrtime.bigint();
    const { code, out } = await runCli(["check", "--root", root]);
    expect(Number(process.hrtime.bigint() - started) / 1e9).toBeLessThan(10);
    expect(code).toBe(3);
    expect(out).toContain(`/${target}`);
    expect(out).toContain(type);
    const renewal = await runCli(["renew", "apiserver", "--yes", "--root", root]);
    expect(renewal.code).toBe(4);
    expect(renewal.err).toContain("m1/apiserver");
  }

  it("a device", async (context) => {
    const root = fixture("kubeadm-ha-expired/m1");
    rmSync(join(root, target));
    if (spawnSync("mknod", [join(root, target), "c", "1", "5"]).status !== 0) context.skip();
    await expectTold(root, "device");
  });

  it("a pipe", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    rmSync(join(root, target));
    execFileSync("mkfifo", [join(root, target)]);
    await expectTold(root, "fifo");
  });

  it("a socket", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    rmSync(join(root, target));
    const server = createServer().listen(join(root, target));
    await new Promise((listening) => void server.once("listening", listening));
    try {
      await expectTold(root, "socket");
    } finally {
      await new Promise((closed) => void server.close(closed));
    }
  });

  it("a directory", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    rmSync(join(root, target));
    execFileSync("mkdir", [join(root, target)]);
    await expectTold(root, "directory");
  });
});
