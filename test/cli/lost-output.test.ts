// A stdout that takes no more (`> /dev/full`, a full disk): what is lost is told, what was to be done is done to its end, and nobody is told of a bug.
import { spawnSync } from "node:child_process";
import { closeSync, openSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builtCli, runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { today } from "../support/hostile.ts";
import { snapshotTree } from "../support/tree.ts";

function intoFull(
  words: readonly string[],
  lang = "C",
): { readonly code: number | null; readonly err: string } {
  const stdout = openSync("/dev/full", "w");
  try {
    const { status, stderr } = spawnSync(process.execPath, [builtCli(), ...words], {
      stdio: ["ignore", stdout, "pipe"],
      env: { PATH: process.env["PATH"] ?? "", LANG: lang },
      encoding: "utf8",
    });
    return { code: status, err: stderr };
  } finally {
    closeSync(stdout);
  }
}

const root = fixture("kubeadm-ecdsa-expired/m1");

describe("a full disk behind stdout", () => {
  it.each([["check", "--root", root], ["plan", "-o", "json", "--root", root], ["--help"]])(
    "%s only reads: says what was lost and why, and offers no rollback",
    (...words) => {
      const before = snapshotTree(root, []);
      const { code, err } = intoFull(words);
      expect(code).toBe(1);
      expect(err).toMatch(
        /^error: the answer could not be written .*no space is left on the device \(ENOSPC\); .*nothing was changed$/m,
      );
      expect(err).not.toMatch(/internal|fault of perennial|rollback|resume/);
      expect(snapshotTree(root, [])).toEqual(before);
    },
  );

  it("a renewal goes on to its end and names its journal", async () => {
    const tree = fixture("kubeadm-ecdsa-expired/m1");
    const { code, err } = intoFull(["renew", "--yes", "--root", tree]);
    expect(code).toBe(1);
    expect(err).toContain("has done its work to the end");
    expect(err).toContain(`perennial runs show last --root ${tree}`);
    expect(readdirSync(join(tree, "var/lib/perennial/runs"))).toHaveLength(1);
    const list = await runCli(["runs", "list", "-o", "json", "--root", tree]);
    expect(list.out).toContain('"succeeded"');
  });

  it("is told in Chinese", () => {
    const { err } = intoFull(["check", "--root", root], "zh_CN.UTF-8");
    expect(err).toContain("磁盘已满（ENOSPC）；该命令只读取，未做任何改动");
  });
});

describe("what a person could not read is not asked", () => {
  it("renew without --yes begins nothing", async () => {
    const tree = fixture("kubeadm-ecdsa-expired/m1");
    const before = snapshotTree(tree, []);
    const result = await runCli(["renew", "--root", tree], {
      now: today,
      answer: "yes",
      unwritten: "ENOSPC",
    });
    expect(result.code).toBe(1);
    expect(result.err).toContain("nothing was begun or changed");
    expect(result.err.match(/^error: /gm)).toHaveLength(1);
    expect(snapshotTree(tree, [])).toEqual(before);
  });
});

it.each([
  ["plan", "--out", "/dev/full", "no space is left on the device (ENOSPC)"],
  ["plan", "--out", "/nonexistent/x", "there is no such file or directory (ENOENT)"],
])("%s %s %s: no run is spoken of", async (command, option, path, why) => {
  const result = await runCli([command, option, path, "--root", root], { now: today });
  expect(result.code).toBe(1);
  expect(result.err).toContain(`error: ${path} could not be written: ${why}`);
  expect(result.err).not.toMatch(/resume|rollback|lsattr/);
});
