// What is said to help does help: the commands that findings, plans and errors name, typed as they stand.
import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";

const now = Date.UTC(2026, 10, 22, 16);

describe("a certificate that was cut off", () => {
  it.each([
    ["apiserver", "/etc/kubernetes/pki/apiserver.crt"],
    ["admin.conf", "/etc/kubernetes/admin.conf"],
  ])("%s is made again once it is moved aside, as check and the refusal say", async (name, path) => {
    const root = fixture("kubeadm-valid/m1");
    const file = join(root, path);
    writeFileSync(file, readFileSync(file).subarray(0, 300));
    const advice = `mv ${path} ${path}.damaged, then perennial renew ${name} --root ${root}`;
    expect((await runCli(["check", "--root", root], { now })).out).toContain(advice);
    const refused = await runCli(["renew", name, "--yes", "--root", root], { now });
    expect(refused.code).toBe(4);
    expect(refused.err).toContain(advice);
    expect(refused.err).not.toMatch(/: 300 bytes$/m);
    renameSync(file, `${file}.damaged`);
    expect((await runCli(["renew", name, "--yes", "--root", root], { now })).code).toBe(0);
    expect(existsSync(file)).toBe(true);
  });
});

describe("a folder without answers", () => {
  it("is told as that, never as nothing due", async () => {
    const root = fixture("kubeadm-external-ca-expired/m1");
    const folder = freshFolder();
    copyFileSync(join(root, "etc/kubernetes/pki/ca.crt"), join(folder, "ca.crt"));
    const install = ["renew", "--signed", folder, "--yes", "--root", root];
    const none = await runCli(install, { now });
    expect(none.code).toBe(3);
    expect(none.out).toContain("no answer was found in the folder");
    expect(none.out).not.toMatch(/is due/);
    await runCli(["renew", "--csr-dir", freshFolder(), "--yes", "--root", root], { now });
    const waiting = await runCli(install, { now });
    expect(waiting.code).toBe(3);
    expect(waiting.out).toContain("No answer to a waiting request was found in the folder");
    expect(waiting.out).not.toMatch(/is due/);
  });
});

describe("collected facts", () => {
  const script = resolve(import.meta.dirname, "../../bin/perennial-collect");
  const collected = (): string => {
    const path = join(freshFolder(), "m1.txt");
    const environment = { PATH: process.env["PATH"] ?? "", ROOT: fixture("kubeadm-half-done/m1") };
    writeFileSync(path, spawnSync("sh", [script], { env: environment }).stdout);
    return path;
  };

  it("are repeated in the commands that read them, and in no other", async () => {
    const facts = collected();
    const { out } = await runCli(["diagnose", "--facts", facts], { now });
    expect(out).toContain(`perennial check --facts ${facts}`);
    expect(out).not.toMatch(/perennial (?:renew|plan|runs)[^\n]*--facts/);
  });

  it("are refused beside a tree", async () => {
    const { code, err } = await runCli(["check", "--facts", collected(), "--root", freshFolder()], { now });
    expect([code, err]).toEqual([2, expect.stringContaining("--facts and --root exclude each other")]);
  });

  it("say what is in them where something else is asked for", async () => {
    const { code, err } = await runCli(["inspect", "--facts", collected(), "127.0.0.1:6443"], { now });
    expect(code).toBe(1);
    expect(err).toMatch(/^error: 127\.0\.0\.1:6443 is not in the collected facts\nhint: in them: \//);
    expect(err).not.toContain("ls -l");
  });
});
