// Every code has its sentences in both languages, and nothing hostile gets through any of them.
// Codes come back from Object.entries as strings.
/* oxlint-disable typescript/no-unsafe-type-assertion */
import { describe, expect, it } from "vitest";
import { AppError, type ErrorCode } from "../../src/core/model/errors.ts";
import type { AnyFinding, FindingCode } from "../../src/core/model/finding.ts";
import { formatError, renderError, renderRefusal } from "../../src/report/error-text.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { renderPlan } from "../../src/report/plan-text.ts";
import { finding, validAt } from "./check-samples.ts";
import { fullPlan } from "./plan-samples.ts";
import { errorSamples, findingSamples, hostile, refusalCodes } from "./samples.ts";

const context = { at: validAt, nodes: ["m1"], root: "/" };
const unsafe = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u{e0000}-\u{e007f}]/u;

function findingsWith(text: string): readonly AnyFinding[] {
  return Object.entries(findingSamples(text)).map(([code, params]) => ({
    ...(finding(code as FindingCode, params as never) as AnyFinding),
    name: text,
    node: text,
    address: { store: "file", node: text, path: text, entry: text },
  }));
}

function errorsWith(text: string): readonly AppError[] {
  return Object.entries(errorSamples(text)).map(
    ([code, params]) => new AppError(code as ErrorCode, params as never),
  );
}

function expectSound(sentence: string, ...lines: readonly string[]): void {
  for (const line of [sentence, ...lines]) {
    expect(line).not.toMatch(/undefined|\[object|NaN|=>/);
    expect(line.trim()).not.toBe("");
  }
}

describe("sentences", () => {
  it.each(findingsWith("thing"))("say what is wrong and what to do: $code", (one) => {
    const en = renderFinding(one, context, "en");
    const zh = renderFinding(one, context, "zh");
    expectSound(en.sentence, ...en.next, zh.sentence, ...zh.next);
    expect(en.sentence).not.toMatch(/\.$/);
    expect(en.next.length).toBeGreaterThan(0);
    expect(zh.next.length).toBe(en.next.length);
    expect(zh.sentence).toMatch(/[\u4e00-\u9fff]/);
    expect(en.sentence).not.toMatch(/[\u4e00-\u9fff]/);
  });

  it.each(errorsWith("thing"))("say what failed and give a hint: $code", (error) => {
    const [en, zh] = [renderError(error, "en"), renderError(error, "zh")];
    expectSound(en.error, ...en.hint, zh.error, ...zh.hint);
    expect(en.error).not.toMatch(/\.$/);
    expect(en.hint.length).toBeGreaterThan(0);
    expect(zh.error).not.toBe(en.error);
    expect(zh.error).toMatch(/[\u4e00-\u9fff]/);
  });

  it.each(refusalCodes)("say why a plan is refused and the way on: %s", (code) => {
    const refusal = { code, slot: "m1/apiserver", address: "file:m1:/a", detail: "thing" };
    const [en, zh] = [renderRefusal(refusal, "en"), renderRefusal(refusal, "zh")];
    expectSound(en.error, ...en.hint, zh.error, ...zh.hint);
    // What it is about is said, and not twice.
    for (const { error } of [en, zh]) expect(error.split("m1/apiserver")).toHaveLength(2);
    expect(zh.error).not.toBe(en.error);
    expect(zh.hint.length).toBe(en.hint.length);
  });

  it("let no control, bidi or invisible character through", () => {
    for (const lang of ["en", "zh"] as const) {
      for (const one of findingsWith(hostile)) {
        const { sentence, next } = renderFinding(one, { ...context, root: hostile }, lang);
        for (const line of [sentence, ...next]) expect(line).not.toMatch(/\n/);
        expect([sentence, ...next].join("")).not.toMatch(unsafe);
      }
      for (const error of errorsWith(hostile)) expect(formatError(error, lang)).not.toMatch(unsafe);
      expect(renderPlan(fullPlan(hostile), { lang, color: false })).not.toMatch(unsafe);
    }
  });

  it("say of a node that failed why, and why it could not be taken back", () => {
    const undo = new AppError("host-lost", { host: "m2", reason: "gone" });
    const cause = new AppError(
      "bounce-failed",
      { consumer: "etcd", stage: "health", where: "etcd", reason: "no answer in time" },
      { cause: undo },
    );
    const params = { node: "m2", step: "m2/bounce/etcd", outcome: "stuck", done: ["m1"] } as const;
    const text = renderError(new AppError("node-failed", params, { cause }), "en", ["-f", "c.yaml"]);
    expect(text.error.split("\n")).toEqual([
      "m2 did not come through (step m2/bounce/etcd); it could not be taken back either; done and proved: m1",
      "  etcd has come back but is not well: no answer in time",
      `  ${renderError(undo, "en").error}`,
    ]);
    expect(text.hint[0]).toContain("perennial resume -f c.yaml");
  });

  it("say of a node that cannot be worked on what its way there says, in words, the node no oftener than needed", () => {
    const refusal = { code: "node-unreachable", slot: "m3", address: "", detail: "not-allowed: no" } as const;
    const refused = { host: "m3", reason: "not-allowed", detail: "no" } as const;
    const noSudo = { ...refusal, error: { code: "sudo-refused", params: refused } as const };
    const en = renderRefusal(noSudo, "en");
    expect(en.error).toBe("m3 cannot be reached: sudo on m3: this user may not run sh (no)");
    expect(en.hint).toEqual([
      "see what this user may do: ssh -t m3 sudo -l",
      expect.stringContaining("--skip-unreachable"),
    ]);
    expect(renderRefusal(noSudo, "zh").error).toMatch(/^无法连接 m3：m3 上的 sudo：[^a-z]*sh/);
    const away = { host: "m3", reason: "refused", detail: "errno 111" } as const;
    const silent = { ...refusal, error: { code: "host-unreachable", params: away } as const };
    expect(renderRefusal(silent, "en").error).toBe("m3 cannot be reached: nothing listens there (errno 111)");
    expect(renderRefusal(silent, "zh").error.split("m3")).toHaveLength(2);
  });

  it("name files by their node and path, without the store that all of them are in", () => {
    const address = "file:m3:/etc/kubernetes/admin.conf";
    const drift = { address, what: "mode", planned: "0600", found: "0644" } as const;
    const step = { step: "m3/stage/x", reason: `${address} is not there` } as const;
    const errors = [
      new AppError("store-write-failed", { address, operation: "open", cause: "EROFS" }),
      new AppError("store-unreadable", { address, reason: "EIO", cause: "EIO" }),
      new AppError("plan-stale", { differences: [drift] }),
      new AppError("step-failed", step),
    ];
    for (const lang of ["en", "zh"] as const) {
      for (const error of errors) {
        const text = renderError(error, lang);
        expect(text.error).toContain("m3:/etc/kubernetes/admin.conf");
        expect(text.error).not.toContain("file:");
      }
      const refusal = {
        code: "object-not-writable",
        slot: "m3/admin.conf",
        address,
        detail: "EROFS",
      } as const;
      expect(renderRefusal(refusal, lang).error).toMatch(/(^|[^:])m3:\/etc\/kubernetes\/admin\.conf/);
    }
    const hint = renderError(errors[0], "en").hint.join("\n");
    expect(hint).toContain("df -i /etc/kubernetes/admin.conf");
  });

  it("turn an unknown error into an internal one", () => {
    expect(renderError(new RangeError("x\u001b[2J"), "en").error).toBe(
      "internal error: RangeError: x\\x1b[2J",
    );
  });

  it("name the real command, with the root and the slot id where they are needed", () => {
    const expired = finding("certificate-expired", { notAfter: validAt - 2 * 86_400_000 });
    expect(renderFinding(expired, context, "en")).toEqual({
      sentence: "certificate expired on Nov 20, 2026 16:00 UTC, 2 days ago; peers refuse it",
      next: ["perennial renew apiserver (shows the plan first and asks)"],
    });
    expect(renderFinding(expired, { at: validAt, nodes: ["m1", "m2"], root: "/mnt/a b" }, "zh").next).toEqual(
      ["perennial renew m1/apiserver --root '/mnt/a b'（先显示计划，确认后才执行）"],
    );
  });

  it("print error and hint lines untranslated in their first word", () => {
    expect(formatError(new AppError("run-unknown", { run: "r1" }), "zh")).toBe(
      "error: 没有运行记录 r1\nhint: perennial runs list 列出已有的运行；其他状态目录用 --state-dir DIR\n",
    );
  });
});
