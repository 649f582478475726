// Holds the tests' own folder to its word: everything is below it, and it goes, whatever is in it.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { canMakeImmutable, canMount, mount } from "../drivers/store/files-support.ts";
import { builtCli } from "./cli.ts";
import { controlPlane } from "./control-plane.ts";
import { fixture } from "./fixtures.ts";
import { removeFolder, setup } from "./own-temporary-folder.ts";

const mountable = canMount();
const immutable = canMakeImmutable();

afterEach(() => void vi.restoreAllMocks());

/** What is told while it goes. */
function toldWhileRemoving(folder: string): readonly string[] {
  const told = vi.spyOn(console, "error").mockImplementation(() => {});
  removeFolder(folder);
  expect(existsSync(folder)).toBe(false);
  return told.mock.calls.map(([line]) => String(line));
}

describe("the tests' own temporary folder", () => {
  it("holds every tree and bundle", async () => {
    const own = tmpdir();
    expect(basename(own)).toMatch(/^perennial-\d+-\w{6}$/);
    for (const path of [fixture("kubeadm-valid/m1"), await controlPlane(), builtCli()])
      expect(path.startsWith(`${own}/`)).toBe(true);
  });

  it("is gone at the end of the run, with what killed runs have left, and TMPDIR is as before", () => {
    const before = tmpdir();
    // No process has this number: it is above what Linux gives (PID_MAX_LIMIT).
    const killed = "/tmp/perennial-4194305-aaaaaa";
    mkdirSync(join(killed, "fixture"), { recursive: true });
    const teardown = setup();
    const own = tmpdir();
    // Not below this run's, where sockets would have no room.
    expect(own).toMatch(new RegExp(`^/tmp/perennial-${process.pid}-`));
    expect(existsSync(killed)).toBe(false);
    teardown();
    expect(existsSync(own)).toBe(false);
    expect(tmpdir()).toBe(before);
  });

  it("goes with nothing said when nothing is in the way", () => {
    const folder = mkdtempSync(join(tmpdir(), "left-"));
    writeFileSync(join(folder, "file"), "");
    expect(toldWhileRemoving(folder)).toEqual([]);
  });

  it.runIf(immutable.ok)("goes with an immutable file in it, and says so", () => {
    const folder = mkdtempSync(join(tmpdir(), "left-"));
    mkdirSync(join(folder, "deep"));
    writeFileSync(join(folder, "deep/file"), "");
    execFileSync("chattr", ["+i", join(folder, "deep/file")]);
    expect(toldWhileRemoving(folder)).toEqual([expect.stringContaining("deep/file")]);
  });

  it.runIf(mountable.ok)("takes mounts off first: what is bound from elsewhere stays", () => {
    const elsewhere = mkdtempSync(join(tmpdir(), "elsewhere-"));
    writeFileSync(join(elsewhere, "file"), "kept");
    const folder = mkdtempSync(join(tmpdir(), "left-"));
    const point = join(folder, "a point");
    mkdirSync(point);
    mount("--bind", elsewhere, point);
    mount("-t", "tmpfs", "-o", "size=64k", "tmpfs", point);
    expect(toldWhileRemoving(folder)).toEqual(Array(2).fill(`a test left a mount: ${point}`));
    expect(readFileSync(join(elsewhere, "file"), "utf8")).toBe("kept");
  });
});
