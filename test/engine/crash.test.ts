// kill -9 at every failpoint, with and without a loss of power: resume and rollback work, and no mismatching pair survives.
import { beforeAll, describe, expect, it } from "vitest";
import * as fc from "fast-check";
import type { Plan } from "../../src/core/model/plan.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { fileFailpoints } from "../../src/engine/failpoints.ts";
import { listRuns, unfinishedRun } from "../../src/engine/runs.ts";
import { Crash, MemoryWorld, type MemoryProcess } from "../support/memory-world.ts";
import { certificateAt, leaks, mismatches } from "../support/tiny-checks.ts";
import { installTinyCluster, paths, planFor } from "../support/tiny-cluster.ts";

interface Scene {
  readonly world: MemoryWorld;
  readonly plan: Plan;
  readonly before: Record<string, string>;
}

function setUp(): Scene {
  const world = new MemoryWorld();
  installTinyCluster(world);
  return { world, plan: planFor(world), before: world.tree() };
}

/** Does the work in a process that dies at the given hit; false when it ended before. */
async function dies(
  world: MemoryWorld,
  dieAt: number,
  work: (process: MemoryProcess) => Promise<unknown>,
  powerLoss: boolean,
): Promise<boolean> {
  const victim = world.spawn({ dieAt });
  const error = await work(victim).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!victim.isDead) {
    if (error !== null) throw error;
    world.kill(victim);
    return false;
  }
  world.reboot(powerLoss);
  return true;
}

const run = (plan: Plan) => (process: MemoryProcess) => runPlan(process.ports, plan);

/** As an operator would: resume what is open; when no run began, run the plan. */
async function goOn({ world, plan }: Scene, process: MemoryProcess): Promise<unknown> {
  const open = await unfinishedRun(process.ports.state);
  if (open) return resumeRun(process.ports, undefined);
  const [last] = await listRuns(process.ports.state);
  if (last?.view?.state === "succeeded") return { outcome: "succeeded" };
  expect(mismatches(world)).toEqual([]);
  return runPlan(process.ports, plan);
}

function expectRenewed({ world, before }: Scene): void {
  expect(mismatches(world)).toEqual([]);
  for (const path of [paths.apiserver, paths.etcdServer, paths.kubeletClient, paths.node]) {
    expect(certificateAt(world, path).notAfter).toBeGreaterThan(world.now);
  }
  for (const path of [paths.apiserverKey, paths.etcdServerKey, paths.admin, paths.copy]) {
    expect(world.tree()[path]).not.toBe(before[path]);
  }
  expect([...world.temporaries.keys()]).toEqual([]);
  expect(leaks(world)).toEqual([]);
}

async function rollBack({ world, before }: Scene): Promise<void> {
  const result = await rollbackRun(world.spawn().ports, "last", { acceptExpired: true });
  expect(result).toMatchObject({ outcome: "rolled-back", error: null, leftAlone: [] });
  expect(world.tree()).toEqual(before);
  expect([...world.temporaries.keys()]).toEqual([]);
}

/** The fileFailpoints a whole run and a whole rollback hit, in order. */
const trace: { run: readonly string[]; rollback: readonly string[] } = { run: [], rollback: [] };

/** All hits take minutes: by default the first, the second and the last of each name, and some in between. */
const isFull = process.env["PERENNIAL_TEST_FULL"] === "1";

function places(
  hits: readonly string[],
  { stride, offset = 0 }: { readonly stride: number; readonly offset?: number },
): readonly number[] {
  const all = hits.map((_, index) => index);
  if (isFull) return all;
  return all.filter((index) => {
    const isFirst = hits.indexOf(hits[index]!) === index;
    return isFirst || hits.lastIndexOf(hits[index]!) === index || index % stride === offset;
  });
}

beforeAll(async () => {
  const { world, plan } = setUp();
  const [first, second] = [world.spawn(), world.spawn()];
  await runPlan(first.ports, plan);
  await rollbackRun(second.ports, "last", { acceptExpired: true });
  trace.run = first.hits;
  trace.rollback = second.hits;
});

describe("a run killed", () => {
  it("has many places to die at", () => {
    expect(trace.run.length).toBeGreaterThan(150);
    expect(trace.rollback.length).toBeGreaterThan(80);
    const names = new Set([...trace.run, ...trace.rollback]);
    const absent = fileFailpoints.filter((name) => !names.has(name));
    expect(absent).toEqual(["file.after-attributes", "file.after-read-back"]);
  });

  it.each([false, true])(
    "anywhere (power lost: %s) is resumed to the end, then rolled back to the old tree",
    async (powerLoss) => {
      for (const dieAt of places(trace.run, { stride: 9 })) {
        // Only files have bytes that a loss of power takes: every method of the state directory is durable.
        if (powerLoss && !trace.run[dieAt]!.startsWith("file.")) continue;
        const scene = setUp();
        expect(await dies(scene.world, dieAt, run(scene.plan), powerLoss)).toBe(true);
        expect(await goOn(scene, scene.world.spawn())).toMatchObject({ outcome: "succeeded" });
        expectRenewed(scene);
        if (dieAt % 4 === 0) await rollBack(scene);
      }
    },
  );

  it("anywhere is rolled back to the old tree without being resumed", async () => {
    for (const dieAt of places(trace.run, { stride: 12, offset: 5 })) {
      const scene = setUp();
      await dies(scene.world, dieAt, run(scene.plan), dieAt % 2 === 0);
      const { ports } = scene.world.spawn();
      if ((await listRuns(ports.state)).length > 0) await rollBack(scene);
      expect(scene.world.tree()).toEqual(scene.before);
      expect(mismatches(scene.world)).toEqual([]);
    }
  });

  it("and killed again in the resume, any number of times, still gets to the end and back", async () => {
    const hit = fc.nat({ max: 250 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: trace.run.length - 1 }),
        fc.array(hit, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        async (first, more, powerLoss) => {
          const scene = setUp();
          await dies(scene.world, first, run(scene.plan), powerLoss);
          for (const dieAt of more)
            await dies(scene.world, dieAt, (process) => goOn(scene, process), powerLoss);
          expect(await goOn(scene, scene.world.spawn())).toMatchObject({ outcome: "succeeded" });
          expectRenewed(scene);
          await rollBack(scene);
        },
      ),
      { numRuns: isFull ? 300 : 12, ...(isFull ? {} : { seed: 7 }) },
    );
  });
});

describe("a rollback killed", () => {
  it.each(["rollback", "resume"])("anywhere is finished by a %s", async (how) => {
    for (const dieAt of places(trace.rollback, { stride: 20, offset: how === "resume" ? 3 : 11 })) {
      const scene = setUp();
      const { world } = scene;
      await runPlan(world.spawn().ports, scene.plan);
      await dies(
        world,
        dieAt,
        ({ ports }) => rollbackRun(ports, "last", { acceptExpired: true }),
        dieAt % 2 === 0,
      );
      const open = await unfinishedRun(world.spawn().ports.state);
      if (open === null && JSON.stringify(world.tree()) === JSON.stringify(scene.before)) continue;
      if (how === "rollback" || open === null) await rollBack(scene);
      else expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({ outcome: "rolled-back" });
      expect(world.tree()).toEqual(scene.before);
      expect([...world.temporaries.keys()]).toEqual([]);
    }
  });
});

describe("the crash of these tests", () => {
  it("really stops the process: nothing is written after it", async () => {
    const { world, plan } = setUp();
    const victim = world.spawn({ dieAt: 40 });
    await runPlan(victim.ports, plan).catch(() => {});
    await expect(victim.ports.state.append("x", Uint8Array.of(1))).rejects.toThrow(Crash);
    expect(world.state.has("x")).toBe(false);
  });
});
