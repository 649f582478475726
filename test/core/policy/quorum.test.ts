// The gate's logic: what keeps it shut, and 1,000 random schedules in which it never lets the quorum go.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MemberReading, MemberStatus } from "../../../src/core/model/quorum.ts";
import {
  hasNothingToLose,
  instability,
  leaderNode,
  quorumLack,
  quorumOf,
  spareLack,
  stopObjections,
  successorOf,
} from "../../../src/core/policy/quorum.ts";

function status(id: number, voters: number, change: Partial<MemberStatus> = {}): MemberStatus {
  return {
    clusterId: "9",
    memberId: String(id),
    version: "3.4.23",
    leaderId: "1",
    raftTerm: "4",
    raftIndex: "1000",
    appliedIndex: "1000",
    errors: [],
    members: Array.from({ length: voters }, (_, index) => ({
      id: String(index + 1),
      name: `m${index + 1}`,
      isLearner: false,
    })),
    alarms: [],
    readFailure: null,
    ...change,
  };
}

function cluster(voters: number, changes: Readonly<Record<number, Partial<MemberStatus> | "down">> = {}) {
  return Array.from({ length: voters }, (_, index): MemberReading => {
    const change = changes[index + 1];
    const node = `m${index + 1}`;
    if (change === "down") return { node, answer: { unreachable: "refused" } };
    return { node, answer: status(index + 1, voters, change) };
  });
}

function codes(objections: readonly { readonly code: string }[]): readonly string[] {
  return objections.map(({ code }) => code);
}

describe("the quorum", () => {
  it("is the table of etcd's documentation", () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((n) => [n, quorumOf(n), n - quorumOf(n)])).toEqual([
      [1, 1, 0],
      [2, 2, 0],
      [3, 2, 1],
      [4, 3, 1],
      [5, 3, 2],
      [6, 4, 2],
      [7, 4, 3],
    ]);
  });

  it("is there with two of three, and lacking with one", () => {
    expect(quorumLack(cluster(3, { 2: "down" }))).toEqual([]);
    expect(quorumLack(cluster(3, { 2: "down", 3: "down" }))).toEqual([
      { code: "member-unreachable", node: "m2", reason: "refused" },
      { code: "member-unreachable", node: "m3", reason: "refused" },
      { code: "too-few-voters", voters: 3, healthy: 1, needed: 2 },
    ]);
  });

  it("does not count a member that answers without a leader or without a read", () => {
    const without = { leaderId: null };
    expect(hasNothingToLose(cluster(3, { 1: without, 2: without, 3: without }))).toBe(true);
    expect(hasNothingToLose(cluster(3, { 1: { readFailure: "timed out" }, 2: without }))).toBe(true);
    expect(hasNothingToLose(cluster(3, { 1: without }))).toBe(false);
  });
});

describe("stability", () => {
  it("has nothing against three that agree", () => {
    expect(instability(cluster(3))).toEqual([]);
  });

  it.each([
    ["member-unreachable", { 2: "down" as const }],
    ["no-leader", { 2: { leaderId: null } }],
    ["member-unhealthy", { 2: { readFailure: "etcdserver: request timed out" } }],
    ["member-unhealthy", { 2: { errors: ["NOSPACE"] } }],
    ["leaders-differ", { 2: { leaderId: "3" } }],
    ["terms-differ", { 2: { raftTerm: "5" } }],
    ["clusters-differ", { 2: { clusterId: "10" } }],
    ["behind", { 2: { raftIndex: "900000", appliedIndex: "900000" } }],
    ["behind", { 2: { appliedIndex: "1" }, 1: { raftIndex: "1002", appliedIndex: "1002" } }],
    ["alarm", { 2: { alarms: [{ memberId: "2", kind: "NOSPACE" }] } }],
    ["learner", { 1: { members: [{ id: "1", name: "m1", isLearner: true }] } }],
  ] as const)("objects: %s", (code, changes) => {
    expect(codes(instability(cluster(3, changes)))).toContain(code);
  });

  it("names the node of an alarm's member, and none when it is nobody's", () => {
    const raised = (memberId: string) => cluster(3, { 1: { alarms: [{ memberId, kind: "NOSPACE" }] } });
    expect(instability(raised("2"))).toEqual([{ code: "alarm", memberId: "2", on: "m2", kind: "NOSPACE" }]);
    expect(instability(raised("7"))).toEqual([{ code: "alarm", memberId: "7", on: null, kind: "NOSPACE" }]);
  });

  it("has the arithmetic of a voter that cannot be spared, once one is lost and only then", () => {
    const needed = { code: "no-spare-voter", voters: 3, healthy: 2, needed: 2 };
    expect(spareLack(cluster(3, { 2: "down" }))).toEqual([needed]);
    expect(spareLack(cluster(3))).toEqual([]);
    expect(spareLack(cluster(1))).toEqual([]);
    expect(spareLack(cluster(5, { 2: "down" }))).toEqual([]);
  });

  it("says nothing of a lag that a member before 3.4 does not report", () => {
    expect(instability(cluster(3, { 2: { appliedIndex: null } }))).toEqual([]);
  });

  it("names a member that is on no node of the plan, once all answer", () => {
    const readings = cluster(4).slice(0, 3);
    expect(instability(readings)).toEqual([{ code: "member-unknown", memberId: "4", name: "m4" }]);
    expect(codes(instability(cluster(3, { 2: "down" })))).toEqual(["member-unreachable"]);
  });

  it("notices members that list each other differently", () => {
    const members = [
      { id: "1", name: "m1", isLearner: false },
      { id: "2", name: "m2", isLearner: false },
    ];
    expect(codes(instability(cluster(3, { 3: { members } })))).toContain("members-differ");
  });
});

describe("stopping a member", () => {
  it("is allowed with three that are well, and with nothing less", () => {
    expect(stopObjections(cluster(3), "m2")).toEqual([]);
    expect(codes(stopObjections(cluster(3, { 1: "down" }), "m2"))).toEqual([
      "too-few-voters",
      "member-unreachable",
    ]);
  });

  it("is refused in a cluster of one or two", () => {
    expect(codes(stopObjections(cluster(1), "m1"))).toEqual(["too-few-voters"]);
    expect(codes(stopObjections(cluster(2), "m1"))).toEqual(["too-few-voters"]);
  });

  it("counts members that are on no node of the plan as voters", () => {
    expect(codes(stopObjections(cluster(5).slice(0, 3), "m2"))).toContain("too-few-voters");
  });

  it("lets a member go that is down itself", () => {
    expect(stopObjections(cluster(3, { 2: "down" }), "m2")).toEqual([]);
  });

  it("finds the leader, and a successor that is done before one that is not", () => {
    expect(leaderNode(cluster(3))).toBe("m1");
    expect(leaderNode(cluster(3, { 2: { leaderId: "3" }, 3: { leaderId: "3" } }))).toBe("m3");
    expect(leaderNode(cluster(3, { 2: "down", 3: "down" }))).toBeNull();
    expect(successorOf(cluster(3), "m1", (node) => node === "m3")).toEqual({ node: "m3", memberId: "3" });
    expect(successorOf(cluster(3), "m1", () => false)).toEqual({ node: "m2", memberId: "2" });
    expect(successorOf(cluster(3, { 2: "down", 3: "down" }), "m1", () => false)).toBeNull();
  });
});

type Act = "crash" | "return" | "hang" | "stop";

/** A cluster as it really is, and what a reading of it shows. */
function readingOf(state: readonly ("up" | "hung" | "down")[]): readonly MemberReading[] {
  const voters = state.length;
  const up = state.filter((each) => each === "up").length;
  const leader = up >= quorumOf(voters) ? String(state.indexOf("up") + 1) : null;
  return state.map((each, index) => {
    const node = `m${index + 1}`;
    if (each === "down") return { node, answer: { unreachable: "refused" } };
    const readFailure = each === "hung" || leader === null ? "timed out" : null;
    return { node, answer: status(index + 1, voters, { leaderId: leader, readFailure }) };
  });
}

describe("1,000 random schedules", () => {
  it("never stop a member whose loss takes the quorum away", () => {
    const act = fc.tuple(
      fc.constantFrom<Act>("crash", "return", "return", "hang", "stop", "stop"),
      fc.nat(6),
    );
    let stops = 0;
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 7 }), fc.array(act, { maxLength: 40 }), (voters, acts) => {
        const state: ("up" | "hung" | "down")[] = Array.from({ length: voters }, () => "up");
        for (const [what, number] of acts) {
          const index = number % voters;
          if (what === "crash") state[index] = "down";
          if (what === "return") state[index] = "up";
          if (what === "hang") state[index] = "hung";
          if (what === "stop" && stopObjections(readingOf(state), `m${index + 1}`).length === 0) {
            state[index] = "down";
            stops += 1;
            expect(state.filter((each) => each === "up").length).toBeGreaterThanOrEqual(quorumOf(voters));
          }
        }
      }),
      { numRuns: 1000 },
    );
    expect(stops).toBeGreaterThan(100);
  });
});
