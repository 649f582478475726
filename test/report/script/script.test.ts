// The script for hosts without Node: what it holds, what it does under three shells on real trees, what it refuses.
import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parseCertificate } from "../../../src/core/pki/certificate.ts";
import { allSteps } from "../../../src/core/plan/steps.ts";
import { renderScript, scriptStepIds } from "../../../src/report/script/render-script.ts";
import { runCli } from "../../support/cli.ts";
import { fixture } from "../../support/fixtures.ts";
import { planFor } from "../../support/script-plan.ts";
import { faultsOf, keysLeft, runScript, shapesOf, workOf } from "../../support/script-run.ts";
import { snapshotTree } from "../../support/tree.ts";
import { fullPlan } from "../plan-samples.ts";
import { hostile } from "../samples.ts";

const work = mkdtempSync(join(tmpdir(), "perennial-script-"));
afterAll(() => rmSync(work, { recursive: true, force: true }));

describe("the script", () => {
  it("holds every step of the plan once, in order, in both languages", async () => {
    const plan = await planFor(fixture("kubeadm-ha-expired/m1"));
    for (const lang of ["en", "zh"] as const) {
      expect(scriptStepIds(renderScript(plan, { lang }))).toEqual(allSteps(plan).map(({ id }) => id));
    }
    expect(allSteps(plan).length).toBe(80);
  });

  it.each(["dash", "busybox", "bash"] as const)(
    "renews an expired control plane under %s as planned, and undoes it",
    { timeout: 900_000 },
    async (shell) => {
      const root = fixture("kubeadm-ecdsa-expired/m1");
      const names = ["apiserver", "etcd-server", "admin.conf"];
      const before = snapshotTree(root);
      const shapes = shapesOf(root);
      const plan = await planFor(root, {
        names,
        addSans: [{ slot: "apiserver", kind: "ip", value: "fd00::9" }],
      });
      const script = renderScript(plan, { lang: shell === "bash" ? "zh" : "en" });
      expect(await runScript(script, ["check"], { shell })).toMatchObject({ code: 0 });
      expect(snapshotTree(root)).toEqual(before);
      const apiserver = join(root, "etc/kubernetes/pki/apiserver.crt");
      const old = parsedOf(apiserver);
      const applied = await runScript(script, ["apply", "--yes"], { shell });
      expect(applied).toMatchObject({ code: 0 });
      expect(applied.text).not.toContain("PRIVATE KEY");
      expect(await faultsOf(root, names)).toEqual([]);
      expect(shapesOf(root)).toEqual(shapes);
      expect(keysLeft(root)).toEqual([]);
      const again = await runScript(script, ["check"], { shell });
      expect(again).toMatchObject({ code: 0 });
      expect(again.text).toMatch(shell === "bash" ? /已完成/ : /it is done/);
      const made = parsedOf(apiserver);
      expect(Buffer.from(made.subjectDer)).toEqual(Buffer.from(old.subjectDer));
      expect(made.extensions.map(({ oid }) => oid)).toEqual(old.extensions.map(({ oid }) => oid));
      const same = made.extensions.filter(
        ({ der }, at) => Buffer.compare(der, old.extensions[at]?.der ?? new Uint8Array()) === 0,
      );
      expect(same.length).toBe(made.extensions.length - 1);
      expect(textOf(apiserver)).toContain("IP Address:FD00:0:0:0:0:0:0:9");
      const logged = readFileSync(join(workOf(root), "log"), "utf8").match(/^done .*$/gm) ?? [];
      expect([...new Set(logged)]).toEqual(allSteps(plan).map(({ id }) => `done ${id}`));
      expect((await runScript(script, ["apply", "--yes"], { shell })).code).toBe(0);
      expect(await runScript(script, ["undo", "--yes"], { shell })).toMatchObject({ code: 0 });
      expect(snapshotTree(root)).toEqual(before);
    },
  );

  it("refuses with 4 and changes nothing when anything is not as planned", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    const pki = join(root, "etc/kubernetes/pki");
    const faults: readonly (readonly [string, () => void, () => void])[] = [
      [
        "mode/uid/gid was 644",
        () => chmodSync(join(pki, "apiserver.crt"), 0o600),
        () => chmodSync(join(pki, "apiserver.crt"), 0o644),
      ],
      [
        "link was",
        () =>
          execFileSync("sh", ["-c", "mv apiserver.crt other.crt; ln -s other.crt apiserver.crt"], {
            cwd: pki,
          }),
        () => execFileSync("sh", ["-c", "rm apiserver.crt; mv other.crt apiserver.crt"], { cwd: pki }),
      ],
      ["sha256 was", () => appendFileSync(join(pki, "ca.crt"), "\n"), () => {}],
    ];
    for (const [text, spoil, mend] of faults) {
      spoil();
      const before = snapshotTree(root, []);
      for (const command of [["check"], ["apply", "--yes"]]) {
        const result = await runScript(script, command);
        expect(result).toMatchObject({ code: 4 });
        expect(result.text).toContain(text);
      }
      expect(snapshotTree(root, [])).toEqual(before);
      mend();
    }
  });

  it("asks for yes, and is kept out by the tool's lock", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    expect(await runScript(script, ["apply"])).toMatchObject({ code: 2 });
    expect(await runScript(script, ["aply"])).toMatchObject({ code: 2 });
    const lock = join(root, "var/lib/perennial/lock");
    mkdirSync(lock, { recursive: true });
    writeFileSync(join(lock, "00000001"), '{"token":1,"state":"held","what":"renew"}\n');
    const before = snapshotTree(root);
    expect(await runScript(script, ["apply", "--yes"])).toMatchObject({ code: 5 });
    expect(snapshotTree(root)).toEqual(before);
  });

  it("stops before any change at a kubeconfig that it cannot read for certain", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const admin = join(root, "etc/kubernetes/admin.conf");
    const text = readFileSync(admin, "utf8");
    writeFileSync(
      admin,
      text.replace(
        /users:\n- name: (.*)\n {2}user:\n {4}(.*)\n {4}(.*)\n/,
        "users: [{name: $1, user: {$2, $3}}]\n",
      ),
    );
    const script = renderScript(await planFor(root, { names: ["admin.conf"] }), { lang: "en" });
    const before = snapshotTree(root, []);
    const result = await runScript(script, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 4 });
    expect(result.text).toContain("not in the layout of kubeadm");
    expect(snapshotTree(root, [])).toEqual(before);
  });

  it("leaves everything else of a kubeconfig as it is: comments, quotes, other users, CRLF", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const admin = join(root, "etc/kubernetes/admin.conf");
    const text = readFileSync(admin, "utf8");
    const odd = text
      .replace(/client-key-data: (.*)/, 'client-key-data:   "$1"  ')
      .replace("users:\n", "users:\n# ours\n- name: other\n  user:\n    token: abc\n")
      .replaceAll("\n", "\r\n");
    writeFileSync(admin, odd);
    const script = renderScript(await planFor(root, { names: ["admin.conf"] }), { lang: "en" });
    expect(await runScript(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
    const masked = (value: string): string => value.replace(/(client-\S+-data: +"?)[A-Za-z0-9+/=]+/g, "$1X");
    const now = readFileSync(admin, "utf8");
    expect(masked(now)).toBe(masked(odd));
    expect(now).not.toBe(odd);
  });

  it("undoes by itself when it fails after the first write and the old certificates are still valid", async () => {
    const root = fixture("kubeadm-valid/m1");
    const before = snapshotTree(root);
    const plan = await planFor(root, { names: ["apiserver", "admin.conf"] });
    const script = renderScript(plan, { lang: "en" }).replace(/^prove\(\) .*$/m, "prove() { return 1; }");
    expect(OLD_END(script)).toBeGreaterThan(Date.now() / 1000);
    const result = await runScript(script, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 1 });
    expect(result.text).toContain("undone");
    expect(snapshotTree(root)).toEqual(before);
  });

  it("stays midway with 6 when the old certificates have expired", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const script = renderScript(await planFor(root, { names: ["apiserver"] }), { lang: "en" });
    const broken = script.replace(/^prove\(\) .*$/m, "prove() { return 1; }");
    const result = await runScript(broken, ["apply", "--yes"]);
    expect(result).toMatchObject({ code: 6 });
    expect(result.text).toContain("stopped midway");
    expect(await runScript(script, ["apply", "--yes"])).toMatchObject({ code: 0 });
  });

  it("names the steps that only the tool can do", async () => {
    const root = fixture("kubeadm-half-done/m1");
    const plan = await planFor(root);
    expect(() => renderScript(plan, { lang: "en" })).toThrow(/script-unsupported/);
    const { code, err } = await runCli(["plan", "--script", "--root", root]);
    expect(code).toBe(4);
    expect(err).toMatch(/^error: a script cannot do these steps: m1\//);
  });

  it("quotes whatever a plan holds", () => {
    const plan = fullPlan(hostile);
    const script = renderScript({ ...plan, refusals: [] }, { lang: "en" });
    expect(script).not.toMatch(/[\u001b\u202e\u200b]/);
    execFileSync("dash", ["-n"], { input: script });
  });

  it("is written by plan --script --out, for its owner to run", async () => {
    const root = fixture("kubeadm-ecdsa-expired/m1");
    const file = join(work, "out.sh");
    const { code, out, err } = await runCli(["plan", "--script", "--out", file, "--root", root]);
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(err).toContain(`sh ${file} check --root /, then apply --root /`);
    expect(execFileSync("stat", ["-c", "%a", file], { encoding: "utf8" })).toBe("700\n");
  });
});

function OLD_END(script: string): number {
  return Number(/^OLD_END=(\d+)$/m.exec(script)?.[1]);
}

function textOf(path: string): string {
  return execFileSync("openssl", ["x509", "-in", path, "-noout", "-text"], { encoding: "utf8" });
}

function parsedOf(path: string): ReturnType<typeof parseCertificate> {
  return parseCertificate(new Uint8Array(execFileSync("openssl", ["x509", "-in", path, "-outform", "DER"])));
}
