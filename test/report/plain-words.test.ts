// What an operator reads at night: words in front, the system's code behind them, and no advice that is for somebody else.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import { formatError } from "../../src/report/error-text.ts";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";

const state = "/var/lib/perennial";

describe("a state directory that cannot be used", () => {
  it("is root's, and we are not: run as root", () => {
    const error = new AppError("state-unsafe", { path: state, fault: "of-root", reason: "owned by uid 0" });
    expect(formatError(error, "en")).toMatch(/is root's, and this user is not root\nhint: .*run as root/);
    expect(formatError(error, "zh")).toMatch(/属于 root，而当前用户不是 root\nhint: .*请用 root 执行/);
    expect(formatError(error, "en") + formatError(error, "zh")).not.toMatch(/not safe|chown|不适合/);
  });

  it.each(["en", "zh"] as const)("may not be entered: the words, the code, run as root (%s)", (lang) => {
    const error = new AppError("state-unsafe", { path: state, fault: "not-opened", reason: "EACCES" });
    const text = formatError(error, lang);
    expect(text).toMatch(lang === "en" ? /permission denied \(EACCES\)/ : /没有权限（EACCES）/);
    expect(text).not.toMatch(/chown/);
  });

  it.each(["en", "zh"] as const)("holds other things: it is left as it is (%s)", (lang) => {
    const reason = "it holds other things: passwd";
    const text = formatError(new AppError("state-unsafe", { path: state, fault: "in-use", reason }), lang);
    expect(text).toMatch(
      lang === "en" ? /: it holds other things: passwd\n/ : /：其中另有其他内容：passwd\n/,
    );
    expect(text).toMatch(/--state-dir DIR/);
    expect(text).not.toMatch(/chown/);
  });

  it.each(["en", "zh"] as const)("is judged by the fault, not by the words of the reason (%s)", (lang) => {
    const reason = "link to /srv/(EACCES)";
    const text = formatError(new AppError("state-unsafe", { path: state, fault: "unsafe", reason }), lang);
    expect(text).toMatch(/chown root:root/);
    expect(text).not.toMatch(/sudo/);
  });
});

describe("a refusal", () => {
  it("has its dates as every other sentence has", () => {
    const refused = {
      code: "authority-ending",
      slot: "m1/apiserver",
      address: "file:m1:/etc/kubernetes/pki/ca.crt",
      detail: "2034-10-30T00:00:00.000Z",
    } as const;
    const error = new AppError("refused", { refusals: [refused, { ...refused, slot: "m1/admin.conf" }] });
    expect(formatError(error, "en")).toContain("Oct 30, 2034 00:00 UTC");
    expect(formatError(error, "zh")).toContain("2034-10-30 00:00 UTC");
    // Told in one line, counted as one.
    expect(formatError(error, "en")).toContain("refused for one reason");
    expect(formatError(error, "zh")).toContain("1 个原因");
  });
});

describe("a root that is not there", () => {
  it("is told as that, in words", async () => {
    const { err } = await runCli(["check", "--root", "/nonexistent"]);
    expect(err).toMatch(
      /^error: \/nonexistent cannot be looked into .*there is no such file or directory \(ENOENT\)$/m,
    );
    expect(err).not.toContain("does not look like");
  });
});

describe("inspect", () => {
  it.each(["en", "zh"] as const)("does not call any text a kubeconfig (%s)", async (lang) => {
    const { out } = await runCli(["inspect", "README.md"], { lang });
    expect(out.split("\n")[0]).toMatch(lang === "en" ? /neither PEM nor DER/ : /不是 PEM 或 DER/);
    expect(out).not.toMatch(/unexpected-token|README.md: kubeconfig/);
  });

  it("names the signature's algorithm", async () => {
    const { out } = await runCli([
      "inspect",
      `${fixture("kubeadm-valid/m1")}/etc/kubernetes/pki/apiserver.crt`,
    ]);
    expect(out).toMatch(/sha256WithRSAEncryption \(1\.2\.840\.113549\.1\.1\.11\)/);
  });
});

it("profile list says what each is for", async () => {
  const { out } = await runCli(["profile", "list"]);
  expect(out).toMatch(/^kubeadm {3}control planes that kubeadm has made$/m);
  expect(out).toMatch(/^tkestack {2}\S/m);
});
