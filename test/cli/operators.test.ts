// Two operators on one master, and one operator with Ctrl-C: real processes, one lock.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli, spawnCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import {
  brokenPairs,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  type Held,
  heldAt,
  keyPieces,
  lockState,
  on,
  processState,
  renewal,
  runFolders,
  runsOf,
  stateTexts,
  unfinishedBy,
  until,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

const renewed = ["apiserver", "etc/kubernetes/admin.conf", "root/.kube/config"];

function journalOf(root: string): string {
  return readFileSync(join(runFolders(root).at(-1) ?? "", "journal.jsonl"), "utf8");
}

describe.concurrent("a second operator", () => {
  it.each(["run.after-issue", "run.between-pair", "run.after-effect"])(
    "is told who holds the lock, since when and what for, while the first waits at %s",
    async (failpoint) => {
      const root = expiredMaster();
      const first = await heldAt(root, failpoint, ...renewal);
      const before = wholeTree(root);
      const journal = journalOf(root);
      for (const words of [["renew", "etcd-peer", "--yes"], ["resume"], ["rollback", "last", "--yes"]]) {
        const second = await on(root, ...words);
        expect(second).toMatchObject({ code: 5 });
        expect(second.err).toMatch(/^error: .*(root|user).*\n(hint: .*\n)+$/);
        expect(second.err).toContain(String(first.pid));
        expect(second.err).toContain("renew");
        expect(second.err).toMatch(/\d{2}:\d{2}/);
        expect(second.err).toContain(`hint: wait for it, or talk to `);
        expect(second.err).toContain(`ps -fp ${first.pid}`);
        expect(second.err).toContain(
          `hint: if it hangs: end that process (kill), then perennial resume --root ${root}; only if it cannot be ended, repeat the command with --break-lock: it stops at its next write\n`,
        );
      }
      expect(wholeTree(root)).toEqual(before);
      expect(journalOf(root)).toBe(journal);
      first.letGo();
      expect(await first.ended).toMatchObject({ code: 0, err: "" });
      expect(brokenPairs(root)).toEqual([]);
      expect(validPairs(root)).toEqual(renewed);
    },
  );

  it("is kept out although its state directory is another one", async () => {
    const root = expiredMaster();
    const first = await heldAt(root, "run.after-effect", ...renewal);
    const second = await on(root, "renew", "etcd-peer", "--yes", "--state-dir", join(freshFolder(), "state"));
    expect(second).toMatchObject({ code: 5 });
    expect(second.err).toContain(`(pid ${first.pid})`);
    first.letGo();
    expect(await first.ended).toMatchObject({ code: 0, err: "" });
  });

  it("is sent to resume when the first one was killed", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const first = await heldAt(root, "run.after-effect", ...renewal);
    first.signal("SIGKILL");
    expect((await first.ended).signal).toBe("SIGKILL");
    const run = await unfinishedBy(root);
    const second = await on(root, "renew", "etcd-peer", "--yes");
    expect(second).toMatchObject({ code: 6 });
    expect(second.err).toContain(`error: `);
    expect(second.err).toContain(run);
    expect(second.err).toContain("perennial resume");
    const resumed = await on(root, "resume");
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect(resumed.out).toContain(
      "These still hold the old certificates in memory until they are restarted: kube-apiserver\n",
    );
    expect(validPairs(root)).toEqual(renewed);
    await expectRolledBack(root, original);
  });
});

/** In the middle of everything the first one writes. */
const pauses = [
  "run.after-started",
  "run.after-issue",
  "run.before-back-up",
  "state.after-keep",
  "state.torn-append:2",
  "run.before-stage",
  "file.after-first-bytes",
  "file.after-read-back",
  "run.after-stage",
  "run.after-all-staged",
  "run.after-swap-intent",
  "file.before-rename",
  "file.after-rename",
  "run.between-pair",
  "run.after-effect",
  "run.before-ended",
];

describe.concurrent("a writer that was paused, and lost its lock to --break-lock", () => {
  it.each(pauses)("at %s writes nothing when it wakes", async (failpoint) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const first = await heldAt(root, failpoint, ...renewal);
    first.signal("SIGSTOP");
    await until(() => processState(first.pid) === "T");
    expect(await on(root, "resume")).toMatchObject({ code: 5 });
    const resumed = await on(root, "resume", "--break-lock");
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect(brokenPairs(root)).toEqual([]);
    const [tree, keys] = [wholeTree(root), keyPieces(root)];
    first.letGo();
    first.signal("SIGCONT");
    const woken = await first.ended;
    expect(woken).toMatchObject({ code: 6, signal: null });
    expect(woken.err).toContain("error: ");
    expect(wholeTree(root)).toEqual(tree);
    expectTidy(root, original);
    expect(await runsOf(root)).toMatchObject([{ state: "succeeded" }]);
    const undone = await expectRolledBack(root, original);
    expectNoKeys(root, [resumed, woken, undone], keys);
  });
});

describe.concurrent("a writer that was paused, while another took everything back", () => {
  it.each([
    "run.after-issue",
    "run.after-before-image",
    "run.before-stage",
    "run.before-stage:3",
    "file.after-open-temporary:2",
    "file.after-sync",
    "run.after-stage",
    "run.after-all-staged",
    "run.after-swap-intent",
    "file.before-rename",
    "run.after-swap",
    "run.before-prove",
  ])("at %s writes nothing when it wakes", async (failpoint) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const first = await heldAt(root, failpoint, ...renewal);
    first.signal("SIGSTOP");
    await until(() => processState(first.pid) === "T");
    const undone = await on(root, "rollback", "last", "--yes", "--break-lock");
    expect(undone).toMatchObject({ code: 0, err: "" });
    expect(wholeTree(root)).toEqual(original);
    first.letGo();
    first.signal("SIGCONT");
    const woken = await first.ended;
    expect(woken).toMatchObject({ code: 6, signal: null });
    expect(wholeTree(root)).toEqual(original);
    expectTidy(root, original);
    expect(await runsOf(root)).toMatchObject([{ state: "rolled-back" }]);
    expectNoKeys(root, [undone, woken]);
  });
});

describe("four operators at once", () => {
  it("end with one renewal, and the others told why not", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const results = await Promise.all(
      [1, 2, 3, 4].map(() => spawnCli(["renew", "--yes", "--key-algorithm", "ECDSA-P256", "--root", root])),
    );
    const done = results.filter(({ out }) => out.includes("proved on disk by run"));
    expect(done).toHaveLength(1);
    const others = results.filter((result) => !done.includes(result));
    for (const { code, err } of others) {
      expect([4, 5]).toContain(code);
      expect(err).toMatch(/^error: /);
    }
    expect(brokenPairs(root)).toEqual([]);
    expect(validPairs(root)).toHaveLength(12);
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["succeeded"]);
    expectTidy(root, original);
    await expectRolledBack(root, original);
  });
});

/** The signal is there before the process goes on, and nothing else makes it look: it must do so by itself. */
async function signalled(held: Held, signal: NodeJS.Signals): Promise<void> {
  held.signal("SIGSTOP");
  await until(() => processState(held.pid) === "T");
  held.signal(signal);
  held.letGo();
  held.signal("SIGCONT");
}

describe.concurrent("Ctrl-C", () => {
  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("with %s before the run begins is no fault of ours", async (signal, code) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const held = await heldAt(root, "lock.after-acquire", ...renewal);
    await signalled(held, signal);
    const stopped = await held.ended;
    expect(stopped.code).toBe(code);
    const controller = new AbortController();
    controller.abort(signal);
    const words = [...renewal, "--root", root];
    const result = await runCli(words, { signal: controller.signal });
    expect(result.code).toBe(code);
    expect(result.err).toMatch(new RegExp(`^error: interrupted by ${signal}\n`));
    expect(wholeTree(root)).toEqual(original);
    expectTidy(root, original);
  });

  it.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("with %s while certificates are issued changes nothing", async (signal, code) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    for (const failpoint of ["run.after-issue", "run.after-before-image", "run.after-stage"]) {
      const held = await heldAt(root, failpoint, ...renewal);
      await signalled(held, signal);
      const stopped = await held.ended;
      expect(stopped).toMatchObject({ code, signal: null });
      expect(stopped.err).toContain("hint: No live file was changed.");
      expect(wholeTree(root)).toEqual(original);
      expectTidy(root, original);
      expect(await unfinishedBy(root)).toBeNull();
      expectNoKeys(root, [stopped]);
    }
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["abandoned", "abandoned", "abandoned"]);
    expect(await on(root, ...renewal)).toMatchObject({ code: 0, err: "" });
  });

  it.each(["SIGINT", "SIGTERM"] as const)("with %s during the swap stops behind the pair", async (signal) => {
    for (const way of ["resume", "rollback"]) {
      const root = expiredMaster();
      const original = wholeTree(root);
      const held = await heldAt(root, "run.between-pair", ...renewal);
      expect(brokenPairs(root)).toEqual(["apiserver"]);
      await signalled(held, signal);
      const stopped = await held.ended;
      expect(stopped).toMatchObject({ code: 6, signal: null });
      expect(stopped.err).toContain("perennial resume");
      expect(stopped.err).toContain("perennial rollback");
      expect(brokenPairs(root)).toEqual([]);
      expect(validPairs(root)).toEqual(["apiserver"]);
      expect(lockState(root)).toBe("free");
      expect(stateTexts(root)).not.toContain('"outcome"');
      if (way === "resume") {
        expect(await on(root, "resume")).toMatchObject({ code: 0, err: "" });
        expect(validPairs(root)).toEqual(renewed);
      }
      await expectRolledBack(root, original);
    }
  });
});
