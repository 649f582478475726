// Links, modes, owners, immutable files, file names, and YAML that wants to hurt, through the real command.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builtCli } from "../support/cli.ts";
import { leftOverTemporaries } from "../../src/app/left-over.ts";
import { checked as resultOf, nodeAt } from "../support/control-plane.ts";
import { fixture } from "../support/fixtures.ts";
import {
  ask,
  type CheckAnswer,
  checkTree,
  expectClean,
  pki,
  planTree,
  summary,
  today,
} from "../support/hostile.ts";
import { snapshotTree } from "../support/tree.ts";

const crt = `${pki}/apiserver.crt`;
const key = `${pki}/apiserver.key`;
const admin = "etc/kubernetes/admin.conf";
const isRoot = process.getuid?.() === 0;
const expired = (): string => fixture("kubeadm-ecdsa-expired/m1");

describe("fault 9: links", () => {
  it("a link out of the allowed trees is told and refused; allowed by name, the link stays a link", async () => {
    const root = expired();
    mkdirSync(join(root, "data"));
    renameSync(join(root, crt), join(root, "data/apiserver.crt"));
    symlinkSync("/data/apiserver.crt", join(root, crt));
    const before = snapshotTree(root);
    expect(summary(await checkTree(root))).toContain("warning link-leaves-tree apiserver");
    const refused = await ask(root, ["renew", "apiserver", "--yes"]);
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("/data/apiserver.crt");
    expect(snapshotTree(root)).toEqual(before);
    const allowed = await ask(root, ["renew", "apiserver", "--yes", "--allow-links-to", "/data"]);
    expect(allowed.code).toBe(0);
    const after = snapshotTree(root);
    expect(after[crt]).toBe(before[crt]);
    expect(after["data/apiserver.crt"]).not.toBe(before["data/apiserver.crt"]);
  });

  it("an absolute link means the root's file, never the host's; `..` does not climb out", async () => {
    const outside = mkdtempSync(join(tmpdir(), "perennial-outside-"));
    const secret = join(outside, "apiserver.crt");
    for (const target of [secret, `${"../".repeat(30)}${secret}`]) {
      const root = expired();
      renameSync(join(root, crt), secret);
      symlinkSync(target, join(root, crt));
      const bytes = readFileSync(secret);
      expect((await planTree(root)).decisions["apiserver"]).toMatch(/^keep: (missing|unreadable)$/);
      expect((await ask(root, ["renew", "--yes"], { slow: true })).code).toBe(3);
      expect(readFileSync(secret)).toEqual(bytes);
    }
    rmSync(outside, { recursive: true });
  });

  it("a parent directory that links out of the root is not followed", async () => {
    const root = expired();
    const outside = mkdtempSync(join(tmpdir(), "perennial-outside-"));
    cpSync(join(root, pki), outside, { recursive: true });
    rmSync(join(root, pki), { recursive: true });
    symlinkSync(`${"../".repeat(30)}${outside}`, join(root, pki));
    const before = snapshotTree(outside);
    expect((await checkTree(root)).code).toBe(3);
    expect((await ask(root, ["renew", "--yes"])).code).not.toBe(0);
    expect(snapshotTree(outside)).toEqual(before);
    rmSync(outside, { recursive: true });
  });
});

describe.runIf(isRoot)("fault 13: modes and owners", () => {
  it("an open key and a foreign owner are told; renewed, the key is 0600 and the owner stays", async () => {
    const root = expired();
    chmodSync(join(root, key), 0o644);
    chownSync(join(root, key), 1234, 1234);
    expect(summary(await checkTree(root))).toEqual(
      expect.arrayContaining(["warning mode-too-open apiserver", "warning owner-unexpected apiserver"]),
    );
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
    const { mode, uid, gid } = statSync(join(root, key));
    expect({ mode: mode & 0o777, uid, gid }).toEqual({ mode: 0o600, uid: 1234, gid: 1234 });
  });

  it("a key that a group reads is said to close to it, unless the key is kept or the group is root's", async () => {
    const root = expired();
    const file = "file:m1:/etc/kubernetes/pki/apiserver.key";
    chmodSync(join(root, key), 0o640);
    const noticesOf = async (...words: readonly string[]): Promise<readonly unknown[]> => {
      const { out } = await ask(root, ["plan", "apiserver", "-o", "json", ...words]);
      const { notices } = JSON.parse(out) as { readonly notices: readonly { readonly code: string }[] };
      return notices.filter(({ code }) => code === "group-loses-key");
    };
    expect(await noticesOf()).toEqual([]);
    chownSync(join(root, key), 0, 998);
    expect(await noticesOf("--keep-key")).toEqual([]);
    expect(await noticesOf()).toEqual([
      { code: "group-loses-key", address: file, mode: "0640", newMode: "0600", gid: 998 },
    ]);
    const renewed = await ask(root, ["renew", "apiserver", "--yes"]);
    expect(renewed.out).toContain(
      "mode 0640 becomes 0600, the owner stays: a process that reads it only through group 998 (not as owner or root) can no longer read it; chown it to that process's user before, or chmod g+r right after the renewal: /etc/kubernetes/pki/apiserver.key",
    );
    const { mode, gid } = statSync(join(root, key));
    expect({ mode: mode & 0o777, gid }).toEqual({ mode: 0o600, gid: 998 });
  });

  it("as another user, keys that cannot be read are told and left, and nothing is changed", () => {
    const root = fixture("kubeadm-valid/m1");
    const cli = join(mkdtempSync(join(tmpdir(), "perennial-nobody-")), "perennial.cjs");
    writeFileSync(cli, readFileSync(builtCli()));
    for (const dir of [join(root, ".."), join(cli, "..")]) chmodSync(dir, 0o755);
    const before = snapshotTree(root);
    const run = (
      ...words: readonly string[]
    ): { readonly code: number; readonly out: string; readonly err: string } => {
      const script = 'setpriv --reuid=65534 --regid=65534 --clear-groups "$@" 2>"$0"; echo "exit $?"';
      const errors = join(cli, "../errors");
      const out = execFileSync(
        "sh",
        ["-c", script, errors, process.execPath, cli, ...words, "--root", root],
        {
          encoding: "utf8",
          env: { PATH: process.env["PATH"] ?? "", LANG: "C" },
        },
      );
      return { code: Number(/exit (\d+)\n$/.exec(out)?.[1]), out, err: readFileSync(errors, "utf8") };
    };
    const check = run("check", "--at", new Date(today).toISOString());
    expectClean(check);
    expect(check.code).toBe(3);
    expect(check.out).toMatch(/^CRITICAL \d+ files are unreadable: run as root \(sudo\): /m);
    expect(check.out).not.toMatch(/common name|cannot sign it now/);
    const renew = run("renew", "--yes");
    expectClean(renew);
    expect(renew.code).toBe(3);
    // Each certificate is told with the plan, and once.
    expect(renew.out).toContain(`/${key} cannot be read: permission denied (EACCES)`);
    expect(renew.err).toMatch(
      /^error: left out, not renewed: \d+ certificates whose files are unreadable: run as root \(sudo\)\nhint: sudo perennial renew --root [^\n]*\n$/,
    );
    expect(snapshotTree(root)).toEqual(before);
    rmSync(join(cli, ".."), { recursive: true });
  });
});

describe.runIf(isRoot)("fault 14: a file that cannot be replaced", () => {
  function canBeImmutable(path: string): boolean {
    try {
      execFileSync("chattr", ["+i", path], { stdio: "ignore" });
      execFileSync("chattr", ["-i", path], { stdio: "ignore" });
      return true;
    } catch {
      return false;
    }
  }

  it("chattr +i is found before anything is written, by name; without it the same command works", async (context) => {
    const root = expired();
    const path = join(root, crt);
    if (!canBeImmutable(path)) return context.skip();
    execFileSync("chattr", ["+i", path]);
    const before = snapshotTree(root);
    try {
      const { code, err } = await ask(root, ["renew", "--yes"], { slow: true });
      expect(code).toBe(1);
      expect(err).toContain(`/${crt}`);
      expect(err).toContain("EPERM");
      expect(snapshotTree(root)).toEqual(before);
    } finally {
      execFileSync("chattr", ["-i", path]);
    }
    expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
  });
});

describe("hostile file names", () => {
  const names = [
    Buffer.from("line\nCRITICAL all is well.crt"),
    Buffer.from("\u001b]0;evil\u0007.crt"),
    Buffer.from([0xff, 0xfe, 0x2e, 0x63, 0x72, 0x74]),
    Buffer.from(`${"x".repeat(251)}.crt`),
    Buffer.from("-rf.crt"),
    Buffer.from("\u202etrc.crt"),
  ];

  it("beside the certificates and among the homes are shown escaped, in every output", async () => {
    const root = fixture("kubeadm-valid/m1");
    for (const name of names) {
      writeFileSync(Buffer.concat([Buffer.from(`${join(root, pki)}/`), name]), readFileSync(join(root, crt)));
      const home = Buffer.concat([Buffer.from(`${join(root, "home")}/`), name]);
      mkdirSync(Buffer.concat([home, Buffer.from("/.kube")]), { recursive: true });
      writeFileSync(Buffer.concat([home, Buffer.from("/.kube/config")]), readFileSync(join(root, admin)));
    }
    for (const words of [["check"], ["check", "-o", "wide"], ["check", "-o", "json"], ["plan"], []]) {
      const { out } = await ask(root, words);
      expect(out).not.toMatch(/^CRITICAL all is well/m);
    }
  });
});

describe("what the tool would overlook", () => {
  const namesOf = ({ findings }: CheckAnswer, code: string): readonly unknown[] =>
    findings.filter((finding) => finding.code === code).map(({ params }) => params["path"]);

  it("a name that is not UTF-8 is a finding with its bytes; nothing of it is read or written", async () => {
    const root = expired();
    const name = Buffer.from([0x61, 0xff, 0xfe, 0x2e, 0x63, 0x72, 0x74]);
    const path = Buffer.concat([Buffer.from(`${join(root, pki)}/`), name]);
    writeFileSync(path, "not looked at");
    // What the name looks like when it is decoded carelessly is a file of its own.
    writeFileSync(join(root, pki, "a\ufffd\ufffd.crt"), readFileSync(join(root, crt)));
    const found = await checkTree(root);
    expect(namesOf(found, "name-not-utf8")).toEqual(["/etc/kubernetes/pki/a\\xff\\xfe.crt"]);
    expect(found.findings.some((finding) => finding.name === "etc/kubernetes/pki/a\ufffd\ufffd.crt")).toBe(
      true,
    );
    expect((await ask(root, ["check"])).out).toContain("a\\xff\\xfe.crt");
    expect((await ask(root, ["renew", "--yes"], { slow: true })).code).toBe(0);
    expect(readFileSync(path, "utf8")).toBe("not looked at");
  });

  it.each([
    ["no command", /\n {4}image: [\s\S]*$/, "\n"],
    ["nothing below spec", /\nspec:[\s\S]*$/, "\n"],
    ["no volumes", /\n {2}volumes:[\s\S]*$/, "\n"],
  ])("a manifest cut short that still is YAML, %s, is a finding", async (_, cut, by) => {
    const root = fixture("kubeadm-valid/m1");
    const path = join(root, "etc/kubernetes/manifests/kube-apiserver.yaml");
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace(cut, by));
    expect(readFileSync(path, "utf8")).not.toBe(text);
    expect(namesOf(await checkTree(root), "manifest-broken")).toEqual([
      "/etc/kubernetes/manifests/kube-apiserver.yaml",
    ]);
  });

  it("a temporary file left beside a target is a finding, one of the open run is not", async () => {
    const root = fixture("kubeadm-valid/m1");
    const left = ".perennial-20260101T000000Z-abcdef-3-apiserver.key";
    writeFileSync(join(root, pki, left), "x", { mode: 0o600 });
    writeFileSync(join(root, pki, ".perennial.conf"), "x");
    const checked = await checkTree(root);
    expect(namesOf(checked, "left-over-temporary")).toEqual([`/etc/kubernetes/pki/${left}`]);
    const result = await resultOf(root);
    expect(await leftOverTemporaries(nodeAt(root), result, ["20260101T000000Z-abcdef"])).toEqual([]);
    rmSync(join(root, pki, left));
    expect(namesOf(await checkTree(root), "left-over-temporary")).toEqual([]);
  });
});

describe("fault 39: YAML that wants to hurt", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x,x]",
    ..."bcdefghi".split("").map((name, i) => {
      const before = "abcdefgh"[i] ?? "a";
      return `${name}: &${name} [${Array.from({ length: 9 }, () => `*${before}`).join(",")}]`;
    }),
  ].join("\n");
  const user = (text: string): string => text.replaceAll("kubernetes-admin", "a\\u001b[31m\\u202e");

  it.each<readonly [string, (text: string) => string]>([
    ["broken YAML", (text) => `${text}\n  - [`],
    ["an alias bomb", (text) => `${bomb}\n${text}`],
    ["10,000 levels", (text) => `${text}\nx: ${"[".repeat(10_000)}`],
    ["duplicate keys", (text) => `${text}\nusers: []\n`],
    ["no users", (text) => text.replace(/users:[\s\S]*/, "users: []\n")],
    ["an unknown context", (text) => text.replace(/current-context: .*/, "current-context: nowhere")],
  ])("%s in admin.conf: told, left out, exit 3, and the rest of the plan stands", async (_, spoil) => {
    const root = fixture("kubeadm-valid/m1");
    writeFileSync(join(root, admin), spoil(readFileSync(join(root, admin), "utf8")));
    const before = snapshotTree(root);
    const checked = await checkTree(root);
    expect(checked.code).toBe(3);
    const names = checked.findings.map(({ name }) => name.slice(name.lastIndexOf("/") + 1));
    expect(names).toContain("admin.conf");
    expect((await planTree(root)).decisions["admin.conf"]).toMatch(/^keep: (unreadable|missing|not-usable)$/);
    const { code, out, err } = await ask(root, ["renew", "--yes"]);
    expect(code).toBe(3);
    expect(out + err).not.toContain("secret-token");
    expect(err).toContain("m1/admin.conf");
    expect(snapshotTree(root)).toEqual(before);
  });

  it("a token only in admin.conf: told, nothing to renew there, and no fault", async () => {
    const root = fixture("kubeadm-valid/m1");
    const text = readFileSync(join(root, admin), "utf8");
    const token = / {4}client-certificate-data: .*\n {4}client-key-data: .*/;
    writeFileSync(join(root, admin), text.replace(token, "    token: secret-token"));
    const checked = await ask(root, ["check"]);
    expect(checked.code).toBe(0);
    expect(checked.out).toContain("logs in by token, not by a certificate");
    expect((await planTree(root)).decisions["admin.conf"]).toBe("keep: observed-only");
    const { code, out, err } = await ask(root, ["renew", "--yes"]);
    expect(code).toBe(0);
    expect(out + err).not.toContain("secret-token");
  });

  it("a hostile user name is escaped", async () => {
    const root = expired();
    writeFileSync(
      join(root, admin),
      user(readFileSync(join(root, admin), "utf8")).replaceAll(/(name|user): (a\\u.*)/g, '$1: "$2"'),
    );
    for (const words of [["check"], ["plan"], ["plan", "--runbook"]]) await ask(root, words);
  });

  it.each<readonly [string, string]>([
    ["an alias bomb", bomb],
    ["10,000 levels", "[".repeat(10_000)],
    ["a list", "- a\n- b\n"],
  ])("%s as a manifest is one critical finding", async (_, text) => {
    const root = fixture("kubeadm-valid/m1");
    writeFileSync(join(root, "etc/kubernetes/manifests/etcd.yaml"), text);
    expect(summary(await checkTree(root))).toContain(
      "critical manifest-broken /etc/kubernetes/manifests/etcd.yaml",
    );
  });
});

describe("fault 11: a half-written file is mended by bringing it back", () => {
  it("truncated: told as such, left out with exit 3; restored, the same command says all is done", async () => {
    const root = fixture("kubeadm-valid/m1");
    const whole = readFileSync(join(root, crt));
    writeFileSync(join(root, crt), whole.subarray(0, 300));
    const before = snapshotTree(root);
    const { code, out, err } = await ask(root, ["renew", "--yes"]);
    expect(code).toBe(3);
    expect(out).not.toContain("Nothing is due");
    expect(err).toMatch(/^error: left out, not renewed: m1\/apiserver: .*\nhint: perennial check --root /);
    expect(snapshotTree(root)).toEqual(before);
    writeFileSync(join(root, crt), whole);
    const again = await ask(root, ["renew", "--yes"]);
    expect(again).toMatchObject({ code: 0, err: "" });
  });

  it.each(["gone", "emptied"])(
    "a key that is %s is made anew with its certificate, and rolled back to that",
    async (how) => {
      const root = expired();
      if (how === "gone") rmSync(join(root, key));
      else writeFileSync(join(root, key), "");
      const before = snapshotTree(root);
      expect((await ask(root, ["renew", "apiserver", "--yes"])).code).toBe(0);
      expect(statSync(join(root, key)).mode & 0o777).toBe(0o600);
      const lines = summary(await checkTree(root, [], Date.now())).filter((line) =>
        line.endsWith(" apiserver"),
      );
      expect(lines).toEqual([]);
      expect((await ask(root, ["rollback", "--yes"])).code).toBe(0);
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  it("applied from a saved plan: the rest is done, exit 3 as with renew, and the way on is a new plan", async () => {
    const root = expired();
    writeFileSync(join(root, crt), "");
    const saved = join(mkdtempSync(join(tmpdir(), "perennial-saved-")), "plan.json");
    expect((await ask(root, ["plan", "--out", saved])).code).toBe(0);
    const { code, out, err } = await ask(root, ["apply", saved, "--yes"]);
    expect(code).toBe(3);
    expect(out).toMatch(/^Left out, not renewed: apiserver \(/m);
    expect(out).toContain("Done: 10 certificates renewed");
    expect(err).toMatch(/^error: left out, not renewed: m1\/apiserver: .*\nhint: .*\n$/);
    expect(err).toContain(
      `hint: perennial check --root ${root} says what to do for each; then make a new plan: perennial plan --root ${root}\n`,
    );
    expect((await ask(root, ["rollback", "--yes"])).code).toBe(0);
    expect((await ask(root, ["plan", "--out", saved])).code).toBe(0);
    const json = await ask(root, ["apply", saved, "--yes", "-o", "json"]);
    expect(json.code).toBe(3);
    expect(JSON.parse(json.out.split("\n")[0] ?? "")).toMatchObject({
      type: "left-out",
      slots: [{ slot: "m1/apiserver" }],
    });
  });

  it("what is missing and cannot be made is said to be left out, never to be kept or not due", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const later = Date.now() + 60_000;
    expect((await ask(root, ["renew", "--yes"], { slow: true, now: later })).code).toBe(3);
    const before = snapshotTree(root);
    for (const words of [["renew", "--yes"], ["plan"]]) {
      const { code, out } = await ask(root, words, { slow: true, now: later });
      expect(code).toBe(words[0] === "plan" ? 0 : 3);
      expect(out).toMatch(
        /^Left out, not renewed: front-proxy-client \(missing, and so is its CA front-proxy-ca: /m,
      );
      expect(out).not.toMatch(/^Kept: .*front-proxy-client/m);
      expect(out).toMatch(/^Plan: 0 to renew, 0 to follow, \d+ to keep, 1 left out\.$/m);
      expect(out).not.toMatch(/Nothing (to do|is due)/);
    }
    expect((await ask(root, ["renew", "--yes"], { slow: true, now: later })).out).toMatch(
      /^Nothing was changed, and not because all is well: 1 certificate/m,
    );
    expect(snapshotTree(root)).toEqual(before);
  });

  it("a CA whose key is another's: what it signed is left out with exit 3 and the reason, the rest is renewed", async () => {
    const root = expired();
    writeFileSync(join(root, pki, "etcd/ca.key"), readFileSync(join(root, pki, "ca.key")));
    const { code, err } = await ask(root, ["renew", "--yes"]);
    expect(code).toBe(3);
    expect(err).toMatch(
      /^error: left out, not renewed: m1\/etcd-server: the private key file:m1:\/etc\/kubernetes\/pki\/etcd\/ca\.key does not belong/m,
    );
    const lines = summary(await checkTree(root, [], Date.now())).filter((line) =>
      line.startsWith("critical"),
    );
    expect(lines.filter((line) => /expired/.test(line)).map((line) => line.split(" ").at(-1))).toEqual([
      "apiserver-etcd-client",
      "etcd-healthcheck-client",
      "etcd-peer",
      "etcd-server",
    ]);
  });

  it("-o json says what was left out on a line of its own", async () => {
    const root = fixture("kubeadm-valid/m1");
    writeFileSync(join(root, crt), "");
    const { code, out } = await ask(root, ["renew", "--yes", "-o", "json"]);
    expect(code).toBe(3);
    expect(JSON.parse(out.split("\n")[0] ?? "")).toMatchObject({
      type: "left-out",
      slots: [{ slot: "m1/apiserver" }],
    });
  });
});
