// Several nodes after an outage: order, workers in batches, enough kubelets before the controller-managers; and what each failure leaves.
import { describe, expect, it } from "vitest";
import type { RunEvent } from "../../src/core/model/event.ts";
import type { ReadyCount } from "../../src/core/model/readiness.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import type { RunOptions } from "../../src/engine/run-context.ts";
import type { RunResult } from "../../src/engine/run-result.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { listRuns, showRun } from "../../src/engine/runs.ts";
import { expectRunning, onNodes } from "../support/many-checks.ts";
import { type ManyOptions, type ManyScene, manyScene } from "../support/many-tiny.ts";
import { paths } from "../support/tiny-cluster.ts";

const workers = ["w1", "w2", "w3", "w4", "w5"] as const;

const outage = (options: ManyOptions = {}): ManyScene => manyScene({ order: "outage", ...options });
const run = ({ many, plan }: ManyScene, options: RunOptions = {}): Promise<RunResult> =>
  many.once(({ ports }) => runPlan(ports, plan, options));
const resume = ({ many }: ManyScene, options: RunOptions = {}): Promise<RunResult> =>
  many.once(({ ports }) => resumeRun(ports, undefined, options));

function counts(events: readonly RunEvent[]): Readonly<Record<string, ReadyCount>> {
  return Object.fromEntries(
    events.flatMap((event) => (event.type === "nodes-ready" ? [[event.step, event.count]] : [])),
  );
}

const controllers = ({ many }: ManyScene): readonly string[] =>
  many.log.filter((line) => line.endsWith("start kube-controller-manager"));

describe("an outage", () => {
  it("is brought back process by process over all masters, then workers, then controller-managers, and the nodes are counted", async () => {
    const scene = outage({ workers: ["w1", "w2", "w3"], batch: 2 });
    const { many } = scene;
    const events: RunEvent[] = [];
    expect(await run(scene, { onEvent: (event) => events.push(event) })).toMatchObject({
      outcome: "succeeded",
    });
    const starts = many.log.filter((line) => line.includes(" start ")).map((line) => line.split(" ")[2]);
    expect([...new Set(starts.slice(0, 9))]).toEqual(["kubelet", "kube-apiserver", "kube-scheduler"]);
    expect(many.log.filter((line) => line.includes(" start ")).slice(9)).toEqual([
      "w1 start kubelet",
      "w2 start kubelet",
      "w3 start kubelet",
      "m1 start kube-controller-manager",
      "m2 start kube-controller-manager",
      "m3 start kube-controller-manager",
    ]);
    expect(counts(events)).toMatchObject({
      "w1/ready": { ready: 1, of: 1 },
      "m1/ready/enough": { ready: 6, of: 6, needed: 5, silent: [] },
      "m1/ready/count": { ready: 6, of: 6, needed: null },
    });
    expectRunning(scene);
  });

  it("journals how many nodes are ready, for the report", async () => {
    const scene = outage();
    await run(scene);
    const { ports } = scene.many.spawn();
    const [last] = await listRuns(ports.state);
    const { entries } = await showRun(ports.state, last?.run ?? "");
    const found = entries.flatMap(({ body }) =>
      body.type === "nodes-ready" ? [[body.step, body.count.ready, body.count.of]] : [],
    );
    expect(found).toEqual([["m1/ready/enough", 3, 3]]);
  });

  it("keeps a controller-manager from its new kubeconfig until enough nodes report, since the kubelet starts it again and again", async () => {
    const scene = outage();
    const { many } = scene;
    const seen: boolean[] = [];
    const process = many.spawn({
      onHit: (point) => {
        if (point === "run.before-ready")
          seen.push(many.trees()["m2"]?.[paths.copy] === scene.before["m2"]?.[paths.copy]);
      },
    });
    expect(await runPlan(process.ports, scene.plan)).toMatchObject({ outcome: "succeeded" });
    expect(seen).toEqual([true]);
    expect(many.trees()["m2"]?.[paths.copy]).not.toBe(scene.before["m2"]?.[paths.copy]);
  });
});

describe("too few kubelets that report", () => {
  /** Three masters, two workers that are in no plan: their conditions say Ready, as old as the outage. */
  function silentWorkers(options: ManyOptions = {}): ManyScene {
    const scene = outage({ ...options, workers: ["w1", "w2"] });
    return { ...scene, plan: manyScene({ order: "outage", ...options }).plan };
  }

  it("keep the controller-managers from being started: the run stays open and says who is missing and how to go on", async () => {
    const made = outage({ workers: ["w1", "w2"] });
    for (const node of ["w1", "w2"]) made.many.live(node).behaviour("kubelet").canBeRevived = false;
    const result = await run(made);
    // More workers failed than one in ten: the rest is not begun, and nobody judges them.
    expect(result).toMatchObject({
      outcome: "interrupted",
      error: { code: "workers-failed", params: { of: 2 } },
    });
    expect(controllers(made)).toEqual([]);
  });

  it("are told by name, with the number that is needed; --min-ready 0 on a resume goes on, and is in the journal", async () => {
    const scene = outage({ masters: ["m1", "m2", "m3"] });
    const { many } = scene;
    for (const node of ["m2", "m3"]) many.live(node).behaviour("kubelet").wellAfterMs = 800;
    const process = many.spawn({
      onHit: (point) => {
        if (point === "run.before-ready") many.live("m3").end("kubelet");
      },
    });
    const result = await runPlan(process.ports, scene.plan);
    many.kill(process);
    expect(result.outcome).toBe("interrupted");
    expect(result.error).toMatchObject({
      code: "nodes-not-ready",
      params: { ready: 2, of: 3, needed: 3, silent: [{ node: "m3", why: "no-heartbeat" }], problem: "" },
    });
    expect(controllers(scene)).toEqual([]);
    // Fewer are enough by the operator's word.
    const second = await resume(scene, { minReady: { form: "nodes", count: 2 } });
    expect(controllers(scene)).toHaveLength(3);
    expect(second.error).toMatchObject({ code: "live-proof-failed" });
    const { ports } = many.spawn();
    const [last] = await listRuns(ports.state);
    const { entries } = await showRun(ports.state, last?.run ?? "");
    const resumed = entries.flatMap(({ body }) => (body.type === "resumed" ? [body.minReady] : []));
    expect(resumed).toEqual([{ form: "nodes", count: 2 }]);
  });

  it("count by what their kubelets say now, not by a condition that nobody took back", async () => {
    const { many, plan } = silentWorkers({ minReady: { form: "share", percent: 100 } });
    const result = await runPlan(many.spawn().ports, plan);
    expect(result.error).toMatchObject({
      code: "nodes-not-ready",
      params: {
        ready: 3,
        of: 5,
        needed: 5,
        silent: [
          { node: "w1", why: "no-heartbeat" },
          { node: "w2", why: "no-heartbeat" },
        ],
      },
    });
  });

  it("are waited for, then as many as are needed will do", async () => {
    const { many, plan } = silentWorkers({ minReady: { form: "nodes", count: 3 } });
    const begin = many.live("m1").elapsedMs;
    expect(await runPlan(many.spawn().ports, plan)).toMatchObject({ outcome: "succeeded" });
    expect(many.live("m1").elapsedMs - begin).toBeGreaterThan(45_000);
  });

  it("hold nobody up where the plan waits for none", () => {
    const { plan } = outage({ minReady: null });
    expect(plan.phases.filter(({ id }) => id === "ready")).toEqual([]);
  });
});

describe("workers in batches", () => {
  it("fail alone: told, taken back or left, the others of the batch and the next batch go on; resume tries them again", async () => {
    const scene = outage({ workers, batch: 2 });
    const { many } = scene;
    many.live("w2").behaviour("kubelet").canBeRevived = false;
    const events: RunEvent[] = [];
    const result = await run(scene, { onEvent: (event) => events.push(event) });
    expect(result).toMatchObject({
      outcome: "interrupted",
      error: {
        code: "workers-failed",
        params: { of: 5, left: [], failures: [{ node: "w2", code: "bounce-failed", outcome: "left" }] },
      },
    });
    expect(events.filter(({ type }) => type === "worker-failed")).toHaveLength(1);
    expect(counts(events)["m1/ready/enough"]).toMatchObject({ ready: 7, of: 8, needed: 6 });
    expect(counts(events)["m1/ready/count"]).toMatchObject({
      ready: 7,
      silent: [{ node: "w2", why: "no-heartbeat" }],
    });
    expect(controllers(scene)).toHaveLength(3);
    many.live("w2").behaviour("kubelet").canBeRevived = true;
    many.log.length = 0;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expect(onNodes(many.log.filter((line) => line.includes(" start ")))).toEqual(["w2"]);
    expectRunning(scene);
  });

  it("stop beyond what is tolerated: the batches that follow are not begun", async () => {
    const scene = outage({ workers, batch: 2 });
    for (const node of ["w1", "w2"]) scene.many.live(node).behaviour("kubelet").canBeRevived = false;
    const result = await run(scene);
    expect(result.error).toMatchObject({ code: "workers-failed", params: { left: ["w3", "w4", "w5"] } });
    for (const node of ["w3", "w4", "w5"]) expect(scene.many.trees()[node]).toEqual(scene.before[node]);
  });

  it("follow the masters in a roll, and a valid one that fails has its old certificate again", async () => {
    const scene = manyScene({ expired: false, workers: ["w1", "w2", "w3"], batch: 2 });
    const { many } = scene;
    many.live("w1").behaviour("kubelet").wellAfterMs = null;
    const result = await run(scene);
    expect(result.error).toMatchObject({
      code: "workers-failed",
      params: { failures: [{ node: "w1", outcome: "rolled-back" }], left: [] },
    });
    expect(many.trees()["w1"]).toEqual(scene.before["w1"]);
    for (const node of ["m1", "m2", "m3", "w2", "w3"])
      expect(many.trees()[node]).not.toEqual(scene.before[node]);
    many.live("w1").behaviour("kubelet").wellAfterMs = 800;
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
    const undone = await rollbackRun(many.spawn().ports, "last", { acceptExpired: false });
    expect(undone).toMatchObject({ outcome: "rolled-back", error: null });
    expect(many.trees()).toEqual(scene.before);
  });

  it("fail alone where one of them cannot be reached any more", async () => {
    const scene = outage({ workers: ["w1", "w2"], batch: 2 });
    const { many } = scene;
    const process = many.spawn({
      onHit: (point) => {
        if (point === "run.before-swap" && many.log.some((line) => line.includes("m3 start kube-scheduler")))
          many.cutOff.add("w2");
      },
    });
    const result = await runPlan(process.ports, scene.plan);
    many.kill(process);
    expect(result.error).toMatchObject({
      code: "workers-failed",
      params: { failures: [{ node: "w2", code: "host-lost" }], left: [] },
    });
    many.cutOff.clear();
    expect(await resume(scene)).toMatchObject({ outcome: "succeeded" });
    expectRunning(scene);
  });
});

describe("a rollback of an outage", () => {
  it("to expired bytes restarts everything and gets to its end, though no quorum is left for a gate", async () => {
    const scene = outage({ workers: ["w1"], etcdReloads: false });
    expect(await run(scene)).toMatchObject({ outcome: "succeeded" });
    const undone = await rollbackRun(scene.many.spawn().ports, "last", { acceptExpired: true });
    expect(undone).toMatchObject({ outcome: "rolled-back", error: null });
    expect(scene.many.trees()).toEqual(scene.before);
  });

  it("is refused without the operator's word, with nothing changed", async () => {
    const scene = outage();
    await run(scene);
    const after = scene.many.trees();
    await expect(
      rollbackRun(scene.many.spawn().ports, "last", { acceptExpired: false }),
    ).rejects.toMatchObject({
      code: "rollback-expired",
    });
    expect(scene.many.trees()).toEqual(after);
  });
});
