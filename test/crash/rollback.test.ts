// A rollback as a real process, killed by SIGKILL wherever it can be: `rollback` again, or `resume`, ends with the tree of before.
import { describe, expect, it } from "vitest";
import { fileFailpoints } from "../../src/engine/failpoints.ts";
import {
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
  renewal,
  unfinishedBy,
  wholeTree,
} from "../support/operator.ts";

function renewed(): Promise<Master> {
  return masterAfter("renewal", async (root) => {
    expect(await on(root, ...renewal)).toMatchObject({ code: 0, err: "" });
  });
}

/** Everything but what only a renewal does. */
const points = fileFailpoints.filter((point) => !point.startsWith("run.") && point !== "state.after-keep");

/** Not begun: the run still is the one that succeeded. */
const beforeBegin = new Set<string>([
  ...points.filter((point) => point.startsWith("file.") && !/rename$|directory/.test(point)),
  "lock.before-claim",
  "lock.after-claim",
  "lock.after-acquire",
  "journal.before-append",
  "state.after-create",
  "state.torn-append",
]);

/** Over: the run is rolled back. */
const behind = new Set<string>(["lock.before-release", "lock.after-release"]);

/** The certificate is put back first: behind the third rename (kubeconfigs first) the pair differs. */
const later = [
  "file.after-rename:3",
  "file.after-rename:4",
  "rollback.after-undo:3",
  "journal.after-append:3",
];
const betweenHalves = new Set<string>(["file.after-rename:3", "rollback.after-undo:3"]);

describe.concurrent("a rollback killed with SIGKILL", () => {
  it.each([...points, ...later])(
    "at %s ends in the tree of before, by rollback or resume",
    async (failpoint) => {
      const { root, original } = await renewed();
      const after = wholeTree(root);
      const keys = keyPieces(root);
      const killed = await killedAt(root, failpoint, "rollback", "last", "--yes");
      expect(killed.signal).toBe("SIGKILL");
      expect(brokenPairs(root)).toEqual(betweenHalves.has(failpoint) ? ["apiserver"] : []);
      const isOpen = !beforeBegin.has(failpoint) && !behind.has(failpoint);
      expect((await unfinishedBy(root)) !== null).toBe(isOpen);

      if (isOpen) {
        const other = copyOf(root);
        const resumed = await expectRolledBack(other, original, "resume");
        expectNoKeys(other, [killed, resumed], keys);
      }
      if (!behind.has(failpoint)) {
        if (beforeBegin.has(failpoint)) expect(liveOf(wholeTree(root))).toEqual(liveOf(after));
        expectNoKeys(root, [killed, await expectRolledBack(root, original)], keys);
        return;
      }
      const again = await on(root, "rollback", "last", "--yes");
      expect(again).toMatchObject({ code: 4, out: "" });
      expect(again.err).toContain("error: ");
      expect(wholeTree(root)).toEqual(original);
      expectTidy(root, original);
    },
  );
});

/** Without temporaries, which the next one sweeps. */
function liveOf(tree: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(tree).filter(([path]) => !path.includes("/.perennial-")));
}
