// The journal: a chain that tolerates what crashes and lost locks leave, and nothing else.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import type { JournalBody } from "../../src/core/model/run.ts";
import { deriveRun } from "../../src/engine/derive-run.ts";
import { openJournal } from "../../src/engine/journal.ts";
import type { Lock } from "../../src/engine/lock.ts";
import { encodeEntry, firstSum, readJournal } from "../../src/engine/read-journal.ts";
import { MemoryWorld, startOfTime } from "../support/memory-world.ts";

const actor = new MemoryWorld().spawn().ports.processes.self();
const started: JournalBody = {
  type: "run-started",
  run: "r",
  planDigest: "sha256:1",
  actor,
  ticket: null,
  reason: null,
};
const run = "20261122T160000Z-000001";
const file = `runs/${run}/journal.jsonl`;

function lock(token: number): Lock {
  return { token, fence: async () => {}, release: async () => {} };
}

function lines(bodies: readonly JournalBody[], token = 1): readonly string[] {
  let sum = firstSum;
  return bodies.map((body, index) => {
    const { line, entry } = encodeEntry({ seq: index + 1, at: startOfTime, token, body }, sum);
    sum = entry.sum;
    return line;
  });
}

const bodies: readonly JournalBody[] = [
  started,
  { type: "intent", step: "a\nb" },
  { type: "all-staged" },
  { type: "effect", step: "a", sha256: "0" },
];

function read(text: string): readonly JournalBody[] {
  return readJournal(new TextEncoder().encode(text), "j").entries.map(({ body }) => body);
}

function states(...more: readonly JournalBody[]): string | undefined {
  return deriveRun(readJournal(new TextEncoder().encode(lines([...bodies, ...more]).join("")), "j").entries)
    ?.state;
}

function damageOf(text: string): unknown {
  try {
    read(text);
    return null;
  } catch (error) {
    return error instanceof AppError ? error.params : error;
  }
}

describe("a journal", () => {
  it("gives back what was appended", async () => {
    const { ports } = new MemoryWorld().spawn();
    const journal = await openJournal(ports, run, lock(3));
    await journal.append(...bodies.slice(0, 2));
    await journal.append(...bodies.slice(2));
    const again = await openJournal(ports, run, lock(4));
    expect(again.entries()).toEqual(journal.entries());
    expect(again.entries().map(({ body }) => body)).toEqual(bodies);
    expect(again.entries().map(({ seq, token }) => [seq, token])).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
      [4, 3],
    ]);
  });

  it("is cut anywhere by a crash and goes on with whole lines", async () => {
    const whole = lines(bodies).join("");
    for (let cut = 0; cut <= whole.length; cut++) {
      const world = new MemoryWorld();
      world.state.set(file, Buffer.from(whole.slice(0, cut)));
      const journal = await openJournal(world.spawn().ports, run, lock(2));
      const kept = journal.entries().length;
      expect(journal.entries().map(({ body }) => body)).toEqual(bodies.slice(0, kept));
      await journal.append({ type: "resumed", actor });
      const after = await openJournal(world.spawn().ports, run, lock(2));
      expect(after.entries().map(({ body }) => body)).toEqual([
        ...bodies.slice(0, kept),
        { type: "resumed", actor },
      ]);
    }
  });

  it("is damaged when any byte of a complete line changed, and says which line", () => {
    const all = lines(bodies);
    fc.assert(
      fc.property(fc.nat({ max: all.length - 1 }), fc.nat(), (index, at) => {
        const line = all[index]!;
        // Neither the checksum's own frame nor the line break: without them a line is a fragment.
        const place = at % (line.length - 28);
        const changed = `${line.slice(0, place)}${line[place] === "x" ? "y" : "x"}${line.slice(place + 1)}`;
        const text = all.toSpliced(index, 1, changed).join("");
        expect(damageOf(text)).toMatchObject({ path: "j", line: index + 1 });
      }),
    );
  });

  it.each([0, 1, 2])("is damaged when line %i is missing, or cut with others behind it", (index) => {
    const all = lines(bodies);
    expect(damageOf(all.toSpliced(index, 1).join(""))).toMatchObject({ line: index + 1 });
    expect(damageOf(all.toSpliced(index, 1, `${all[index]!.slice(0, 20)}\n`).join(""))).toMatchObject({
      line: index + 2,
    });
  });

  it("leaves out what a holder wrote whose lock had been taken", () => {
    const old = lines(bodies);
    const { entry } = { entry: readJournal(new TextEncoder().encode(old.join("")), "j").entries[1]! };
    const thief = encodeEntry(
      { seq: 3, at: startOfTime, token: 2, body: { type: "resumed", actor } },
      entry.sum,
    );
    const expected = [bodies[0], bodies[1], { type: "resumed", actor }];
    // Before the thief's first entry, behind it, and both.
    expect(read([old[0], old[1], old[2], thief.line].join(""))).toEqual(expected);
    expect(read([old[0], old[1], thief.line, old[2]].join(""))).toEqual(expected);
    expect(read([old[0], old[1], old[2], thief.line, old[3]].join(""))).toEqual(expected);
  });

  it("survives a former holder's fragments, wherever they come between the lines of the new one", () => {
    const old = lines(bodies);
    const first = readJournal(new TextEncoder().encode(old[0]), "j").entries[0]!;
    const resumed: JournalBody = { type: "resumed", actor };
    const thief = encodeEntry({ seq: 2, at: startOfTime, token: 2, body: resumed }, first.sum);
    const next = encodeEntry({ seq: 3, at: startOfTime, token: 2, body: bodies[2]! }, thief.entry.sum);
    const late = old[1]!;
    for (let cut = 1; cut < late.length - 1; cut++) {
      const [start, rest] = [late.slice(0, cut), late.slice(cut)];
      const expected = [started, resumed, bodies[2]];
      // Its disk was full for the rest: nothing more comes.
      expect(read([old[0], start, thief.line, next.line].join(""))).toEqual(expected);
      expect(read([old[0], thief.line, start, next.line].join(""))).toEqual(expected);
      // It was paused, and the rest does come.
      expect(read([old[0], start, thief.line, next.line, rest].join(""))).toEqual(expected);
      expect(read([old[0], start, thief.line, rest, next.line].join(""))).toEqual(expected);
    }
  });

  it("is not written without the lock", async () => {
    const world = new MemoryWorld();
    const lost = {
      ...lock(1),
      fence: async () => Promise.reject(new AppError("lock-lost", { path: "", token: 1, found: 2 })),
    };
    const journal = await openJournal(world.spawn().ports, run, lost);
    await expect(journal.append(started)).rejects.toMatchObject({ code: "lock-lost" });
    expect(world.state.has(file)).toBe(false);
  });

  it("stays closed after a failed append", async () => {
    const world = new MemoryWorld();
    const journal = await openJournal(world.spawn().ports, run, lock(1));
    const error = new AppError("store-write-failed", { address: file, operation: "append", cause: "EIO" });
    world.fail = () => {
      throw error;
    };
    await expect(journal.append(started)).rejects.toBe(error);
    world.fail = () => {};
    await expect(journal.append(started)).rejects.toBe(error);
  });
});

describe("what a journal says of a run", () => {
  it("is nothing without its first entry", () => {
    expect(deriveRun([])).toBeNull();
  });

  it("says no longer that a node is proved once one of its steps was taken back", () => {
    const told = lines([
      started,
      { type: "proof", step: "m1/prove/apiserver", sha256: "1" },
      { type: "proof", step: "m10/prove/apiserver", sha256: "2" },
      { type: "undone", step: "m1/swap/apiserver", sha256: "0" },
    ]);
    const view = deriveRun(readJournal(new TextEncoder().encode(told.join("")), "j").entries);
    expect(view?.steps.get("m1/prove/apiserver")?.proof).toBeNull();
    expect(view?.steps.get("m10/prove/apiserver")?.proof).toBe("2");
  });

  it("follows the entries", () => {
    const rollback: JournalBody = { type: "rollback-started", actor, cause: "operator" };
    expect(states()).toBe("running-or-crashed");
    expect(states({ type: "run-ended", outcome: "succeeded" })).toBe("succeeded");
    expect(states({ type: "run-ended", outcome: "succeeded" }, rollback)).toBe("rolling-back");
    expect(states(rollback, { type: "run-ended", outcome: "rolled-back" })).toBe("rolled-back");
    expect(states({ type: "run-ended", outcome: "abandoned" })).toBe("abandoned");
  });
});
