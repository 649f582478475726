// The runs of a node, as the operator sees them: list, show, prune; and the backup put back by hand, without the tool.
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runCli } from "../support/cli.ts";
import {
  allFiles,
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  heldAt,
  killedAt,
  on,
  pkiFile,
  renewal,
  runFolders,
  runsOf,
  unfinishedBy,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

const dayMs = 86_400_000;

describe("the backup of a run, put back by hand", () => {
  /** What the documents say: the whole folder, so that the live folders' modes and owners must survive too. */
  function putBack(root: string): void {
    const [folder = ""] = runFolders(root);
    const [node = ""] = readdirSync(join(folder, "before"));
    execFileSync("cp", ["-a", `${join(folder, "before", node)}/.`, `${root}/`]);
  }

  it("is the tree of before in bytes, mode, owner and time; a rollback afterwards does no harm", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    putBack(root);
    expect(wholeTree(root)).toEqual(original);
    const after = await on(root, "rollback", "last", "--yes");
    expect(after).toMatchObject({ code: 0, err: "" });
    expect(wholeTree(root)).toEqual(original);
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["rolled-back"]);
    expectTidy(root, original);
  });

  it("is there and whole when the run died in the middle of a pair", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect((await killedAt(root, "run.between-pair", ...renewal)).signal).toBe("SIGKILL");
    putBack(root);
    await expectRolledBack(root, original);
  });

  it("is closed to everybody else", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect(await on(root, "renew", "--yes", "--key-algorithm", "ECDSA-P256")).toMatchObject({ code: 0 });
    expectTidy(root, original);
    const before = allFiles(root).filter((path) => path.includes("/before/"));
    expect(before).toHaveLength(19);
    for (const path of before) {
      const { mode } = lstatSync(join(root, path));
      const target = path.slice(path.indexOf("/before/m1/") + "/before/m1/".length);
      expect(original[target]).toContain(`file ${(mode & 0o7777).toString(8)} `);
    }
    expect(lstatSync(join(root, "var/lib/perennial")).mode & 0o7777).toBe(0o700);
  });
});

describe("runs list and show", () => {
  it("say who, when, why, and how it ended, newest first", async () => {
    const root = expiredMaster();
    expect(await on(root, "runs", "list")).toMatchObject({ code: 0, out: "No runs on this node.\n" });
    const words = [...renewal, "--ticket", "CHG-4711", "--reason", "expired on All Saints"];
    expect(await on(root, ...words)).toMatchObject({ code: 0 });
    expect(await on(root, "rollback", "last", "--yes")).toMatchObject({ code: 0 });
    expect(await on(root, "renew", "etcd-peer", "--yes", "--keep-key")).toMatchObject({ code: 0 });
    const list = await runsOf(root);
    expect(list.map(({ state }) => state)).toEqual(["succeeded", "rolled-back"]);
    const [newest, oldest] = list;
    expect(oldest).toMatchObject({ ticket: "CHG-4711", reason: "expired on All Saints" });
    expect(newest?.objects.map(({ object }) => object)).toContain(
      "file:m1:/etc/kubernetes/pki/etcd/peer.crt",
    );
    expect(oldest?.objects).toHaveLength(4);

    const text = await on(root, "runs", "list");
    expect(text.out.indexOf(newest?.run ?? "?")).toBeLessThan(text.out.indexOf(oldest?.run ?? "?"));
    const shown = await on(root, "runs", "show", oldest?.run ?? "");
    expect(shown).toMatchObject({ code: 0, err: "" });
    for (const part of ["CHG-4711", "expired on All Saints", "/etc/kubernetes/pki/apiserver.crt"])
      expect(shown.out).toContain(part);
    const last = await on(root, "runs", "show", "-o", "json");
    expect((JSON.parse(last.out) as { run: string }).run).toBe(newest?.run);
    expectNoKeys(root, [text, shown, last]);
  });

  it("name a run that is not there", async () => {
    const root = expiredMaster();
    const result = await on(root, "runs", "show", "20200101T000000Z-000000");
    expect(result.code).not.toBe(0);
    expect(result.err).toContain("20200101T000000Z-000000");
    const none = await on(root, "rollback", "last", "--yes");
    expect(none.code).not.toBe(0);
    expect(none.err).toMatch(/^error: .*\n(hint: .*\n)+$/);
  });

  it("mean by last the newest run that was not abandoned, when it is about undoing", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    const held = await heldAt(root, "run.after-issue", "renew", "etcd-peer", "--yes");
    writeFileSync(join(root, pkiFile("etcd/peer.crt")), "not a certificate", { flag: "a" });
    held.letGo();
    expect(await held.ended).toMatchObject({ code: 1 });
    execFileSync("truncate", ["-s", "-17", join(root, pkiFile("etcd/peer.crt"))]);
    utimesSync(join(root, pkiFile("etcd/peer.crt")), 1_700_000_000, 1_700_000_000);
    original[pkiFile("etcd/peer.crt")] = wholeTree(root)[pkiFile("etcd/peer.crt")] ?? "";
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["abandoned", "succeeded"]);
    expect(await on(root, "runs", "show")).toMatchObject({ code: 0 });
    await expectRolledBack(root, original);
  });
});

describe("runs prune", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  const startAt = Date.parse("2026-11-22T16:00:00Z");

  function at(days: number): void {
    vi.useFakeTimers({ toFake: ["Date"], now: startAt + days * dayMs });
  }

  /** Seven runs, one a day, each renewing the same kubeconfig. */
  async function sevenRuns(): Promise<{ readonly root: string; readonly ids: readonly string[] }> {
    const root = expiredMaster();
    for (let day = 0; day < 7; day++) {
      at(day);
      const words = ["renew", "scheduler.conf", "--all", "--yes", "--keep-key", "--root", root];
      expect(await runCli(words, { now: startAt + day * dayMs })).toMatchObject({ code: 0 });
    }
    return { root, ids: (await runsOf(root)).map(({ run }) => run) };
  }

  it("keeps the newest five, and everything younger than 90 days", async () => {
    const { root, ids } = await sevenRuns();
    expect(ids).toHaveLength(7);
    at(89);
    expect(await on(root, "runs", "prune", "--yes")).toMatchObject({ code: 0, out: "0 runs forgotten.\n" });
    at(90.5);
    expect(await on(root, "runs", "prune", "--yes")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\n1 run forgotten\.\n$/),
    });
    at(365);
    expect(await on(root, "runs", "prune", "--yes")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/\n1 run forgotten\.\n$/),
    });
    expect((await runsOf(root)).map(({ run }) => run)).toEqual(ids.slice(0, 5));
    expect(runFolders(root)).toHaveLength(5);
    expect(await on(root, "runs", "prune", "--yes", "--keep", "2", "--older-than", "1d")).toMatchObject({
      code: 0,
    });
    expect((await runsOf(root)).map(({ run }) => run)).toEqual(ids.slice(0, 2));
    expect(await on(root, "runs", "prune", "--yes", "--keep", "two")).toMatchObject({ code: 2 });
    expect(await on(root, "rollback", "last", "--yes")).toMatchObject({ code: 0 });
  });

  it("never forgets an open run", async () => {
    const root = expiredMaster();
    const original = wholeTree(root);
    expect((await killedAt(root, "run.between-pair", ...renewal)).signal).toBe("SIGKILL");
    const run = await unfinishedBy(root);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1000 * dayMs });
    const pruned = await on(root, "runs", "prune", "--yes", "--keep", "0", "--older-than", "1s");
    expect(pruned).toMatchObject({ code: 0, out: "0 runs forgotten.\n" });
    vi.useRealTimers();
    expect(await unfinishedBy(root)).toBe(run);
    expect(existsSync(join(runFolders(root)[0] ?? "", "before"))).toBe(true);
    expect(await on(root, "resume")).toMatchObject({ code: 0, err: "" });
    expect(validPairs(root)).toHaveLength(3);
    await expectRolledBack(root, original);
  });
});
