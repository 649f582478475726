// Plans, events, runs and inspections as text, in both languages.
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/core/model/event.ts";
import type { PhaseId } from "../../src/core/model/plan.ts";
import type { InspectResult } from "../../src/core/model/inspect.ts";
import type { RunSummary } from "../../src/core/model/run.ts";
import { createProgress } from "../../src/report/events-text.ts";
import { inspectToJson, renderInspect } from "../../src/report/inspect-text.ts";
import { renderPlan } from "../../src/report/plan-text.ts";
import { renderRun, renderRuns } from "../../src/report/runs-text.ts";
import { expiredAuthority, samplePlan } from "./plan-samples.ts";
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
  it("says once what changes, where and why, then the order, the conditions and the way back", () => {
    expect(renderPlan(samplePlan(), { lang: "en", color: false })).toBe(
      `\
Plan for cluster kubernetes, m1 (profile kubeadm)

NAME        OLD EXPIRES   NEW KEY   REASON     FILES (below /etc/kubernetes/)
apiserver   Nov 01, 2025  RSA-2048  expired    pki/apiserver.{key,crt}
admin.conf  Nov 01, 2025  kept      asked for  admin.conf
New certificates: same subject, names and usages; valid 365 days, never past their CA; signed by ca.
apiserver: adds dns:lb.example

Kept: etcd-peer (valid until Nov 19, 2036 15:35 UTC)

Steps, in this order:
  1. issue: make 2 certificates in memory
  2. back up: keep these 3 files in /var/lib/perennial/runs/RUN/before
  3. stage: write 3 new files beside them and verify the set as a whole
  4. swap: rename them into place in the order shown, each key before its certificate
  5. prove: read back 2 certificates and compare with what was issued

Note:
  - restart afterwards, one node at a time, so that the new certificates are used: kube-apiserver

Guards: the 3 files to be replaced and 2 that are only read must be as they were when this plan was made.
Undo: perennial rollback last restores bytes, mode, owner and links; a failure before the end does so by itself.
Digest: sha256:${"cd".repeat(32)}
Plan: 2 to renew, 0 to follow, 1 to keep.
`,
    );
  });

  it("speaks Chinese, and colours only when asked", () => {
    const text = renderPlan(samplePlan(), { lang: "zh", color: false });
    expect(text).toContain("apiserver   2025-11-01  RSA-2048  已过期  pki/apiserver.{key,crt}\n");
    expect(text.endsWith("计划：续期 2 个，跟随 0 个，保持不变 1 个。\n")).toBe(true);
    expect(text).not.toContain("\u001b");
    expect(renderPlan(samplePlan(), { lang: "en", color: true })).toContain("\u001b[1mPlan for cluster");
  });

  it("names the same refusal once with the way on, and offers nothing to apply", () => {
    const refusals = [expiredAuthority, { ...expiredAuthority, slot: "m1/admin.conf" }];
    const text = renderPlan(samplePlan({ refusals, phases: [], root: "/mnt/m1" }), {
      lang: "en",
      color: false,
    });
    expect(text).toContain(
      "Refused:\n  - m1/apiserver, m1/admin.conf: the CA in m1:/etc/kubernetes/pki/ca.crt expired 2025;",
    );
    expect(text).toContain("-> renew the CA first: perennial check --root /mnt/m1 says how");
    expect(text).toContain("Refused: 2 reasons; nothing can be applied.\n");
    expect(text).not.toContain("Digest:");
  });
});

describe("progress", () => {
  const swap = { kind: "swap", id: "m1/swap/a", object: "file:m1:/a" } as const;
  const done = (phase: PhaseId, changed: boolean): RunEvent => ({
    type: "step-done",
    phase,
    step: swap,
    changed,
  });
  const started = (phase: PhaseId, steps: number): RunEvent => ({ type: "phase-started", phase, steps });
  const told = (events: readonly RunEvent[], lang: "en" | "zh" = "en"): readonly string[] => {
    const progress = createProgress({ lang, stateDirectory: "/var/lib/perennial" });
    return events.flatMap((event) => progress.tell(event));
  };
  const whole: readonly RunEvent[] = [
    { type: "run-started", run: "r1", steps: 8 },
    started("issue", 1),
    { type: "issued", name: "apiserver", issued },
    done("issue", true),
    started("back-up", 2),
    done("back-up", true),
    done("back-up", true),
    started("stage", 2),
    done("stage", true),
    done("stage", false),
    started("swap", 2),
    done("swap", true),
    done("swap", false),
    started("prove", 1),
    { type: "proved", name: "apiserver", issued },
    done("prove", false),
    { type: "run-ended", run: "r1", outcome: "succeeded" },
  ];

  it("is one line per phase, told when it is over, and one per certificate", () => {
    expect(told(whole)).toEqual([
      "[renew] run r1 started",
      "[issue] 1 certificate made in memory",
      "[back-up] 2 files kept in /var/lib/perennial/runs/r1/before",
      "[stage] 1 file written beside the old one and verified, 1 already as planned",
      "[swap] 1 file replaced, 1 already as planned",
      "[renew] apiserver renewed: serial 0a0b, valid until Nov 22, 2027 16:00 UTC",
    ]);
  });

  it("has the same lines in Chinese", () => {
    const lines = told(whole, "zh");
    expect(lines.length).toBe(6);
    for (const line of lines) expect(line).toMatch(/^\[[a-z-]+\].*[\u4e00-\u9fff]/);
  });

  it("says how far the phase came in which a step failed, never that it was verified", () => {
    const lines = told([
      { type: "run-started", run: "r1", steps: 8 },
      started("stage", 3),
      done("stage", true),
      { type: "step-failed", step: hostile, code: "store-write-failed" },
      { type: "run-ended", run: "r1", outcome: "abandoned" },
    ]);
    expect(lines).toEqual([
      "[renew] run r1 started",
      "[stage] 1 of 3 steps done",
      "[failed] at step evil\\x1b[31m\\x0aroot\\u202egnp\\u200b\\u{e0041}`|<b>, why stands below (store-write-failed)",
    ]);
  });

  it("says what failed where no step did, and files by node and path", () => {
    const failed = (step: string, code: string, lang: "en" | "zh" = "en"): readonly string[] =>
      told([{ type: "step-failed", step, code }], lang);
    expect(failed("", "interrupted")).toEqual(["[failed] stopped by a signal"]);
    expect(failed("", "interrupted", "zh")).toEqual(["[failed] 收到信号，已停止"]);
    expect(failed("file:m3:/etc/a.crt", "store-write-failed")).toEqual([
      "[failed] at step m3:/etc/a.crt, why stands below (store-write-failed)",
    ]);
  });

  it("counts what a rollback restores", () => {
    const lines = told([
      { type: "rollback-started", run: "r1", cause: "operator" },
      { type: "undone", step: "s", object: "a" },
      { type: "undone", step: "t", object: "b" },
      { type: "run-ended", run: "r1", outcome: "rolled-back" },
      { type: "swept", paths: [] },
    ]);
    expect(lines).toEqual(["[rollback] run r1: restoring what was there", "[rollback] 2 files restored"]);
  });

  it("says nothing of a phase that a resumed run skips", () => {
    expect(told([{ type: "run-resumed", run: "r1" }, started("issue", 2), started("swap", 2)])).toEqual([
      "[resume] run r1 goes on",
    ]);
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
    expect(page).toContain("Steps 1/3\n");
    expect(page).toContain("begun, no effect recorded Nov 22, 2026 16:00 UTC");
    expect(page).toContain("abababababab   ->   not written");
    expect(page).toContain("perennial resume finishes it");
    expect(renderRun(run, { lang: "zh" })).toContain("运行中或已中断");
    expect(renderRuns([], { lang: "zh" })).toBe("本节点没有运行记录\n");
  });
});

describe("the page of a run", () => {
  const steps = Array.from({ length: 85 }, (_, index) => ({ id: `m1/swap/${index}` }));

  it("says first why it failed, where, and what helps; what was not begun is one line", () => {
    const params = { step: "m1/bounce/etcd", reason: "no etcdctl" };
    const failure = {
      step: "m1/bounce/etcd",
      at,
      code: "step-failed",
      detail: `step-failed ${JSON.stringify(params)}`,
    };
    const page = renderRun({ ...run, failure, steps: [...run.steps.slice(0, 2), ...steps] }, { lang: "en" });
    expect(
      page
        .split("\n")
        .slice(2, 4)
        .map((line) => line.trim()),
    ).toEqual([
      "Failed    Nov 22, 2026 16:00 UTC at m1/bounce/etcd: step m1/bounce/etcd failed: no etcdctl",
      expect.stringMatching(/^-> perennial resume tries again from there, perennial rollback last/),
    ]);
    expect(page).toContain("85 steps, from m1/swap/0 on   not begun\n");
    expect(page.match(/not begun/g)).toHaveLength(1);
    const foreign = { ...failure, code: "of-tomorrow", detail: hostile };
    expect(renderRun({ ...run, failure: foreign }, { lang: "zh" })).not.toMatch(/[\u001b\u202e]/);
  });

  it("counts every step of a run that succeeded, and says what was taken back of others", () => {
    const ended = { ...run, state: "succeeded", endedAt: at, steps } as const;
    expect(renderRuns([ended], { lang: "en" })).toContain(" 85/85 ");
    expect(renderRun(ended, { lang: "en" })).not.toContain("not begun");
    const undone = steps.map((step, index) =>
      index < 24 ? { ...step, effectAt: at, undoneAt: at } : { ...step, effectAt: at },
    );
    const back = { ...run, state: "rolled-back", steps: undone } as const;
    expect(renderRuns([back], { lang: "en" })).toContain(" 61/85, 24 taken back ");
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
