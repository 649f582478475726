// Writes go on while three masters are rolled whose etcd has to be stopped: none fails, none is lost.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canHaveRooms } from "../../src/lab/rooms.ts";
import { type ProcessResult, spawnCli } from "../support/cli.ts";
import { hasEtcd } from "../support/etcd-server.ts";

const base = mkdtempSync(join(tmpdir(), "load-"));
const dir = join(base, "l");
const out = join(base, "load.json");
const script = resolve(import.meta.dirname, "../../scripts/write-load.mjs");
const masters = ["m1", "m2", "m3"] as const;
const long = 240_000;

/** `[startedAt, endedAt, attempts, revision]`; a failed one has no revision. */
type Write = readonly [number, number, number, number | null];

interface Load {
  readonly members: readonly string[];
  readonly writes: readonly Write[];
  /** By member: `[askedAt, heardAt, 1 when well]`. */
  readonly samples: readonly (readonly (readonly [number, number, number])[])[];
}

const lab = (...words: readonly string[]): Promise<ProcessResult> =>
  spawnCli(["lab", ...words, "--dir", dir]);

/** Writes while `action` goes on. */
async function under(action: () => Promise<void>): Promise<Load> {
  const child = spawn(process.execPath, [script, dir, out], { stdio: ["ignore", "pipe", "inherit"] });
  const gone = new Promise((done) => child.once("exit", done));
  await new Promise((done) => child.stdout.once("data", done));
  try {
    await action();
  } finally {
    child.kill("SIGTERM");
    await gone;
  }
  return JSON.parse(readFileSync(out, "utf8")) as Load;
}

describe.skipIf(!hasEtcd || !canHaveRooms()).sequential("three masters under a write load", () => {
  beforeAll(async () => {
    const quick = ["--pace", "0.15", "--key-algorithm", "ECDSA-P256"] as const;
    expect(await lab("up", "--hosts", "3", "--etcd-31", ...quick)).toMatchObject({ code: 0, err: "" });
  }, long);
  afterAll(async () => {
    await lab("down");
  }, long);

  it("lose no write while every member is stopped and started", { timeout: long }, async () => {
    const { members, writes, samples } = await under(async () => {
      const words = ["renew", "etcd-server", "etcd-peer", "--yes", "-f", join(dir, "cluster.yaml")];
      const { code, err, out: said } = await spawnCli([...words, "--state-dir", join(base, "state")]);
      expect({ code, err }).toEqual({ code: 0, err: "" });
      for (const host of masters) expect(said).toMatch(new RegExp(`\\[restart\\] ${host}.*etcd: stopping`));
    });
    expect(members).toEqual(masters);
    expect(writes.length).toBeGreaterThan(50);
    expect(writes.filter(([, , , revision]) => revision === null)).toEqual([]);
    // Each acknowledged write is behind the one before: nothing went back.
    const revisions = writes.map(([, , , revision]) => revision ?? 0);
    expect(revisions).toEqual(revisions.toSorted((a, b) => a - b));
    // Every one of them was away for a while, and somebody else took its writes.
    for (const own of samples) expect(own.some(([, , isWell]) => isWell === 0)).toBe(true);
    expect(writes.some(([, , attempts]) => attempts > 1)).toBe(true);
  });
});
