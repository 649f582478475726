// Etcd's members together, as `verify -f` tells them.
import { describe, expect, it } from "vitest";
import type { MemberReading, MemberStatus } from "../../../src/core/model/quorum.ts";
import {
  etcdClusterFindings,
  etcdClusterProofs,
  etcdReportOf,
} from "../../../src/core/policy/verify/cluster.ts";

const members = ["1", "2", "3"].map((id) => ({ id, name: `m${id}`, isLearner: false }));

function member(id: string, changed: Partial<MemberStatus> = {}): MemberReading {
  return {
    node: `m${id}`,
    answer: {
      clusterId: "9",
      memberId: id,
      version: "3.5.9",
      leaderId: "1",
      raftTerm: "4",
      raftIndex: "100",
      appliedIndex: "100",
      errors: [],
      members,
      alarms: [],
      readFailure: null,
      ...changed,
    },
  };
}

const away: MemberReading = { node: "m3", answer: { unreachable: "no route" } };

function told(readings: readonly MemberReading[]): unknown {
  return etcdClusterFindings(readings).map(({ severity, params }) => [
    severity,
    (params as { readonly objections: readonly { readonly code: string }[] }).objections.map(
      ({ code }) => code,
    ),
  ]);
}

describe("the members of one cluster", () => {
  it("are proved when they agree", () => {
    const all = [member("1"), member("2"), member("3")];
    expect(told(all)).toEqual([]);
    expect(etcdClusterProofs(all)).toMatchObject([
      { outcome: "proved", evidence: { code: "members", healthy: 3, voters: 3 } },
    ]);
    expect([told([]), etcdClusterProofs([])]).toEqual([[], []]);
  });

  it("count one that is away as absent, which its own node tells", () => {
    expect(told([member("1"), member("2"), away])).toEqual([]);
    expect(etcdClusterProofs([member("1"), member("2"), away])).toMatchObject([
      { outcome: "failed", evidence: { healthy: 2, voters: 3 } },
    ]);
    expect(etcdReportOf([away], "m3")).toEqual({ state: "failed", reason: "no route" });
  });

  it("are critical without a quorum or as two clusters, a warning when one lags", () => {
    const lost = { leaderId: null, readFailure: "timeout" };
    expect(told([member("1"), member("2", lost), away])).toEqual([["critical", ["too-few-voters"]]]);
    expect(told([member("1"), member("2"), member("3", { clusterId: "8" })])).toEqual([
      ["critical", ["clusters-differ"]],
    ]);
    expect(told([member("1"), member("2"), member("3", { raftTerm: "5" })])).toEqual([
      ["warning", ["terms-differ"]],
    ]);
  });

  it("are told node by node as etcd-unwell is", () => {
    const alarm = { alarms: [{ kind: "NOSPACE", memberId: "255" }] };
    expect(etcdReportOf([member("2", alarm)], "m2")).toMatchObject({
      state: "seen",
      value: { hasLeader: true, alarms: [{ kind: "NOSPACE", member: "ff" }] },
    });
    expect(etcdReportOf([member("2")], "w1")).toEqual({ state: "skipped" });
  });
});
