// What an operator sees on a terminal of 100 columns and 40 lines, from the real command on a real tree.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import { renderError } from "../../src/report/error-text.ts";
import { flags } from "../../src/report/flags.ts";
import { detailInChinese } from "../../src/report/messages/zh/details.ts";
import { displayWidth } from "../../src/report/width.ts";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";

const now = Date.UTC(2026, 10, 22, 16);
const expired = "kubeadm-ha-expired/m1";

/** Lines as a terminal of 100 columns breaks them. */
function screenLines(text: string): number {
  return text
    .trimEnd()
    .split("\n")
    .reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line.trimEnd()) / 100)), 0);
}

describe("on one screen", () => {
  it("check groups what is the same fault and names one command for it", async () => {
    const root = fixture(expired);
    const { out, code } = await runCli(["check", "--root", root], { now });
    expect(code).toBe(3);
    expect(out).toContain(
      "CRITICAL 12 certificates expired between Nov 01, 2024 and Nov 01, 2025: admin.conf, apiserver, apiserver-etcd-client, apiserver-kubelet-client, controller-manager.conf, etcd-healthcheck-client, etcd-peer, etcd-server, front-proxy-client, kubelet.conf, root/.kube/config, scheduler.conf\n" +
        `    -> perennial renew --root ${root} (shows the plan first and asks)\n`,
    );
    expect(out).toContain(
      "WARNING root/.kube/config: the copy holds a certificate that ended Nov 01, 2024, its original admin.conf one that ended Nov 01, 2025; whoever uses the copy uses an old one\n",
    );
    expect(out.match(/perennial renew --root/g)?.length).toBe(1);
    expect(screenLines(out)).toBeLessThanOrEqual(39);
  });

  it("check says on which day they all expired, in both languages", async () => {
    const root = fixture("kubeadm-valid/m1");
    const at = "2027-12-01";
    const en = await runCli(["check", "--root", root, "--at", at], { now });
    expect(en.out).toMatch(/CRITICAL \d+ certificates expired on Nov 22, 2027 \(8 days ago\): admin\.conf, /);
    const zh = await runCli(["check", "--root", root, "--at", at], { now, lang: "zh" });
    expect(zh.out).toMatch(/严重 \d+ 个证书已于 2027-11-22 过期（8 天前）：admin\.conf、/);
  });

  it("check as JSON keeps one finding per certificate", async () => {
    const { out } = await runCli(["check", "--root", fixture(expired), "-o", "json"], { now });
    const { findings } = JSON.parse(out) as { findings: readonly { code: string }[] };
    expect(findings.filter(({ code }) => code === "certificate-expired").length).toBe(12);
  });

  it.each(["en", "zh"] as const)("the bare command takes half a screen (%s)", async (lang) => {
    const root = fixture(expired);
    const { out } = await runCli(["--root", root], { now, lang });
    expect(screenLines(out)).toBeLessThanOrEqual(20);
    expect(out).toContain(`perennial plan --root ${root}`);
  });
});

describe("refusals and hints", () => {
  it("repeat the root in every command they name", async () => {
    const root = fixture(expired);
    const refused = await runCli(["renew", "ca", "--root", root], { now });
    expect(refused.code).toBe(4);
    expect(refused.out).toBe("");
    const commands = refused.err.match(/perennial (?:check|renew)[^;\n]*/g) ?? [];
    expect(commands.length).toBe(2);
    for (const command of commands) expect(command).toContain(`--root ${root}`);
    const unknown = await runCli(["runs", "show", "r1", "--root", root, "--state-dir", "/x y"], { now });
    expect(unknown.err).toContain(`perennial runs list --root ${root} --state-dir '/x y' shows`);
  });

  it("say in Chinese what core says in English", () => {
    const error = new AppError("plan-invalid", { path: "p", reason: "the format is unknown" });
    expect(renderError(error, "zh").error).toBe("p 不是可执行的计划：格式未知");
    expect(detailInChinese("not a regular file but a fifo")).toBe("不是普通文件，而是命名管道（FIFO）");
    expect(detailInChinese("something new")).toBe("something new");
  });
});

describe("usage", () => {
  it.each([
    [["chek"], "error: unknown command chek - did you mean check?\n"],
    [["frobnicate"], "error: unknown command frobnicate\n"],
    [["check", "--rot", "/x"], "error: unknown option --rot - did you mean --root?\n"],
    [["check", "-o", "foo"], "error: foo is not a value of --output: table, wide, json, yaml\n"],
    [["inspect"], "error: argument FILE is missing\n"],
    [
      ["renew", "--keep-key", "--key-algorithm", "RSA-2048"],
      "error: --keep-key and --key-algorithm exclude each other\n",
    ],
  ])("%j is exit code 2", async (words, line) => {
    const { code, err, out } = await runCli(words, { now });
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err.startsWith(line)).toBe(true);
  });

  it.each(["en", "zh"] as const)(
    "help has neither empty defaults nor lines past the width (%s)",
    async (lang) => {
      const { out, code } = await runCli(["renew", "--help"], { now, lang });
      expect(code).toBe(0);
      expect(out).not.toMatch(/\[\]|choices/);
      expect(out).not.toContain(lang === "zh" ? "default" : "（");
      for (const line of out.split("\n")) expect(displayWidth(line)).toBeLessThanOrEqual(81);
    },
  );

  it("every option that a sentence names exists", async () => {
    const helps = await Promise.all(
      ["plan", "renew", "apply", "check"].map(async (name) => (await runCli([name, "--help"], { now })).out),
    );
    for (const flag of Object.values(flags)) expect(helps.join("")).toContain(`${flag} `);
  });
});
