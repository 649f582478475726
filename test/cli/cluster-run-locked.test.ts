// What `check` and `verify` say of an open run whose lock is held: that it is at work, by whom and where, or that nobody can tell from here.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Actor } from "../../src/core/model/run.ts";
import { systemProcesses } from "../../src/drivers/shared/processes.ts";
import { runCli } from "../support/cli.ts";
import {
  check,
  checkedOverSsh,
  cutOffCluster,
  cutOffOwn,
  type Scene,
  setUp,
  stateOf,
  verified,
} from "../support/runs-of-nodes.ts";

describe("a run whose lock is held", () => {
  let scene: Scene;
  let run: string;
  beforeAll(async () => {
    scene = setUp();
    run = await cutOffCluster(scene);
  }, 900_000);

  /** As a colleague's process would have claimed it. */
  function hold(root: string, holder: Actor, sinceAt: number): void {
    const record = { token: 90, state: "held", holder, sinceAt, what: "renew" };
    mkdirSync(join(stateOf(root), "lock"), { recursive: true });
    writeFileSync(join(stateOf(root), "lock/00000090"), `${JSON.stringify(record)}\n`);
  }

  const ann = (): Actor => ({ ...systemProcesses().self(), user: "ann", sudoUser: null });
  const afar = (): Actor => ({ ...ann(), host: "laptop", bootId: "other" });

  it("by a process that lives is at work, not cut off: who, where, since when; nobody is told to resume it", async () => {
    for (const root of Object.values(scene.roots)) hold(root, ann(), Date.now());
    const { code, findings } = await check("-f", scene.file);
    expect(code).toBe(3);
    const { host, pid } = ann();
    expect(findings).toMatchObject([
      {
        code: "run-locked",
        severity: "warning",
        params: { run, what: "renew", holder: "ann", host, pid, life: "alive" },
      },
    ]);
    expect(findings[0]?.message).toMatch(
      new RegExp(`^run ${run} is at work now: renew by ann on ${host} \\(pid ${pid}\\) since `),
    );
    expect(findings[0]?.next).toEqual([
      `wait for it, or ask ann; on ${host}: ps -fp ${pid}`,
      `then again: perennial check -f ${scene.file}`,
    ]);
    expect(await verified(scene)).toMatchObject([{ code: "run-locked", params: { run, life: "alive" } }]);
    const bare = await runCli(["-f", scene.file]);
    expect(bare.out).toContain("is at work now");
    expect(bare.out).not.toMatch(/resume|cut off|Next:/);
  });

  it("by somebody on another machine who was heard of lately is at work as far as is known", async () => {
    for (const root of Object.values(scene.roots)) hold(root, afar(), Date.now());
    const { findings } = await check("-f", scene.file);
    expect(findings).toMatchObject([
      { code: "run-locked", severity: "warning", params: { run, host: "laptop", life: "heard" } },
    ]);
    expect(findings[0]?.message).toContain("is at work now, as its lock says: renew by ann on laptop");
    expect(findings[0]?.next.join(" ")).not.toContain("resume");
  });

  it("by somebody on another machine who is silent for long may have been cut off: ask first, then break the lock", async () => {
    for (const root of Object.values(scene.roots)) hold(root, afar(), Date.now());
    vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ["Date"] });
    const { told, texts } = await checkedOverSsh(scene).finally(() => vi.useRealTimers());
    expect(told).toMatchObject([
      { code: "run-locked", severity: "critical", params: { run, life: "silent" } },
    ]);
    expect(texts[0]?.next).toEqual([
      expect.stringMatching(/^ask ann; on laptop: ps -fp \d+$/),
      `only when that process is gone: perennial resume --break-lock -f prod.yaml finishes it, perennial rollback ${run} --break-lock -f prod.yaml restores what was there`,
    ]);
  });

  it("is cut off all the same when the holder's own machine, which is one of the nodes, says that he is dead", async () => {
    for (const root of Object.values(scene.roots)) hold(root, afar(), Date.now());
    const asked: string[] = [];
    const lifeOf = async ({ host }: Actor) => {
      asked.push(host);
      return asked.length === 1 ? ("dead" as const) : ("unknown" as const);
    };
    const { told } = await checkedOverSsh(scene, { lifeOf });
    expect(asked).toEqual(["laptop", "laptop", "laptop"]);
    expect(told).toMatchObject([{ code: "run-unfinished", params: { run } }]);
  });

  it("by a record that is none is told as what cannot be read", async () => {
    for (const root of Object.values(scene.roots)) {
      mkdirSync(join(stateOf(root), "lock"), { recursive: true });
      writeFileSync(join(stateOf(root), "lock/00000091"), '{"token":91,"state":"held","holder":{}}\n');
    }
    const { code, findings } = await check("-f", scene.file);
    expect([code, findings.map((one) => one.code)]).toEqual([
      3,
      ["run-unfinished", "runs-unreadable", "runs-unreadable", "runs-unreadable"],
    ]);
    for (const root of Object.values(scene.roots)) rmSync(join(stateOf(root), "lock/00000091"));
  });

  it("of one node is at work as well, with and without -f", async () => {
    const other = setUp();
    const own = await cutOffOwn(other, "m2");
    hold(other.roots.m2, ann(), Date.now());
    const expected = { code: "run-locked", node: "m2", params: { run: own, holder: "ann", life: "alive" } };
    expect((await check("-f", other.file)).findings).toMatchObject([expected]);
    const alone = await check("--root", other.roots.m2);
    expect([alone.code, alone.findings]).toMatchObject([3, [expected]]);
  }, 900_000);
});
