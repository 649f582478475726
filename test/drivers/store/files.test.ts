// The file store: the contract, then what only files have: links, devices, mounts, owners, full disks, kill -9.
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { fileAddress } from "../../../src/core/model/address.ts";
import { failpoints } from "../../../src/engine/failpoints.ts";
import { openFileStore, type FileStore, type FileStoreOptions } from "../../../src/drivers/store/files.ts";
import { bytesOf, describeStore, failure, run, sha256, staging } from "../../contract/store-contract.ts";
import {
  bundleChild,
  canMakeImmutable,
  canMount,
  leftOvers,
  makeTree,
  mount,
  startFileReader,
  treeOf,
  unmount,
  type Child,
} from "./files-support.ts";
import { describeMissingFolder } from "./missing-folder-suite.ts";

const fence = (): Promise<void> => Promise.resolve();
const isRoot = process.geteuid?.() === 0;
const mounting = canMount();
const immutable = canMakeImmutable();
const nobody = 65534;

describeStore("files", async () => {
  const root = makeTree();
  const store = openFileStore({ root, node: "m1" });
  const folder = join(root, "etc/kubernetes");
  return {
    store,
    address: (name) => fileAddress("m1", `/etc/kubernetes/${name}.conf`),
    seed: async (address, bytes, mode) => {
      writeFileSync(join(root, address.path), bytes);
      chmodSync(join(root, address.path), mode);
    },
    peek: async (address) => {
      try {
        return new Uint8Array(readFileSync(join(root, address.path)));
      } catch (error) {
        if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
        throw error;
      }
    },
    neighbours: async (address) => {
      const { [address.path.slice("/etc/kubernetes/".length)]: _, ...others } = treeOf(folder);
      return others;
    },
    startReader: (address) => startFileReader(join(root, address.path)),
    spoil: async (address) => mkdirSync(join(root, address.path)),
    close: async () => {
      store.close();
      rmSync(root, { recursive: true });
    },
  };
});

function openHandles(): number {
  return readdirSync("/proc/self/fd").length;
}

describe("the file store", () => {
  let root: string;
  let store: FileStore;
  const opened: FileStore[] = [];
  const path = "/etc/kubernetes/pki/apiserver.key";
  const address = fileAddress("m1", path);
  const object = `file:m1:${path}`;
  const live = (): string => join(root, path);

  function open(more: Partial<FileStoreOptions> = {}): FileStore {
    const another = openFileStore({ root, node: "m1", ...more });
    opened.push(another);
    return another;
  }

  beforeEach(() => {
    root = makeTree();
    store = open();
    writeFileSync(live(), "old\n", { mode: 0o600 });
  });

  afterEach(() => {
    for (const one of opened.splice(0)) one.close();
    rmSync(root, { recursive: true });
  });

  async function replace(one: FileStore = store, more: Parameters<typeof staging>[1] = {}): Promise<string> {
    const found = await one.read(address);
    const expected = found.state === "present" ? found.sha256 : "absent";
    const staged = await one.stage(address, bytesOf("new\n"), staging(expected, more));
    return one.commit(staged, { fence });
  }

  function notVerified(cause: string): unknown {
    return { code: "store-write-failed", params: { address: object, operation: "verify-temporary", cause } };
  }

  function linkAt(target: string, where = path): void {
    rmSync(join(root, where), { force: true, recursive: true });
    symlinkSync(target, join(root, where));
  }

  describe("links (fault 9)", () => {
    it("reads and writes through a link inside the trees, and leaves the link a link", async () => {
      writeFileSync(join(root, "etc/kubernetes/real.key"), "old\n", { mode: 0o600 });
      linkAt("../real.key");
      expect(await store.read(address)).toMatchObject({
        link: "/etc/kubernetes/real.key",
        linkLeavesTree: false,
      });
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      expect(dirname(staged.temporary)).toBe("/etc/kubernetes");
      await store.commit(staged, { fence });
      expect(lstatSync(live()).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(root, "etc/kubernetes/real.key"), "utf8")).toBe("new\n");
    });

    it("takes absolute targets as the node does, below the root", async () => {
      writeFileSync(join(root, "etc/kubernetes/real.key"), "inside\n");
      linkAt("/etc/kubernetes/real.key");
      expect(await store.read(address)).toMatchObject({
        bytes: bytesOf("inside\n"),
        link: "/etc/kubernetes/real.key",
      });
    });

    it("follows links of directories", async () => {
      renameSync(join(root, "etc/kubernetes/pki"), join(root, "etc/kubernetes/ssl"));
      symlinkSync("ssl", join(root, "etc/kubernetes/pki"));
      expect(await store.read(address)).toMatchObject({ link: "/etc/kubernetes/ssl/apiserver.key" });
      expect(await replace()).toBe("written");
      expect(readFileSync(join(root, "etc/kubernetes/ssl/apiserver.key"), "utf8")).toBe("new\n");
      expect(await store.sweep([address], 99)).toEqual([]);
    });

    it("refuses a link that climbs out of the root with ..", async () => {
      linkAt("../../../../../../../../../../etc/hostname");
      const target = "../../../../../../../../../../etc/hostname";
      const expected = { code: "store-link-refused", params: { address: object, target } };
      expect(await failure(store.read(address))).toEqual(expected);
      expect(await failure(store.stage(address, bytesOf("x"), staging("absent")))).toEqual(expected);
    });

    it("never reads this machine's file for an absolute link out of the root", async () => {
      linkAt("/proc/self/environ");
      expect(await store.read(address)).toEqual({
        state: "absent",
        address,
        danglingLink: "/proc/self/environ",
      });
    });

    it("reads through a link that leaves the trees and says so, but does not write through it", async () => {
      mkdirSync(join(root, "data"));
      writeFileSync(join(root, "data/apiserver.key"), "old\n", { mode: 0o600 });
      linkAt("/data/apiserver.key");
      const before = treeOf(root);
      expect(await store.read(address)).toMatchObject({ link: "/data/apiserver.key", linkLeavesTree: true });
      const refused = {
        code: "store-link-refused",
        params: { address: object, target: "/data/apiserver.key" },
      };
      expect(await failure(store.stage(address, bytesOf("new\n"), staging(sha256("old\n"))))).toEqual(
        refused,
      );
      const error = await store.preflight(address);
      expect({ code: error?.code, params: error?.params }).toEqual(refused);
      expect(treeOf(root)).toEqual(before);
    });

    it("writes through it when the tree is allowed, and only that tree", async () => {
      mkdirSync(join(root, "data"));
      mkdirSync(join(root, "data2"));
      for (const folder of ["data", "data2"])
        writeFileSync(join(root, folder, "a.key"), "old\n", { mode: 0o600 });
      const allowed = open({ allowLinksTo: ["/data"] });
      linkAt("/data2/a.key");
      expect(await allowed.read(address)).toMatchObject({ linkLeavesTree: true });
      linkAt("/data/a.key");
      expect(await replace(allowed)).toBe("written");
      expect(readFileSync(join(root, "data/a.key"), "utf8")).toBe("new\n");
    });

    it("refuses to commit when a parent became a link out of the trees after staging", async () => {
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      mkdirSync(join(root, "evil"));
      renameSync(join(root, "etc/kubernetes/pki"), join(root, "evil/pki"));
      symlinkSync("/evil/pki", join(root, "etc/kubernetes/pki"));
      expect((await failure(store.commit(staged, { fence }))).code).toBe("store-link-refused");
      expect(readFileSync(join(root, "evil/pki/apiserver.key"), "utf8")).toBe("old\n");
    });

    it("notices between two reads that a directory was replaced", async () => {
      await store.read(address);
      renameSync(join(root, "etc/kubernetes/pki"), join(root, "etc/kubernetes/pki.bak"));
      expect(await store.read(address)).toEqual({ state: "absent", address, danglingLink: null });
      mkdirSync(join(root, "etc/kubernetes/pki"));
      writeFileSync(live(), "another\n");
      expect(await store.read(address)).toMatchObject({ bytes: bytesOf("another\n") });
    });

    it("gives up on loops with ELOOP and on 41 links, not on 40", async () => {
      linkAt("apiserver.key");
      const loop = { code: "store-unreadable", params: { address: object, reason: "ELOOP" } };
      expect(await failure(store.read(address))).toMatchObject(loop);
      for (let index = 0; index < 41; index++) linkAt(`l${index + 1}`, `/etc/kubernetes/pki/l${index}`);
      writeFileSync(join(root, "etc/kubernetes/pki/l41"), "end\n");
      const from = (index: number): ReturnType<FileStore["read"]> =>
        store.read(fileAddress("m1", `/etc/kubernetes/pki/l${index}`));
      expect(await from(1)).toMatchObject({ bytes: bytesOf("end\n") });
      expect((await failure(from(0))).code).toBe("store-unreadable");
    });
  });

  describe("what is no regular file (fault 10)", () => {
    it("is refused with its type and never hangs", async () => {
      const started = performance.now();
      const types = { fifo: "fifo", device: "character-device", block: "block-device" } as const;
      execFileSync("mkfifo", [join(root, "etc/kubernetes/fifo")]);
      if (isRoot) {
        execFileSync("mknod", [join(root, "etc/kubernetes/device"), "c", "1", "5"]);
        execFileSync("mknod", [join(root, "etc/kubernetes/block"), "b", "7", "99"]);
      }
      for (const [name, type] of Object.entries(types)) {
        if (!isRoot && name !== "fifo") continue;
        const odd = fileAddress("m1", `/etc/kubernetes/${name}`);
        const params = { address: `file:m1:${odd.path}`, type };
        expect(await failure(store.read(odd))).toEqual({ code: "store-not-regular", params });
        const staging10 = store.stage(odd, bytesOf("x"), staging("absent"));
        expect(await failure(staging10)).toEqual({ code: "store-not-regular", params });
      }
      for (const odd of ["/etc/kubernetes", "/"]) {
        const params = { address: `file:m1:${odd}`, type: "directory" };
        expect(await failure(store.read(fileAddress("m1", odd)))).toEqual({
          code: "store-not-regular",
          params,
        });
      }
      expect(performance.now() - started).toBeLessThan(2000);
    });

    it("says socket for a socket", async () => {
      const server = createServer();
      await new Promise<void>((resolve) => {
        server.listen(join(root, "etc/kubernetes/s"), resolve);
      });
      const error = await failure(store.read(fileAddress("m1", "/etc/kubernetes/s")));
      await new Promise((resolve) => {
        server.close(resolve);
      });
      expect(error).toMatchObject({ code: "store-not-regular", params: { type: "socket" } });
    });

    it("tells where a dangling link leads, and does not create there", async () => {
      linkAt("../gone/deeper.key");
      const target = "/etc/kubernetes/gone/deeper.key";
      expect(await store.read(address)).toEqual({ state: "absent", address, danglingLink: target });
      const refused = await failure(store.stage(address, bytesOf("x"), staging("absent")));
      expect(refused).toEqual({ code: "store-link-refused", params: { address: object, target } });
    });
  });

  describeMissingFolder(() => ({ root, store }));

  describe("absent and unreadable", () => {
    it("a missing parent is absent, a file as a parent is an error", async () => {
      const missing = fileAddress("m1", "/etc/none/of/this");
      expect(await store.read(missing)).toEqual({ state: "absent", address: missing, danglingLink: null });
      const below = fileAddress("m1", `${path}/below`);
      expect(await failure(store.read(below))).toMatchObject({
        code: "store-unreadable",
        params: { reason: "ENOTDIR" },
      });
    });

    it("does not make directories elsewhere: staging into a missing one fails and names it", async () => {
      const missing = fileAddress("m1", "/etc/none/a.key");
      expect(await failure(store.stage(missing, bytesOf("x"), staging("absent")))).toEqual({
        code: "store-write-failed",
        params: { address: "file:m1:/etc/none/a.key", operation: "open-directory", cause: "ENOENT" },
      });
    });

    it("names too long, NUL, dots and relative paths are errors", async () => {
      const long = fileAddress("m1", `/etc/${"x".repeat(256)}`);
      expect(await failure(store.read(long))).toMatchObject({
        code: "store-unreadable",
        params: { reason: "ENAMETOOLONG" },
      });
      for (const bad of ["/etc/a\0b", "/etc/../shadow", "etc/shadow", "/etc/./a", ""]) {
        expect((await failure(store.read(fileAddress("m1", bad)))).code).toBe("value-invalid");
      }
    });

    it("a root that is no directory is an error and not an empty node", () => {
      for (const bad of [join(root, "none"), live()]) {
        expect(() => openFileStore({ root: bad, node: "m1" })).toThrow(
          expect.objectContaining({ code: "not-a-node" }),
        );
      }
    });

    it("other stores, other nodes and entries are the caller's mistake", async () => {
      for (const wrong of [
        { ...address, store: "sql" },
        { ...address, node: "m2" },
        { ...address, entry: "e" },
      ]) {
        await expect(store.read(wrong)).rejects.toThrow(TypeError);
        await expect(store.stage(wrong, bytesOf("x"), staging("absent"))).rejects.toThrow(TypeError);
      }
    });

    it("an empty and a truncated file are present with what they hold (fault 11)", async () => {
      writeFileSync(live(), "");
      expect(await store.read(address)).toMatchObject({ state: "present", bytes: new Uint8Array() });
      writeFileSync(live(), "-----BEGIN RSA");
      expect(await store.read(address)).toMatchObject({ bytes: bytesOf("-----BEGIN RSA") });
    });

    it("stops at the limit, 1 MiB by default, whatever the size says (fault 39)", async () => {
      execFileSync("truncate", ["-s", "100M", live()]);
      const started = performance.now();
      expect(await failure(store.read(address))).toEqual({
        code: "store-too-large",
        params: { address: object, bytes: 100 * 1024 * 1024, limitBytes: 1024 * 1024 },
      });
      expect(performance.now() - started).toBeLessThan(10_000);
    });

    it("stops at the limit while reading a file that claims to be empty", async () => {
      const machine = openFileStore({ root: "/", node: "m1" });
      opened.push(machine);
      const endless = fileAddress("m1", "/proc/self/mountinfo");
      expect(await failure(machine.read(endless, { limitBytes: 10 }))).toMatchObject({
        code: "store-too-large",
        params: { limitBytes: 10 },
      });
      expect((await machine.read(endless)).state).toBe("present");
    });
  });

  describe("mode, owner, time (fault 13)", () => {
    it("a key of 0644 ends 0600, and the old mode was reported", async () => {
      chmodSync(live(), 0o644);
      expect(await store.read(address)).toMatchObject({ attributes: { mode: 0o644 } });
      await replace();
      expect(statSync(live()).mode & 0o7777).toBe(0o600);
    });

    it.skipIf(!isRoot)("keeps a foreign owner, also in a setgid directory of another group", async () => {
      chownSync(join(root, "etc/kubernetes/pki"), 0, 4321);
      chmodSync(join(root, "etc/kubernetes/pki"), 0o2755);
      chownSync(live(), 1234, 5678);
      await replace(store, { attributes: { mode: 0o640 } });
      const { uid, gid, mode } = statSync(live());
      expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 5678, mode: 0o640 });
    });

    it.skipIf(!isRoot)("leaves a new file in a setgid directory the directory's group", async () => {
      chownSync(join(root, "etc/kubernetes/pki"), 0, 4321);
      chmodSync(join(root, "etc/kubernetes/pki"), 0o2755);
      rmSync(live());
      await replace();
      expect(statSync(live())).toMatchObject({ uid: 0, gid: 4321 });
    });

    it.skipIf(!isRoot)("sets the owner that is asked for", async () => {
      await replace(store, { attributes: { mode: 0o600, uid: 11, gid: 12 } });
      expect(statSync(live())).toMatchObject({ uid: 11, gid: 12 });
    });

    it("gives a new time by default and restores an old one to the microsecond", async () => {
      const old = 1_700_000_000_123.457;
      utimesSync(live(), old / 1000 + 0.5e-6, old / 1000 + 0.5e-6);
      const before = await store.read(address);
      expect(before).toMatchObject({ attributes: { mtimeMs: old } });
      await replace();
      expect(statSync(live()).mtimeMs).toBeGreaterThan(old + 1000);
      const back = await store.stage(address, bytesOf("old\n"), {
        ...staging(sha256("new\n")),
        attributes: { mode: 0o600, mtimeMs: old },
      });
      await store.commit(back, { fence });
      expect(await store.read(address)).toEqual(before);
    });

    it("the temporary file is 0600 before its first byte and complete before its name (fault 13)", async () => {
      const seen: string[] = [];
      const watching = open({
        failpoints: {
          hit(point) {
            const name = readdirSync(dirname(live())).find((entry) => entry.startsWith(".perennial-"));
            if (name === undefined) return;
            const stats = statSync(join(dirname(live()), name));
            seen.push(`${point} ${(stats.mode & 0o7777).toString(8)} ${stats.size}`);
          },
        },
      });
      await replace(watching, { attributes: { mode: 0o644 } });
      expect(seen).toEqual([
        "file.after-open-temporary 600 0",
        "file.after-first-bytes 600 2",
        "file.after-write 600 4",
        "file.after-attributes 644 4",
        "file.after-sync 644 4",
        "file.after-read-back 644 4",
        "file.before-rename 644 4",
      ]);
    });
  });

  describe("temporary files", () => {
    it("lie beside the target and start with a dot, so that the kubelet does not run them (field note 12)", async () => {
      const manifest = fileAddress("m1", "/etc/kubernetes/manifests/etcd.yaml");
      mkdirSync(join(root, "etc/kubernetes/manifests"));
      const staged = await store.stage(manifest, bytesOf("x"), staging("absent"));
      expect(staged.temporary).toBe(`/etc/kubernetes/manifests/.perennial-${run}-7-etcd.yaml`);
      await store.discard(staged);
      expect(leftOvers(root)).toEqual([]);
    });

    it("have room for the longest name", async () => {
      const long = fileAddress("m1", `/etc/kubernetes/${"ü".repeat(127)}`);
      const staged = await store.stage(long, bytesOf("x"), staging("absent"));
      expect(await store.commit(staged, { fence })).toBe("written");
      expect(readFileSync(join(root, long.path), "utf8")).toBe("x");
    });

    it("that somebody changed or removed are not made live", async () => {
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const temporary = join(root, staged.temporary);
      writeFileSync(temporary, "bad\n");
      expect(await failure(store.commit(staged, { fence }))).toEqual(notVerified("bytes-changed"));
      rmSync(temporary);
      symlinkSync("/etc/passwd", temporary);
      expect(await failure(store.commit(staged, { fence }))).toEqual(notVerified("not-regular"));
      rmSync(temporary);
      expect(await failure(store.commit(staged, { fence }))).toEqual(notVerified("ENOENT"));
      expect(readFileSync(live(), "utf8")).toBe("old\n");
    });

    it("discard never removes a file that is none of ours", async () => {
      const staged = { object, temporary: path, expect: "absent", sha256: sha256("x"), unchanged: false };
      expect((await failure(store.discard(staged))).code).toBe("value-invalid");
      expect(readFileSync(live(), "utf8")).toBe("old\n");
    });

    it("of newer tokens, other names and other directories survive a sweep", async () => {
      const names = [`.perennial-${run}-6-a`, `.perennial-${run}-8-a`, ".perennial-notes", "x.tmp"];
      for (const name of names) writeFileSync(join(dirname(live()), name), "");
      writeFileSync(join(root, "etc/kubernetes", `.perennial-${run}-1-a`), "");
      expect(await store.sweep([address, address], 8)).toEqual([`/etc/kubernetes/pki/.perennial-${run}-6-a`]);
      expect(readdirSync(dirname(live())).sort()).toEqual([...names.slice(1), "apiserver.key"].sort());
      expect(leftOvers(root)).toContain(`etc/kubernetes/.perennial-${run}-1-a`);
    });

    it("a creation that died between its two names is finished by the next commit", async () => {
      rmSync(live());
      const staged = await store.stage(address, bytesOf("new\n"), staging("absent"));
      execFileSync("ln", [join(root, staged.temporary), live()]);
      expect(await store.commit(staged, { fence })).toBe("unchanged");
      expect(readdirSync(dirname(live()))).toEqual(["apiserver.key"]);
    });
  });

  describe("failures on the way (faults 14, 37, 38)", () => {
    it("a failing fsync is fatal, asked once, and leaves nothing (fault 37)", async () => {
      let syncs = 0;
      const sync = (): void => {
        syncs += 1;
        throw Object.assign(new Error("EIO: i/o error, fsync"), { code: "EIO", syscall: "fsync" });
      };
      const before = treeOf(root);
      expect(await failure(replace(open({ sync })))).toEqual({
        code: "store-write-failed",
        params: { address: object, operation: "fsync", cause: "EIO" },
      });
      expect(syncs).toBe(1);
      expect(treeOf(root)).toEqual(before);
    });

    it("a failing fsync of the directory is told, though the new bytes are live (fault 37)", async () => {
      let syncs = 0;
      const sync = (): void => {
        syncs += 1;
        if (syncs === 2) throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "fsync" });
      };
      expect(await failure(replace(open({ sync })))).toEqual({
        code: "store-write-failed",
        params: { address: object, operation: "sync-directory", cause: "EIO" },
      });
      expect(readFileSync(live(), "utf8")).toBe("new\n");
    });

    it("an error at any point of staging removes the temporary file and is the one thrown", async () => {
      const points = failpoints.filter((point) =>
        /^file\.after-(open|first|write|attr|sync|read)/.test(point),
      );
      expect(points).toHaveLength(6);
      for (const point of points) {
        const broken = new Error(point);
        const hit = (here: string): void => {
          if (here === point) throw broken;
        };
        await expect(replace(open({ failpoints: { hit } }))).rejects.toBe(broken);
        expect(readdirSync(dirname(live()))).toEqual(["apiserver.key"]);
      }
    });

    it.skipIf(!immutable.ok)(`chattr +i is EPERM, found beforehand too (${immutable.reason})`, async () => {
      execFileSync("chattr", ["+i", live()]);
      try {
        const failed = {
          code: "store-write-failed",
          params: { address: object, operation: "rename", cause: "EPERM" },
        };
        const error = await store.preflight(address);
        expect({ code: error?.code, params: error?.params }).toEqual(failed);
        expect(await failure(replace())).toEqual(failed);
      } finally {
        execFileSync("chattr", ["-i", live()]);
      }
      expect(readFileSync(live(), "utf8")).toBe("old\n");
      expect(leftOvers(root)).toEqual([]);
    });

    describe.skipIf(!mounting.ok)(`with mounts (${mounting.reason})`, () => {
      const mounted: string[] = [];
      afterEach(() => {
        // Kept directory handles keep a mount busy.
        for (const one of opened.splice(0)) one.close();
        for (const point of mounted.splice(0).reverse()) unmount(point);
      });
      function mountAt(point: string, ...args: readonly string[]): void {
        mount(...args, point);
        mounted.push(point);
      }

      it("a bind-mounted single file is EBUSY, found beforehand too, and never written in place", async () => {
        const other = join(root, "other.key");
        writeFileSync(other, "old\n", { mode: 0o600 });
        mountAt(live(), "--bind", other);
        const failed = {
          code: "store-write-failed",
          params: { address: object, operation: "rename", cause: "EBUSY" },
        };
        const error = await store.preflight(address);
        expect({ code: error?.code, params: error?.params }).toEqual(failed);
        expect(await failure(replace())).toEqual(failed);
        expect(readFileSync(other, "utf8")).toBe("old\n");
        expect(leftOvers(root)).toEqual([]);
      });

      it("a read-only file system is EROFS, found beforehand too", async () => {
        const folder = dirname(live());
        mountAt(folder, "--bind", folder);
        mount("-o", "remount,bind,ro", folder);
        const params = { address: object, operation: "create", cause: "EROFS" };
        const error = await store.preflight(address);
        expect({ code: error?.code, params: error?.params }).toEqual({ code: "store-write-failed", params });
        expect(await failure(replace())).toEqual({ code: "store-write-failed", params });
      });

      it("a full disk is ENOSPC, found beforehand too, and leaves no temporary file (fault 37)", async () => {
        const folder = dirname(live());
        mountAt(folder, "-t", "tmpfs", "-o", "size=64k", "tmpfs");
        writeFileSync(live(), "old\n", { mode: 0o600 });
        const params = { address: object, operation: "write", cause: "ENOSPC" };
        expect(await store.preflight(address, { bytes: 1000 })).toBeNull();
        const error = await store.preflight(address, { bytes: 60_000 });
        expect({ code: error?.code, params: error?.params }).toEqual({ code: "store-write-failed", params });
        const staged = store.stage(address, new Uint8Array(100_000), staging(sha256("old\n")));
        expect(await failure(staged)).toEqual({ code: "store-write-failed", params });
        expect(readdirSync(folder)).toEqual(["apiserver.key"]);
        expect(readFileSync(live(), "utf8")).toBe("old\n");
      });
    });

    it("preflight changes nothing and has nothing to say where a write would do", async () => {
      const before = [treeOf(root), statSync(live()).mtimeMs, statSync(dirname(live())).mtimeMs];
      expect(await store.preflight(address)).toBeNull();
      expect(await store.preflight(fileAddress("m1", "/etc/kubernetes/new.conf"))).toBeNull();
      expect([treeOf(root), statSync(live()).mtimeMs, statSync(dirname(live())).mtimeMs]).toEqual(before);
    });
  });

  describe("in a process of its own", () => {
    let child: Child;
    beforeAll(() => {
      child = bundleChild(join(import.meta.dirname, "files-child.ts"));
    });
    afterAll(() => child.close());

    const points = failpoints.filter((point) => point.startsWith("file."));

    for (const isCreation of [false, true]) {
      for (const point of points) {
        const what = isCreation ? "creating" : "replacing";
        it(`killed at ${point} while ${what}: whole old or whole new, and the next start sweeps (fault 30)`, async () => {
          if (isCreation) rmSync(live());
          const end = child.run([root, path, "replace"], { failpoint: point });
          expect(end.signal, end.stderr).toBe("SIGKILL");
          const isNew = point === "file.after-rename" || point === "file.after-directory-sync";
          const found = await store.read(address);
          const old = isCreation ? "absent" : sha256("old\n");
          const revision = found.state === "present" ? found.sha256 : "absent";
          expect(revision).toBe(isNew ? sha256("new\n".repeat(1000)) : old);
          expect(await store.sweep([address], 8)).toHaveLength(isNew ? 0 : 1);
          expect(readdirSync(dirname(live()))).toEqual(isCreation && !isNew ? [] : ["apiserver.key"]);
          expect(await replace(store, { token: 8 })).toBe("written");
        });
      }
    }

    it("not killed, it writes", () => {
      expect(child.run([root, path, "replace"]).answer).toBe("written");
    });

    it.skipIf(!isRoot)("without permission to look it says EACCES and not absent (fault 38)", () => {
      chmodSync(dirname(live()), 0o700);
      for (const verb of ["read", "preflight", "replace"]) {
        expect(child.run([root, path, verb], { uid: nobody }).answer).toMatchObject({
          code: "store-unreadable",
          params: { reason: "EACCES" },
        });
      }
    });

    it.skipIf(!isRoot)(
      "without permission to write preflight says so, and a try changes nothing (fault 38)",
      () => {
        chmodSync(live(), 0o644);
        const before = treeOf(root);
        for (const verb of ["preflight", "replace"]) {
          expect(child.run([root, path, verb], { uid: nobody }).answer).toEqual({
            code: "store-write-failed",
            params: { address: object, operation: "create", cause: "EACCES" },
          });
        }
        expect(treeOf(root)).toEqual(before);
      },
    );

    it.skipIf(!isRoot)(
      "without the right to give the owner back it fails and leaves nothing (fault 38)",
      () => {
        chmodSync(live(), 0o644);
        chmodSync(dirname(live()), 0o777);
        const before = treeOf(root);
        for (const verb of ["preflight", "replace"]) {
          expect(child.run([root, path, verb], { uid: nobody }).answer).toEqual({
            code: "store-write-failed",
            params: { address: object, operation: "chown", cause: "EPERM" },
          });
        }
        expect(treeOf(root)).toEqual(before);
      },
    );
  });

  it("reads forty files with no handle left open after close", async () => {
    const addresses = Array.from({ length: 40 }, (_, index) =>
      fileAddress("m1", `/etc/kubernetes/pki/${index % 4 === 0 ? "etcd/" : ""}${index}.crt`),
    );
    mkdirSync(join(root, "etc/kubernetes/pki/etcd"));
    for (const one of addresses) writeFileSync(join(root, one.path), "x".repeat(1500));
    const before = openHandles();
    const reading = openFileStore({ root, node: "m1" });
    for (const one of addresses) await reading.read(one);
    reading.close();
    expect(openHandles()).toBe(before);
  });
});
