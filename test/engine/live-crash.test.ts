// kill -9 at the places of a run on a running node: resumed, every process holds the new certificates; rolled back, the old ones.
import { beforeAll, describe, expect, it } from "vitest";
import { liveFailpoints } from "../../src/engine/failpoints.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { listRuns, unfinishedRun } from "../../src/engine/runs.ts";
import { firstCertificate } from "../support/memory-live.ts";
import { type MemoryProcess, MemoryWorld } from "../support/memory-world.ts";
import { leaks, mismatches } from "../support/tiny-checks.ts";
import { paths } from "../support/tiny-cluster.ts";
import { consumers, type LiveScene, liveScene } from "../support/tiny-live.ts";

const isFull = process.env["PERENNIAL_TEST_FULL"] === "1";

/** Certificates of before are valid: what is rolled back is well again. etcd does not reload, so that every process is restarted. */
function setUp(): LiveScene {
  const scene = liveScene({ expired: false });
  scene.live.behaviour("etcd").reloadsAfterMs = null;
  return scene;
}

async function dies(
  { world }: LiveScene,
  dieAt: number,
  work: (process: MemoryProcess) => Promise<unknown>,
): Promise<void> {
  const victim = world.spawn({ dieAt });
  await work(victim).catch((error: unknown) => {
    if (!victim.isDead) throw error;
  });
  world.kill(victim);
}

async function goOn({ world, plan }: LiveScene, { ports }: MemoryProcess): Promise<unknown> {
  if (await unfinishedRun(ports.state)) return resumeRun(ports, undefined);
  const [last] = await listRuns(ports.state);
  if (last?.view?.state === "succeeded") return { outcome: "succeeded" };
  expect(mismatches(world)).toEqual([]);
  return runPlan(ports, plan);
}

const presented = {
  kubelet: paths.node,
  etcd: paths.etcdServer,
  "kube-apiserver": paths.apiserver,
  "kube-scheduler": paths.admin,
} as const;

/** Everything runs, is well, and has in memory what lies on the disk. */
function expectRunning({ world, live }: LiveScene): void {
  for (const consumer of consumers) {
    const path = presented[consumer];
    const stored = storedSerial(world, path);
    expect([consumer, live.isWell(consumer), live.holds(consumer, path)]).toEqual([consumer, true, stored]);
  }
  expect(leaks(world)).toEqual([]);
}

function storedSerial(world: MemoryWorld, path: string): string {
  return firstCertificate(world.files.get(path)!.bytes).serialHex;
}

async function rollBack(scene: LiveScene): Promise<void> {
  const { ports } = scene.world.spawn();
  const result = await rollbackRun(ports, "last", { acceptExpired: true });
  expect(result).toMatchObject({ outcome: "rolled-back", error: null });
  expectBack(scene);
}

function expectBack(scene: LiveScene): void {
  expect(scene.world.tree()).toEqual(scene.before);
  scene.live.advance(5000);
  expectRunning(scene);
}

const trace: { run: readonly string[]; rollback: readonly string[] } = { run: [], rollback: [] };

/** Every hit of a live failpoint, and one in `stride` of those between the first restart and the end. */
function places(hits: readonly string[], stride: number): readonly number[] {
  const isLive = (name: string): boolean => (liveFailpoints as readonly string[]).includes(name);
  return hits.flatMap((name, index) => (isFull || isLive(name) || index % stride === 0 ? [index] : []));
}

beforeAll(async () => {
  const { world, plan } = setUp();
  const [first, second] = [world.spawn(), world.spawn()];
  expect(await runPlan(first.ports, plan)).toMatchObject({ outcome: "succeeded" });
  await rollbackRun(second.ports, "last", { acceptExpired: true });
  trace.run = first.hits;
  trace.rollback = second.hits;
});

describe("a run on a running node, killed", () => {
  it("has every failpoint of such runs", () => {
    const hit = new Set([...trace.run, ...trace.rollback]);
    expect(liveFailpoints.filter((name) => !hit.has(name))).toEqual([]);
  });

  it("anywhere is resumed: everything runs with new certificates, no process is restarted that was well with them", async () => {
    for (const dieAt of places(trace.run, 70)) {
      const scene = setUp();
      await dies(scene, dieAt, ({ ports }) => runPlan(ports, scene.plan));
      expect(await goOn(scene, scene.world.spawn())).toMatchObject({ outcome: "succeeded" });
      expect(scene.world.tree()[paths.apiserver]).not.toBe(scene.before[paths.apiserver]);
      expectRunning(scene);
      for (const consumer of consumers)
        expect([trace.run[dieAt], consumer, startsOf(scene, consumer)]).toEqual([
          trace.run[dieAt],
          consumer,
          1,
        ]);
      if (dieAt % 5 === 0) await rollBack(scene);
    }
  });

  it("twice and more is resumed, then rolled back: old bytes, and everything runs with them", async () => {
    const late = trace.run.indexOf("run.before-bounce");
    for (const [first, second] of [
      [late, 20],
      [late + 4, 12],
      [late + 9, 30],
      [late + 14, 44],
      [late + 22, 25],
    ] as const) {
      const scene = setUp();
      await dies(scene, first, ({ ports }) => runPlan(ports, scene.plan));
      await dies(scene, second, (process) => goOn(scene, process));
      await dies(scene, second + 7, (process) => goOn(scene, process));
      expect(await goOn(scene, scene.world.spawn())).toMatchObject({ outcome: "succeeded" });
      expectRunning(scene);
      await rollBack(scene);
    }
  });

  it("anywhere behind the first restart is rolled back without being resumed", async () => {
    const late = trace.run.indexOf("run.before-bounce");
    for (const dieAt of places(trace.run, 15).filter((index) => index >= late)) {
      const scene = setUp();
      await dies(scene, dieAt, ({ ports }) => runPlan(ports, scene.plan));
      await rollBack(scene);
    }
  });
});

describe("a rollback on a running node, killed", () => {
  it.each(["rollback", "resume"])("anywhere is finished by a %s", async (how) => {
    const rebounces = places(trace.rollback, 60);
    for (const dieAt of rebounces) {
      const scene = setUp();
      await runPlan(scene.world.spawn().ports, scene.plan);
      await dies(scene, dieAt, ({ ports }) => rollbackRun(ports, "last", { acceptExpired: true }));
      const open = await unfinishedRun(scene.world.spawn().ports.state);
      if (open === null && JSON.stringify(scene.world.tree()) === JSON.stringify(scene.before))
        expectBack(scene);
      else if (how === "rollback" || open === null) await rollBack(scene);
      else {
        const { ports } = scene.world.spawn();
        expect(await resumeRun(ports, undefined)).toMatchObject({ outcome: "rolled-back" });
        expectBack(scene);
      }
    }
  });
});

function startsOf({ live }: LiveScene, consumer: string): number {
  return live.log.filter((line) => line === `start ${consumer}`).length;
}
