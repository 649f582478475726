// Mistakes at the keyboard: exit 2, one `error:` line, a `hint:`, and nothing changed, in both languages.
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { runCli } from "../support/cli.ts";
import { fixture } from "../support/fixtures.ts";
import { ask, expectClean, pki, today } from "../support/hostile.ts";
import { snapshotTree } from "../support/tree.ts";

const root = fixture("kubeadm-ecdsa-expired/m1");
const before = snapshotTree(root, []);
const huge = "9".repeat(400);

describe.each(["en", "zh"] as const)("usage errors (%s)", (lang) => {
  it.each<readonly [string, readonly string[], string]>([
    ["an unknown command", ["chekc"], "chekc"],
    ["an unknown option", ["check", "--frob"], "--frob"],
    ["an option of a command below another", ["runs", "show", "--frob"], "perennial runs show --help"],
    ["a lab without its command", ["lab"], "expire"],
    ["help on nothing that is there", ["help", "nosuch"], "nosuch"],
    ["a lab without its place", ["lab", "up"], "--dir"],
    ["a language without sentences", ["check", "--lang", "fr"], "zh"],
    [
      "facts with a slash behind them",
      ["lab", "up", "--dir", "never-made", "--like", `${import.meta.filename}/`],
      "ENOTDIR",
    ],
    ["a backup for nobody", ["plan", "--backup-to", "x"], "--backup-recipient"],
    ["a proof of a tree", ["verify"], "--probe"],
    ["an option without its value", ["check", "--within"], "--within"],
    ["no file", ["inspect"], "FILE"],
    ["too many arguments", ["check", "one", "two"], ""],
    ["an unknown output", ["check", "-o", "xml"], ""],
    ["a broken --at", ["check", "--at", "tomorrow"], "tomorrow"],
    ["a day that is none", ["check", "--at", "2027-13-45"], "2027-13-45"],
    ["a February 30th", ["check", "--at", "2027-02-30"], "2027-02-30"],
    ["a broken --within", ["plan", "--within", "soon"], "soon"],
    ["a negative --within", ["plan", "--within=-3d"], "-3d"],
    ["a --within past all numbers", ["plan", "--within", `${huge}y`], "y"],
    ["a --within past all dates", ["check", "--within", "99999999y"], "99999999y"],
    ["a broken --validity", ["plan", "--validity", "1 year"], "1 year"],
    ["a --validity of nothing", ["plan", "--validity", "0s"], "0s"],
    ["a --validity past all numbers", ["plan", "--all", "--validity", `${huge}d`], "d"],
    ["a --validity past all dates", ["plan", "--all", "--validity", "300000y"], "300000y"],
    ["a SAN with a blank", ["plan", "--add-san", "lb example"], "lb example"],
    ["a SAN with a newline", ["plan", "--add-san", "lb\nCRITICAL"], "CRITICAL"],
    ["an empty SAN", ["plan", "--add-san", ""], "--add-san"],
    ["a SAN that is half an address", ["plan", "--add-san", "ip:10.0.0"], "ip:10.0.0"],
    ["a --set without a value", ["check", "--set", "pkiDir"], "pkiDir"],
    ["an unknown parameter", ["check", "--set", "pkidir=/x"], "pkiDir"],
    ["an unknown profile", ["check", "--profile", "kubeadmin"], "kubeadm"],
    ["an unknown certificate", ["plan", "apiservr"], "apiserver"],
    ["an unknown key algorithm", ["plan", "--all", "--key-algorithm", "RSA-42"], "RSA-42"],
    [
      "two options that exclude each other",
      ["plan", "--keep-key", "--key-algorithm", "RSA-2048"],
      "--keep-key",
    ],
    ["renew with nobody to ask", ["renew"], "--yes"],
    ["--min-ready of one node", ["renew", "--yes", "--min-ready", "50%"], "-f FILE"],
    ["--min-ready of one node that resumes", ["resume", "--min-ready", "0"], "-f FILE"],
    ["--batch of one node", ["plan", "--batch", "5"], "-f FILE"],
    ["--accept-outage of one node", ["plan", "--accept-outage"], "-f FILE"],
    ["--skip-unreachable of one node", ["renew", "--yes", "--skip-unreachable"], "-f FILE"],
  ])("%s", async (_, words, text) => {
    const result = await ask(root, words, { lang, slow: ["lab", "verify"].includes(words[0] ?? "") });
    expect({ code: result.code, text: result.err.includes(text) }).toEqual({
      code: text === "ENOTDIR" ? 1 : 2,
      text: true,
    });
    if (lang === "zh") expect(result.err).toMatch(/^error: [^\n]*[\u4e00-\u9fff]/);
    expect(result.err).not.toMatch(/outputHelp|internal error|runs list/);
    expect(result.err.match(/^error: /gm)).toHaveLength(1);
    expect(result.err).toMatch(/^hint: /m);
    expect(snapshotTree(root, [])).toEqual(before);
  });

  it("answering anything but yes changes nothing and is refused", async () => {
    for (const answer of ["no", "", "y", "YES", "yes please"]) {
      const result = await ask(root, ["renew"], { lang, answer });
      expect(result.code).toBe(4);
    }
    expect(snapshotTree(root, [])).toEqual(before);
  });
});

describe("what is no mistake", () => {
  it.each([["--version"], ["-V"], ["check", "--version"], ["help"], ["lab", "--help"], ["help", "lab"]])(
    "%s %s is answered",
    async (...words) => {
      const result = await runCli(words);
      expect({ code: result.code, err: result.err }).toEqual({ code: 0, err: "" });
      expect(result.out).toMatch(/^(?:perennial \d|Usage: )/);
    },
  );

  it.each(["verify", "init"])("%s --help does not speak of restarts", async (command) => {
    const { out } = await runCli([command, "--help"]);
    expect(out).toContain("--probe");
    expect(out.replace(/nothing is\s+restarted/, "")).not.toMatch(/restart/);
  });

  it("a tree that is no node is told by name", async () => {
    const empty = fixture("kubeadm-valid/m1");
    rmSync(join(empty, "etc"), { recursive: true });
    const result = await runCli(["check", "--root", empty], { now: today });
    expectClean(result);
    expect(result.code).toBe(1);
    expect(result.err).toContain(empty);
  });

  it.each(["/nowhere/at/all", "/dev/null"])("--root %s is an error, not a crash", async (path) => {
    const result = await runCli(["check", "--root", path], { now: today });
    expectClean(result);
    expect(result.code).toBe(1);
    expect(result.err).toContain(path);
  });

  it("a plan file of rubbish is refused", async () => {
    const path = join(root, "plan.json");
    for (const text of ["", "{", "[]", "{}", '{"format":"perennial/plan/v1"}', "\u0000".repeat(1000)]) {
      writeFileSync(path, text);
      const result = await runCli(["apply", path, "--yes", "--root", root], { now: today });
      expectClean(result);
      expect({ text, code: result.code }).toEqual({ text, code: 4 });
    }
    rmSync(path);
  });

  it("--keep-key keeps every key byte for byte", async () => {
    const tree = fixture("kubeadm-ecdsa-expired/m1");
    const key = `${pki}/apiserver.key`;
    const old = snapshotTree(tree)[key];
    expect((await ask(tree, ["renew", "--yes", "--keep-key"], { slow: true })).code).toBe(0);
    expect(snapshotTree(tree)[key]).toBe(old);
  });
});
