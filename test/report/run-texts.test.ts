// Plans, events, runs and inspections as text, in both languages.
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/core/model/event.ts";
import type { InspectResult } from "../../src/core/model/inspect.ts";
import type { RunSummary } from "../../src/core/model/run.ts";
import { renderEvent } from "../../src/report/events-text.ts";
import { inspectToJson, renderInspect } from "../../src/report/inspect-text.ts";
import { renderPlan } from "../../src/report/plan-text.ts";
import { renderRun, renderRuns } from "../../src/report/runs-text.ts";
import { objects, samplePlan } from "./plan-samples.ts";
import { hostile } from "./samples.ts";

const at = Date.UTC(2026, 10, 22, 16);
const issued = {
  slot: "m1/apiserver",
  serialHex: "0a0b",
  notBefore: at,
  notAfter: Date.UTC(2027, 10, 22, 16),
  spkiSha256: "aa",
  certificateSha256: "bb",
};

describe("a plan as text", () => {
  it("says what changes, why, in which order, and how to undo it", () => {
    const text = renderPlan(samplePlan(), { lang: "en", color: false });
    expect(text).toContain(
      "~ m1/apiserver  # expired on Nov 01, 2025 00:00 UTC\n    serial 0a0b, Nov 01, 2025 00:00 UTC -> new serial, 365 days, at the latest Nov 19, 2036 15:35 UTC\n    new key (RSA-2048); signed by ca; adds dns:lb.example\n",
    );
    expect(text).toContain("  m1/etcd-peer  # valid until Nov 19, 2036 15:35 UTC\n");
    expect(text).toContain("  4. swap: rename the new files over the old ones\n     on m1\n");
    expect(
      text.endsWith(`Digest: sha256:${"cd".repeat(32)}\nPlan: 2 to renew, 0 to follow, 1 to keep.\n`),
    ).toBe(true);
    expect(text).not.toContain("\u001b");
    expect(renderPlan(samplePlan(), { lang: "en", color: true })).toContain("\u001b[33m~ m1/apiserver");
  });

  it("speaks Chinese", () => {
    const text = renderPlan(samplePlan(), { lang: "zh", color: false });
    expect(text).toContain("~ m1/apiserver  # 已于 2025-11-01 00:00 UTC 过期\n");
    expect(text.endsWith("计划：续期 2 个，跟随 0 个，保持不变 1 个。\n")).toBe(true);
  });

  it("names refusals with the way on, and offers nothing to apply", () => {
    const refusal = {
      code: "authority-expired",
      slot: "m1/apiserver",
      address: objects.caCertificate,
      detail: "2025",
    } as const;
    const text = renderPlan(samplePlan({ refusals: [refusal], phases: [] }), { lang: "en", color: false });
    expect(text).toContain(
      "Refused:\n  - m1/apiserver: the CA in file:m1:/etc/kubernetes/pki/ca.crt expired 2025;",
    );
    expect(text).toContain("Refused: 1 reason; nothing can be applied.\n");
    expect(text).not.toContain("Digest:");
  });
});

describe("events as text", () => {
  it.each([
    [
      { type: "proved", name: "apiserver", issued },
      "[renew] apiserver renewed: serial 0a0b, valid until Nov 22, 2027 16:00 UTC",
    ],
    [{ type: "run-started", run: "r1", steps: 3 }, "[renew] run r1 started: 3 steps"],
    [
      { type: "undone", step: "s", object: hostile },
      "[rollback] evil\\x1b[31m\\x0aroot\\u202egnp\\u200b\\u{e0041}`|<b> restored",
    ],
    [
      { type: "run-ended", run: "r1", outcome: "rolled-back" },
      "[rollback] run r1 rolled back: everything is as it was",
    ],
    [{ type: "swept", paths: [] }, null],
  ] satisfies readonly (readonly [RunEvent, string | null])[])("%j", (event, line) => {
    expect(renderEvent(event, "en")).toBe(line);
    if (line !== null) expect(renderEvent(event, "zh")).toMatch(/^\[[a-z-]+\].*[\u4e00-\u9fff]/);
  });
});

const run: RunSummary = {
  run: "20261122T160000Z-3f9a1c",
  startedAt: at,
  endedAt: null,
  state: "running-or-crashed",
  actor: {
    user: "root",
    sudoUser: hostile,
    sshConnection: null,
    host: "m1",
    pid: 7,
    processStart: "1",
    bootId: "b",
  },
  planDigest: "sha256:cd",
  ticket: null,
  reason: "expired",
  steps: [
    { id: "m1/issue/apiserver", effectAt: at },
    { id: "m1/swap/a", intentAt: at },
    { id: "m1/prove/a" },
  ],
  issued: [issued],
  objects: [{ object: "file:m1:/a", before: "ab".repeat(32), after: null }],
};

describe("runs as text", () => {
  it("are a table and a page, safe to show", () => {
    const text = renderRuns([run], { lang: "en" });
    expect(text.split("\n")[0]).toMatch(/^RUN +STARTED +STATE +BY +STEPS +TICKET$/);
    expect(text).toContain("1/3");
    expect(text).not.toMatch(/[\u001b\u202e]/);
    const page = renderRun(run, { lang: "en" });
    expect(page).toContain("begun, no effect recorded Nov 22, 2026 16:00 UTC");
    expect(page).toContain("abababababab   ->   not written");
    expect(page).toContain("perennial resume finishes it");
    expect(renderRun(run, { lang: "zh" })).toContain("执行中或已中断");
    expect(renderRuns([], { lang: "zh" })).toBe("本节点没有执行记录\n");
  });
});

describe("inspection as text", () => {
  const result: InspectResult = {
    at,
    path: "/a\u001b.pem",
    form: "pem",
    items: [
      {
        kind: "certificate",
        where: "line 1",
        subject: `CN=${hostile}`,
        issuer: "CN=kubernetes",
        serialHex: "0a",
        notBefore: at - 86_400_000 * 3,
        notAfter: at - 86_400_000 * 2,
        isAuthority: false,
        sans: ["DNS:m1"],
        usages: ["serverAuth"],
        keyUsages: [],
        keyAlgorithm: "RSA-2048",
        signatureAlgorithm: "sha256",
        sha256: "aa",
        spkiSha256: "bb",
        subjectKeyId: null,
        authorityKeyId: null,
        anomalies: [],
        otherExtensions: [],
        keyAt: null,
      },
      {
        kind: "private-key",
        where: "line 20",
        format: "PKCS#1",
        keyAlgorithm: "RSA-2048",
        spkiSha256: "bb",
        matches: ["line 1"],
      },
    ],
    faults: [{ line: 40, fault: "truncated" }],
  };

  it("lists every item and every damage", () => {
    const text = renderInspect(result, { lang: "en" });
    expect(text).toContain("(expired 2 days ago)");
    expect(text).toContain("damaged at line 40: truncated");
    expect(text).not.toMatch(/[\u001b\u202e]/);
    expect(renderInspect(result, { lang: "zh" })).toContain("已过期 2 天");
  });

  it("has instants as RFC 3339 in JSON", () => {
    expect(inspectToJson(result).items[0]).toMatchObject({ notAfter: "2026-11-20T16:00:00Z" });
  });
});
