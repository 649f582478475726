// The copy of a stopped member's data as it is read from the host that has it: whole, in pieces, or not at all.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { remoteCopied } from "../../../src/drivers/health/remote-cold-copy.ts";
import { freshFolder } from "../../support/fixtures.ts";
import { openLocalShell } from "../../support/local-shell.ts";

const host = openLocalShell();
afterAll(() => host.close());

/** More than one piece, and not a whole number of them. */
const db = Buffer.alloc(4 * 2 ** 20 + 7, "etcd's data ");
const wal = Buffer.from("wal");
const folder = "/operator/runs/r1/etcd-data";

function hex(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** As the script leaves it, without its waiting for the disk. */
function copied() {
  const stateDirectory = freshFolder();
  const there = join(stateDirectory, "runs/r1/etcd-data");
  for (const each of ["member/snap", "member/wal"]) mkdirSync(join(there, each), { recursive: true });
  writeFileSync(join(there, "member/snap/db"), db);
  writeFileSync(join(there, "member/wal/0-0.wal"), wal);
  const list = `${hex(db)}  member/snap/db\n${hex(wal)}  member/wal/0-0.wal\n`;
  return { sum: hex(Buffer.from(list)), there, read: remoteCopied({ host, stateDirectory }) };
}

async function joined(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}

describe("a cold copy on a host", () => {
  it("is listed and streamed byte for byte; cut or changed meanwhile it is an error", async () => {
    const { sum, there, read } = copied();
    const files = await read(folder, sum);
    expect(files.map(({ name, bytes, sha256 }) => [name, bytes, sha256])).toEqual([
      ["member/snap/db", db.length, hex(db)],
      ["member/wal/0-0.wal", 3, hex(wal)],
    ]);
    const [first] = files;
    if (!first) throw new TypeError("no file");
    expect((await joined(first.read())).equals(db)).toBe(true);
    await expect(joined(first.read(AbortSignal.abort("SIGTERM")))).rejects.toBe("SIGTERM");
    writeFileSync(join(there, "member/snap/db"), "short");
    await expect(joined(first.read())).rejects.toMatchObject({ code: "command-failed" });
    await expect(read(folder, sum)).rejects.toMatchObject({
      code: "store-mismatch",
      params: { address: there, expected: sum },
    });
    await expect(read("/operator/runs/r2/etcd-data", sum)).rejects.toMatchObject({
      code: "store-mismatch",
    });
  });
});
