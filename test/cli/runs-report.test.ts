// `runs report`: a document for the ticket of a run that succeeded, was undone, was given up or is open; key-free, hostile text harmless.
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { freshFolder } from "../support/fixtures.ts";
import { runCli } from "../support/cli.ts";
import { certificateIn } from "../support/control-plane.ts";
import { expiredMaster, keyPieces, killedAt, on, pkiFile, renewal, runsOf } from "../support/operator.ts";

const hostile = "</td><script>alert(1)</script>|`x`\u202e\u001b[31m";

function expectKeyFree(root: string, text: string): void {
  expect(keyPieces(root).size).toBeGreaterThan(0);
  for (const piece of keyPieces(root)) expect(text.includes(piece)).toBe(false);
}

describe("runs report", () => {
  it("says who, why, before and after, what was proved, and the commands", async () => {
    const root = expiredMaster();
    const before = certificateIn(join(root, pkiFile("apiserver.crt")));
    await on(root, ...renewal, "--ticket", "CHG-1", "--reason", "expired at night");
    const after = certificateIn(join(root, pkiFile("apiserver.crt")));
    const { out, code, err } = await on(root, "runs", "report");
    const [run] = await runsOf(root);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(new RegExp(`^# Run ${run?.run}\n`));
    expect(out).toContain("| Outcome | succeeded |");
    expect(out).toContain("| Ticket | CHG-1 |");
    expect(out).toContain("| Reason | expired at night |");
    expect(out).toContain(`| Plan digest | ${run?.planDigest} |`);
    const row = out
      .split("\n")
      .find((line) => line.includes("/apiserver |") && line.includes(after.serialHex));
    expect(row).toContain(before.serialHex);
    expect(out).toMatch(/\| gate: every new file is written beside its old one/);
    expect(out).toMatch(/\| proved: \S+apiserver \|/);
    expect(out).toContain("## Equivalent commands");
    expect(out).toMatch(/^openssl |^ *openssl /m);
    expectKeyFree(root, out);
  });

  it("is one HTML file that loads and runs nothing, whatever the ticket says", async () => {
    const root = expiredMaster();
    await on(root, ...renewal, "--ticket", hostile, "--reason", hostile);
    const file = join(freshFolder(), "report.html");
    const { out, err, code } = await on(root, "runs", "report", "last", "--format", "html", "--out", file);
    expect({ out, code }).toEqual({ out: "", code: 0 });
    expect(err).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const html = readFileSync(file, "utf8");
    expect(html).toContain("&lt;script&gt;alert(1)&lt;/script&gt;");
    expect(html).not.toMatch(/<script|\u202e|\u001b|\bsrc=|\bhref=|@import|url\(/);
    expect(html).toContain("default-src 'none'");
    expect(
      [...html.matchAll(/<(\/?)(table|tr|pre|body|html)\b/g)].reduce(
        (sum, [, end]) => sum + (end === "/" ? -1 : 1),
        0,
      ),
    ).toBe(0);
    const { out: markdown } = await on(root, "runs", "report");
    expect(markdown).not.toMatch(/(?<!\\)<script|\u202e|\u001b/);
    expect(markdown).toMatch(/^\| Ticket \| [^\n]*\\\|\\`x\\`[^\n]* \|$/m);
    expectKeyFree(root, html);
  });

  it("tells an open run, and one that was undone", async () => {
    const root = expiredMaster();
    await killedAt(root, "run.between-pair", ...renewal);
    const open = await on(root, "runs", "report");
    expect(open.code).toBe(0);
    expect(open.out).toContain("| Ended | not ended |");
    expect(open.out).toMatch(/\| Outcome \| open: it runs, or was cut off/);
    expect(await on(root, "rollback", "last", "--yes")).toMatchObject({ code: 0 });
    const undone = await on(root, "runs", "report");
    expect(undone.out).toMatch(/\| Outcome \| rolled back: /);
    expect(undone.out).toMatch(/\| rollback begun by \S+ \|/);
    expectKeyFree(root, undone.out);
  });

  it("speaks Chinese", async () => {
    const root = expiredMaster();
    await on(root, ...renewal);
    const { out } = await runCli(["runs", "report", "--root", root, "--format", "html"], { lang: "zh" });
    expect(out).toContain('<html lang="zh-CN">');
    expect(out).toContain("<h2>等效命令</h2>");
    expect(out).toContain('<th scope="row">结果</th><td>成功</td>');
  });

  it("does not know a run that never was", async () => {
    const root = expiredMaster();
    expect(await on(root, "runs", "report")).toMatchObject({ code: 1, out: "" });
  });
});
