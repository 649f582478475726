// Several masters rolled: node by node through gates, the leader last; a node that fails is taken back alone; rollback in reverse.
import { describe, expect, it } from "vitest";
import { isAppError } from "../../src/core/model/errors.ts";
import type { MemberStatus } from "../../src/core/model/quorum.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import type { RunResult } from "../../src/engine/run-result.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { formatError } from "../../src/report/error-text.ts";
import { type ManyScene, manyScene } from "../support/many-tiny.ts";
import { expectRunning, nodesBegun, onNodes, storedSerial } from "../support/many-checks.ts";
import { startOfTime } from "../support/memory-world.ts";
import { paths } from "../support/tiny-cluster.ts";

const run = ({ many, plan }: ManyScene): Promise<RunResult> => many.once(({ ports }) => runPlan(ports, plan));
const resume = ({ many }: ManyScene): Promise<RunResult> =>
  many.once(({ ports }) => resumeRun(ports, undefined));
const rollBack = ({ many }: ManyScene): Promise<RunResult> =>
  many.once(({ ports }) => rollbackRun(ports, "last", { acceptExpired: true }));

/** As an operator sees it. */
const words = ({ error }: RunResult): string =>
  error === null ? "" : formatError(error, "en", ["-f", "c.yaml"]);

describe("a roll", () => {
  it("takes the leader's node last, between two gates each, and stops no member that reads its files by itself", async () => {
    const scene = manyScene({ expired: false });
    scene.many.leader = "m2";
    const process = scene.many.spawn();
    expect(await runPlan(process.ports, scene.plan)).toMatchObject({ outcome: "succeeded", error: null });
    expect(nodesBegun(scene.many)).toEqual(["m1", "m3", "m2"]);
    expect(process.events.filter(({ type }) => type === "gate-passed")).toHaveLength(6);
    expect(scene.many.log.filter((line) => line.endsWith("stop etcd"))).toEqual([]);
    expectRunning(scene);
  });

  it("moves leadership away before it stops the leader, and never loses the quorum", async () => {
    const scene = manyScene({ expired: false, etcdReloads: false });
    scene.many.version = "3.3.25";
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    const about = scene.many.log.filter((line) => /move-leader|stop etcd/.test(line));
    expect(about).toEqual(["m2 stop etcd", "m3 stop etcd", "m1 move-leader m2", "m1 stop etcd"]);
    expect(scene.many.quorumLosses).toBe(0);
    expectRunning(scene);
  });

  it("stops members before 3.3, which cannot be told to hand over, one by one all the same", async () => {
    const scene = manyScene({ expired: false, etcdReloads: false });
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    expect(scene.many.log.filter((line) => line.endsWith("stop etcd"))).toEqual([
      "m2 stop etcd",
      "m3 stop etcd",
      "m1 stop etcd",
    ]);
    expect(scene.many.quorumLosses).toBe(0);
    expectRunning(scene);
  });
});

describe("a gate", () => {
  const learner = (status: MemberStatus): MemberStatus => ({
    ...status,
    members: [...status.members, { id: "9", name: "m9", isLearner: true }],
  });
  const alarm = (status: MemberStatus): MemberStatus => ({
    ...status,
    alarms: [{ memberId: "2", kind: "NOSPACE" }],
  });
  const split = (status: MemberStatus, node: string): MemberStatus =>
    node === "m3" ? { ...status, raftTerm: "9" } : status;

  it.each([
    [
      "2 of 3 members are well",
      (scene: ManyScene) => scene.many.sick.add("m3"),
      "the member on m3 knows no leader",
    ],
    ["there is an alarm", (scene: ManyScene) => (scene.many.twist = alarm), "alarm NOSPACE of member m2 (2)"],
    ["there is a learner", (scene: ManyScene) => (scene.many.twist = learner), "member m9 (9) is a learner"],
    ["terms differ", (scene: ManyScene) => (scene.many.twist = split), "different raft terms (2, 9)"],
  ])(
    "before the first node stays shut where %s: nothing live is touched, and the run waits",
    async (_, spoil, text) => {
      const scene = manyScene({ expired: false });
      spoil(scene);
      const result = await run(scene);
      expect(result).toMatchObject({ outcome: "interrupted", error: { code: "gate-refused" }, changed: [] });
      expect(words(result)).toContain(text);
      expect(scene.many.trees()).toEqual(scene.before);
      expect(scene.many.log).toEqual(["m1 snapshot"]);
      scene.many.sick.clear();
      scene.many.twist = (status) => status;
      expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
      expectRunning(scene);
    },
  );

  it("prints the arithmetic of the quorum where a member would have to be stopped", async () => {
    const scene = manyScene({ expired: false, etcdReloads: false });
    // It falls ill once the gate of m2 is behind.
    scene.many.live("m2").onSleep = () => scene.many.sick.add("m3");
    const result = await run(scene);
    expect(result.error).toMatchObject({
      code: "node-failed",
      params: { node: "m2", outcome: "rolled-back", done: [] },
    });
    const refused = result.error?.cause;
    if (!isAppError(refused, "gate-refused")) throw new TypeError("the cause is no gate");
    expect(refused.params.objections).toContainEqual({
      code: "too-few-voters",
      voters: 3,
      healthy: 1,
      needed: 2,
    });
    const cause = formatError(refused, "en", []);
    expect(cause).toContain("1 of 3 voters would be healthy, 2 are needed (3/2+1=2)");
    expect(scene.many.log.filter((line) => line.includes("stop etcd"))).toEqual([]);
    expect(scene.many.trees()).toEqual(scene.before);
  });

  it("between nodes leaves what is done, touches no other, and lets a resume go on once all are well", async () => {
    const scene = manyScene({ expired: false });
    const { many } = scene;
    const process = many.spawn({
      onHit: (point) => {
        if (point === "run.after-bounce" && many.log.at(-1)?.startsWith("m2 start kube-controller-manager"))
          many.sick.add("m3");
      },
    });
    const result = await runPlan(process.ports, scene.plan);
    many.kill(process);
    // m2 is done: what ails m3 is no reason to take m2 back.
    expect(result).toMatchObject({ outcome: "interrupted", error: { code: "gate-refused" } });
    expect(nodesBegun(many)).toEqual(["m2"]);
    const trees = many.trees();
    for (const node of ["m1", "m3"]) expect(trees[node]).toEqual(scene.before[node]);
    expect(trees["m2"]?.[paths.etcdServer]).not.toBe(scene.before["m2"]?.[paths.etcdServer]);
    many.sick.clear();
    const starts = many.log.filter((line) => line.startsWith("m2 start")).length;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expect(many.log.filter((line) => line.startsWith("m2 start"))).toHaveLength(starts);
    expectRunning(scene);
  });
});

describe("a node that fails in mid-roll", () => {
  /** m3 comes second; its API server does not come back. */
  function spoiled(): ManyScene {
    const scene = manyScene({ expired: false });
    scene.many.live("m3").behaviour("kube-apiserver").wellAfterMs = null;
    return scene;
  }

  it("is taken back alone, the roll stops, the others are untouched; resume goes on there, rollback takes all back in reverse", async () => {
    const scene = spoiled();
    const { many } = scene;
    const result = await run(scene);
    expect(result).toMatchObject({
      outcome: "interrupted",
      error: { code: "node-failed", params: { node: "m3", outcome: "rolled-back", done: ["m2"] } },
    });
    const trees = many.trees();
    expect(trees["m1"]).toEqual(scene.before["m1"]);
    expect(trees["m3"]).toEqual(scene.before["m3"]);
    expect(many.live("m3").holds("kubelet", paths.node)).toBe(storedSerial(many, "m3", paths.node));
    many.live("m3").behaviour("kube-apiserver").wellAfterMs = 800;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
    many.log.length = 0;
    expect(await rollBack(scene)).toMatchObject({ outcome: "rolled-back", error: null });
    expect(many.trees()).toEqual(scene.before);
    expect(onNodes(many.log.filter((line) => / (start|revive) /.test(line)))).toEqual(["m1", "m3", "m2"]);
    many.advance(5000);
    expectRunning(scene);
  });

  it("is left as it is when its old bytes have expired, and is never taken back by itself", async () => {
    const scene = spoiled();
    const { many } = scene;
    // The old certificates end while it is worked on.
    many.live("m3").onSleep = () => (many.now = startOfTime);
    const result = await run(scene);
    expect(result.error).toMatchObject({
      code: "node-failed",
      params: { node: "m3", outcome: "left", done: ["m2"] },
    });
    expect(many.trees()["m3"]?.[paths.apiserver]).not.toBe(scene.before["m3"]?.[paths.apiserver]);
    many.live("m3").onSleep = () => {};
    many.now = startOfTime - 10 * 86_400_000;
    many.live("m3").behaviour("kube-apiserver").wellAfterMs = 800;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
  });

  it("that cannot be reached any more is told as stuck; no other is taken back for it", async () => {
    const scene = manyScene({ expired: false });
    const { many } = scene;
    many.live("m3").onSleep = () => many.cutOff.add("m3");
    const result = await run(scene);
    expect(result.error).toMatchObject({
      code: "node-failed",
      params: { node: "m3", outcome: "stuck", done: ["m2"] },
    });
    expect(result.outcome).toBe("interrupted");
    expect(many.trees()["m2"]?.[paths.apiserver]).not.toBe(scene.before["m2"]?.[paths.apiserver]);
    many.cutOff.clear();
    many.live("m3").onSleep = () => {};
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
  });
});

describe("a rollback of a roll", () => {
  it("stops at a gate that stays shut, with the rest untouched, and goes on when it is resumed", async () => {
    const scene = manyScene({ expired: false });
    const { many } = scene;
    await run(scene);
    many.live("m3").onSleep = () => many.sick.add("m1");
    const first = await rollBack(scene);
    expect(first).toMatchObject({ outcome: "interrupted", error: { code: "gate-refused" } });
    expect(many.trees()["m2"]).not.toEqual(scene.before["m2"]);
    many.live("m3").onSleep = () => {};
    many.sick.clear();
    expect(await resume(scene)).toMatchObject({ outcome: "rolled-back" });
    expect(many.trees()).toEqual(scene.before);
  });

  it("to expired bytes gets to its end: no gate could pass on the way", async () => {
    const scene = manyScene({ expired: false });
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    scene.many.now = startOfTime;
    expect(await rollBack(scene)).toMatchObject({ outcome: "rolled-back", error: null });
    expect(scene.many.trees()).toEqual(scene.before);
  });
});

describe("a member that a killed run had stopped", () => {
  it("is started first by the resume, before any gate is asked, though nobody else starts it", async () => {
    const scene = manyScene({ expired: false, etcdReloads: false });
    const { many } = scene;
    // As a process with the operator's own commands: what is stopped stays stopped.
    for (const node of many.masters) many.live(node).behaviour("etcd").returnsAfterMs = null;
    const victim = many.spawn({
      onHit: (point) => {
        if (point === "run.after-stop" && many.log.at(-1) === "m3 stop etcd") many.kill(victim);
      },
    });
    await runPlan(victim.ports, scene.plan).catch(() => {});
    expect(victim.isDead).toBe(true);
    expect(many.live("m3").lifeOf("etcd")).toBeNull();
    many.log.length = 0;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expect(many.log[0]).toBe("m3 revive etcd");
    expect(many.quorumLosses).toBe(0);
    expectRunning(scene);
  });

  it("is started first even when another is not well and no gate can pass", async () => {
    const scene = manyScene({ expired: false, etcdReloads: false });
    const { many } = scene;
    const victim = many.spawn({
      onHit: (point) => {
        if (point === "run.after-stop" && many.log.at(-1) === "m3 stop etcd") many.kill(victim);
      },
    });
    await runPlan(victim.ports, scene.plan).catch(() => {});
    expect(victim.isDead).toBe(true);
    many.live("m3").end("etcd", { held: true });
    many.sick.add("m1");
    const result = await resume(scene);
    expect(result).toMatchObject({ outcome: "interrupted", error: { code: "gate-refused" } });
    expect(many.live("m3").lifeOf("etcd")).not.toBeNull();
    many.sick.clear();
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
  });
});
