// Encrypted archives on disk: read back by their recipients and nobody else, never half, never over a file of somebody else.
import { createHash } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openArchives } from "../../../src/drivers/archive/archives.ts";
import { placeOf, refuseFull } from "../../../src/drivers/archive/target.ts";
import type { ArchiveRequest } from "../../../src/engine/ports/archives.ts";
import { decrypt, person, type Person, unpack } from "../../support/age.ts";
import { freshFolder } from "../../support/fixtures.ts";

const run = "20261122T160000Z-3f9a1c";
const at = 1_700_000_000_000;
const key = "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n";

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

interface Scene {
  readonly reader: Person;
  readonly out: string;
  readonly request: ArchiveRequest;
}

/** A run's folder with a key, a snapshot of more than one chunk and the files of a stopped member. */
async function scene(): Promise<Scene> {
  const [folder, out, reader] = [freshFolder(), freshFolder(), await person()];
  mkdirSync(join(folder, "before/m1/etc"), { recursive: true });
  chmodSync(join(folder, "before/m1/etc"), 0o751);
  writeFileSync(join(folder, "before/m1/etc/a.key"), key, { mode: 0o600 });
  const snapshot = Buffer.alloc(700_001, "etcd");
  writeFileSync(join(folder, "etcd-snapshot.db"), snapshot, { mode: 0o600 });
  mkdirSync(join(folder, "etcd-data/member/snap"), { recursive: true });
  writeFileSync(join(folder, "etcd-data/member/snap/db"), "db");
  const request: ArchiveRequest = {
    run,
    file: join(out, "a.tar.age"),
    recipients: [reader.recipient],
    own: [],
    top: `perennial-${run}`,
    folder,
    parts: [
      { form: "bytes", path: "manifest.json", bytes: Buffer.from("{}\n"), at },
      { form: "file", path: "before/m1/etc/a.key", sha256: sha256(key) },
      { form: "file", path: "etcd-snapshot.db", sha256: sha256(snapshot) },
      { form: "tree", path: "etcd-data" },
    ],
  };
  return { reader, out, request };
}

const archives = openArchives();

async function made({ request }: Scene) {
  const written = await archives.write(request);
  await archives.publish(written, request.own);
  return written;
}

describe("an encrypted archive", () => {
  it("gives every recipient what went in, and tar all of its modes", async () => {
    const here = await scene();
    const second = await person("hybrid");
    const recipients = [here.reader.recipient, second.recipient];
    const written = await made({ ...here, request: { ...here.request, recipients } });
    const bytes = readFileSync(here.request.file);
    expect(written).toMatchObject({ bytes: bytes.length, sha256: sha256(bytes), files: 4 });
    for (const reader of [here.reader, second]) {
      const folder = await unpack(here.request.file, reader);
      expect(readFileSync(join(folder, "before/m1/etc/a.key"), "utf8")).toBe(key);
      expect(readFileSync(join(folder, "etcd-snapshot.db")).equals(Buffer.alloc(700_001, "etcd"))).toBe(true);
      expect(readFileSync(join(folder, "etcd-data/member/snap/db"), "utf8")).toBe("db");
      expect(lstatSync(join(folder, "before/m1/etc")).mode & 0o777).toBe(0o751);
      expect(lstatSync(join(folder, "before/m1/etc/a.key")).mode & 0o777).toBe(0o600);
      expect(lstatSync(join(folder, "manifest.json")).mtimeMs).toBe(at);
    }
  });

  it("is 0600, alone in its folder, and has stanzas for its recipients only", async () => {
    const here = await scene();
    await made(here);
    expect(readdirSync(here.out)).toEqual(["a.tar.age"]);
    expect(lstatSync(here.request.file).mode & 0o777).toBe(0o600);
    const text = readFileSync(here.request.file, "latin1");
    expect(text.slice(0, text.indexOf("\n---")).match(/^-> /gm)).toHaveLength(1);
    await expect(decrypt(here.request.file, await person())).rejects.toThrow(/no identity matched/);
  });

  it("holds no file that is not what it is said to be, and leaves nothing behind then", async () => {
    const here = await scene();
    writeFileSync(join(here.request.folder, "before/m1/etc/a.key"), key.replace("abc", "abd"));
    await expect(archives.write(here.request)).rejects.toMatchObject({ code: "store-mismatch" });
    expect(readdirSync(here.out)).toEqual([]);
  });

  it("follows no link in the run's folder", async () => {
    const here = await scene();
    symlinkSync("/etc/hostname", join(here.request.folder, "plan.json"));
    const parts = [{ form: "file", path: "plan.json", sha256: null } as const];
    await expect(archives.write({ ...here.request, parts })).rejects.toMatchObject({
      code: "store-not-regular",
    });
  });

  it("takes what was kept from memory, with the mode and time of each file and the folders around it, and what streams in", async () => {
    const here = await scene();
    const bytes = Buffer.from(key);
    const attributes = { mode: 0o640, uid: 0, gid: 0, mtimeMs: 1_700_000_000_122 + 0.9997 };
    const folders = [
      { mode: 0o755, uid: 0, gid: 0 },
      { mode: 0o711, uid: 0, gid: 0 },
    ];
    const db = [Buffer.alloc(300_000, "a"), Buffer.alloc(5, "b")];
    const streamed = {
      form: "stream",
      path: "etcd-data/member/db",
      sizeBytes: 300_005,
      sha256: sha256(Buffer.concat(db)),
      at,
      read: async function* () {
        yield* db;
      },
    } as const;
    const kept = { form: "kept", sha256: sha256(bytes), bytes, attributes } as const;
    const parts = [
      { ...kept, path: "before/m1/etc/a.key", folders },
      { ...kept, path: "before/m2/etc/a.key", bytes: Buffer.alloc(0), sha256: sha256("") },
      streamed,
    ];
    const request = { ...here.request, parts };
    await made({ ...here, request });
    const folder = await unpack(here.request.file, here.reader);
    const look = (path: string): readonly [number, number] => {
      const { mode, mtimeMs } = lstatSync(join(folder, path));
      return [mode & 0o777, Math.floor(mtimeMs)];
    };
    expect(readFileSync(join(folder, "before/m1/etc/a.key"), "utf8")).toBe(key);
    expect(look("before/m1/etc/a.key")).toEqual([0o640, 1_700_000_000_122]);
    const modes = ["before", "before/m1", "before/m1/etc", "before/m2/etc", "etcd-data"].map(
      (path) => look(path)[0],
    );
    expect(modes).toEqual([0o700, 0o755, 0o711, 0o700, 0o700]);
    expect(readFileSync(join(folder, "before/m2/etc/a.key"))).toHaveLength(0);
    expect(readFileSync(join(folder, "etcd-data/member/db")).equals(Buffer.concat(db))).toBe(true);
    // What was kept is not what it is said to be; what streams in ends early, or has become another.
    for (const wrong of [
      { ...kept, path: "before/m1/a", sha256: sha256("") },
      { ...streamed, sizeBytes: 300_006 },
      { ...streamed, sizeBytes: 300_004 },
      { ...streamed, sha256: sha256("") },
    ])
      await expect(
        archives.write({ ...request, file: `${request.file}2`, parts: [wrong] }),
      ).rejects.toMatchObject({
        code: "store-mismatch",
        params: { address: `perennial-${run}/${wrong.path}` },
      });
    expect(readdirSync(here.out)).toEqual(["a.tar.age"]);
  });

  it("that the disk gives back otherwise is refused", async () => {
    const here = await scene();
    const name = join(here.out, `.perennial-${run}-0-a.tar.age`);
    const spoilt = openArchives({
      hit(point) {
        if (point !== "archive.after-write") return;
        const bytes = readFileSync(name);
        bytes[400_000]! ^= 1;
        writeFileSync(name, bytes);
      },
    });
    await expect(spoilt.write(here.request)).rejects.toMatchObject({
      code: "archive-damaged",
      params: { path: name },
    });
    expect(readdirSync(here.out)).toEqual([]);
  });

  it("replaces what a cut off try left, and an archive of its own run", async () => {
    const here = await scene();
    writeFileSync(join(here.out, `.perennial-${run}-0-a.tar.age`), "half");
    const first = await made(here);
    const request = { ...here.request, own: [first.sha256] };
    const second = await made({ ...here, request });
    expect(second.sha256).not.toBe(first.sha256);
    expect(sha256(readFileSync(here.request.file))).toBe(second.sha256);
  });

  it("never replaces a file of somebody else, whenever that came", async () => {
    const here = await scene();
    const own = [sha256("other")];
    const refused = {
      code: "archive-target",
      params: { path: here.request.file, problem: "exists", cause: "" },
    };
    const written = await archives.write({ ...here.request, own });
    writeFileSync(here.request.file, "theirs");
    await expect(archives.publish(written, own)).rejects.toMatchObject(refused);
    await archives.discard(written);
    await expect(archives.write({ ...here.request, own })).rejects.toMatchObject(refused);
    expect(readFileSync(here.request.file, "utf8")).toBe("theirs");
    expect(readdirSync(here.out)).toEqual(["a.tar.age"]);
  });

  it("stops at a signal without a trace", async () => {
    const here = await scene();
    const stop = new AbortController();
    const halted = openArchives({
      hit: (point) => void (point === "archive.after-first-bytes" && stop.abort("SIGTERM")),
    });
    await expect(halted.write(here.request, stop.signal)).rejects.toBe("SIGTERM");
    expect(readdirSync(here.out)).toEqual([]);
  });
});

describe("the place of an archive", () => {
  it("is a directory that is there, or a new file in one", () => {
    const out = freshFolder();
    expect(placeOf(out)).toEqual({ directory: out, name: null });
    expect(placeOf(`${out}/`)).toEqual({ directory: out, name: null });
    expect(placeOf(join(out, "b.tar.age"))).toEqual({ directory: out, name: "b.tar.age" });
  });

  it("is refused when it is missing, taken or no directory", () => {
    const out = freshFolder();
    const file = join(out, "there");
    writeFileSync(file, "");
    const refused = (path: string, where: string, problem: string, cause = ""): void =>
      expect(() => placeOf(path)).toThrow(
        expect.objectContaining({ code: "archive-target", params: { path: where, problem, cause } }) as Error,
      );
    refused(join(out, "no/where"), join(out, "no"), "missing");
    refused(join(out, "no/"), join(out, "no"), "missing");
    refused(file, file, "exists");
    refused(join(file, "below"), join(file, "below"), "not-a-directory", "ENOTDIR");
  });

  it("is refused when the disk has no room", () => {
    const out = freshFolder();
    expect(() => refuseFull(out, 2 ** 60)).toThrow(
      expect.objectContaining({
        code: "archive-full",
        params: { path: out, needed: 2 ** 60, free: expect.any(Number) },
      }) as Error,
    );
  });
});
