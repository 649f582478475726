// `inspect`: everything in a file, with its place, whatever it is.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type CliOptions, type CliResult, runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { expectClean, pki, secretsOf, today } from "../support/hostile.ts";

const root = fixture("kubeadm-valid/m1");
const at = (path: string): string => join(root, path);
const secrets = secretsOf(root);

async function inspect(words: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const result = await runCli(["inspect", ...words], { now: today, ...options });
  expectClean(result, secrets);
  return result;
}

interface Item {
  readonly kind: string;
  readonly where: string;
}

async function items(words: readonly string[], options: CliOptions = {}): Promise<readonly string[]> {
  const { out } = await inspect([...words, "-o", "json"], options);
  const data = JSON.parse(out) as { readonly items: readonly Item[] };
  return data.items.map(({ kind, where }) => `${kind} ${where}`);
}

describe("inspect", () => {
  it("shows a certificate, a key and a kubeconfig", async () => {
    expect(await items([at(`${pki}/apiserver.crt`)])).toEqual(["certificate line 1"]);
    expect(await items([at(`${pki}/apiserver.key`)])).toEqual(["private-key line 1"]);
    expect(await items([at("etc/kubernetes/admin.conf")])).toEqual([
      "certificate clusters/kubernetes",
      "certificate users/kubernetes-admin",
      "private-key users/kubernetes-admin",
    ]);
    const { code, out } = await inspect([at(`${pki}/apiserver.crt`)]);
    expect(code).toBe(0);
    expect(out).toContain("CN=kube-apiserver");
  });

  it("reads DER", async () => {
    const der = at("apiserver.der");
    execFileSync("openssl", ["x509", "-in", at(`${pki}/apiserver.crt`), "-outform", "DER", "-out", der]);
    expect(await items([der])).toEqual(["certificate file"]);
  });

  it("fault 1: lists every block of a bundle with its line, and the rubbish behind it does not hide them", async () => {
    const crt = readFileSync(at(`${pki}/apiserver.crt`), "latin1");
    const ca = readFileSync(at(`${pki}/ca.crt`), "latin1");
    const bundle = `# two\r\n\r\n${crt}foreign: -----\n${ca}-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\nrubbish`;
    const line = (text: string): number => bundle.slice(0, bundle.indexOf(text)).split("\n").length;
    expect(await items(["-"], { input: Buffer.from(bundle) })).toEqual([
      "certificate line 3",
      `certificate line ${line(ca)}`,
      `other line ${line("-----BEGIN X509 CRL")}`,
    ]);
  });

  it("fault 39: 10,000 certificates are read, and named, in bounded time", async () => {
    const crt = readFileSync(at(`${pki}/front-proxy-client.crt`));
    const input = Buffer.concat(Array.from({ length: 10_000 }, () => crt));
    const startedAt = performance.now();
    expect(await items(["-"], { input })).toHaveLength(10_000);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it("speaks JSON and YAML; several files are a list", async () => {
    const files = [at(`${pki}/apiserver.crt`), at(`${pki}/ca.crt`)];
    const json = await inspect([...files, "-o", "json"]);
    expect(JSON.parse(json.out)).toHaveLength(2);
    const yaml = await inspect([...files, "-o", "yaml"]);
    expect(yaml.out.match(/^- /gm)).toHaveLength(2);
    expect((await inspect(files)).code).toBe(0);
  });

  it("answers for another day", async () => {
    expect((await inspect([at(`${pki}/apiserver.crt`), "--at", "2027-11-21"])).code).toBe(0);
    expect((await inspect([at(`${pki}/apiserver.crt`), "--at", "2027-11-24"])).code).toBe(3);
    expect((await inspect([at(`${pki}/apiserver.crt`), "--at", "2026-11-01"])).code).toBe(3);
  });

  it.each<readonly [string, Uint8Array]>([
    ["nothing", new Uint8Array()],
    ["garbage", Uint8Array.from({ length: 500 }, (_, i) => (i * 31 + 0x80) & 255)],
    ["half a certificate", readFileSync(at(`${pki}/apiserver.crt`)).subarray(0, 600)],
    ["DER cut short", Buffer.from("308203e8a003", "hex")],
    ["10,000 levels of DER", Buffer.from("3080".repeat(10_000), "hex")],
    ["10,000 levels of YAML", Buffer.from(`a: ${"[".repeat(10_000)}`)],
    ["a lone header", Buffer.from("-----BEGIN CERTIFICATE-----\n")],
  ])("%s: exit 3, in every form, without a crash", async (_, input) => {
    for (const form of ["table", "json", "yaml"]) {
      expect((await inspect(["-", "-o", form], { input })).code).toBe(3);
    }
  });

  it.each<readonly [string, () => string, number, string]>([
    ["a missing file", () => at("nowhere.crt"), 1, "there is no such file"],
    ["a directory", () => at(pki), 1, "directory"],
    [
      "a pipe",
      () => {
        execFileSync("mkfifo", [at("pipe")]);
        return at("pipe");
      },
      1,
      "fifo",
    ],
    [
      "a dangling link",
      () => {
        symlinkSync("/nowhere/x", at("dangling"));
        return at("dangling");
      },
      1,
      "/nowhere/x",
    ],
    [
      "100 MB",
      () => {
        writeFileSync(at("huge"), "");
        truncateSync(at("huge"), 100 * 1024 * 1024);
        return at("huge");
      },
      1,
      "huge",
    ],
  ])("%s is an error that names it", async (_, make, code, text) => {
    const path = make();
    const result = await inspect([path]);
    expect({ code: result.code, out: result.out }).toEqual({ code, out: "" });
    expect(result.err).toContain(text);
    expect(result.err).toContain(path.split("/").at(-1));
  });

  it("looks below --root, as the hints of `check` ask for it", async () => {
    mkdirSync(at("sub"), { recursive: true });
    const { code, out } = await inspect([`/${pki}/apiserver.crt`, "--root", root]);
    expect({ code, found: out.includes("CN=kube-apiserver") }).toEqual({ code: 0, found: true });
  });

  it("an encrypted key is told, with no byte of it", async () => {
    const path = at("encrypted.key");
    const keyFiles = ["-passout", "pass:secret", "-in", at(`${pki}/apiserver.key`), "-out", path];
    execFileSync("openssl", ["pkcs8", "-topk8", ...keyFiles]);
    expect(await items([path])).toEqual(["encrypted-key line 1"]);
  });
});
