// `inspect`: everything in a file, with its place, whatever it is.
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { type CliOptions, type CliResult, runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { expectClean, pki, secretsOf, today } from "../support/hostile.ts";
import { closeServers, http, https, silent } from "../support/tls-server.ts";

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
    expect(performance.now() - startedAt).toBeLessThan(60_000);
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

describe("inspect of what kubectl prints", () => {
  const text = (path: string): string => readFileSync(at(path), "utf8");
  const base64 = (value: string): string => Buffer.from(value).toString("base64");
  const secret = (name: string, data: Readonly<Record<string, string>>, more: object = {}): object => ({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "istio-system" },
    data,
    ...more,
  });
  const certs = secret("demo-kube-certs", {
    "ca.crt": base64(text(`${pki}/ca.crt`)),
    "chain.crt": base64(text(`${pki}/apiserver.crt`) + text(`${pki}/ca.crt`)),
    "apiserver.key": base64(text(`${pki}/apiserver.key`)),
    config: base64(text("etc/kubernetes/admin.conf")),
    "ca.srl": base64("01\n"),
  });
  const held = [
    "certificate secrets/istio-system/demo-kube-certs/ca.crt",
    "certificate secrets/istio-system/demo-kube-certs/chain.crt",
    `certificate secrets/istio-system/demo-kube-certs/chain.crt line ${text(`${pki}/apiserver.crt`).split("\n").length}`,
    "private-key secrets/istio-system/demo-kube-certs/apiserver.key",
    "certificate secrets/istio-system/demo-kube-certs/config clusters/kubernetes",
    "certificate secrets/istio-system/demo-kube-certs/config users/kubernetes-admin",
    "private-key secrets/istio-system/demo-kube-certs/config users/kubernetes-admin",
  ];
  const objects = (value: unknown): CliOptions => ({ input: Buffer.from(JSON.stringify(value)) });

  it("is every value of a Secret that holds certificates, keys or a kubeconfig, and nothing else", async () => {
    expect(await items(["-"], objects(certs))).toEqual(held);
    const { code, out } = await inspect(["-"], objects(certs));
    expect(code).toBe(0);
    expect(out).toContain("belongs to     secrets/istio-system/demo-kube-certs/chain.crt\n");
  });

  it("is a List, or a list of one kind that does not repeat it", async () => {
    const map = {
      kind: "ConfigMap",
      metadata: { name: "certs", namespace: "tke" },
      data: { "etcd.crt": text(`${pki}/apiserver-etcd-client.crt`) },
    };
    const list = { apiVersion: "v1", kind: "List", items: [certs, map, { kind: "Pod", data: { a: "b" } }] };
    expect(await items(["-"], objects(list))).toEqual([...held, "certificate configmaps/tke/certs/etcd.crt"]);
    const { kind: _, ...bare } = { ...certs } as { readonly kind?: string };
    expect(await items(["-"], objects({ kind: "SecretList", items: [bare] }))).toEqual(held);
  });

  it("is YAML as well, several documents, and text that was never encoded", async () => {
    const indented = text(`${pki}/ca.crt`).replaceAll(/^(?=.)/gm, "    ");
    const yaml = `---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  ca.crt: |\n${indented}---\nkind: Secret\nmetadata:\n  name: b\nstringData:\n  ca.crt: |\n${indented}`;
    expect(await items(["-"], { input: Buffer.from(yaml) })).toEqual([
      "certificate configmaps/a/ca.crt",
      "certificate secrets/b/ca.crt",
    ]);
  });

  it("tells damage with the object and the key", async () => {
    const half = base64(text(`${pki}/ca.crt`).slice(0, 400));
    const damaged = secret("x", { "a.crt": "%%%", "b.crt": half });
    const { code, out } = await inspect(["-"], { ...objects(damaged), lang: "zh" });
    expect(code).toBe(3);
    expect(out).toContain("secrets/istio-system/x/a.crt  已损坏\n  原因    不是 base64（base64-malformed）");
    expect(out).toContain("secrets/istio-system/x/b.crt 第 1 行  已损坏");
  });

  it.each<readonly [string, string]>([
    [
      "aliases upon aliases",
      `kind: Secret\na: &a [x,x,x,x,x,x,x,x,x]\n${"bcdefghi".replaceAll(/./g, (name) => `${name}: &${name} [${`*${String.fromCharCode(name.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
    ],
    [
      "8 MB of values",
      `kind: Secret\ndata:\n${Array.from({ length: 80_000 }, (_, i) => `  k${i}: ${"QUFB".repeat(20)}\n`).join("")}`,
    ],
    [
      "a prototype",
      '{"kind":"Secret","data":{"__proto__":"QQ==","constructor":"QQ=="},"metadata":{"__proto__":{"name":"x"}}}',
    ],
    ["10,000 levels", `{"kind":"List","items":${"[".repeat(10_000)}`],
  ])("takes bounded time for %s, and finds nothing", async (_, input) => {
    const startedAt = performance.now();
    expect((await inspect(["-"], { input: Buffer.from(input) })).code).toBe(3);
    expect(performance.now() - startedAt).toBeLessThan(20_000);
  });
});

describe("inspect of a listener", () => {
  afterEach(closeServers);
  const identity = {
    cert: Buffer.concat([readFileSync(at(`${pki}/apiserver.crt`)), readFileSync(at(`${pki}/ca.crt`))]),
    key: readFileSync(at(`${pki}/apiserver.key`)),
  };
  const listening = (more: object = {}) =>
    https(null, (_, answer) => void answer.end(), { ...identity, ...more });

  it.each([
    ["that asks nothing of us", {}],
    ["that wants a client certificate", { requestCert: true, rejectUnauthorized: true, ca: identity.cert }],
    [
      "that wants one in the handshake of TLS 1.2",
      { requestCert: true, rejectUnauthorized: true, ca: identity.cert, maxVersion: "TLSv1.2" },
    ],
  ])("%s: the chain as it is shown", async (_, more) => {
    const { port } = await listening(more);
    expect(await items([`127.0.0.1:${port}`])).toEqual([
      "certificate handshake 1",
      "certificate handshake 2",
    ]);
    const { code, out } = await inspect([`https://127.0.0.1:${port}/readyz`]);
    expect(code).toBe(0);
    expect(out).toMatch(/^shown as number 1 {2}certificate\n {2}subject +CN=kube-apiserver$/m);
    expect(out).not.toContain("private key");
  });

  it("is asked for the name that was said, else for its own", async () => {
    const asked: string[] = [];
    const SNICallback = (name: string, done: (error: null) => void): void => {
      asked.push(name);
      done(null);
    };
    const { port } = await listening({ SNICallback });
    await items([`localhost:${port}`]);
    await items([`127.0.0.1:${port}`, "--server-name", "apiserver-loopback-client"]);
    await items([`127.0.0.1:${port}`]);
    expect(asked).toEqual(["localhost", "apiserver-loopback-client"]);
  });

  it("that does not speak TLS, or is not there, is an error in words", async () => {
    const { port } = await http((_, answer) => void answer.end());
    const plain = await inspect([`127.0.0.1:${port}`]);
    expect(plain).toMatchObject({ code: 1, out: "" });
    expect(plain.err).toContain(`https://127.0.0.1:${port} could not be asked: it does not speak TLS`);
    await closeServers();
    expect((await inspect([`127.0.0.1:${port}`])).err).toContain("nothing listens there");
  });

  it("that says nothing is not waited for for ever", async () => {
    const { port } = await silent();
    expect((await inspect([`127.0.0.1:${port}`])).err).toContain("it did not answer in time");
  });

  it("is no listener when a file has that name, or below another root", async () => {
    expect((await inspect(["127.0.0.1:1", "--root", root])).err).toContain("there is no such file");
    expect((await inspect([at(`${pki}/ca.crt`), "--server-name", "x"])).code).toBe(2);
  });
});
