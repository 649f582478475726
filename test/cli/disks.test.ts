// Disks that are full, read-only, immutable or mounted over: the renewal stops before live files change and works afterwards.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { freshFolder } from "../support/fixtures.ts";
import {
  brokenPairs,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  heldAt,
  keyPieces,
  leftovers,
  lockState,
  on,
  pkiFile,
  renewal,
  runsOf,
  unfinishedBy,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

const renewed = ["apiserver", "etc/kubernetes/admin.conf", "root/.kube/config"];
const pki = "etc/kubernetes/pki";
const state = "var/lib/perennial";

/** What a test mounted or locked, undone after it whatever happened. */
const undo: (() => void)[] = [];

afterEach(() => {
  for (const step of undo.splice(0).toReversed()) step();
});

function run(command: string, ...args: readonly string[]): void {
  execFileSync(command, args, { stdio: "pipe" });
}

function mount(target: string, ...args: readonly string[]): void {
  run("mount", ...args, target);
  undo.push(() => run("umount", "-l", target));
}

function canMount(): boolean {
  const folder = freshFolder();
  const isMounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "perennial", folder]).status === 0;
  if (isMounted) run("umount", folder);
  rmSync(folder, { recursive: true });
  return isMounted;
}

function canLock(): boolean {
  const file = join(freshFolder(), "file");
  writeFileSync(file, "");
  const isLocked = spawnSync("chattr", ["+i", file]).status === 0;
  if (isLocked) run("chattr", "-i", file);
  return isLocked;
}

/** A small disk of its own for one folder, with what was in it. */
function onSmallDisk(folder: string, kilobytes: number): void {
  const content = `${folder}.content`;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  renameSync(folder, content);
  mkdirSync(folder, { mode: folder.endsWith("perennial") ? 0o700 : 0o755 });
  mount(
    folder,
    "-t",
    "tmpfs",
    "-o",
    `size=${kilobytes}k,mode=0${folder.endsWith("perennial") ? 700 : 755}`,
    "perennial",
  );
  execFileSync("cp", ["-a", `${content}/.`, folder]);
  rmSync(content, { recursive: true });
}

/** Takes the room of a small disk but for so many pages. */
function fill(folder: string, pagesLeft: number): void {
  rmSync(join(folder, "filler"), { force: true });
  const { bfree, bsize } = statfsSync(folder);
  writeFileSync(join(folder, "filler"), Buffer.alloc(Math.max(0, bfree - pagesLeft) * bsize));
}

/** Takes the inodes of a small disk but for so many. */
function fillInodes(folder: string, left: number): void {
  rmSync(join(folder, "inodes"), { recursive: true, force: true });
  mkdirSync(join(folder, "inodes"));
  const { ffree } = statfsSync(folder);
  for (let count = 0; count < ffree - left; count++) writeFileSync(join(folder, "inodes", `${count}`), "");
}

/** Refused before anything began: nothing written, no run; the same command works once the cause is gone. */
async function expectRefused(root: string, path: string, cause: string, code = 1): Promise<void> {
  const original = wholeTree(root);
  const result = await on(root, ...renewal);
  expect(result.code).toBe(code);
  expect(result.err).toMatch(/^error: /);
  expect(result.err).toContain(path);
  expect(result.err).toContain(cause);
  expect(wholeTree(root)).toEqual(original);
  expect(leftovers(root)).toEqual([]);
  expect(await runsOf(root)).toEqual([]);
  expectNoKeys(root, [result]);
}

async function expectWorks(root: string): Promise<void> {
  const original = wholeTree(root);
  expect(await on(root, ...renewal)).toMatchObject({ code: 0, err: "" });
  expect(validPairs(root)).toEqual(renewed);
  await expectRolledBack(root, original);
}

describe.skipIf(!canMount())("a disk that is", () => {
  it("full refuses before anything begins", async () => {
    const root = expiredMaster();
    onSmallDisk(join(root, pki), 512);
    fill(join(root, pki), 8);
    await expectRefused(root, `/${pki}/apiserver.`, "ENOSPC");
    rmSync(join(root, pki, "filler"));
    await expectWorks(root);
  });

  it("read-only refuses before anything begins", async () => {
    const root = expiredMaster();
    const folder = join(root, pki);
    mount(folder, "--bind", folder);
    run("mount", "-o", "remount,bind,ro", folder);
    await expectRefused(root, `/${pki}/apiserver.`, "EROFS");
    run("mount", "-o", "remount,bind,rw", folder);
    await expectWorks(root);
  });

  it("mounted over a single file refuses before anything begins", async () => {
    const root = expiredMaster();
    const file = join(root, pkiFile("apiserver.crt"));
    mount(file, "--bind", file);
    await expectRefused(root, "/etc/kubernetes/pki/apiserver.crt", "EBUSY");
    undo.pop()?.();
    await expectWorks(root);
  });

  it.each(["run.before-stage", "run.before-stage:2", "run.after-stage"])(
    "filled by others at %s stops with nothing changed",
    async (failpoint) => {
      const root = expiredMaster();
      onSmallDisk(join(root, pki), 512);
      const original = wholeTree(root);
      const held = await heldAt(root, failpoint, ...renewal);
      fill(join(root, pki), 0);
      held.letGo();
      const stopped = await held.ended;
      rmSync(join(root, pki, "filler"));
      expect(stopped).toMatchObject({ code: 1, signal: null });
      expect(stopped.err).toContain(`/${pki}/apiserver.`);
      expect(stopped.err).toContain("ENOSPC");
      expect(stopped.err).toContain("hint: No live file was changed.");
      expect(wholeTree(root)).toEqual(original);
      expectTidy(root, original);
      expect(await runsOf(root)).toMatchObject([{ state: "abandoned" }]);
      expectNoKeys(root, [stopped]);
      await expectWorks(root);
    },
  );

  it.each(["run.after-all-staged", "run.between-pair"])(
    "read-only from %s on can be resumed or taken back later",
    async (failpoint) => {
      for (const way of ["resume", "rollback"]) {
        const root = expiredMaster();
        const original = wholeTree(root);
        const folder = join(root, pki);
        mount(folder, "--bind", folder);
        const held = await heldAt(root, failpoint, ...renewal);
        const [before, keys] = [wholeTree(root), keyPieces(root)];
        run("mount", "-o", "remount,bind,ro", folder);
        held.letGo();
        const stopped = await held.ended;
        expect(stopped).toMatchObject({ code: 6, signal: null });
        expect(stopped.err).toContain(`/${pki}/apiserver.`);
        expect(stopped.err).toContain("EROFS");
        expect(wholeTree(root)).toEqual(before);
        run("mount", "-o", "remount,bind,rw", folder);
        expect(await unfinishedBy(root)).not.toBeNull();
        if (way === "resume") {
          const resumed = await on(root, "resume");
          expect(resumed).toMatchObject({ code: 0, err: "" });
          expect(brokenPairs(root)).toEqual([]);
          expectTidy(root, original);
          expectNoKeys(root, [stopped, resumed], keys);
        }
        if ((await runsOf(root))[0]?.state !== "rolled-back") await expectRolledBack(root, original);
        expect(wholeTree(root)).toEqual(original);
      }
    },
  );
});

describe.skipIf(!canMount())("a state directory whose disk is", () => {
  it("full from the start refuses, and leaves no run", async () => {
    const root = expiredMaster();
    onSmallDisk(join(root, state), 2048);
    fill(join(root, state), 0);
    await expectRefused(root, `/${state}`, "0 KiB free; nothing was changed", 4);
    expect(lockState(root)).toBe("none");
    rmSync(join(root, state, "filler"));
    await expectWorks(root);
  });

  it("full is named with its file system, what frees it and the way around", async () => {
    const root = expiredMaster();
    onSmallDisk(join(root, state), 2048);
    fill(join(root, state), 1);
    const { err } = await on(root, ...renewal);
    const path = join(root, state);
    expect(err.replace(/up to \d+ KiB/, "up to N KiB")).toBe(
      [
        `error: the disk of ${path} is too full to begin: up to N KiB for the run's backup, journal and staged files, 4 KiB free; nothing was changed`,
        `hint: see what fills it, and make room: df -h ${path}; perennial runs prune --root ${root} removes old runs`,
        "hint: or keep the run on another disk of this node: --state-dir DIR, and the same with resume and rollback",
        "",
      ].join("\n"),
    );
    const elsewhere = freshFolder();
    const chinese = await runCli([...renewal, "--root", root], { lang: "zh" });
    expect(chinese.err).toContain("可用 4 KiB；未做任何改动");
    // The lock stays on the node, and its own disk is still full.
    const other = await on(root, ...renewal, "--state-dir", elsewhere);
    expect(other.code).toBe(4);
    expect(other.err).toContain(`the disk of ${path} is too full to begin: up to 32 KiB for the lock`);
    fill(join(root, state), 16);
    expect(await on(root, ...renewal, "--state-dir", elsewhere)).toMatchObject({ code: 0, err: "" });
  });

  it("given by --state-dir and full refuses before it or the lock is made", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const disk = freshFolder();
    mount(disk, "-t", "tmpfs", "-o", "size=1024k", "perennial");
    fill(disk, 3);
    const refused = await on(root, ...renewal, "--state-dir", join(disk, "deep/state"));
    expect(refused.code).toBe(4);
    expect(refused.err).toContain(`the disk of ${join(disk, "deep/state")} is too full to begin`);
    expect(refused.err).toContain(`df -h ${disk};`);
    expect(wholeTree(root)).toEqual(original);
    expect(lockState(root)).toBe("none");
    expect(readdirSync(disk)).toEqual(["filler"]);
  });

  it.each([
    ["bytes", /up to (\d+) KiB/, "size=4096k"],
    ["inodes", /up to (\d+) for/, "size=4096k,nr_inodes=400"],
  ])(
    "short of one in %s refuses; with just what was asked for the run goes to its end and back",
    async (lacks, pattern, options) => {
      const root = expiredMaster();
      const original = wholeTree(root);
      mkdirSync(join(root, state), { mode: 0o700 });
      mount(join(root, state), "-t", "tmpfs", "-o", `${options},mode=0700`, "perennial");
      const whole = ["renew", "--all", "--yes"];
      const leave = (count: number): void =>
        lacks === "bytes" ? fill(join(root, state), count / 4) : fillInodes(join(root, state), count);
      leave(lacks === "bytes" ? 4 : 1);
      const first = await on(root, ...whole);
      const needed = Number(pattern.exec(first.err)?.[1]);
      expect(first).toMatchObject({ code: 4 });
      leave(needed - (lacks === "bytes" ? 4 : 1));
      expect(await on(root, ...whole)).toMatchObject({ code: 4 });
      expect(lockState(root)).toBe("none");
      leave(needed);
      expect(await on(root, ...whole)).toMatchObject({ code: 0, err: "" });
      expect(validPairs(root)).toHaveLength(12);
      expect(await on(root, "rollback", "last", "--yes")).toMatchObject({ code: 0, err: "" });
      expect(Object.entries(original).filter(([path]) => !path.startsWith(state))).toEqual(
        Object.entries(wholeTree(root)).filter(([path]) => !path.startsWith(state)),
      );
    },
  );

  it.each([
    ["lock.after-acquire", 0],
    ["run.after-guards", 0],
    ["run.after-guards", 3],
    ["run.after-plan-saved", 0],
  ])("filled at %s but for %i pages ends without a run", async (failpoint, pagesLeft) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    onSmallDisk(join(root, state), 2048);
    const held = await heldAt(root, failpoint, ...renewal);
    fill(join(root, state), pagesLeft);
    held.letGo();
    const stopped = await held.ended;
    expect(stopped).toMatchObject({ code: 1, signal: null });
    expect(stopped.err).toContain(state);
    expect(stopped.err).toContain("ENOSPC");
    expect(wholeTree(root)).toEqual(original);
    expect(await unfinishedBy(root)).toBeNull();
    rmSync(join(root, state, "filler"));
    expect(leftovers(root)).toEqual([]);
    expectNoKeys(root, [stopped]);
    await expectWorks(root);
  });

  /** Backup and journal: the run ends as abandoned where its end can still be written, else it waits for room. */
  it.each([
    ["run.after-started", 0],
    ["run.before-back-up", 0],
    ["run.before-back-up:3", 1],
    ["run.after-before-image", 0],
    ["run.after-back-up", 0],
    ["run.after-stage:3", 0],
    ["run.after-all-staged", 0],
  ])("filled at %s but for %i pages mixes nothing", async (failpoint, pagesLeft) => {
    const root = expiredMaster();
    const original = wholeTree(root);
    onSmallDisk(join(root, state), 2048);
    const held = await heldAt(root, failpoint, "renew", "--yes", "--key-algorithm", "ECDSA-P256");
    fill(join(root, state), pagesLeft);
    held.letGo();
    const stopped = await held.ended;
    expect([1, 6]).toContain(stopped.code);
    expect(stopped.err).toContain(state);
    expect(stopped.err).toContain("ENOSPC");
    expect(brokenPairs(root)).toEqual([]);
    // The last page of the journal may hold a few swaps more: whole pairs, as above.
    if (failpoint !== "run.after-all-staged") expect(validPairs(root)).toEqual([]);
    expectNoKeys(root, [stopped]);
    rmSync(join(root, state, "filler"));
    expect((await unfinishedBy(root)) !== null).toBe(stopped.code === 6);
    if (stopped.code === 1) {
      expect(wholeTree(root)).toEqual(original);
      expect(await on(root, "renew", "--yes")).toMatchObject({ code: 0, err: "" });
    } else expect(await on(root, "resume")).toMatchObject({ code: 0, err: "" });
    expect(validPairs(root)).toHaveLength(12);
    expectTidy(root, original);
    await expectRolledBack(root, original);
  });

  it("full cannot stop a rollback halfway: it refuses, and works with room", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    onSmallDisk(join(root, state), 2048);
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    const after = wholeTree(root);
    fill(join(root, state), 0);
    const refused = await on(root, "rollback", "last", "--yes");
    expect(refused.code).toBe(1);
    expect(refused.err).toContain("ENOSPC");
    expect(wholeTree(root)).toEqual(after);
    expect(leftovers(root)).toEqual([]);
    rmSync(join(root, state, "filler"));
    await expectRolledBack(root, original);
  });
});

describe.skipIf(!canLock())("a target with chattr +i", () => {
  it("refuses before anything begins", async () => {
    const root = expiredMaster();
    const file = join(root, pkiFile("apiserver.crt"));
    run("chattr", "+i", file);
    undo.push(() => run("chattr", "-i", file));
    await expectRefused(root, "/etc/kubernetes/pki/apiserver.crt", "EPERM");
    undo.pop()?.();
    await expectWorks(root);
  });

  it("set in the middle of a run is noticed, and everything is as before", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    const file = join(root, pkiFile("apiserver.crt"));
    const held = await heldAt(root, "run.between-pair", ...renewal);
    run("chattr", "+i", file);
    undo.push(() => run("chattr", "-i", file));
    held.letGo();
    const stopped = await held.ended;
    expect(stopped).toMatchObject({ code: 1, signal: null });
    expect(stopped.err).toContain("/etc/kubernetes/pki/apiserver.crt");
    expect(stopped.err).toContain("EPERM");
    expect(stopped.err).toContain("hint: Every file is as it was before.");
    expect(wholeTree(root)).toEqual(original);
    expectTidy(root, original);
    expect(lockState(root)).toBe("free");
    undo.pop()?.();
    await expectWorks(root);
  });
});
