// The far side's loop as the text it is, under every shell here: cut frames, missing tools, and what an odd login shell makes of it.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { bootCode, encodeFrame, loopLine, sudoLine } from "../../../src/drivers/exec/frame-loop.ts";

const word = "p0123456789abcdef01";
const folder = mkdtempSync(join(tmpdir(), "loop-"));
afterAll(() => rmSync(folder, { recursive: true }));
const bashAsSh = join(folder, "sh");
symlinkSync("/bin/bash", bashAsSh);

const shells: readonly (readonly [string, ...string[]])[] = [["dash"], [bashAsSh], ["busybox", "sh"]];
const here = shells.filter(([program, ...args]) => spawnSync(program, [...args, "-c", ":"]).status === 0);

function feed([program, ...args]: readonly [string, ...string[]], input: string): string {
  return spawnSync(program, [...args, "-c", bootCode(word, "up")], { input, encoding: "utf8" }).stdout;
}

describe("what is sent through a login shell", () => {
  it("has nothing that sh, csh and fish would read differently between single quotes", () => {
    expect(bootCode(word, "up")).toMatch(/^[^'!\\\n]+$/);
  });

  it("does not contain the mark it makes, so that an echo of the command is none", () => {
    expect(bootCode(word, "up")).not.toContain(`${word}-up`);
    expect(sudoLine(word)).not.toContain(`${word}-root`);
    expect(loopLine(word)).not.toContain(`${word}-1`);
  });

  it("is one line each", () => {
    for (const line of [sudoLine(word), loopLine(word)]) expect(line.indexOf("\n")).toBe(line.length - 1);
  });

  it.each(["tcsh", "csh", "fish", "zsh"])("means the same to %s", (shell) => {
    if (spawnSync(shell, ["-c", ":"]).error) return;
    const input = loopLine(word) + encodeFrame(word, frameOf("echo from the far side"), false);
    const { stdout } = spawnSync(shell, ["-c", `exec sh -c '${bootCode(word, "up")}'`], {
      input,
      encoding: "utf8",
    });
    expect(stdout).toContain(`${word}-up\n${word}-ready `);
    expect(stdout).toContain(`from the far side\n\n${word}-1 0\n`);
  });
});

function frameOf(script: string, input = ""): { number: number; script: string; input: Uint8Array } {
  return { number: 1, script, input: Buffer.from(input) };
}

describe.each(here.map((shell) => ({ name: shell[0], shell })))("the loop under $name", ({ shell }) => {
  it.each([
    ["a line", false, "input"],
    ["bytes", true, "k".repeat(4000)],
  ])("runs nothing of a frame of %s that is cut anywhere", (_, byLength, input) => {
    const frame = encodeFrame(word, frameOf("echo RAN; cat", input), byLength);
    expect(feed(shell, loopLine(word) + frame)).toContain("RAN");
    const step = Math.ceil(frame.length / 12);
    const cuts = Array.from({ length: 12 }, (__, index) => Math.min(index * step, frame.length - 1));
    for (const cut of [...cuts, frame.length - 5, frame.length - 2, frame.length - 1]) {
      const out = feed(shell, loopLine(word) + frame.slice(0, cut));
      expect(out, `cut after ${cut}`).toContain(`${word}-ready `);
      expect(out, `cut after ${cut}`).not.toContain("RAN");
    }
  });

  it("takes its own line only with the word before it", () => {
    expect(feed(shell, "echo RAN\n")).toBe(`${word}-up\n`);
  });

  it("names the tools that are missing", () => {
    const out = feed(shell, loopLine(word, ["cat", "no-such-tool", "mv", "none-either"]));
    expect(out).toMatch(/-ready \d+ \d+ 1: no-such-tool none-either\n/);
  });

  it("says its own process and group", () => {
    const [, pid, group] = /-ready (\d+) (\d+) /.exec(feed(shell, loopLine(word))) ?? [];
    expect(Number(pid)).toBeGreaterThan(1);
    expect(Number(group)).toBeGreaterThan(1);
  });

  it("reads no byte more than a frame: what a script leaves of its input is gone", () => {
    const long = "x".repeat(20_000);
    const frames = [1, 2, 3].map((number) =>
      encodeFrame(word, { number, script: `echo ${number}; exit ${number}`, input: Buffer.from(long) }, true),
    );
    const out = feed(shell, loopLine(word) + frames.join(""));
    expect(out).toContain(`1\n\n${word}-1 1\n2\n\n${word}-2 2\n3\n\n${word}-3 3\n`);
  });
});
