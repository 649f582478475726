// The tar writer against the system's tar: names, sizes, owners, modes and times of every kind.
import { execFileSync } from "node:child_process";
import { lstatSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tarEnd, type TarEntry, tarHeader, tarPadding, tarSize } from "../../../src/drivers/archive/tar.ts";
import { untar } from "../../support/age.ts";
import { freshFolder } from "../../support/fixtures.ts";

const file: TarEntry = {
  path: "top/file",
  mode: 0o100640,
  uid: 0,
  gid: 0,
  mtimeNs: 1_700_000_000_000_000_000n,
  sizeBytes: 5,
};

function archiveOf(entries: readonly (TarEntry & { readonly bytes?: Uint8Array })[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap((entry) => [
      tarHeader(entry),
      entry.bytes ?? Buffer.alloc(0),
      tarPadding(entry.sizeBytes),
    ]),
    tarEnd,
  ]);
}

function tarSays(path: string, ...words: readonly string[]): readonly string[] {
  const all = ["-t", "--quoting-style=literal", ...words, "-f", path];
  return execFileSync("tar", all, { encoding: "utf8", env: { LC_ALL: "C.UTF-8" } })
    .slice(0, -1)
    .split("\n");
}

function saved(bytes: Uint8Array): string {
  const path = join(freshFolder(), "archive.tar");
  writeFileSync(path, bytes);
  return path;
}

/** Mode, owner, size, time, name. */
function details(path: string): readonly string[] {
  return tarSays(path, "-v", "--utc", "--numeric-owner", "--full-time").map((line) =>
    line.replaceAll(/ +/g, " "),
  );
}

describe("tar", () => {
  it("keeps bytes, mode and time", () => {
    const bytes = Buffer.from("hello");
    const folder = untar(
      archiveOf([
        { ...file, path: "top/", mode: 0o40750, sizeBytes: 0 },
        { ...file, mtimeNs: file.mtimeNs + 123_456_789n, bytes },
      ]),
    );
    expect(readFileSync(join(folder, "top/file"), "utf8")).toBe("hello");
    const { mode, mtimeNs } = lstatSync(join(folder, "top/file"), { bigint: true });
    expect([mode & 0o7777n, mtimeNs]).toEqual([0o640n, file.mtimeNs + 123_456_789n]);
    expect(lstatSync(join(folder, "top")).mode & 0o7777).toBe(0o750);
  });

  it("names an owner by number, also one that has no room in a header", () => {
    const entries = [
      { ...file, uid: 1000, gid: 2_097_151, bytes: Buffer.from("12345") },
      { ...file, path: "b", uid: 2_097_152, gid: 4_294_967_294, bytes: Buffer.from("12345") },
    ];
    expect(details(saved(archiveOf(entries)))).toEqual([
      "-rw-r----- 1000/2097151 5 2023-11-14 22:13:20 top/file",
      "-rw-r----- 2097152/4294967294 5 2023-11-14 22:13:20 b",
    ]);
  });

  it("says the size of a file of more than 8 GiB", () => {
    const header = tarHeader({ ...file, sizeBytes: 9 * 2 ** 30 });
    const path = saved(header);
    // A hole takes no room.
    truncateSync(path, header.length + 9 * 2 ** 30 + tarEnd.length);
    expect(details(path)).toEqual(["-rw-r----- 0/0 9663676416 2023-11-14 22:13:20 top/file"]);
  });

  it("keeps every name, however long, in any script", () => {
    const segment = fc.string({
      unit: fc.constantFrom("a", "Z", "0", ".", "-", "_", " ", "证", "é"),
      minLength: 1,
      maxLength: 60,
    });
    const path = fc
      .array(
        segment.filter((text) => !/^\.{1,2}$/.test(text)),
        { minLength: 1, maxLength: 6 },
      )
      .map((names) => names.join("/"));
    fc.assert(
      fc.property(fc.uniqueArray(path, { minLength: 1, maxLength: 4 }), (paths) => {
        const entries = paths.map((each) => ({ ...file, path: each, sizeBytes: 0 }));
        expect(tarSays(saved(archiveOf(entries)))).toEqual(paths);
      }),
      { numRuns: 30 },
    );
  });

  it("counts its size beforehand", () => {
    const entries = [
      { ...file, path: "t/", sizeBytes: 0 },
      { ...file, path: "x".repeat(300), sizeBytes: 513, bytes: Buffer.alloc(513) },
      { ...file, sizeBytes: 512, bytes: Buffer.alloc(512) },
    ];
    expect(tarSize(entries)).toBe(archiveOf(entries).length);
  });
});
