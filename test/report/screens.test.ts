// What an operator sees on a terminal of 100 columns and 40 lines, from the real command on a real tree.
import { describe, expect, it } from "vitest";
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
