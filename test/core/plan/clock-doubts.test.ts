// What speaks against a clock, and what a plan makes of it.
import { describe, expect, it } from "vitest";
import type { ClockWitness } from "../../../src/core/model/clock.ts";
import { buildPlan } from "../../../src/core/plan/build.ts";
import { clockDoubts } from "../../../src/core/plan/clock-doubts.ts";
import { hasChanges } from "../../../src/core/plan/steps.ts";
import {
  apiserverLeaf,
  authorityIn,
  controlPlane,
  day,
  factsOf,
  issuedAt,
  replacePair,
  today,
} from "../../support/control-plane.ts";
import { renewRequest } from "../../support/renew-request.ts";

const at = Date.UTC(2026, 10, 22, 16);
const minute = 60_000;
const codes = (...witnesses: readonly ClockWitness[]): readonly string[] =>
  clockDoubts(witnesses, { node: "m1", at }).map(({ code }) => code);

const file = (instant: number): ClockWitness => ({ kind: "file", path: "/etc/kubernetes/x", at: instant });
const run = (instant: number): ClockWitness => ({ kind: "run", run: "20261122T160000Z-000000", at: instant });
const peer = (instant: number): ClockWitness => ({
  kind: "peer",
  endpoint: "https://lb.example:6443",
  at: instant,
  askedAt: at,
});

describe("a clock", () => {
  it("is doubted when files or journals are more than five minutes younger than it", () => {
    expect(codes(file(at + 5 * minute), run(at + 5 * minute))).toEqual([]);
    expect(codes(file(at + 5 * minute + 1), run(at + 5 * minute + 1))).toEqual([
      "clock-behind-file",
      "clock-behind-run",
    ]);
  });

  it("is not doubted for old files: a node may have been off for years", () => {
    expect(codes(file(at - 3000 * day), run(at - 3000 * day))).toEqual([]);
  });

  it("is doubted when another machine says another time, earlier or later", () => {
    expect(codes(peer(at + 5 * minute), peer(at - 5 * minute))).toEqual([]);
    expect(codes(peer(at - 730 * day), peer(at + 6 * minute))).toEqual(["clock-differs", "clock-differs"]);
  });

  it("is told with the object and the instant", () => {
    expect(clockDoubts([file(at + day), run(at + day), peer(at + day)], { node: "m1", at })).toEqual([
      {
        code: "clock-behind-file",
        slot: "m1",
        address: "file:m1:/etc/kubernetes/x",
        detail: "2026-11-23T16:00:00.000Z",
      },
      {
        code: "clock-behind-run",
        slot: "m1",
        address: "20261122T160000Z-000000",
        detail: "2026-11-23T16:00:00.000Z",
      },
      {
        code: "clock-differs",
        slot: "m1",
        address: "https://lb.example:6443",
        detail: "2026-11-23T16:00:00.000Z",
      },
    ]);
  });
});

const frame = { toolVersion: "1.2.3", root: "/" };
const refused = (plan: ReturnType<typeof buildPlan>): readonly string[] =>
  plan.refusals.map(({ code }) => code);

describe("a plan on a clock that is behind", () => {
  it("is refused, also when nothing would be due by that clock", async () => {
    const facts = await factsOf(await controlPlane());
    const clock = [file(today + day)];
    const plan = buildPlan({ ...facts, clock }, renewRequest, frame);
    expect(refused(plan)).toEqual(["clock-behind-file"]);
    expect(hasChanges(plan)).toBe(false);
    expect(refused(buildPlan({ ...facts, clock: [file(today)] }, renewRequest, frame))).toEqual([]);
  });

  it("goes on by explicit word, and names what was overruled", async () => {
    const facts = await factsOf(await controlPlane(), issuedAt + 366 * day);
    const clock = [file(facts.at + day)];
    const request = { ...renewRequest, acceptClock: true };
    const plan = buildPlan({ ...facts, clock }, request, frame);
    expect(refused(plan)).toEqual([]);
    expect(hasChanges(plan)).toBe(true);
    expect(plan.notices.find(({ code }) => code === "clock-accepted")).toMatchObject({
      doubts: [{ code: "clock-behind-file", address: "file:m1:/etc/kubernetes/x" }],
    });
    expect(plan.digest).toBe(buildPlan(facts, renewRequest, frame).digest);
  });

  it("says nothing of a word that was not needed", async () => {
    const facts = await factsOf(await controlPlane());
    const plan = buildPlan({ ...facts, clock: [] }, { ...renewRequest, acceptClock: true }, frame);
    expect(plan.notices.map(({ code }) => code)).not.toContain("clock-accepted");
  });

  it("is refused before the CA begins, and not for one certificate that begins later", async () => {
    const root = await controlPlane();
    const before = await factsOf(root, issuedAt - day);
    // CA and leafs alike were made a day later than it is.
    expect(new Set(refused(buildPlan({ ...before, clock: [] }, renewRequest, frame)))).toContain(
      "clock-behind-certificate",
    );
    await replacePair(root, "apiserver", {
      ...apiserverLeaf,
      notBefore: today + day,
      authority: authorityIn(root, "ca"),
    });
    const one = { ...(await factsOf(root)), clock: [] };
    expect(refused(buildPlan(one, renewRequest, frame))).toEqual([]);
    await replacePair(root, "apiserver-kubelet-client", {
      commonName: "kube-apiserver-kubelet-client",
      organizations: ["kubeadm:cluster-admins"],
      usages: ["clientAuth"],
      notBefore: today + 2 * day,
      notAfter: today + 300 * day,
      authority: authorityIn(root, "ca"),
    });
    const two = { ...(await factsOf(root)), clock: [] };
    expect(buildPlan(two, renewRequest, frame).refusals).toMatchObject([
      { code: "clock-behind-certificate", slot: "m1/apiserver-kubelet-client" },
    ]);
  });
});
