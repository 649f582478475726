// A renewal as a real process, killed by SIGKILL at every failpoint; then resumed and taken back, or taken back at once.
import { describe, expect, it } from "vitest";
import { type Failpoint, fileFailpoints } from "../../src/engine/failpoints.ts";
import type { CliResult } from "../support/cli.ts";
import {
  behindRun,
  brokenPairs,
  copyOf,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  keyPieces,
  killedAt,
  on,
  pairsOfRenewal,
  pointOf,
  renewal,
  unfinishedBy,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

/** Only a rollback comes here: test/crash/rollback.test.ts. */
const ofRollback: readonly Failpoint[] = fileFailpoints.filter((point) => point.startsWith("rollback."));

/** Dead before the journal's first entry: no run. */
const beforeRun = new Set<string>([
  "lock.before-claim",
  "lock.after-claim",
  "lock.after-acquire",
  "run.after-guards",
  "run.after-plan-saved",
  "journal.before-append",
  "state.torn-append",
  "state.after-create",
  "state.after-create:2",
]);

/** Exactly between the renames of key and certificate: the one place where a pair may differ, until resume or rollback. */
const betweenHalves = new Set<string>([
  "run.between-pair",
  "run.after-swap",
  "file.after-rename",
  "file.after-directory-sync",
  "file.before-rename:2",
]);

const later = [
  "state.after-create:2",
  "state.torn-append:2",
  "state.torn-append:12",
  "journal.before-append:9",
  "journal.after-append:7",
  "journal.after-append:14",
  "state.after-keep:3",
  "file.after-first-bytes:3",
  "file.before-rename:2",
  "file.after-rename:4",
  "run.after-stage:4",
  "run.after-swap:2",
  "run.after-swap:4",
  "run.after-effect:2",
  "run.after-prove:2",
] as const;

const whole: readonly string[] = fileFailpoints.filter((point) => !ofRollback.includes(point));
const points: readonly string[] = [...whole, ...later];

describe.concurrent("a renewal killed with SIGKILL", () => {
  it.each(points)("at %s is resumed, and taken back to equality", async (failpoint) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const killed = await killedAt(root, failpoint, ...renewal);
    expect(killed).toMatchObject({ signal: "SIGKILL", code: -1 });
    expect(brokenPairs(root)).toEqual(betweenHalves.has(failpoint) ? ["apiserver"] : []);
    const run = await unfinishedBy(root);
    expect(run !== null).toBe(!beforeRun.has(failpoint) && !behindRun.has(failpoint));
    const keys = keyPieces(root);
    const second = run === null ? null : copyOf(root);

    const said = [killed, await goOn(root, failpoint, original)];
    expect(brokenPairs(root)).toEqual([]);
    expect(pairsOfRenewal.filter((name) => !validPairs(root).includes(name))).toEqual([]);
    if (!behindRun.has(failpoint)) expectTidy(root, original);
    expectNoKeys(root, said, keys);
    said.push(await expectRolledBack(root, original));
    expectNoKeys(root, said, keys);

    if (second !== null) await expectRolledBack(second, original);
  });
});

/** `resume`; where no run had begun it says so and changes nothing, and the renewal is done anew. */
async function goOn(root: string, failpoint: string, original: Record<string, string>): Promise<CliResult> {
  const result = await on(root, "resume");
  expect(result).toMatchObject({ code: 0, err: "" });
  if (!beforeRun.has(failpoint) && !behindRun.has(failpoint)) return result;
  expect(result.out).toBe("No run is unfinished: nothing to do.\n");
  if (behindRun.has(failpoint)) return result;
  expect(wholeTree(root)).toEqual(original);
  const again = await on(root, ...renewal);
  expect(again).toMatchObject({ code: 0, err: "" });
  return again;
}

describe("the failpoints of this folder", () => {
  it("are all of the closed list, none left out", () => {
    expect(new Set([...points.map(pointOf), ...ofRollback])).toEqual(new Set(fileFailpoints));
    expect(ofRollback).toHaveLength(4);
  });
});

describe.concurrent("a renewal of every certificate killed with SIGKILL", () => {
  it.each(["run.after-issue", "run.after-all-staged", "run.after-swap:9", "run.before-prove"])(
    "at %s is resumed, and taken back to equality",
    async (failpoint) => {
      const root = expiredMaster();
      const original = wholeTree(root);
      const killed = await killedAt(root, failpoint, "renew", "--yes", "--key-algorithm", "ECDSA-P256");
      expect(killed.signal).toBe("SIGKILL");
      const keys = keyPieces(root);
      const resumed = await on(root, "resume");
      expect(resumed).toMatchObject({ code: 0, err: "" });
      expect(validPairs(root)).toHaveLength(12);
      expect(brokenPairs(root)).toEqual([]);
      expectTidy(root, original);
      const undone = await expectRolledBack(root, original);
      expectNoKeys(root, [killed, resumed, undone], keys);
    },
  );

  it("keeps its keys where that is asked for", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const killed = await killedAt(root, "run.after-swap:5", "renew", "--yes", "--keep-key");
    expect(killed.signal).toBe("SIGKILL");
    expect(brokenPairs(root)).toEqual([]);
    expect(await on(root, "resume")).toMatchObject({ code: 0, err: "" });
    expect(brokenPairs(root)).toEqual([]);
    expect(validPairs(root)).toHaveLength(12);
    const isKey = ([path]: readonly [string, string]): boolean => path.endsWith(".key");
    expect(Object.entries(wholeTree(root)).filter(isKey)).toEqual(Object.entries(original).filter(isKey));
    await expectRolledBack(root, original);
  });
});
