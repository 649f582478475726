// A resume as a real process, killed by SIGKILL wherever it can be, and resumed again: from before the first live change, from
// the middle of a pair, and from the middle of a rollback.
import { describe, expect, it } from "vitest";
import { type Failpoint, fileFailpoints } from "../../src/engine/failpoints.ts";
import {
  behindRun,
  brokenPairs,
  copyOf,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  keyPieces,
  killedAt,
  type Master,
  masterAfter,
  on,
  pairsOfRenewal,
  renewal,
  validPairs,
} from "../support/operator.ts";

/** A master on which the process died at the failpoint; each is made once. */
function copyOfWreck(failpoint: string): Promise<Master> {
  return masterAfter(failpoint, async (root) => {
    expect((await killedAt(root, failpoint, ...renewal)).signal).toBe("SIGKILL");
  });
}

function without(...prefixes: readonly string[]): readonly Failpoint[] {
  return fileFailpoints.filter((point) => !prefixes.some((prefix) => point.startsWith(prefix)));
}

/** Everything is staged: nothing is issued, backed up or written any more, only renamed and proved. */
const goingForward: readonly string[] = [
  ...without("run.", "rollback.", "file.", "state.after-keep"),
  "file.before-rename",
  "file.after-rename",
  "file.after-directory-sync",
  "run.before-swap",
  "run.after-swap-intent",
  "run.after-swap",
  "run.after-effect",
  "run.between-pair",
  "run.before-prove",
  "run.after-prove",
  "run.before-ended",
  "run.after-ended",
];

/** What only a resume from before that does; the run exists already, and no rollback is begun. */
const startingAgain = without("run.after-plan-saved", "run.after-started", "rollback.").filter(
  (point) => !goingForward.includes(point),
);

async function expectResumable(wreckAt: string, failpoint: string): Promise<void> {
  const { root, original } = await copyOfWreck(wreckAt);
  const keys = new Set(keyPieces(root));
  const killed = await killedAt(root, failpoint, "resume");
  expect(killed.signal).toBe("SIGKILL");
  expect(brokenPairs(root).filter((name) => name !== "apiserver")).toEqual([]);
  for (const piece of keyPieces(root)) keys.add(piece);
  const resumed = await on(root, "resume");
  expect(resumed).toMatchObject({ code: 0, err: "" });
  expect(brokenPairs(root)).toEqual([]);
  expect(validPairs(root)).toEqual(pairsOfRenewal);
  if (!behindRun.has(failpoint)) expectTidy(root, original);
  const undone = await expectRolledBack(root, original);
  expectNoKeys(root, [killed, resumed, undone], keys);
}

describe.concurrent("a resume that starts its steps again, killed with SIGKILL", () => {
  it.each(startingAgain)("at %s is resumed again", (failpoint) =>
    expectResumable("file.after-first-bytes:2", failpoint),
  );
});

describe.concurrent("a resume that goes forward, killed with SIGKILL", () => {
  it.each(goingForward)("at %s is resumed again", (failpoint) =>
    expectResumable("run.after-swap-intent", failpoint),
  );

  it.each(["journal.before-append", "file.after-rename", "run.after-effect"])(
    "at %s is resumed again although it began in the middle of a pair",
    (failpoint) => expectResumable("run.between-pair", failpoint),
  );

  it.each(["rollback.before-ended", "rollback.after-undo", "rollback.after-started"])(
    "leaves a run that a rollback killed at %s takes back",
    async (failpoint) => {
      const { root, original } = await copyOfWreck("run.between-pair");
      expect((await killedAt(root, failpoint, "rollback", "last", "--yes")).signal).toBe("SIGKILL");
      await expectRolledBack(copyOf(root), original, "resume");
      await expectRolledBack(root, original);
    },
  );
});
