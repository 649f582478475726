// The store behind a shell in bad weather: links, devices, owners, labels, mounts, full disks, folders that are not safe.
import { execFileSync, spawnSync } from "node:child_process";
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
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileAddress } from "../../../src/core/model/address.ts";
import {
  openRemoteFileStore,
  type RemoteFileStore,
  type RemoteFileStoreOptions,
} from "../../../src/drivers/store/remote-files.ts";
import { bytesOf, failure, run, sha256, staging } from "../../contract/store-contract.ts";
import { hasShell, openLocalShell, type ShellName } from "../../support/local-shell.ts";
import { canMakeImmutable, canMount, leftOvers, makeTree, mount, treeOf, unmount } from "./files-support.ts";
import { describeMissingFolder } from "./missing-folder-suite.ts";

const fence = (): Promise<void> => Promise.resolve();
const isRoot = process.geteuid?.() === 0;
const mounting = canMount();
const immutable = canMakeImmutable();
const nobody = 65534;
const shells: readonly ShellName[] = ["dash", "busybox"];

describe.each(shells.filter(hasShell))("the remote file store, %s", (shell) => {
  const host = openLocalShell({ shell });
  const guest = openLocalShell({ shell, uid: nobody });
  afterAll(async () => {
    await host.close();
    await guest.close();
  });

  let root: string;
  let store: RemoteFileStore;
  const path = "/etc/kubernetes/pki/apiserver.key";
  const address = fileAddress("m1", path);
  const object = `file:m1:${path}`;
  const live = (): string => join(root, path);
  const open = (more: Partial<RemoteFileStoreOptions> = {}): RemoteFileStore =>
    openRemoteFileStore({ host, root, node: "m1", ...more });

  beforeEach(() => {
    root = makeTree();
    store = open();
    writeFileSync(live(), "old\n", { mode: 0o600 });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  async function replace(one: RemoteFileStore = store, more: Parameters<typeof staging>[1] = {}) {
    const found = await one.read(address);
    const expected = found.state === "present" ? found.sha256 : "absent";
    const staged = await one.stage(address, bytesOf("new\n"), staging(expected, more));
    return one.commit(staged, { fence });
  }

  function linkAt(target: string, where = path): void {
    rmSync(join(root, where), { force: true, recursive: true });
    symlinkSync(target, join(root, where));
  }

  function writeFailure(operation: string, cause: string): unknown {
    return { code: "store-write-failed", params: { address: object, operation, cause } };
  }

  async function foreseen(one: RemoteFileStore = store, bytes?: number): Promise<unknown> {
    const error = await one.preflight(address, bytes === undefined ? {} : { bytes });
    return error && { code: error.code, params: error.params };
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
      expect(staged.temporary).toBe(`/etc/kubernetes/.perennial-${run}-7-real.key`);
      await store.commit(staged, { fence });
      expect(lstatSync(live()).isSymbolicLink()).toBe(true);
      expect(readFileSync(join(root, "etc/kubernetes/real.key"), "utf8")).toBe("new\n");
      expect(leftOvers(root)).toEqual([]);
    });

    it("takes absolute targets below the root, and follows links of directories", async () => {
      renameSync(join(root, "etc/kubernetes/pki"), join(root, "etc/kubernetes/ssl"));
      symlinkSync("/etc/kubernetes/./ssl/", join(root, "etc/kubernetes/pki"));
      expect(await store.read(address)).toMatchObject({ link: "/etc/kubernetes/ssl/apiserver.key" });
      expect(await replace()).toBe("written");
      expect(readFileSync(join(root, "etc/kubernetes/ssl/apiserver.key"), "utf8")).toBe("new\n");
    });

    it("refuses a link that climbs out of the root, and reads nothing of this machine for one that is absolute", async () => {
      const target = "../../../../../../../../../../etc/hostname";
      linkAt(target);
      const refused = { code: "store-link-refused", params: { address: object, target } };
      expect(await failure(store.read(address))).toEqual(refused);
      expect(await failure(store.stage(address, bytesOf("x"), staging("absent")))).toEqual(refused);
      linkAt("/proc/self/environ");
      const danglingLink = "/proc/self/environ";
      expect(await store.read(address)).toEqual({ state: "absent", address, danglingLink });
    });

    it("reads through a link that leaves the trees and says so, but writes only into allowed ones", async () => {
      for (const folder of ["data", "data2"]) {
        mkdirSync(join(root, folder));
        writeFileSync(join(root, folder, "a.key"), "old\n", { mode: 0o600 });
      }
      linkAt("/data2/a.key");
      const before = treeOf(root);
      const allowed = open({ allowLinksTo: ["/data"] });
      expect(await allowed.read(address)).toMatchObject({ link: "/data2/a.key", linkLeavesTree: true });
      const refused = { code: "store-link-refused", params: { address: object, target: "/data2/a.key" } };
      expect(await failure(replace(allowed))).toEqual(refused);
      expect(await foreseen(allowed)).toEqual(refused);
      expect(treeOf(root)).toEqual(before);
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

    it("gives up on loops with ELOOP and on 41 links, not on 40", async () => {
      linkAt("apiserver.key");
      const loop = { code: "store-unreadable", params: { address: object, reason: "ELOOP" } };
      expect(await failure(store.read(address))).toMatchObject(loop);
      for (let index = 0; index < 41; index++) linkAt(`l${index + 1}`, `/etc/kubernetes/pki/l${index}`);
      writeFileSync(join(root, "etc/kubernetes/pki/l41"), "end\n");
      const from = (index: number) => store.read(fileAddress("m1", `/etc/kubernetes/pki/l${index}`));
      expect(await from(1)).toMatchObject({ bytes: bytesOf("end\n") });
      expect((await failure(from(0))).code).toBe("store-unreadable");
    });
  });

  it("says the type of what is no regular file, and never hangs (fault 10)", async () => {
    const types: Record<string, string> = { fifo: "fifo", "": "directory" };
    execFileSync("mkfifo", [join(root, "etc/kubernetes/fifo")]);
    if (isRoot) {
      execFileSync("mknod", [join(root, "etc/kubernetes/device"), "c", "1", "5"]);
      execFileSync("mknod", [join(root, "etc/kubernetes/block"), "b", "7", "99"]);
      Object.assign(types, { device: "character-device", block: "block-device" });
    }
    for (const [name, type] of Object.entries(types)) {
      const odd = fileAddress("m1", `/etc/kubernetes/${name}`);
      const expected = { code: "store-not-regular", params: { address: `file:m1:${odd.path}`, type } };
      const [read, stage] = await Promise.all([
        failure(store.read(odd)),
        failure(store.stage(odd, bytesOf("x"), staging("absent"))),
      ]);
      expect([read, stage]).toEqual([expected, expected]);
    }
    expect((await failure(store.read(fileAddress("m1", "/")))).params).toEqual({
      address: "file:m1:/",
      type: "directory",
    });
  });

  it("tells where a dangling link leads, and does not create there (fault 10)", async () => {
    linkAt("../gone/./deeper.key");
    const target = "/etc/kubernetes/gone/deeper.key";
    const seen = await store.read(address);
    expect(seen).toEqual({ state: "absent", address, danglingLink: target });
    const refused = await failure(store.stage(address, bytesOf("x"), staging("absent")));
    expect(refused.code).toBe("store-link-refused");
  });

  describeMissingFolder(() => ({ root, store }));

  it("tells absent from what cannot be looked at", async () => {
    const missing = fileAddress("m1", "/etc/none/of/this");
    expect(await store.read(missing)).toEqual({ state: "absent", address: missing, danglingLink: null });
    const reasons = await Promise.all(
      [`${path}/below`, `/etc/${"x".repeat(256)}`].map((bad) => failure(store.read(fileAddress("m1", bad)))),
    );
    expect(reasons).toMatchObject([
      { params: { reason: "ENOTDIR" } },
      { params: { reason: "ENAMETOOLONG" } },
    ]);
    for (const bad of ["/etc/a\0b", "/etc/../shadow", "etc/shadow", ""]) {
      expect((await failure(store.read(fileAddress("m1", bad)))).code).toBe("value-invalid");
    }
    const nowhere = store.stage(missing, bytesOf("x"), staging("absent"));
    expect((await failure(nowhere)).params).toMatchObject({ operation: "open-directory", cause: "ENOENT" });
    expect(await failure(open({ root: join(root, "none") }).read(address))).toEqual({
      code: "not-a-node",
      params: { root: join(root, "none") },
    });
    for (const wrong of [
      { ...address, node: "m2" },
      { ...address, entry: "e" },
    ]) {
      await expect(store.read(wrong)).rejects.toThrow(TypeError);
    }
  });

  it("lists names, and says null for what is no directory", async () => {
    for (const name of [".hidden", "with space", "a\nb", "ü", "*"])
      writeFileSync(join(dirname(live()), name), "");
    writeFileSync(Buffer.concat([Buffer.from(`${dirname(live())}/`), Buffer.from([0xff])]), "");
    const folder = fileAddress("m1", dirname(path));
    expect(await store.list(folder)).toEqual([
      "*",
      ".hidden",
      "a\nb",
      "apiserver.key",
      "with space",
      "ü",
      "\udcff",
    ]);
    expect(await store.list(fileAddress("m1", "/"))).toEqual(["etc"]);
    expect(await store.list(fileAddress("m1", "/none"))).toBeNull();
    expect(await store.list(address)).toBeNull();
  });

  describe("mode, owner, time, labels (fault 13)", () => {
    it("a key of 0644 ends 0600, with names that a shell would take apart", async () => {
      const odd = fileAddress("m1", `/etc/kubernetes/it's "a" $(key) \n-n *`);
      writeFileSync(join(root, odd.path), "old\n", { mode: 0o644 });
      const staged = await store.stage(odd, bytesOf("new\n"), staging(sha256("old\n")));
      expect(statSync(join(root, staged.temporary)).mode & 0o7777).toBe(0o600);
      await store.commit(staged, { fence });
      expect(await store.read(odd)).toMatchObject({ bytes: bytesOf("new\n"), attributes: { mode: 0o600 } });
    });

    it.skipIf(!isRoot)("keeps a foreign owner, also in a setgid directory of another group", async () => {
      chownSync(dirname(live()), 0, 4321);
      chmodSync(dirname(live()), 0o2755);
      chownSync(live(), 1234, 5678);
      await replace(store, { attributes: { mode: 0o640 } });
      const { uid, gid, mode } = statSync(live());
      expect({ uid, gid, mode: mode & 0o7777 }).toEqual({ uid: 1234, gid: 5678, mode: 0o640 });
      await store.remove(address, { expect: sha256("new\n"), fence });
      await replace();
      expect(statSync(live())).toMatchObject({ uid: 0, gid: 4321 });
    });

    it("restores a time: to the microsecond, or to the second where touch knows no better", async () => {
      const old = shell === "busybox" ? 1_700_000_000_000 : 1_700_000_000_123.457;
      utimesSync(live(), old / 1000 + 0.5e-6, old / 1000 + 0.5e-6);
      const before = await store.read(address);
      expect(before).toMatchObject({ attributes: { mtimeMs: old } });
      await replace();
      expect(statSync(live()).mtimeMs).toBeGreaterThan(old + 1000);
      const attributes = { mode: 0o600, mtimeMs: old };
      const back = await store.stage(address, bytesOf("old\n"), staging(sha256("new\n"), { attributes }));
      await store.commit(back, { fence });
      expect(await store.read(address)).toEqual(before);
    });

    // busybox has no getfattr, and no options of cp for labels.
    if (shell !== "busybox")
      it.skipIf(spawnSync("getfattr", ["--version"]).status !== 0)(
        "keeps labels, and restores those that are given",
        async () => {
          execFileSync("setfattr", ["-n", "user.note", "-v", "kept = it's\n", live()]);
          const note = Buffer.from("kept = it's\n").toString("base64");
          const before = await store.read(address, { labels: true });
          expect(before).toMatchObject({ attributes: { xattrs: { "user.note": note } } });
          await replace();
          expect(await store.read(address, { labels: true })).toMatchObject({
            bytes: bytesOf("new\n"),
            attributes: { xattrs: { "user.note": note } },
          });
          const xattrs = { "user.note": Buffer.from("other").toString("base64") };
          const attributes = { mode: 0o600, xattrs };
          const staged = await store.stage(
            address,
            bytesOf("new\n"),
            staging(sha256("new\n"), { attributes }),
          );
          expect(staged.unchanged).toBe(false);
          await store.commit(staged, { fence });
          expect(await store.read(address, { labels: true })).toMatchObject({ attributes: { xattrs } });
        },
      );

    it("gives the folders of a path before a write", async () => {
      chmodSync(join(root, "etc"), 0o751);
      const seen = await store.read(address, { labels: true });
      const folders = ["", "etc", "etc/kubernetes", "etc/kubernetes/pki"].map((folder) => {
        const { mode, uid, gid } = statSync(join(root, folder));
        return { mode: mode & 0o7777, uid, gid };
      });
      expect(seen).toMatchObject({ folders });
    });
  });

  describe("temporary files", () => {
    it("that somebody changed or removed are not made live", async () => {
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const temporary = join(root, staged.temporary);
      const unverified = (cause: string): unknown => writeFailure("verify-temporary", cause);
      writeFileSync(temporary, "bad\n");
      expect(await failure(store.commit(staged, { fence }))).toEqual(unverified("bytes-changed"));
      rmSync(temporary);
      symlinkSync("/etc/passwd", temporary);
      expect(await failure(store.commit(staged, { fence }))).toEqual(unverified("not-regular"));
      rmSync(temporary);
      expect(await failure(store.commit(staged, { fence }))).toEqual(unverified("ENOENT"));
      expect(readFileSync(live(), "utf8")).toBe("old\n");
    });

    it("are handed to a newer lock: the older name makes nothing live any more", async () => {
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const adopted = await store.adopt(staged, 9);
      expect(adopted.temporary).toBe(`/etc/kubernetes/pki/.perennial-${run}-9-apiserver.key`);
      expect(await store.adopt(staged, 9)).toEqual(adopted);
      // From a token in between, as after a crash during an earlier adoption.
      const later = await store.adopt(staged, 12);
      expect((await failure(store.commit(staged, { fence }))).code).toBe("store-write-failed");
      expect(await store.commit(later, { fence })).toBe("written");
      expect(readdirSync(dirname(live()))).toEqual(["apiserver.key"]);
      expect((await failure(store.adopt(staged, 13))).code).toBe("store-write-failed");
    });

    it("of newer tokens, other names and other directories survive a sweep", async () => {
      const names = [`.perennial-${run}-6-a`, `.perennial-${run}-8-a`, ".perennial-notes", "x.tmp"];
      for (const name of names) writeFileSync(join(dirname(live()), name), "");
      writeFileSync(join(root, "etc/kubernetes", `.perennial-${run}-1-a`), "");
      expect(await store.sweep([address, address], 8)).toEqual([`/etc/kubernetes/pki/.perennial-${run}-6-a`]);
      expect(readdirSync(dirname(live())).sort()).toEqual([...names.slice(1), "apiserver.key"].sort());
      expect(leftOvers(root)).toContain(`etc/kubernetes/.perennial-${run}-1-a`);
    });

    it("of a creation that died between its two names are finished by the next commit", async () => {
      rmSync(live());
      const staged = await store.stage(address, bytesOf("new\n"), staging("absent"));
      execFileSync("ln", [join(root, staged.temporary), live()]);
      expect(await store.commit(staged, { fence })).toBe("unchanged");
      expect(readdirSync(dirname(live()))).toEqual(["apiserver.key"]);
    });

    it("have room for the longest name", async () => {
      const long = fileAddress("m1", `/etc/kubernetes/${"ü".repeat(127)}`);
      const staged = await store.stage(long, bytesOf("x"), staging("absent"));
      expect(await store.commit(staged, { fence })).toBe("written");
      expect(readFileSync(join(root, long.path), "utf8")).toBe("x");
    });
  });

  describe("folders that others may write to", () => {
    it.skipIf(!isRoot)("are read, and refused for a change; a sticky one is not", async () => {
      const folder = join(root, "etc/kubernetes");
      const refused = (reason: string): unknown => writeFailure("open-directory", `${folder}: ${reason}`);
      chmodSync(folder, 0o775);
      const before = treeOf(root);
      expect((await store.read(address)).state).toBe("present");
      expect(await failure(replace())).toEqual(refused("owned by uid 0, mode 0775"));
      expect(await foreseen()).toEqual(refused("owned by uid 0, mode 0775"));
      expect(treeOf(root)).toEqual(before);
      chmodSync(folder, 0o755);
      chownSync(folder, 1234, 0);
      expect(await failure(replace())).toEqual(refused("owned by uid 1234, mode 0755"));
      chownSync(folder, 0, 0);
      chmodSync(folder, 0o1777);
      expect(await replace()).toBe("written");
    });
  });

  describe("failures on the way (faults 14, 37, 38)", () => {
    it("preflight changes nothing and has nothing to say where a write would do", async () => {
      const before = [treeOf(root), statSync(live()).mtimeMs, statSync(dirname(live())).mtimeMs];
      expect(await foreseen()).toBeNull();
      expect(await store.preflight(fileAddress("m1", "/etc/kubernetes/new.conf"))).toBeNull();
      expect([treeOf(root), statSync(live()).mtimeMs, statSync(dirname(live())).mtimeMs]).toEqual(before);
    });

    it.skipIf(!immutable.ok)(
      `chattr +i and +a are EPERM, found beforehand too (${immutable.reason})`,
      async () => {
        for (const flag of ["i", "a"]) {
          execFileSync("chattr", [`+${flag}`, live()]);
          try {
            expect(await foreseen()).toEqual(writeFailure("rename", "EPERM"));
            expect(await failure(replace())).toEqual(writeFailure("rename", "EPERM"));
          } finally {
            execFileSync("chattr", [`-${flag}`, live()]);
          }
        }
        expect(readFileSync(live(), "utf8")).toBe("old\n");
        expect(leftOvers(root)).toEqual([]);
      },
    );

    describe.skipIf(!mounting.ok)(`with mounts (${mounting.reason})`, () => {
      const mounted: string[] = [];
      afterEach(() => {
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
        expect(await foreseen()).toEqual(writeFailure("rename", "EBUSY"));
        expect(await failure(replace())).toEqual(writeFailure("rename", "EBUSY"));
        expect(readFileSync(other, "utf8")).toBe("old\n");
        expect(leftOvers(root)).toEqual([]);
      });

      it("a read-only file system is EROFS, found beforehand too", async () => {
        const folder = dirname(live());
        mountAt(folder, "--bind", folder);
        mount("-o", "remount,bind,ro", folder);
        expect(await foreseen()).toEqual(writeFailure("create", "EROFS"));
        expect(await failure(replace())).toEqual(writeFailure("create", "EROFS"));
      });

      it("a full disk is ENOSPC, found beforehand too, and leaves no temporary file (fault 37)", async () => {
        const folder = dirname(live());
        mountAt(folder, "-t", "tmpfs", "-o", "size=64k,mode=755", "tmpfs");
        writeFileSync(live(), "old\n", { mode: 0o600 });
        expect(await foreseen(store, 1000)).toBeNull();
        expect(await foreseen(store, 60_000)).toEqual(writeFailure("write", "ENOSPC"));
        const staged = store.stage(address, new Uint8Array(100_000), staging(sha256("old\n")));
        expect(await failure(staged)).toEqual(writeFailure("write", "ENOSPC"));
        expect(readdirSync(folder)).toEqual(["apiserver.key"]);
        expect(readFileSync(live(), "utf8")).toBe("old\n");
      });
    });

    describe("with programs that fail or are old", () => {
      const said: string[] = [];
      const strange = openLocalShell({
        shell,
        tamper: (script, input) => [`${said.join("\n")}\n${script}`, input],
      });
      afterAll(() => strange.close());
      afterEach(() => said.splice(0));

      it("a failing fsync is fatal and leaves nothing; that of the folder is told, though the bytes are live", async () => {
        const failing = "{ echo 'x: fsync failed: Input/output error' >&2; return 1; }";
        const before = treeOf(root);
        said.push(`dd() ${failing}`);
        expect(await failure(replace(open({ host: strange })))).toEqual(writeFailure("fsync", "EIO"));
        expect(treeOf(root)).toEqual(before);
        said.splice(0, 1, `sync() ${failing}`);
        expect(await failure(replace(open({ host: strange })))).toEqual(
          writeFailure("sync-directory", "EIO"),
        );
        expect(readFileSync(live(), "utf8")).toBe("new\n");
      });

      it("a disk that gives other bytes back is found out before the name is used", async () => {
        const expected = sha256("new\n");
        said.push("cat() { command cat >/dev/null; echo bad; }");
        expect(await failure(replace(open({ host: strange })))).toEqual({
          code: "store-mismatch",
          params: { address: object, expected, found: sha256("bad\n") },
        });
        expect(leftOvers(root)).toEqual([]);
      });

      it("a file that appears just before the new name is given is not overwritten", async () => {
        const old = open({ host: strange });
        rmSync(live());
        const staged = await old.stage(address, bytesOf("new\n"), staging("absent"));
        said.push('ln() { echo theirs >"$3"; command ln "$@"; }');
        expect(await failure(old.commit(staged, { fence }))).toEqual({
          code: "store-conflict",
          params: { address: object, expected: "absent", found: "present" },
        });
        expect(readFileSync(live(), "utf8")).toBe("theirs\n");
      });

      it("mv and ln without -T, sync without names: the same comes out", async () => {
        for (const name of ["mv", "ln"]) {
          said.push(
            `${name}() { case $1 in -*T*) echo "${name}: unrecognized option: T" >&2; return 1 ;; esac; command ${name} "$@"; }`,
          );
        }
        said.push("sync() { echo 'sync: ignoring all arguments' >&2; }");
        const old = open({ host: strange });
        expect(await replace(old)).toBe("written");
        await old.remove(address, { expect: sha256("new\n"), fence });
        const staged = await old.stage(address, bytesOf("new\n"), staging("absent"));
        mkdirSync(live());
        expect((await failure(old.commit(staged, { fence }))).code).toBe("store-not-regular");
        rmSync(live(), { recursive: true });
        expect(await old.commit(staged, { fence })).toBe("written");
        expect(readdirSync(dirname(live()))).toEqual(["apiserver.key"]);
      });
    });

    describe.skipIf(!isRoot)("as a user who may not (fault 38)", () => {
      const asGuest = (): RemoteFileStore => open({ host: guest });

      it("look: EACCES and not absent", async () => {
        chmodSync(dirname(live()), 0o700);
        const unreadable = { code: "store-unreadable", params: { address: object, reason: "EACCES" } };
        expect(await failure(asGuest().read(address))).toMatchObject(unreadable);
        expect(await failure(replace(asGuest()))).toMatchObject(unreadable);
        expect(await foreseen(asGuest())).toMatchObject(unreadable);
        const folder = fileAddress("m1", dirname(path));
        expect(await failure(asGuest().list(folder))).toMatchObject({ params: { reason: "EACCES" } });
      });

      it("write: preflight says so, and a try changes nothing", async () => {
        chmodSync(live(), 0o644);
        const before = treeOf(root);
        expect(await foreseen(asGuest())).toEqual(writeFailure("create", "EACCES"));
        expect(await failure(replace(asGuest()))).toEqual(writeFailure("create", "EACCES"));
        expect(treeOf(root)).toEqual(before);
      });

      it("give the owner back: EPERM, and nothing is left", async () => {
        chmodSync(live(), 0o644);
        chmodSync(dirname(live()), 0o1777);
        const before = treeOf(root);
        expect(await foreseen(asGuest())).toEqual(writeFailure("chown", "EPERM"));
        expect(await failure(replace(asGuest()))).toEqual(writeFailure("chown", "EPERM"));
        expect(treeOf(root)).toEqual(before);
      });

      it("but in a tree of his own he may", async () => {
        for (const entry of ["", "etc", "etc/kubernetes", "etc/kubernetes/pki", path])
          chownSync(join(root, entry), nobody, nobody);
        expect(await foreseen(asGuest())).toBeNull();
        expect(await replace(asGuest(), { attributes: { mode: 0o400 } })).toBe("written");
        expect(statSync(live())).toMatchObject({ uid: nobody, gid: nobody });
      });
    });
  });
});
