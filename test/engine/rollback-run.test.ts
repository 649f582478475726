// Rolling back, listing and pruning runs.
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import type { Failpoint } from "../../src/engine/failpoints.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { listRuns, pruneRuns, showRun, unfinishedRun } from "../../src/engine/runs.ts";
import { errorOf } from "../support/errors.ts";
import { MemoryWorld, startOfTime } from "../support/memory-world.ts";
import { mismatches } from "../support/tiny-checks.ts";
import { address, installTinyCluster, paths, planFor } from "../support/tiny-cluster.ts";

const dayMs = 86_400_000;

async function renewed(): Promise<{
  readonly world: MemoryWorld;
  readonly run: string;
  readonly before: Record<string, string>;
}> {
  const world = new MemoryWorld();
  installTinyCluster(world);
  const before = world.tree();
  const { run } = await runPlan(world.spawn().ports, planFor(world));
  return { world, run, before };
}

/** A node whose renewal died at the failpoint. */
async function killedAt(failpoint: Failpoint): Promise<MemoryWorld> {
  const world = new MemoryWorld();
  installTinyCluster(world);
  const victim = world.spawn({
    onHit: (point) => (point === failpoint ? world.kill(victim) : undefined),
  });
  await runPlan(victim.ports, planFor(world)).catch(() => {});
  return world;
}

const accept = { acceptExpired: true };

describe("a rollback", () => {
  it("restores bytes, mode, owner, time and labels, and says what it changed", async () => {
    const { world, run, before } = await renewed();
    const result = await rollbackRun(world.spawn().ports, run, accept);
    expect(result).toMatchObject({ run, outcome: "rolled-back", rolledBack: true, error: null });
    expect(result.changed).toHaveLength(8);
    expect(world.tree()).toEqual(before);
    expect((await showRun(world.spawn().ports.state, run)).view).toMatchObject({
      state: "rolled-back",
      rollback: "operator",
    });
  });

  it("asks before it goes back to expired certificates, and names them", async () => {
    const { world, run } = await renewed();
    const after = world.tree();
    const error = await errorOf(rollbackRun(world.spawn().ports, "last", { acceptExpired: false }));
    expect(error.code).toBe("rollback-expired");
    expect(error.params).toEqual({
      run,
      names: ["apiserver", "etcd-server", "kubelet-client", "admin.conf", "node"].toSorted(byPlan),
    });
    expect(world.tree()).toEqual(after);
    expect((await showRun(world.spawn().ports.state, run)).view.state).toBe("succeeded");
  });

  it("does not ask when nothing would be expired", async () => {
    const { world } = await renewed();
    world.now = startOfTime - 2 * dayMs;
    expect(await rollbackRun(world.spawn().ports, "last", { acceptExpired: false })).toMatchObject({
      outcome: "rolled-back",
    });
  });

  it("refuses when others changed an object since, and changes nothing", async () => {
    const { world, run } = await renewed();
    world.put(paths.apiserver, { ...world.files.get(paths.apiserver)!, bytes: Uint8Array.of(1) });
    world.files.delete(paths.copy);
    const after = world.tree();
    const error = await errorOf(rollbackRun(world.spawn().ports, run, accept));
    expect(error.code).toBe("rollback-refused");
    expect(error.params).toEqual({
      run,
      changed: [address(paths.apiserver), address(paths.copy)],
    });
    expect(world.tree()).toEqual(after);
    expect([...world.temporaries.keys()]).toEqual([]);
  });

  it("refuses a before-image that is not what was backed up", async () => {
    const { world, run } = await renewed();
    const after = world.tree();
    world.state.set(`runs/${run}/before/m1${paths.admin}`, Uint8Array.of(1));
    expect((await errorOf(rollbackRun(world.spawn().ports, run, accept))).code).toBe("store-mismatch");
    expect(world.tree()).toEqual(after);
    expect((await showRun(world.spawn().ports.state, run)).view.state).toBe("succeeded");
  });

  it("with a full disk changes nothing and can be tried again", async () => {
    const { world, run, before } = await renewed();
    const after = world.tree();
    world.fail = (operation, name) => {
      if (operation === "stage")
        throw new AppError("store-write-failed", { address: name, operation, cause: "ENOSPC" });
    };
    expect((await errorOf(rollbackRun(world.spawn().ports, run, accept))).code).toBe("store-write-failed");
    expect(world.tree()).toEqual(after);
    world.fail = () => {};
    await rollbackRun(world.spawn().ports, run, accept);
    expect(world.tree()).toEqual(before);
  });

  it("that fails midway stays open and is finished by resume", async () => {
    const { world, run, before } = await renewed();
    world.fail = (operation, name) => {
      if (operation === "commit" && name === paths.etcdServer)
        throw new AppError("store-write-failed", { address: name, operation, cause: "EROFS" });
    };
    expect(await rollbackRun(world.spawn().ports, run, accept)).toMatchObject({
      outcome: "interrupted",
      error: { code: "store-write-failed" },
    });
    world.fail = () => {};
    expect((await unfinishedRun(world.spawn().ports.state))?.state).toBe("rolling-back");
    expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({ outcome: "rolled-back" });
    expect(world.tree()).toEqual(before);
  });

  it("is done once, and never of a run that is not there", async () => {
    const { world, run } = await renewed();
    const { ports } = world.spawn();
    await rollbackRun(ports, run, accept);
    expect((await errorOf(rollbackRun(ports, "last", accept))).params).toEqual({ run, state: "rolled-back" });
    expect((await errorOf(rollbackRun(ports, "20260101T000000Z-000000", accept))).code).toBe("run-unknown");
    expect((await errorOf(rollbackRun(ports, "../lock", accept))).code).toBe("run-unknown");
    expect((await errorOf(resumeRun(ports, run))).params).toEqual({ run, state: "rolled-back" });
    expect((await errorOf(resumeRun(ports, undefined))).params).toEqual({ run: "unfinished" });
  });

  it("refused on an interrupted run leaves the run resumable", async () => {
    const world = await killedAt("run.between-pair");
    const swapped = world.files.get(paths.apiserverKey)!;
    world.put(paths.apiserverKey, { ...swapped, bytes: Uint8Array.of(1) });
    expect((await errorOf(rollbackRun(world.spawn().ports, "last", accept))).code).toBe("rollback-refused");
    expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({
      outcome: "interrupted",
      error: { code: "store-conflict" },
    });
    world.put(paths.apiserverKey, swapped);
    expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expect(mismatches(world)).toEqual([]);
  });
});

/** The order in which the plan's stage steps name them. */
function byPlan(a: string, b: string): number {
  const order = ["etcd-server", "apiserver", "kubelet-client", "admin.conf", "node"];
  return order.indexOf(a) - order.indexOf(b);
}

describe("a resume before everything was staged", () => {
  it("ends the run as abandoned when the world moved", async () => {
    const world = await killedAt("run.before-verify-staged");
    world.put(paths.admin, { ...world.files.get(paths.admin)!, mode: 0o644 });
    const before = world.tree();
    const result = await resumeRun(world.spawn().ports, undefined);
    expect(result).toMatchObject({ outcome: "abandoned", error: { code: "plan-stale" } });
    expect(world.tree()).toEqual(before);
    expect([...world.temporaries.keys()]).toEqual([]);
    expect(await unfinishedRun(world.spawn().ports.state)).toBeNull();
  });
});

describe("a resume behind all-staged", () => {
  it.each(["lost", "changed"])(
    "stops without touching anything when a staged file is %s; rollback still works",
    async (how) => {
      const world = new MemoryWorld();
      installTinyCluster(world);
      const before = world.tree();
      const victim = world.spawn({
        onHit: (point) => (point === "run.between-pair" ? world.kill(victim) : undefined),
      });
      await runPlan(victim.ports, planFor(world)).catch(() => {});
      const name = [...world.temporaries.keys()].find((each) => each.startsWith(paths.copy))!;
      if (how === "lost") world.temporaries.delete(name);
      else world.temporaries.set(name, { ...world.temporaries.get(name)!, bytes: Uint8Array.of(1) });
      const result = await resumeRun(world.spawn().ports, undefined);
      expect(result).toMatchObject({ outcome: "interrupted", error: { code: "store-write-failed" } });
      expect(await rollbackRun(world.spawn().ports, "last", accept)).toMatchObject({
        outcome: "rolled-back",
      });
      expect(world.tree()).toEqual(before);
    },
  );

  it("stops when the authority on the disk is another one by now", async () => {
    const world = await killedAt("run.after-all-staged");
    world.put(paths.ca, { ...world.files.get(paths.ca)!, bytes: Uint8Array.of(1) });
    expect(await resumeRun(world.spawn().ports, undefined)).toMatchObject({
      outcome: "interrupted",
      error: { code: "plan-stale", params: { differences: [{ address: address(paths.ca), what: "bytes" }] } },
    });
  });
});

describe("runs", () => {
  it("are listed newest first, a damaged journal hides no other and stops new runs", async () => {
    const { world, run } = await renewed();
    world.now += 60_000;
    const second = await runPlan(world.spawn().ports, planFor(world));
    const { state } = world.spawn().ports;
    expect((await listRuns(state)).map((each) => each.run)).toEqual([second.run, run]);
    const file = `runs/${run}/journal.jsonl`;
    world.state.set(
      file,
      Buffer.from(Buffer.from(world.state.get(file)!).toString().replace('"seq":3', '"seq":4')),
    );
    expect((await listRuns(state)).map(({ view, error }) => [view?.state, error?.params.line])).toEqual([
      ["succeeded", undefined],
      [undefined, 3],
    ]);
    expect((await errorOf(runPlan(world.spawn().ports, planFor(world)))).code).toBe("journal-damaged");
  });

  it("are pruned beyond the newest and the youngest, never an open one", async () => {
    const { world, run } = await renewed();
    const ids = [run];
    for (let index = 0; index < 3; index++) {
      world.now += dayMs;
      ids.push((await runPlan(world.spawn().ports, planFor(world))).run);
    }
    world.now += 88 * dayMs;
    expect(await pruneRuns(world.spawn().ports)).toEqual([]);
    expect(await pruneRuns(world.spawn().ports, { keep: 1 })).toEqual([ids[0]]);
    expect([...world.state.keys()].some((name) => name.includes(ids[0]!))).toBe(false);
    expect(await pruneRuns(world.spawn().ports, { keep: 1, olderThanMs: 0 })).toEqual([ids[2], ids[1]]);
    const victim = world.spawn({
      onHit: (point) => (point === "run.after-issue" ? world.kill(victim) : undefined),
    });
    await runPlan(victim.ports, planFor(world)).catch(() => {});
    world.now += 1000 * dayMs;
    expect(await pruneRuns(world.spawn().ports, { keep: 0 })).toEqual([ids[3]]);
    expect(await unfinishedRun(world.spawn().ports.state)).not.toBeNull();
  });
});
