// `perennial collect` and `check --facts`: the script under old shells, no byte of a key in what it prints, the same findings elsewhere.
import { execFileSync, spawnSync } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  lstatSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { cksum, parseCollectedText } from "../../src/core/policy/collected-text.ts";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder, unpackFixtures } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

const script = resolve(import.meta.dirname, "../../bin/perennial-collect");
const now = Date.parse("2026-11-22T20:00:00Z");

function collect(
  root: string,
  shell: readonly string[] = ["dash"],
  environment: Readonly<Record<string, string>> = {},
): string {
  const [command = "", ...words] = shell;
  const { status, stdout, stderr } = spawnSync(command, [...words, script], {
    encoding: "utf8",
    env: { PATH: process.env["PATH"] ?? "", ROOT: root, ...environment },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  return stdout;
}

function saved(text: string): string {
  const path = join(freshFolder(), "facts.txt");
  writeFileSync(path, text);
  return path;
}

interface Checked {
  readonly findings: readonly { readonly code: string; readonly name: string }[];
}

/** Without what names the root: commands to go on with, and the time of the question. */
async function check(words: readonly string[]): Promise<Checked> {
  const { out, err } = await runCli(["check", "-o", "json", ...words], { now });
  expect(err).toBe("");
  const [, root = "/"] = words[0] === "--root" ? words : [];
  return JSON.parse(
    out
      .replaceAll(` --root ${root}`, "")
      .replaceAll(/ --facts [^" ;)]+/g, "")
      .replaceAll(`"root": "${root}"`, '"root": "/"'),
  ) as Checked;
}

function section(text: string, title: string): string {
  const found = parseCollectedText(Buffer.from(text), "f").find((one) => one.title === title);
  return Buffer.from(found?.bytes ?? []).toString();
}

/** All there is to read in the text: itself, its sections, and whatever is base64 inside them. */
function everythingIn(text: string): string {
  const sections = parseCollectedText(Buffer.from(text), "f").map(({ bytes }) =>
    Buffer.from(bytes).toString("latin1"),
  );
  const inner = sections.flatMap((one) => one.match(/[A-Za-z0-9+/=]{60,}/g) ?? []);
  const decoded = inner.map((one) => Buffer.from(one, "base64").toString("latin1"));
  return [text.replace(/\n/g, ""), ...sections, ...decoded].join("\n");
}

/** Every line of base64 of every private key below a folder, embedded ones too. */
function keyLinesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => lstatSync(path).isFile())
    .flatMap((path) => {
      const text = readFileSync(path, "latin1");
      const embedded = [...text.matchAll(/client-key-data"?: "?([A-Za-z0-9+/=]+)/g)].map(
        ([, value = ""]) => value,
      );
      const texts = [text, ...embedded.map((value) => Buffer.from(value, "base64").toString("latin1"))];
      const blocks = texts.flatMap((one) => one.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*/g) ?? []);
      const lines = blocks.flatMap((block) =>
        block.split("\n").filter((line) => line.length >= 40 && !line.startsWith("-")),
      );
      return [...lines, ...embedded.map((value) => value.slice(0, 200).slice(60))];
    });
}

const tree = (name: string): string => join(unpackFixtures(), name);

describe("perennial collect", () => {
  it.each([
    ["kubeadm-ha-expired/m2", ["dash"]],
    ["kubeadm-half-done/m1", ["busybox", "sh"]],
    ["kubeadm-external-ca-expired/m1", ["bash", "--posix"]],
    ["kubeadm-ecdsa-expired/m1", ["dash"]],
  ] as const)("of %s under %j gives the findings that the node itself gives", async (name, shell) => {
    const text = collect(tree(name), shell);
    const [there, here] = [await check(["--root", tree(name)]), await check(["--facts", saved(text)])];
    expect(here.findings.length).toBeGreaterThan(0);
    expect(here).toEqual(there);
    const everything = everythingIn(text);
    const keys = keyLinesBelow(tree(name));
    expect(keys.length).toBeGreaterThan(20);
    expect(keys.filter((line) => everything.includes(line))).toEqual([]);
  });

  it("is the same text with Node.js on the node", async () => {
    const root = tree("kubeadm-ha-expired/m1");
    const { code, out } = await runCli(["collect", "--root", root, "--log-lines", "5"]);
    expect(code).toBe(0);
    const withoutTime = (text: string): readonly string[] =>
      parseCollectedText(Buffer.from(text), "f")
        .slice(1)
        .map(({ title, bytes }) => `${title} ${Buffer.from(bytes).toString()}`);
    expect(withoutTime(out)).toEqual(withoutTime(collect(root)));
    expect((await runCli(["collect", "--script"])).out).toBe(readFileSync(script, "utf8"));
    expect((await runCli(["collect", "--root", root, "--log-lines", "-1"])).code).toBe(2);
  });

  it("writes nothing", () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const temporary = freshFolder();
    const before = snapshotTree(root);
    collect(root, ["bash", "--posix"], { TMPDIR: temporary });
    expect(snapshotTree(root)).toEqual(before);
    expect(readdirSync(temporary)).toEqual([]);
  });
});

describe("collected facts of a node with every kind of trouble", () => {
  const root = fixture("kubeadm-ha-expired/m1");
  const pki = join(root, "etc/kubernetes/pki");
  const key = (name: string): string => readFileSync(join(pki, name), "utf8");
  const body = (pem: string): string => pem.replace(/-----.*-----\n/g, "");
  const conf = (name: string): string => join(root, "etc/kubernetes", name);
  const adminKey = Buffer.from(key("apiserver.key")).toString("base64");
  mkdirSync(join(root, "home/op/.kube"), { recursive: true });
  mkdirSync(join(root, "home/json/.kube"), { recursive: true });
  const encrypted = createPrivateKey(key("front-proxy-client.key")).export({
    type: "pkcs8",
    format: "pem",
    cipher: "aes-256-cbc",
    passphrase: "swordfish",
  });
  copyFileSync(join(pki, "sa.key"), join(pki, "apiserver.key"));
  writeFileSync(join(pki, "front-proxy-client.key"), encrypted);
  writeFileSync(join(pki, "etcd/peer.key"), key("etcd/peer.key").slice(0, 300));
  writeFileSync(
    join(pki, "etcd/server.crt"),
    readFileSync(join(pki, "etcd/server.crt"), "utf8").slice(0, 400),
  );
  writeFileSync(join(pki, "apiserver-etcd-client.crt"), "");
  rmSync(join(pki, "apiserver-kubelet-client.crt"));
  symlinkSync("/data/gone.crt", join(pki, "apiserver-kubelet-client.crt"));
  // A key that calls itself a certificate, and one behind a certificate that never ends.
  writeFileSync(
    join(pki, "lies.crt"),
    `-----BEGIN CERTIFICATE-----\n${body(key("ca.key"))}-----END CERTIFICATE-----\n`,
  );
  writeFileSync(
    join(pki, "both.pem"),
    readFileSync(join(pki, "ca.crt"), "utf8").replace(/-----END.*\n/, "") + key("ca.key"),
  );
  writeFileSync(
    conf("scheduler.conf"),
    readFileSync(conf("scheduler.conf"), "utf8").replace(
      / {4}client-c[\s\S]*/,
      "    token: abcdef.0123456789abcdef-hidden\n",
    ),
  );
  writeFileSync(
    join(root, "home/op/.kube/config"),
    [
      "apiVersion: v1",
      "kind: Config",
      "# password: swordfish",
      "clusters:",
      "- name: a",
      "  cluster: {server: https://me:swordfish@lb:6443}",
      "- name: b",
      "  cluster:",
      "    server: https://me:swordfish@lb:6443",
      `    certificate-authority-data: ${adminKey}`,
      "contexts: []",
      "users:",
      "- name: one",
      "  user:",
      "    client-key-data: |-",
      `      ${adminKey.slice(0, 300)}`,
      `      ${adminKey.slice(300)}`,
      "    password: swordfish",
      "    username: me",
      "    exec:",
      "      command: swordfish",
      '      "client-key-data": swordfish',
      "- name: two",
      `  user: {client-key-data: ${adminKey}, token: swordfish}`,
      "",
    ].join("\n"),
  );
  writeFileSync(
    join(root, "home/json/.kube/config"),
    `{"users":[{"user":{"token":"swordfish","client-key-data":"${adminKey}"}}]}`,
  );
  const manifest = join(root, "etc/kubernetes/manifests/kube-controller-manager.yaml");
  writeFileSync(
    manifest,
    readFileSync(manifest, "utf8").replace(
      "    image:",
      "    env:\n    - name: DB_PASSWORD\n      value: swordfish\n    image:",
    ),
  );
  mkdirSync(join(root, "var/log/pods/kube-system_etcd-m1_1/etcd"), { recursive: true });
  writeFileSync(
    join(root, "var/log/pods/kube-system_etcd-m1_1/etcd/0.log"),
    `${"old line\n".repeat(100)}2026-11-22T10:00:00Z stderr F rejected connection: remote error: tls: bad certificate Bearer swordfish.a.b\n`,
  );

  const text = collect(root);

  it("hold no key, token or password", () => {
    const everything = everythingIn(text);
    const lines = [
      ...keyLinesBelow(root),
      ...body(key("ca.key")).split("\n"),
      adminKey.slice(100, 200),
    ].filter((line) => line !== "");
    expect(lines.filter((line) => everything.includes(line))).toEqual([]);
    for (const secret of ["swordfish", "0123456789abcdef-hidden", "PRIVATE KEY-----"])
      expect(everything).not.toContain(secret);
    expect(section(text, "file /etc/kubernetes/scheduler.conf")).toContain("    token: removed\n");
    expect(section(text, "file /home/op/.kube/config")).toContain("    server: https://lb:6443\n");
  });

  it("tell what is wrong with keys and files as the node itself would", async () => {
    const codes = ({ findings }: Checked): readonly string[] =>
      findings
        .filter(({ name }) => !name.includes("home/"))
        .map(({ code, name }) => `${name} ${code}`)
        .sort();
    const [there, here] = [await check(["--root", root]), await check(["--facts", saved(text)])];
    expect(codes(here).filter((code) => !code.includes("lies.crt") && !code.includes("both.pem"))).toEqual(
      codes(there).filter((code) => !code.includes("lies.crt") && !code.includes("both.pem")),
    );
    expect(codes(here)).toContain("apiserver key-does-not-match");
  });

  it("are inspected by path, and diagnosed with their logs", async () => {
    const path = saved(text);
    const inspected = await runCli(["inspect", "--facts", path, "/etc/kubernetes/pki/ca.crt"], { now });
    expect(inspected.out).toContain("CN=kubernetes");
    const lost = await runCli(["inspect", "--facts", path, "/etc/shadow"], { now });
    expect(lost.err).toContain("/etc/shadow is not in the collected facts");
    const diagnosed = await runCli(["diagnose", "--facts", path, "-o", "json"], { now });
    expect(diagnosed.err).toBe("");
    expect(JSON.parse(diagnosed.out)).toMatchObject({
      logs: { lines: 40, sources: ["/var/log/pods/kube-system_etcd-m1_1/etcd/0.log"] },
    });
  });

  it("are read from standard input, through a mail, and refused by name when a section is damaged", async () => {
    const quoted = Buffer.from(text.replaceAll(/^/gm, "> ").replaceAll("\n", "\r\n"));
    const piped = await runCli(["check", "--facts", "-", "-o", "json"], { now, input: quoted });
    const unpiped = piped.out.replaceAll(" --facts -", "");
    expect(JSON.parse(unpiped)).toEqual(await check(["--facts", saved(text)]));
    const number = /^@(\d+) file \/etc\/kubernetes\/pki\/ca.crt$/m.exec(text)?.[1] ?? "";
    const damaged = text.replace(new RegExp(`^(@${number} file .*\n.*\n)..`, "m"), "$1xx");
    const refused = await runCli(["check", "--facts", saved(damaged)], { now });
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(
      `section ${number} (file /etc/kubernetes/pki/ca.crt) was changed on the way: its sum differs`,
    );
    const chinese = await runCli(["check", "--facts", saved(damaged)], { now, lang: "zh" });
    expect(chinese.err).toContain(`第 ${number} 段（file /etc/kubernetes/pki/ca.crt）在传递中被改动`);
  });
});

describe("a node without openssl", () => {
  it("is collected, and its keys are told to be unread", async () => {
    const bin = freshFolder();
    for (const name of "dash awk sed grep tr fold cksum stat readlink base64 date id cut tail ls sort cat uname".split(
      " ",
    ))
      symlinkSync(
        execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim(),
        join(bin, name),
      );
    const text = collect(tree("kubeadm-ha-expired/m1"), [join(bin, "dash")], { PATH: bin });
    const { out } = await runCli(["check", "--facts", saved(text), "-o", "json"], { now });
    expect(out).toContain("there was no openssl to read it with");
  });
});

describe("the sum", () => {
  it("is that of the program", () => {
    const text = "a2luZCBmaWxl".repeat(100);
    expect(execFileSync("cksum", { input: text, encoding: "utf8" })).toBe(`${cksum(text)} ${text.length}\n`);
  });
});
