// etcd's members that cannot be asked: gates and findings say why in words, in both languages, and never with a code of the program's own.
import { describe, expect, it } from "vitest";
import { AppError, wordsOf } from "../../src/core/model/errors.ts";
import type { MemberReading } from "../../src/core/model/quorum.ts";
import { codeWords, faultWords } from "../../src/core/model/reasons-servers.ts";
import { instability } from "../../src/core/policy/quorum.ts";
import { orUnreachable } from "../../src/engine/members.ts";
import { renderError } from "../../src/report/error-text.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { finding, validAt } from "./check-samples.ts";
import { errorSamples } from "./samples.ts";

const endpoint = "https://127.0.0.1:2379";

async function readingOf(error: AppError): Promise<MemberReading> {
  return { node: "m2", answer: await orUnreachable(() => Promise.reject(error)) };
}

/** What a gate says of a member that could not be asked, in English and Chinese. */
async function gateSays(error: AppError): Promise<readonly [string, string]> {
  const objections = instability([await readingOf(error)]);
  const refused = new AppError("gate-refused", { step: "m2/gate", node: "m2", objections });
  return [renderError(refused, "en").error, renderError(refused, "zh").error];
}

describe("a member that cannot be asked", () => {
  it.each([
    [
      new AppError("endpoint-unreachable", { endpoint, reason: "timeout", detail: "ETIMEDOUT" }),
      "the member on m2 does not answer: it did not answer in time (ETIMEDOUT)",
      "m2 上的成员无应答：未在期限内应答（ETIMEDOUT）",
    ],
    [
      new AppError("endpoint-unreachable", {
        endpoint,
        reason: "server-expired",
        detail: "CERT_HAS_EXPIRED",
      }),
      "the member on m2 does not answer: its certificate has expired (CERT_HAS_EXPIRED)",
      "m2 上的成员无应答：其证书已过期（CERT_HAS_EXPIRED）",
    ],
    [
      new AppError("endpoint-unreachable", { endpoint, reason: "client-refused", detail: "" }),
      "the member on m2 does not answer: it refuses our client certificate",
      "m2 上的成员无应答：它拒绝了我们的客户端证书",
    ],
    [
      new AppError("sudo-refused", { host: "m2", reason: "not-allowed", detail: "no" }),
      "the member on m2 does not answer: sudo: this user may not run sh (no)",
      "m2 上的成员无应答：sudo：该用户无权运行 sh（no）",
    ],
    [
      new AppError("etcd-not-supported", { endpoint, what: "status", since: "3.4" }),
      "the member on m2 does not answer: this version of etcd cannot be asked that",
      "m2 上的成员无应答：该版本的 etcd 不支持这一询问",
    ],
  ])("is told by a gate in words: %s", async (error, english, chinese) => {
    const [en, zh] = await gateSays(error);
    expect(en).toContain(english);
    expect(zh).toContain(chinese);
  });

  it.each(Object.entries(faultWords))("never shows the code %s in a finding", (_, words) => {
    for (const detail of [words, `${words} (ECONNRESET)`]) {
      const one = finding("etcd-unwell", { problem: "no-status", detail });
      const context = { at: validAt, nodes: ["m1"], root: "/" };
      expect(renderFinding(one, context, "en").sentence).toBe(`the etcd member cannot be asked: ${detail}`);
      const chinese = renderFinding(one, context, "zh").sentence;
      expect(chinese).not.toContain(words);
      expect(chinese).toMatch(detail === words ? /^无法询问该 etcd 成员：/ : /（ECONNRESET）$/);
    }
  });

  it("has words for every error on the way to it that brings none of its own", () => {
    const samples = Object.entries({
      ...errorSamples("thing"),
      "login-refused": { host: "m2", methods: [], detail: "" },
      "host-unfit": { host: "m2", missing: ["sh"], detail: "" },
      "rpc-failed": { endpoint, method: "Status", status: 14, message: "" },
    });
    for (const [code, params] of samples) {
      if (!(code in codeWords)) continue;
      // Codes come back from Object.entries as strings.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      const words = wordsOf(new AppError(code as never, params as never));
      expect([code, words]).not.toEqual([code, code]);
    }
  });
});
