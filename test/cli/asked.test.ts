// What is asked before anything is changed, and what is said where nobody can be asked.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { expiredMaster, killedAt, on, renewal, runsOf, wholeTree } from "../support/operator.ts";

describe("without a terminal", () => {
  it("the whole call is said again with --yes, and where the plan can be read", async () => {
    const root = expiredMaster();
    const before = wholeTree(root);
    const plan = join(mkdtempSync(join(tmpdir(), "asked-")), "my plan.json");
    expect(await on(root, "plan", "--keep-key", "--out", plan)).toMatchObject({ code: 0 });
    const applied = await runCli(["apply", plan, "--root", root]);
    expect(applied).toMatchObject({ code: 2 });
    expect(applied.out).toContain("Plan for cluster");
    expect(applied.err).toBe(
      "error: apply asks before it changes anything, and there is no terminal to ask on\n" +
        `hint: read what stands above; if it is right: perennial apply '${plan}' --root ${root} --yes\n`,
    );
    const renewed = await runCli(["renew", "apiserver", "-o", "json", "--root", root]);
    expect(renewed.err).toContain(
      `see what it would do: perennial plan --root ${root}; if it is right: perennial renew apiserver -o json --root ${root} --yes`,
    );
    expect(wholeTree(root)).toEqual(before);
  });

  it("a rollback names the run it would take back", async () => {
    const root = expiredMaster();
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    const [run] = await runsOf(root);
    const asked = await runCli(["rollback", "--root", root]);
    expect(asked).toMatchObject({ code: 2, out: "" });
    expect(asked.err).toContain(
      `hint: see what it would do: perennial runs show ${run?.run} --root ${root}; if it is right: perennial rollback --root ${root} --yes`,
    );
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["succeeded"]);
  });
});

describe("runs prune", () => {
  const prune = ["runs", "prune", "--keep", "0", "--older-than", "0d"] as const;

  it("shows what goes and asks: the way back goes with it", async () => {
    const root = expiredMaster();
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    const [run] = await runsOf(root);
    const words = [...prune, "--root", root];
    const before = wholeTree(root);
    const silent = await runCli(words);
    expect(silent).toMatchObject({ code: 2 });
    expect(silent.out).toContain(run?.run ?? "?");
    expect(silent.err).toContain(`perennial ${words.join(" ")} --yes`);
    expect(await runCli(words, { answer: "no" })).toMatchObject({ code: 4 });
    expect(wholeTree(root)).toEqual(before);
    const asked = await runCli(words, { answer: "yes" });
    expect(asked).toMatchObject({ code: 0 });
    expect(asked.err).toMatch(/^This run is forgotten, .*no rollback any more/);
    expect(await runsOf(root)).toEqual([]);
  });
});

describe("a node without runs", () => {
  it.each([["resume", "last"], ["rollback"], ["runs", "show"], ["runs", "report"]])(
    "says so to %s",
    async (...words) => {
      const told = await on(expiredMaster(), ...words);
      expect(told).toMatchObject({ code: 1, out: "" });
      expect(told.err).toMatch(/^error: there are no runs yet\nhint: /);
    },
  );

  it("has a newest run for resume once there is one", async () => {
    const root = expiredMaster();
    expect(await on(root, ...renewal)).toMatchObject({ code: 0 });
    const told = await on(root, "resume", "last");
    expect(told).toMatchObject({ code: 4 });
    expect(told.err).toContain("cannot be continued or undone: its state is succeeded");
  });
});

describe("a saved plan that is no longer right", () => {
  it("names ten files at most and no hashes; one that was carried out is said to be", async () => {
    const root = expiredMaster();
    const plan = join(mkdtempSync(join(tmpdir(), "asked-")), "plan.json");
    expect(await on(root, "plan", "--keep-key", "--out", plan)).toMatchObject({ code: 0 });
    expect(await on(root, "renew", "--yes", "--key-algorithm", "ECDSA-P256")).toMatchObject({ code: 0 });
    const stale = await on(root, "apply", plan, "--yes");
    expect(stale).toMatchObject({ code: 4 });
    const lines = stale.err.split("\n");
    expect(lines[0]).toBe("error: the plan is stale:");
    expect(lines.slice(1, 11)).toEqual(
      Array.from({ length: 10 }, () => expect.stringMatching(/^  m1:\/\S+: \S/)),
    );
    expect(lines[11]).toMatch(/^  and \d+ more$/);
    expect(stale.err).not.toMatch(/[0-9a-f]{64}/);

    const next = join(mkdtempSync(join(tmpdir(), "asked-")), "plan.json");
    expect(await on(root, "plan", "--all", "--out", next)).toMatchObject({ code: 0 });
    expect(await on(root, "apply", next, "--yes")).toMatchObject({ code: 0 });
    const [run] = await runsOf(root);
    const again = await on(root, "apply", next, "--yes");
    expect(again).toMatchObject({ code: 4 });
    expect(again.err).toMatch(
      new RegExp(`^error: run ${run?.run} has already done this plan; nothing was changed now\nhint: `),
    );
  });
});

describe("a run that was cut off", () => {
  it("refuses another before its plan is shown", async () => {
    const root = expiredMaster();
    expect((await killedAt(root, "run.between-pair", ...renewal)).signal).toBe("SIGKILL");
    const refused = await on(root, "renew", "--all", "--yes");
    expect(refused).toMatchObject({ code: 6, out: "" });
    expect(refused.err).toMatch(/^error: run \S+ was cut off and must be ended/);
  });
});

describe("Ctrl-C", () => {
  it("before a run says that nothing was changed, and offers no way back from nothing", async () => {
    const root = expiredMaster();
    const ended = await runCli(["renew", "--yes", "--root", root], { signal: AbortSignal.abort("SIGINT") });
    expect(ended).toMatchObject({ code: 130 });
    expect(ended.err).toMatch(/interrupted by SIGINT\nhint: nothing was changed on any node\n$/);
    expect(ended.err).not.toMatch(/resume|rollback/);
  });

  it("in a run says once how to go on and once how to undo", async () => {
    const root = expiredMaster();
    const controller = new AbortController();
    const ended = await runCli([...renewal, "--root", root], {
      signal: controller.signal,
      onOut: (text) => text.startsWith("[renew] run ") && controller.abort("SIGINT"),
    });
    expect([6, 130]).toContain(ended.code);
    for (const way of ["perennial resume", "perennial rollback"])
      expect(ended.err.split(way).length - 1).toBe(ended.code === 6 ? 1 : 0);
  });
});

describe("a plan for a root, applied without one", () => {
  it("is done there, and says so", async () => {
    const root = expiredMaster();
    const plan = join(mkdtempSync(join(tmpdir(), "asked-")), "plan.json");
    expect(await on(root, "plan", "--keep-key", "--out", plan)).toMatchObject({ code: 0 });
    const applied = await runCli(["apply", plan, "--yes"]);
    expect(applied).toMatchObject({ code: 0 });
    expect(applied.err).toBe(`hint: the plan was made for the root ${root}, and is applied there\n`);
    expect((await runsOf(root)).map(({ state }) => state)).toEqual(["succeeded"]);
  });
});
