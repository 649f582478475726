// The first operator's machine is gone in the middle of a run over three masters: a colleague goes on, or back, from the nodes' copies.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli, spawnCli, type ProcessResult } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { snapshotTree } from "../support/tree.ts";

const names = ["m1", "m2", "m3"] as const;

interface Scene {
  readonly file: string;
  readonly before: readonly unknown[];
  readonly trees: () => readonly unknown[];
  /** `--state-dir` of an operator. */
  readonly at: (operator: string) => readonly string[];
}

function setUp(): Scene {
  const folder = mkdtempSync(join(tmpdir(), "copies-"));
  const roots = names.map((name) => fixture(`kubeadm-ha-expired/${name}`));
  const file = join(folder, "prod.yaml");
  const nodes = names.map((name, index) => `- {name: ${name}, root: ${roots[index] ?? ""}}`);
  writeFileSync(
    file,
    ["apiVersion: perennial/v1", "kind: Cluster", "name: prod", "nodes:", ...nodes, ""].join("\n"),
  );
  const trees = (): readonly unknown[] => roots.map((root) => snapshotTree(root));
  return {
    file,
    before: trees(),
    trees,
    at: (operator) => ["-f", file, "--state-dir", join(folder, operator)],
  };
}

/** Killed at the failpoint, as a machine that loses its power. */
async function killed(words: readonly string[], point: string): Promise<void> {
  const { signal, err }: ProcessResult = await spawnCli(words, { PERENNIAL_FAILPOINT: point });
  expect({ signal, err }).toMatchObject({ signal: "SIGKILL" });
}

const renew = ["renew", "--yes", "--key-algorithm", "ECDSA-P256"] as const;

async function isRenewed({ at }: Scene): Promise<boolean> {
  const { code, out } = await runCli(["plan", ...at("third"), "--detailed-exitcode"]);
  return code === 0 && out.includes("Nothing to do");
}

const points = ["run.after-all-staged", "run.after-swap:20", "run.after-effect:2", "run.before-ended"];

describe("a run whose first machine is gone", { timeout: 900_000 }, () => {
  it.each(points)(
    "goes on from the copies when it was killed at %s, and is taken back to equality",
    async (point) => {
      const scene = setUp();
      await killed([...renew, ...scene.at("first")], point);
      // A colleague does not begin another run over the one that is half done.
      const second = await runCli([...renew, "--all", ...scene.at("second")]);
      expect([second.code, second.err]).toEqual([6, expect.stringContaining("perennial resume -f")]);
      const resumed = await runCli(["resume", ...scene.at("second")]);
      expect(resumed.err).toBe("");
      expect(resumed.out).toMatch(/run \S+, begun on \S+, is taken over from its copy on m[123]/);
      expect(resumed.code).toBe(0);
      expect(await isRenewed(scene)).toBe(true);
      const back = await runCli(["rollback", "--yes", ...scene.at("second")]);
      expect([back.code, back.err]).toEqual([0, ""]);
      expect(scene.trees()).toEqual(scene.before);
    },
  );

  it.each(["run.after-all-staged", "run.after-swap:20", "run.after-effect:2"])(
    "goes back from the copies when it was killed at %s",
    async (point) => {
      const scene = setUp();
      await killed([...renew, ...scene.at("first")], point);
      const back = await runCli(["rollback", "--yes", ...scene.at("second")]);
      expect([back.code, back.err]).toEqual([0, ""]);
      expect(scene.trees()).toEqual(scene.before);
      expect((await runCli(["resume", ...scene.at("second")])).out).toContain("nothing");
    },
  );

  it("finishes a rollback that was begun elsewhere; the first machine learns of it", async () => {
    const scene = setUp();
    const first = await runCli([...renew, ...scene.at("first")]);
    expect(first.err).toBe("");
    await killed(["rollback", "--yes", ...scene.at("first")], "rollback.after-undo:9");
    const resumed = await runCli(["resume", ...scene.at("second")]);
    expect([resumed.code, resumed.err]).toEqual([0, ""]);
    expect(scene.trees()).toEqual(scene.before);
    const late = await runCli(["resume", ...scene.at("first")]);
    expect([late.code, late.out]).toEqual([0, expect.stringContaining("nothing")]);
    expect(scene.trees()).toEqual(scene.before);
  });

  it("has changed nothing when no copy was made yet: there is nothing to go on with", async () => {
    const scene = setUp();
    await killed([...renew, ...scene.at("first")], "run.after-started");
    const resumed = await runCli(["resume", ...scene.at("second")]);
    expect([resumed.code, resumed.out]).toEqual([0, expect.stringContaining("nothing")]);
    expect(scene.trees()).toEqual(scene.before);
  });
});
