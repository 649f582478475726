// A wrong clock: nothing is renewed on it without an explicit word, and what was begun can always be taken back.
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { runCli } from "../support/cli.ts";
import { expiredMaster, killedAt, on, renewal, runsOf, wholeTree } from "../support/operator.ts";

const hour = 3_600_000;
const manifest = "etc/kubernetes/manifests/kube-apiserver.yaml";

/** As if the file had been written in an hour: the clock was set back since. */
function writtenLater(root: string, path = manifest, ms = hour): void {
  const at = (Date.now() + ms) / 1000;
  utimesSync(join(root, path), at, at);
}

function journalOf(root: string, run: string): string {
  return readFileSync(join(root, "var/lib/perennial/runs", run, "journal.jsonl"), "utf8");
}

afterEach(() => {
  vi.useRealTimers();
});

describe("a clock that was set back", () => {
  it.each([
    ["a file of the control plane", manifest],
    ["a log of a pod", "var/log/pods/kube-system_etcd-m1_1/etcd/0.log"],
    ["a file of etcd", "var/lib/etcd/member/wal/0.wal"],
    ["the mark of systemd-timesyncd", "var/lib/systemd/timesync/clock"],
  ])("is known by %s: exit 4, nothing changed, and how to set it", async (_, path) => {
    const root = expiredMaster();
    mkdirSync(join(root, path, ".."), { recursive: true });
    if (path !== manifest) writeFileSync(join(root, path), "");
    writtenLater(root, path);
    const before = wholeTree(root);
    for (const words of [renewal, ["plan"], ["renew", "--csr-dir", join(root, "csr")]]) {
      const result = await on(root, ...words);
      expect(result).toMatchObject({ code: 4, out: "" });
      expect(result.err).toContain(`/${path} was written at `);
      expect(result.err).toContain("chronyc makestep");
      expect(result.err).toContain("--accept-clock");
    }
    expect(wholeTree(root)).toEqual(before);
  });

  it("is told in Chinese too", async () => {
    const root = expiredMaster();
    writtenLater(root);
    const { code, err } = await runCli(["plan", "--root", root], { lang: "zh" });
    expect(code).toBe(4);
    expect(err).toContain("时钟偏慢");
    expect(err).toContain("--accept-clock");
  });

  it("is not seen in a file that is four minutes younger", async () => {
    const root = expiredMaster();
    writtenLater(root, manifest, 4 * 60_000);
    expect((await on(root, "plan")).code).toBe(0);
  });

  it("is accepted by explicit word, which the plan and the journal keep", async () => {
    const root = expiredMaster();
    writtenLater(root);
    const result = await on(root, ...renewal, "--accept-clock");
    expect(result).toMatchObject({ code: 0, err: "" });
    expect(result.out).toContain("--accept-clock: the clock is taken for right, although");
    const [run] = await runsOf(root);
    const [first = ""] = journalOf(root, run?.run ?? "").split("\n");
    expect(JSON.parse(first)).toMatchObject({
      body: { type: "run-started", clock: [{ code: "clock-behind-file" }] },
    });
    const { out } = await on(root, "runs", "report", "last");
    expect(out).toMatch(
      /the clock was accepted \(--accept-clock\) against: file\S+kube-apiserver\S+ 2\d{3}-/,
    );
  });

  it("stops a saved plan that was made on a right clock", async () => {
    const root = expiredMaster();
    const plan = join(root, "../m1.plan");
    expect((await on(root, "plan", "apiserver", "--out", plan)).code).toBe(0);
    writtenLater(root);
    const before = wholeTree(root);
    const refused = await on(root, "apply", plan, "--yes");
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("the clock is behind");
    expect(wholeTree(root)).toEqual(before);
    expect((await on(root, "apply", plan, "--yes", "--accept-clock")).code).toBe(0);
  });

  it("is known by the journal of a run; that run can be taken back all the same", async () => {
    const root = expiredMaster();
    expect((await on(root, ...renewal)).code).toBe(0);
    // Every file says the same; here only the journal is left to.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - hour });
    const refused = await on(root, "plan");
    expect(refused.code).toBe(4);
    expect(refused.err).toMatch(/the journal of run \d{8}T\d{6}Z-[0-9a-f]{6} ends at /);
    expect((await on(root, "rollback", "last", "--yes")).code).toBe(0);
  });

  it("stops a resume, not a rollback", async () => {
    const root = expiredMaster();
    const before = wholeTree(root);
    await killedAt(root, "run.between-pair", ...renewal);
    writtenLater(root);
    const refused = await on(root, "resume");
    expect(refused.code).toBe(4);
    expect(refused.err).toContain("the clock is behind");
    expect((await on(root, "rollback", "last", "--yes")).code).toBe(0);
    writtenLater(root, manifest, -hour);
    expect(Object.keys(wholeTree(root))).toEqual(Object.keys(before));
  });

  it("says nothing to those who only look", async () => {
    const root = expiredMaster();
    writtenLater(root);
    expect((await on(root, "check")).code).toBe(3);
    expect((await on(root, "runs", "list")).code).toBe(0);
  });
});

function windowOf(from: number, to: number): string {
  const text = (ms: number): string => new Date(Date.now() + ms).toISOString().replace(/\.\d+Z$/, "Z");
  return `${text(from)}/${text(to)}`;
}

describe("the window of a run", () => {
  it("binds its resume, until another is given; a rollback needs none", async () => {
    const root = expiredMaster();
    const plan = join(root, "../m1.plan");
    expect((await on(root, "plan", "apiserver", "--out", plan)).code).toBe(0);
    const window = windowOf(-hour, hour);
    await killedAt(root, "run.between-pair", "apply", plan, "--yes", "--window", window);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * hour });
    const before = wholeTree(root);
    const refused = await on(root, "resume");
    expect(refused.code).toBe(4);
    expect(refused.err).toMatch(/^error: it is .*, after the window from /);
    expect(refused.err).toMatch(/perennial resume \S+ --window \d{4}-\d\d-\d\dT\d\d:\d\dZ\/\S+ --root /);
    expect(refused.err).toMatch(/perennial rollback \S+ --root /);
    expect(Object.keys(wholeTree(root)).filter((path) => !path.includes("/lock/"))).toEqual(
      Object.keys(before).filter((path) => !path.includes("/lock/")),
    );
    expect((await on(root, "resume", "--window", windowOf(-hour, hour))).code).toBe(0);
    expect((await on(root, "rollback", "last", "--yes")).code).toBe(0);
  });

  it("does not keep a rollback back", async () => {
    const root = expiredMaster();
    const plan = join(root, "../m1.plan");
    expect((await on(root, "plan", "apiserver", "--out", plan)).code).toBe(0);
    await killedAt(root, "run.between-pair", "apply", plan, "--yes", "--window", windowOf(-hour, hour));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 2 * hour });
    expect((await on(root, "rollback", "last", "--yes")).code).toBe(0);
  });
});
