// Free room of the file system that a path is or will be on.
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { diskSpaceAt } from "../../../src/drivers/shared/disk-space.ts";
import { freshFolder } from "../../support/fixtures.ts";

describe("diskSpaceAt", () => {
  it("speaks of the nearest parent that exists", () => {
    const folder = freshFolder();
    const space = diskSpaceAt(join(folder, "not/yet/there"));
    expect(space.path).toBe(folder);
    expect(space.device).toBe(statSync(folder).dev);
    expect(space.blockBytes).toBeGreaterThanOrEqual(4096);
    expect(space.freeBytes === null || space.freeBytes > 0).toBe(true);
  });

  it("follows links to where the bytes will be", () => {
    const folder = freshFolder();
    mkdirSync(join(folder, "real"));
    symlinkSync("real", join(folder, "link"));
    expect(diskSpaceAt(join(folder, "link")).path).toBe(join(folder, "link"));
    symlinkSync("nowhere", join(folder, "dangling"));
    expect(diskSpaceAt(join(folder, "dangling/state")).path).toBe(folder);
  });

  it("does not take a file in the way for a disk without an answer", () => {
    const folder = freshFolder();
    writeFileSync(join(folder, "file"), "");
    expect(() => diskSpaceAt(join(folder, "file/state"))).toThrow(
      expect.objectContaining({ code: "store-unreadable" }),
    );
  });
});
