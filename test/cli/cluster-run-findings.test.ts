// What `check -f` and `verify -f` say of runs beside the cluster's own that was cut off: a node's own, and what cannot be read.
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { AppError } from "../../src/core/model/errors.ts";
import type { AnyFinding } from "../../src/core/model/finding.ts";
import { renderFinding } from "../../src/report/finding-text.ts";
import { runCli } from "../support/cli.ts";
import {
  check,
  checkedOverSsh,
  cutOffCluster,
  cutOffOwn,
  names,
  type Scene,
  setUp,
  stateOf,
  verified,
} from "../support/runs-of-nodes.ts";

describe("a node's own run that was cut off", () => {
  let scene: Scene;
  let run: string;
  beforeAll(async () => {
    scene = setUp();
    run = await cutOffOwn(scene, "m2");
  }, 900_000);

  it("is told with commands for its own node, not for the cluster, and is what verify says as well", async () => {
    const { code, findings } = await check("-f", scene.file);
    expect(code).toBe(3);
    const root = scene.roots.m2;
    expect(findings).toMatchObject([
      {
        code: "run-unfinished",
        severity: "critical",
        node: "m2",
        params: { run, own: { reach: "root", where: root } },
      },
    ]);
    expect(findings[0]?.message).toBe(
      `run ${run} of m2 itself (not of the cluster) was cut off: some files may be new, others old`,
    );
    expect(findings[0]?.next).toEqual([
      `perennial resume --root ${root} finishes it, perennial rollback ${run} --root ${root} restores what was there; perennial runs show ${run} --root ${root} says how far it came`,
    ]);
    expect(await verified(scene)).toMatchObject([
      { code: "run-unfinished", params: { run, own: { reach: "root" } } },
    ]);
    const bare = await runCli(["-f", scene.file]);
    expect(bare.out).toContain(`Next: perennial resume --root ${root} finishes it`);
  });

  it("is found over SSH as well, and the way to its node is said, in both languages", async () => {
    const { told, texts, result } = await checkedOverSsh(scene);
    expect(told).toMatchObject([
      { code: "run-unfinished", node: "m2", params: { run, own: { reach: "ssh", where: "ops@m2" } } },
    ]);
    expect(texts[0]?.next[0]).toMatch(
      new RegExp(
        `^log in to m2 as root \\(ssh ops@m2\\) and there: perennial resume finishes it, perennial rollback ${run} `,
      ),
    );
    const [first] = told;
    if (!first) throw new TypeError("nothing was found");
    const chinese = renderFinding(first, { ...result, again: ["-f", "prod.yaml"] }, "zh");
    expect(chinese.next[0]).toMatch(/^以 root 登录 m2（ssh ops@m2），在那里执行：perennial resume 继续完成/);
    expect(chinese.next[0]).not.toContain("prod.yaml");
  });

  it("is ended by the command that is advised", async () => {
    const resumed = await runCli(["resume", "--root", scene.roots.m2]);
    expect([resumed.code, resumed.err]).toEqual([0, ""]);
    expect((await check("-f", scene.file)).findings).toEqual([]);
  });
});

describe("what is kept of runs and cannot be read", () => {
  let scene: Scene;
  beforeEach(() => {
    scene = setUp();
  });

  it("is a warning for its node, and hides nothing of the others", async () => {
    // To be written to by anybody: refused, for root as well as for others.
    mkdirSync(join(stateOf(scene.roots.m3), "runs"), { recursive: true });
    chmodSync(stateOf(scene.roots.m3), 0o777);
    const { code, findings, certificates } = await check("-f", scene.file);
    expect([code, certificates.length]).toEqual([3, 30]);
    const params = { path: stateOf(scene.roots.m3), fault: "unsafe", reason: "mode 0777" };
    const error = { code: "state-unsafe", params };
    expect(findings).toMatchObject([
      { code: "runs-unreadable", severity: "warning", node: "m3", name: "runs", params: { error } },
    ]);
    expect(findings[0]?.message).toContain("nobody knows whether one was cut off");
    expect(findings[0]?.next).toEqual([
      expect.stringContaining(`ls -ld ${stateOf(scene.roots.m3)}`),
      `then again: perennial check -f ${scene.file}`,
    ]);
    expect(await verified(scene)).toMatchObject([{ code: "runs-unreadable", node: "m3", params: { error } }]);
    const alone = await check("--root", scene.roots.m3);
    expect([alone.code, alone.findings.map((one) => one.code)]).toEqual([3, ["runs-unreadable"]]);
  });

  it("is told of a node whose connection was lost behind its facts", async () => {
    const lost = async (): Promise<never> => {
      throw new AppError("host-lost", { host: "m1", reason: "closed" });
    };
    const state = (path: string) => ({ path, list: lost, read: lost });
    const { told, texts } = await checkedOverSsh(scene, { state });
    expect(told.map(({ code, node }) => [code, node])).toEqual(
      names.map((name) => ["runs-unreadable", name]),
    );
    expect(texts[0]?.sentence).toContain("the connection to m1 was lost");
  });

  it("says in words that it may not be opened", () => {
    const params = { path: "/var/lib/perennial", fault: "not-opened", reason: "EACCES" } as const;
    const error = { code: "state-unsafe", params } as const;
    const finding: AnyFinding = {
      code: "runs-unreadable",
      severity: "warning",
      node: "m3",
      slot: null,
      name: "runs",
      address: { store: "file", node: "m3", path: "/var/lib/perennial" },
      params: { error },
    };
    const context = { at: 0, nodes: ["m3"], root: "/" };
    expect(renderFinding(finding, context, "en").sentence).toContain(
      "the state directory /var/lib/perennial cannot be opened: permission denied (EACCES)",
    );
    expect(renderFinding(finding, context, "zh").sentence).toContain("无法打开：没有权限（EACCES）");
    expect(renderFinding(finding, context, "en").next[0]).toContain("run as root");
  });

  it("is told of the operator's own state directory, whose node has no name", async () => {
    mkdirSync(join(scene.of("second"), "runs"), { recursive: true });
    chmodSync(scene.of("second"), 0o777);
    expect(await verified(scene)).toMatchObject([
      { code: "runs-unreadable", node: "", params: { error: { params: { path: scene.of("second") } } } },
    ]);
  });
});

describe("a journal that is damaged", () => {
  let scene: Scene;
  let run: string;
  beforeAll(async () => {
    scene = setUp();
    run = await cutOffCluster(scene);
  }, 900_000);

  const journalOf = (state: string): string => join(state, "runs", run, "journal.jsonl");

  /** Another letter in the first entry: no sum follows any more. */
  function damage(path: string): string {
    const text = readFileSync(path, "utf8");
    writeFileSync(path, text.replace('"planDigest":"', '"planDigest":"x'));
    return text;
  }

  it("on one node is a finding beside the run that the whole ones tell", async () => {
    const copy = journalOf(join(stateOf(scene.roots.m2), "clusters/prod"));
    const whole = damage(copy);
    const { code, findings, certificates } = await check("-f", scene.file);
    expect([code, certificates.length]).toEqual([3, 30]);
    expect(findings).toMatchObject([
      { code: "run-unfinished", node: expect.stringMatching(/^m[13]$/), params: { run } },
      {
        code: "journal-unreadable",
        severity: "critical",
        node: "m2",
        name: run,
        params: { run, isEnded: false, error: { code: "journal-damaged", params: { path: copy, line: 1 } } },
      },
    ]);
    expect(findings[1]?.next.at(-1)).toMatch(/^once that is settled, set it aside on m2, .*: mv \S+ \S+$/);
    expect((await verified(scene)).map((one) => [one.code, one.node === "m2"])).toEqual([
      ["run-unfinished", false],
      ["journal-unreadable", true],
    ]);
    writeFileSync(copy, whole);
  });

  it("of the operator's own does not fail the answer either", async () => {
    const own = journalOf(scene.of("first"));
    const whole = damage(own);
    expect(await verified(scene, "first")).toMatchObject([
      { code: "run-unfinished", node: expect.stringMatching(/^m[123]$/) },
      { code: "journal-unreadable", severity: "critical", node: "", params: { run } },
    ]);
    writeFileSync(own, whole);
  });

  it("that is not to be read at all is told with the system's reason", async () => {
    const copy = journalOf(join(stateOf(scene.roots.m3), "clusters/prod"));
    const whole = readFileSync(copy);
    rmSync(copy);
    mkdirSync(copy);
    const { findings } = await check("-f", scene.file);
    expect(findings).toMatchObject([
      { code: "run-unfinished" },
      { code: "journal-unreadable", node: "m3", params: { run, error: { code: "store-unreadable" } } },
    ]);
    rmSync(copy, { recursive: true });
    writeFileSync(copy, whole);
  });

  it("is only a warning once whole ones say that its run has ended, and its temporary files are left-overs then", async () => {
    expect((await runCli(["resume", "-f", scene.file, "--state-dir", scene.of("first")])).code).toBe(0);
    damage(journalOf(join(stateOf(scene.roots.m2), "clusters/prod")));
    const { code, findings } = await check("-f", scene.file);
    expect([code, findings]).toMatchObject([
      3,
      [{ code: "journal-unreadable", severity: "warning", node: "m2", params: { run, isEnded: true } }],
    ]);
    expect(findings[0]?.message).toContain("other copies of its journal say that it has ended");
  });

  it("of a node's own run is told for a cluster and for the node alone", async () => {
    const other = setUp();
    const own = await cutOffOwn(other, "m1");
    const path = join(stateOf(other.roots.m1), "runs", own, "journal.jsonl");
    damage(path);
    const expected = { code: "journal-unreadable", severity: "critical", node: "m1", params: { run: own } };
    const { findings } = await check("-f", other.file);
    // What it staged may still be needed: it is not called left over.
    expect(findings).toMatchObject([{ ...expected, params: { run: own, own: { reach: "root" } } }]);
    const alone = await check("--root", other.roots.m1);
    expect([alone.code, alone.findings]).toMatchObject([3, [expected]]);
  }, 900_000);
});
