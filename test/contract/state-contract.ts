// The contract of state directories as a suite: private, durable, whole files or none. Every kind runs it.
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { StateDirectory } from "../../src/engine/ports/state.ts";
import { canMount, mount, unmount } from "../drivers/store/files-support.ts";
import { bytesOf, failure } from "./store-contract.ts";

const isRoot = process.geteuid?.() === 0;
const mounting = canMount();

/** `open` may refuse an unsafe directory at once or at its first use. */
export function describeStateDirectory(
  kind: string,
  open: (path: string) => StateDirectory,
  { rivals = 20, timeUnitMs = 0.5 }: { readonly rivals?: number; readonly timeUnitMs?: number } = {},
): void {
  describe(`state directory: ${kind}`, () => {
    let folder: string;
    let path: string;
    let state: StateDirectory;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "perennial-state-"));
      path = join(folder, "var/lib/perennial");
      state = open(path);
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    const modeOf = (file: string): string => (statSync(join(path, file)).mode & 0o7777).toString(8);
    const textOf = (file: string): string => readFileSync(join(path, file), "utf8");
    const ours = {
      uid: process.getuid!(),
      gid: process.getgid!(),
      mtimeMs: Math.floor(1_700_000_000_123.5 / timeUnitMs) * timeUnitMs,
      xattrs: {},
    };

    it("is not made by looking", async () => {
      expect(await state.read("lock")).toBeNull();
      expect(await state.list("runs")).toEqual([]);
      await state.remove("lock");
      expect(readdirSync(folder)).toEqual([]);
    });

    it("is made 0700 by the first write, its folders 0700, its files 0600", async () => {
      expect(await state.create("runs/r1/plan.json", bytesOf("{}"))).toBe(true);
      await state.append("runs/r1/journal.jsonl", bytesOf("1\n"));
      expect(["", "runs", "runs/r1", "runs/r1/plan.json", "runs/r1/journal.jsonl"].map(modeOf)).toEqual([
        "700",
        "700",
        "700",
        "600",
        "600",
      ]);
    });

    it("is closed to other readers by the first write when an earlier hand left it open", async () => {
      mkdirSync(path, { recursive: true, mode: 0o755 });
      expect(await state.read("a")).toBeNull();
      expect(modeOf("")).toBe("755");
      await state.create("a", bytesOf("a"));
      expect(modeOf("")).toBe("700");
    });

    it("reads what was written, to the byte", async () => {
      const bytes = Uint8Array.from({ length: 10_000 }, (_, index) => index & 0xff);
      await state.create("a", bytes);
      expect(await state.read("a")).toEqual(bytes);
    });

    it("creates only what does not exist, whole, and once among many", async () => {
      const tries = Array.from({ length: rivals }, (_, index) =>
        state.create("lock", bytesOf(`holder ${index}`)),
      );
      const created = (await Promise.all(tries)).flatMap((isCreated, index) => (isCreated ? [index] : []));
      expect(created).toHaveLength(1);
      expect(textOf("lock")).toBe(`holder ${created[0]}`);
      expect(await state.create("lock", bytesOf("late"))).toBe(false);
      expect(readdirSync(path)).toEqual(["lock"]);
    });

    it("appends, also across folders that are not there yet", async () => {
      await state.append("runs/r1/journal.jsonl", bytesOf("1\n"));
      await state.append("runs/r1/journal.jsonl", bytesOf("2\n"));
      expect(textOf("runs/r1/journal.jsonl")).toBe("1\n2\n");
    });

    it("renames over what is there", async () => {
      await state.create("lock.new", bytesOf("new"));
      await state.create("runs/lock", bytesOf("old"));
      await state.rename("lock.new", "runs/lock");
      expect(textOf("runs/lock")).toBe("new");
      expect(await state.list("")).toEqual(["runs"]);
    });

    it("removes files and whole folders, and does not mind absence", async () => {
      await state.create("runs/r1/plan.json", bytesOf("{}"));
      await state.create("runs/r2/plan.json", bytesOf("{}"));
      await state.remove("runs/r1");
      await state.remove("runs/r1");
      expect(await state.list("runs")).toEqual(["r2"]);
      await expect((async () => state.remove(""))()).rejects.toThrow(TypeError);
    });

    it("lists names sorted", async () => {
      for (const name of ["c", "a", "b"]) await state.create(`runs/${name}`, bytesOf(""));
      expect(await state.list("runs")).toEqual(["a", "b", "c"]);
    });

    it.skipIf(!isRoot)("keeps copies with mode, owner and time, as cp -a would", async () => {
      const attributes = { ...ours, mode: 0o640, uid: 1234, gid: 5678 };
      await state.keep("runs/r1/before/m1/etc/kubernetes/admin.conf", bytesOf("old"), attributes);
      const file = "runs/r1/before/m1/etc/kubernetes/admin.conf";
      const { uid, gid, mtimeMs } = statSync(join(path, file));
      expect({ uid, gid, mtimeMs, mode: modeOf(file) }).toEqual({
        uid: 1234,
        gid: 5678,
        mtimeMs: ours.mtimeMs,
        mode: "640",
      });
    });

    it("leaves an identical copy alone and replaces another", async () => {
      await state.keep("k", bytesOf("one"), { ...ours, mode: 0o600 });
      const { ino } = statSync(join(path, "k"));
      await state.keep("k", bytesOf("one"), { ...ours, mode: 0o600 });
      expect(statSync(join(path, "k")).ino).toBe(ino);
      await state.keep("k", bytesOf("two"), { ...ours, mode: 0o600 });
      expect(textOf("k")).toBe("two");
      expect(readdirSync(path)).toEqual(["k"]);
    });

    it("replaces a file that is there or not, 0600, and leaves identical bytes alone", async () => {
      await state.replace("runs/r1/journal.jsonl", bytesOf("one"));
      expect([textOf("runs/r1/journal.jsonl"), modeOf("runs/r1/journal.jsonl")]).toEqual(["one", "600"]);
      const { ino } = statSync(join(path, "runs/r1/journal.jsonl"));
      await state.replace("runs/r1/journal.jsonl", bytesOf("one"));
      expect(statSync(join(path, "runs/r1/journal.jsonl")).ino).toBe(ino);
      await state.replace("runs/r1/journal.jsonl", bytesOf("two"));
      expect(textOf("runs/r1/journal.jsonl")).toBe("two");
      expect(readdirSync(join(path, "runs/r1"))).toEqual(["journal.jsonl"]);
    });

    it("refuses paths that lead out", async () => {
      for (const bad of ["../x", "/etc/passwd", "a//b", "a/./b", "a/../../b", "a\0b"]) {
        await expect((async () => state.read(bad))()).rejects.toThrow(TypeError);
        await expect((async () => state.create(bad, bytesOf("x")))()).rejects.toThrow(TypeError);
      }
    });

    it("does not follow a link among its files", async () => {
      await state.create("a", bytesOf("a"));
      symlinkSync("/etc/hostname", join(path, "link"));
      expect((await failure(state.read("link"))).code).toBe("store-unreadable");
      expect((await failure(state.append("link", bytesOf("x")))).code).toBe("store-write-failed");
    });

    function reasonOf(): Promise<unknown> {
      return failure((async () => open(path).read("a"))());
    }

    describe("that is not safe", () => {
      it.each([0o770, 0o777, 0o707])("because others may write to it (%o) is refused", async (mode) => {
        mkdirSync(path, { recursive: true });
        chmodSync(path, mode);
        const params = { path, fault: "unsafe", reason: `mode 0${mode.toString(8)}` };
        expect(await reasonOf()).toEqual({ code: "state-unsafe", params });
      });

      it("because it or its parent is a link is refused", async () => {
        mkdirSync(join(folder, "var/lib"), { recursive: true });
        mkdirSync(join(folder, "elsewhere"));
        symlinkSync(join(folder, "elsewhere"), path);
        const reason = `link to ${join(folder, "elsewhere")}`;
        expect(await reasonOf()).toEqual({ code: "state-unsafe", params: { path, fault: "unsafe", reason } });
        rmSync(path);
        renameSync(join(folder, "var/lib"), join(folder, "lib"));
        symlinkSync("../lib", join(folder, "var/lib"));
        const parent = join(folder, "var/lib");
        expect(await reasonOf()).toEqual({
          code: "state-unsafe",
          params: { path: parent, fault: "unsafe", reason: "link to ../lib" },
        });
      });

      it.skipIf(!isRoot)("because another owns it is refused", async () => {
        mkdirSync(path, { recursive: true });
        chownSync(path, 1234, 0);
        expect(await reasonOf()).toEqual({
          code: "state-unsafe",
          params: { path, fault: "unsafe", reason: "owned by uid 1234" },
        });
      });

      it("since it was opened is refused at the next use, and nothing is written", async () => {
        await state.create("a", bytesOf("a"));
        chmodSync(path, 0o777);
        expect((await failure(state.append("a", bytesOf("b")))).code).toBe("state-unsafe");
        expect((await failure(state.read("a"))).code).toBe("state-unsafe");
        chmodSync(path, 0o700);
        expect(textOf("a")).toBe("a");
      });
    });

    it.skipIf(!mounting.ok)(
      `a full disk leaves no half file, and of an append at most its beginning (${mounting.reason})`,
      async () => {
        mkdirSync(path, { recursive: true });
        mount("-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", path);
        try {
          await state.append("journal", bytesOf("1\n"));
          const cause = "ENOSPC";
          for (const action of [
            state.append("journal", new Uint8Array(100_000)),
            state.create("plan", new Uint8Array(100_000)),
            state.keep("before", new Uint8Array(100_000), { ...ours, mode: 0o600 }),
          ]) {
            expect(await failure(action)).toMatchObject({
              code: "store-write-failed",
              params: { operation: "write", cause },
            });
          }
          expect(readdirSync(path)).toEqual(["journal"]);
          expect(textOf("journal")).toMatch(/^1\n\0*$/);
        } finally {
          unmount(path);
        }
      },
    );
  });
}
