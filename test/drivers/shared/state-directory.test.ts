// The state directory of this machine: the contract, a failing disk, and what kill -9 leaves.
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { openStateDirectory } from "../../../src/drivers/shared/state-directory.ts";
import type { StateDirectory } from "../../../src/engine/ports/state.ts";
import { describeStateDirectory } from "../../contract/state-contract.ts";
import { bytesOf, failure } from "../../contract/store-contract.ts";
import { bundleChild, type Child } from "../store/files-support.ts";

describeStateDirectory("local", (path) => openStateDirectory(path));

describe("the state directory on this machine", () => {
  let folder: string;
  let path: string;
  let state: StateDirectory;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "perennial-state-"));
    path = join(folder, "var/lib/perennial");
    state = openStateDirectory(path);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const modeOf = (file: string): string => (statSync(join(path, file)).mode & 0o7777).toString(8);
  const textOf = (file: string): string => readFileSync(join(path, file), "utf8");

  it("below a folder that cannot even be looked at is refused with the system's code", () => {
    symlinkSync("loop", join(folder, "loop"));
    expect(() => openStateDirectory(join(folder, "loop/lib/perennial"))).toThrow(
      expect.objectContaining({
        code: "state-unsafe",
        params: { path: join(folder, "loop/lib"), fault: "not-opened", reason: "ELOOP" },
      }),
    );
  });

  it.skipIf(process.geteuid?.() !== 0)("that is root's is refused as such to whoever is not root", () => {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const asked = vi.spyOn(process, "geteuid").mockReturnValue(1234);
    try {
      const params = { path, fault: "of-root", reason: "owned by uid 0" };
      expect(() => openStateDirectory(path)).toThrow(
        expect.objectContaining({ code: "state-unsafe", params }),
      );
    } finally {
      asked.mockRestore();
    }
  });

  it("that is somebody's folder is refused, and left open as it is; one that is ours is closed", async () => {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    writeFileSync(join(path, "passwd"), "");
    expect(await failure(state.create("a", bytesOf("x")))).toEqual({
      code: "state-unsafe",
      params: { path, fault: "in-use", reason: "it holds other things: passwd" },
    });
    expect([modeOf(""), readdirSync(path)]).toEqual(["755", ["passwd"]]);
    rmSync(join(path, "passwd"));
    for (const name of ["runs", "lock", "clusters", "pending", "processes", "by-hand-0123"])
      mkdirSync(join(path, name));
    await state.create("a", bytesOf("x"));
    expect(modeOf("")).toBe("700");
  });

  describe("on a failing disk (fault 37)", () => {
    it("a failing sync is an error and is not asked again", async () => {
      await state.create("a", bytesOf("1\n"));
      let syncs = 0;
      const sync = (): void => {
        syncs += 1;
        throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "fdatasync" });
      };
      const failing = openStateDirectory(path, { sync });
      expect(await failure(failing.append("a", bytesOf("2\n")))).toEqual({
        code: "store-write-failed",
        params: { address: join(path, "a"), operation: "fsync", cause: "EIO" },
      });
      expect(syncs).toBe(1);
      expect((await failure(failing.create("b", bytesOf("x")))).code).toBe("store-write-failed");
      expect(readdirSync(path)).toEqual(["a"]);
    });

    it("an append that fails midway takes nothing back: another process may have appended behind it", async () => {
      await state.append("journal", bytesOf("1\n"));
      const fail = (point: string): void => {
        if (point !== "state.torn-append") return;
        // The thief's line, just as the old holder's second write fails.
        appendFileSync(join(path, "journal"), "\nthief\n");
        throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", syscall: "write" });
      };
      const old = openStateDirectory(path, { failpoints: { hit: fail } });
      await expect(old.append("journal", bytesOf("abcd\n"))).rejects.toThrow("ENOSPC");
      expect(textOf("journal")).toBe("1\nab\nthief\n");
    });
  });

  describe("killed", () => {
    let child: Child;
    beforeAll(() => {
      child = bundleChild(join(import.meta.dirname, "state-child.ts"));
    });
    afterAll(() => child.close());

    it("in the middle of an append has a torn last line and everything before it", async () => {
      await state.append("journal.jsonl", bytesOf("whole\n"));
      expect(child.run([path, "append"], { failpoint: "state.torn-append" }).signal).toBe("SIGKILL");
      expect(textOf("journal.jsonl")).toBe("whole\n01234");
    });

    it("after create has the whole file and nothing else", () => {
      expect(child.run([path, "create"], { failpoint: "state.after-create" }).signal).toBe("SIGKILL");
      expect(textOf("lock")).toBe("0123456789\n");
      expect(readdirSync(path)).toEqual(["lock"]);
      expect(child.run([path, "create"]).answer).toBe(false);
    });

    it("after keep has the copy with its mode", () => {
      expect(child.run([path, "keep"], { failpoint: "state.after-keep" }).signal).toBe("SIGKILL");
      expect(textOf("runs/r/before/m1/a")).toBe("0123456789\n");
      expect(modeOf("runs/r/before/m1/a")).toBe("644");
    });

    it("while creating may leave an unfinished file, which no list shows", async () => {
      await state.create("a", bytesOf("a"));
      writeFileSync(join(path, ".new-123-abc"), "half");
      expect(await state.list("")).toEqual(["a"]);
      expect(existsSync(join(path, ".new-123-abc"))).toBe(true);
    });
  });
});
