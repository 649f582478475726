// The lock: one holder at a time whatever the interleaving, tokens that rise, writers that wake too late.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isAppError } from "../../src/core/model/errors.ts";
import { acquireLock, readLock, type Lock, type LockPorts } from "../../src/engine/lock.ts";
import type { StateDirectory } from "../../src/engine/ports/state.ts";
import { errorOf } from "../support/errors.ts";
import { MemoryWorld, startOfTime } from "../support/memory-world.ts";

describe("the lock", () => {
  it("is held, released and taken again with a higher token", async () => {
    const world = new MemoryWorld();
    const first = await acquireLock(world.spawn().ports, { what: "renew" });
    expect(first.token).toBe(1);
    await first.release();
    const second = await acquireLock(world.spawn().ports, { what: "rollback" });
    expect(second.token).toBe(2);
    await expect(second.fence()).resolves.toBeUndefined();
    expect((await errorOf(first.fence())).params).toEqual({
      path: "/var/lib/perennial/lock",
      token: 1,
      found: 2,
    });
    expect(await readLock(world.spawn().ports.state)).toMatchObject({
      token: 2,
      state: "held",
      what: "rollback",
    });
  });

  it("tells who holds it, since when and what for", async () => {
    const world = new MemoryWorld();
    const holder = world.spawn();
    await acquireLock(holder.ports, { what: "renew" });
    const error = await errorOf(acquireLock(world.spawn().ports, { what: "resume" }));
    const { pid } = holder.ports.processes.self();
    expect(error.code).toBe("locked");
    expect(error.params).toEqual({
      path: "/var/lib/perennial/lock",
      holder: "root",
      sinceAt: startOfTime,
      what: "renew",
      pid,
      host: "m1",
      alive: true,
    });
  });

  it("is taken over from a dead holder, whose claim no longer counts", async () => {
    const world = new MemoryWorld();
    const holder = world.spawn();
    const lost = await acquireLock(holder.ports, { what: "renew" });
    world.kill(holder);
    expect((await acquireLock(world.spawn().ports, { what: "resume" })).token).toBe(2);
    await expect(lost.fence()).rejects.toThrow();
  });

  it("is not taken from a holder that may live, unless it is broken", async () => {
    const world = new MemoryWorld();
    await acquireLock(world.spawn().ports, { what: "renew" });
    const { ports } = world.spawn();
    const unsure: LockPorts = { ...ports, processes: { ...ports.processes, isAlive: () => "unknown" } };
    expect((await errorOf(acquireLock(unsure, { what: "resume" }))).params).toMatchObject({ alive: false });
    expect((await acquireLock(unsure, { what: "resume", breakLock: true })).token).toBe(2);
  });

  it("broken: the woken holder fails at its fence and its release changes nothing", async () => {
    const world = new MemoryWorld();
    const woken = await acquireLock(world.spawn().ports, { what: "renew" });
    const thief = await acquireLock(world.spawn().ports, { what: "resume", breakLock: true });
    expect((await errorOf(woken.fence())).code).toBe("lock-lost");
    await woken.release();
    await expect(thief.fence()).resolves.toBeUndefined();
    expect(await readLock(world.spawn().ports.state)).toMatchObject({ token: 2, state: "held" });
  });

  it("is lost when somebody deletes it", async () => {
    const world = new MemoryWorld();
    const lock = await acquireLock(world.spawn().ports, { what: "renew" });
    world.state.clear();
    expect((await errorOf(lock.fence())).params).toMatchObject({ token: 1, found: 0 });
  });

  it("passes over a claim that a crash left half written", async () => {
    const world = new MemoryWorld();
    world.state.set("lock/00000007", Buffer.from('{"token":7,"sta'));
    expect((await acquireLock(world.spawn().ports, { what: "renew" })).token).toBe(8);
  });

  it("is not got by re-creating an old claim: who looked long ago finds a higher one and withdraws", async () => {
    const world = new MemoryWorld();
    for (let round = 0; round < 12; round++)
      await (await acquireLock(world.spawn().ports, { what: "renew" })).release();
    const holder = await acquireLock(world.spawn().ports, { what: "renew" });
    const { ports } = world.spawn();
    const looks = [[] as readonly string[]];
    const late: LockPorts = {
      ...ports,
      state: { ...ports.state, list: async (folder) => looks.pop() ?? ports.state.list(folder) },
    };
    expect((await errorOf(acquireLock(late, { what: "resume" }))).code).toBe("locked");
    expect(world.state.has("lock/00000001")).toBe(false);
    await expect(holder.fence()).resolves.toBeUndefined();
  });

  it("keeps the folder small", async () => {
    const world = new MemoryWorld();
    for (let round = 0; round < 30; round++)
      await (await acquireLock(world.spawn().ports, { what: "renew" })).release();
    expect([...world.state.keys()]).toHaveLength(8);
  });
});

/** Every operation takes a turn of the scheduler before and after it. */
function yielding(state: StateDirectory, turn: () => Promise<void>): StateDirectory {
  const around = async <T>(work: () => Promise<T>): Promise<T> => {
    await turn();
    const result = await work();
    await turn();
    return result;
  };
  return {
    path: state.path,
    read: (file) => around(() => state.read(file)),
    create: (file, bytes) => around(() => state.create(file, bytes)),
    append: (file, bytes) => around(() => state.append(file, bytes)),
    replace: (file, bytes) => around(() => state.replace(file, bytes)),
    rename: (from, to) => around(() => state.rename(from, to)),
    remove: (file) => around(() => state.remove(file)),
    list: (directory) => around(() => state.list(directory)),
    keep: (file, bytes, attributes) => around(() => state.keep(file, bytes, attributes)),
  };
}

interface Contender {
  readonly breakLock: boolean;
  /** Failpoint hit at which it dies, past the end for never. */
  readonly dieAt: number;
  readonly rounds: number;
}

const contender = fc.record({
  breakLock: fc.boolean(),
  dieAt: fc.oneof(fc.nat({ max: 12 }), fc.constant(1000)),
  rounds: fc.integer({ min: 1, max: 3 }),
});

describe("two to four contenders in any interleaving", () => {
  it("never hold the same token, and nobody works once a higher token was handed out", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(contender, { minLength: 2, maxLength: 4 }),
        async (scheduler, contenders) => {
          const world = new MemoryWorld();
          const held: number[] = [];
          const commits: number[] = [];
          const temporaries = new Set<number>();
          const work = contenders.map((each) =>
            compete(world, each, { scheduler, held, commits, temporaries }),
          );
          await scheduler.waitFor(Promise.all(work));
          expect(new Set(held).size).toBe(held.length);
          expect(commits).toEqual(commits.toSorted((a, b) => a - b));
          if (contenders.every(({ dieAt }) => dieAt === 1000)) expect(held.length).toBeGreaterThan(0);
          const next = await acquireLock(world.spawn().ports, { what: "resume", breakLock: true });
          expect(next.token).toBeGreaterThan(Math.max(0, ...held));
        },
      ),
      { numRuns: 400 },
    );
  });
});

interface Arena {
  readonly scheduler: fc.Scheduler;
  /** Tokens in the order in which they were acquired. */
  readonly held: number[];
  /** Tokens under which something was made live, in that order. */
  readonly commits: number[];
  /** Tokens of the temporary files: a new holder sweeps the older ones, and what is swept cannot be renamed. */
  readonly temporaries: Set<number>;
}

async function compete(
  world: MemoryWorld,
  { breakLock, dieAt, rounds }: Contender,
  { scheduler, held, commits, temporaries }: Arena,
): Promise<void> {
  const contestant = world.spawn({ dieAt });
  const turn = (): Promise<void> => scheduler.schedule(Promise.resolve());
  const ports: LockPorts = { ...contestant.ports, state: yielding(contestant.ports.state, turn) };
  try {
    for (let round = 0; round < rounds; round++) {
      const lock = await acquireOrNull(ports, breakLock);
      if (lock === null) continue;
      held.push(lock.token);
      await turn();
      for (const token of temporaries) if (token < lock.token) temporaries.delete(token);
      for (let write = 0; write < 2; write++) {
        temporaries.add(lock.token);
        await lock.fence();
        if (temporaries.delete(lock.token)) commits.push(lock.token);
      }
      await lock.release();
    }
  } catch (error) {
    if (!contestant.isDead && !isAppError(error, "lock-lost")) throw error;
  }
}

async function acquireOrNull(ports: LockPorts, breakLock: boolean): Promise<Lock | null> {
  try {
    return await acquireLock(ports, { what: "renew", breakLock });
  } catch (error) {
    if (isAppError(error, "locked")) return null;
    throw error;
  }
}
