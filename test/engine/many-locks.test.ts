// Locks on every node with one token; and open runs that are found on a node by others: its own tool, another cluster, another operator.
import { describe, expect, it } from "vitest";
import { isAppError } from "../../src/core/model/errors.ts";
import { acquireLocks } from "../../src/engine/cluster-lock.ts";
import { readLock } from "../../src/engine/lock.ts";
import type { EnginePorts } from "../../src/engine/ports/engine-ports.ts";
import { resumeRun } from "../../src/engine/resume-run.ts";
import { rollbackRun } from "../../src/engine/rollback-run.ts";
import { runPlan } from "../../src/engine/run-plan.ts";
import { endStaleCopies } from "../../src/engine/runs-elsewhere.ts";
import { expectRunning } from "../support/many-checks.ts";
import { type ManyScene, manyScene } from "../support/many-tiny.ts";
import type { MemoryProcess } from "../support/memory-world.ts";
import { planFor } from "../support/tiny-cluster.ts";

const tokens = ({
  locks = [],
}: EnginePorts): Promise<readonly (readonly [string | null, number, string])[]> =>
  Promise.all(
    locks.map(async ({ node, state }) => {
      const record = await readLock(state);
      return [node, record?.token ?? 0, record?.state ?? ""] as const;
    }),
  );

describe("the locks of a cluster", () => {
  it("have one token on every node, above the highest that any of them had", async () => {
    const { many } = manyScene({ expired: false });
    const own = many.spawnOnNode("m2");
    for (let count = 0; count < 3; count++) {
      const held = await acquireLocks(own.ports, own.ports.locks ?? [], { what: "renew" });
      await held.release();
    }
    const { ports } = many.spawn();
    const lock = await acquireLocks(ports, ports.locks ?? [], { what: "renew" });
    expect(lock.token).toBe(4);
    expect((await tokens(ports)).map(([, token, state]) => [token, state])).toEqual(
      Array.from({ length: 4 }, () => [4, "held"]),
    );
    await lock.release();
    expect((await tokens(ports)).every(([, , state]) => state === "free")).toBe(true);
  });

  it("are given back everywhere else when one node cannot be reached any more", async () => {
    const { many } = manyScene({ expired: false });
    const { ports } = many.spawn();
    const lock = await acquireLocks(ports, ports.locks ?? [], { what: "renew" });
    many.cutOff.add("m2");
    await expect(lock.release()).rejects.toMatchObject({ code: "host-lost" });
    many.cutOff.clear();
    const held = (await tokens(ports)).filter(([, , state]) => state === "held");
    expect(held.map(([node]) => node)).toEqual(["m2"]);
  });

  it("taken by a thief: the woken writer changes nothing more on any node, and the thief's resume finishes the run", async () => {
    const scene = manyScene({ expired: false });
    const { many, plan } = scene;
    let stolen = false;
    const sleeper = many.spawn({
      onHit: async (point) => {
        // It pauses between two files of its second node; a colleague takes over meanwhile.
        if (
          stolen ||
          point !== "file.before-rename" ||
          !many.log.includes("m2 start kube-controller-manager")
        )
          return;
        stolen = true;
        const thief = many.spawn();
        const done = await resumeRun(thief.ports, undefined, { breakLock: true });
        expect(done).toMatchObject({ outcome: "succeeded" });
        many.log.push("- thief done");
      },
    });
    const trees: unknown[] = [];
    const result = await runPlan(sleeper.ports, plan, {
      onEvent: (event) => event.type === "lock-not-released" && trees.push(event),
    });
    expect(stolen).toBe(true);
    expect(result.error?.code).toBe("lock-lost");
    expect(many.log.slice(many.log.indexOf("- thief done") + 1)).toEqual([]);
    expectRunning(scene);
  });
});

/** The run of a cluster that was killed with files staged on every node. */
async function interrupted(): Promise<ManyScene> {
  const scene = manyScene({ expired: false });
  const victim: MemoryProcess = scene.many.spawn({
    onHit: (point) => {
      if (point === "run.after-all-staged") scene.many.kill(victim);
    },
  });
  await runPlan(victim.ports, scene.plan).catch(() => {});
  expect(victim.isDead).toBe(true);
  return scene;
}

/** A node's own plan has its own names. */
const ownPlan = ({ many }: ManyScene) => planFor(many.world("m2"));

describe("an open run of a cluster", () => {
  it("keeps a run of the node itself out, which names it and sweeps nothing; afterwards the cluster's is resumed", async () => {
    const scene = await interrupted();
    const { many } = scene;
    const staged = many.temporaries();
    expect(staged.length).toBeGreaterThan(20);
    const error = await runPlan(many.spawnOnNode("m2").ports, ownPlan(scene)).catch(
      (reason: unknown) => reason,
    );
    expect(isAppError(error, "run-unfinished-elsewhere") && error.params).toMatchObject({
      cluster: "tiny",
      node: "",
      host: "operator",
      path: expect.stringMatching(
        /^\/m2\/var\/lib\/perennial\/clusters\/tiny\/runs\/[^/]+\/journal\.jsonl$/,
      ) as string,
    });
    expect(many.temporaries()).toEqual(staged);
    expect(await resumeRun(many.spawn().ports, undefined)).toMatchObject({ outcome: "succeeded" });
    expect(await runPlan(many.spawnOnNode("m2").ports, ownPlan(scene))).toMatchObject({
      outcome: "succeeded",
    });
  });

  it("that was rolled back keeps nobody out", async () => {
    const scene = await interrupted();
    await rollbackRun(scene.many.spawn().ports, "last", { acceptExpired: false });
    expect(scene.many.trees()).toEqual(scene.before);
    expect(await runPlan(scene.many.spawnOnNode("m2").ports, ownPlan(scene))).toMatchObject({
      outcome: "succeeded",
    });
  });

  it("keeps out another operator, whose state directory does not know it", async () => {
    const scene = await interrupted();
    const { many } = scene;
    const mine = new Map(many.operator.state);
    for (const name of mine.keys()) if (name.startsWith("runs/")) many.operator.state.delete(name);
    await expect(runPlan(many.spawn().ports, scene.plan)).rejects.toMatchObject({
      code: "run-unfinished-elsewhere",
      params: { cluster: "tiny", node: "m1" },
    });
  });

  it("that ended while a node was away is ended there by a look from its own machine", async () => {
    const scene = manyScene({ expired: false });
    const { many, plan } = scene;
    const process = many.spawn({
      onHit: (point) => {
        if (point === "run.after-ended") many.cutOff.add("m2");
      },
    });
    expect(await runPlan(process.ports, plan)).toMatchObject({ outcome: "succeeded" });
    many.cutOff.clear();
    const local = (): Promise<unknown> =>
      runPlan(many.spawnOnNode("m2").ports, ownPlan(scene), { breakLock: true });
    await expect(local()).rejects.toMatchObject({ code: "run-unfinished-elsewhere" });
    expect(await endStaleCopies(many.spawn().ports)).toHaveLength(1);
    expect(await local()).toMatchObject({ outcome: "succeeded" });
  });
});

describe("an open run of a node itself", () => {
  it("keeps a cluster's run out, which names the node and writes on none", async () => {
    const scene = manyScene({ expired: false });
    const { many } = scene;
    const victim = many.spawnOnNode("m2");
    let hits = 0;
    const ports: EnginePorts = {
      ...victim.ports,
      failpoints: {
        hit: (point) => {
          if (point === "run.after-all-staged") hits += 1;
          if (hits > 0) throw new Error("killed");
        },
      },
    };
    await runPlan(ports, ownPlan(scene)).catch(() => {});
    const staged = many.temporaries();
    const before = many.trees();
    await expect(runPlan(many.spawn().ports, scene.plan, { breakLock: true })).rejects.toMatchObject({
      code: "run-unfinished-elsewhere",
      params: { cluster: "", node: "m2" },
    });
    expect(many.temporaries()).toEqual(staged);
    expect(many.trees()).toEqual(before);
  });
});
