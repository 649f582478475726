// What is told at the end about certificates that were left out, and the exit code.
import { describe, expect, it } from "vitest";
import type { Decision, KeepReason } from "../../src/core/model/decision.ts";
import { tellLeftOut } from "../../src/cli/left-out.ts";
import { renewRequest } from "../support/renew-request.ts";

const options = { root: "/tmp/n", set: [], output: "table" };

function told(reasons: Readonly<Record<string, KeepReason>>): {
  readonly code: number;
  readonly err: string;
} {
  const decisions = Object.entries(reasons).map(([name, reason]): Decision => ({
    slot: `m1/${name}`,
    action: "keep",
    reasons: [reason],
  }));
  let err = "";
  const io = {
    lang: "en",
    out: () => {},
    err: (text: string) => {
      err += text;
    },
  } as const;
  const plan = { decisions, request: { ...renewRequest, names: [] } };
  return { code: tellLeftOut(plan, 0, { options, io, isPlanSaved: false }), err };
}

const closedKey: KeepReason = { code: "not-usable", reason: "its key /p/a.key cannot be read: EACCES" };

describe("certificates that were left out", () => {
  it("since their files are closed to us are one line, whether certificate or key, and root is the way on", () => {
    expect(told({ apiserver: { code: "unreadable", reason: "EACCES" }, "etcd-peer": closedKey })).toEqual({
      code: 3,
      err:
        "error: left out, not renewed: 2 certificates whose files are unreadable: run as root (sudo)\n" +
        "hint: sudo perennial renew --root /tmp/n\n",
    });
  });

  it("for another reason are named, though a path holds the same letters", () => {
    const reason = "its key /srv/EACCES/a.key cannot be read: EIO";
    const { code, err } = told({ apiserver: { code: "not-usable", reason }, "etcd-peer": closedKey });
    expect(code).toBe(3);
    expect(err).toMatch(/^error: left out, not renewed: m1\/apiserver: .*\/srv\/EACCES\/a\.key/);
    expect(err).toMatch(/\nerror: left out, not renewed: 1 certificate whose files are unreadable/);
    expect(err).not.toMatch(/^hint: sudo/m);
  });
});
