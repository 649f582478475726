// An encrypted backup killed by SIGKILL at every place; then resumed, and taken back, also when its place is gone.
import { lstatSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { archiveFailpoints } from "../../src/engine/failpoints.ts";
import { person, unpack } from "../support/age.ts";
import { freshFolder } from "../support/fixtures.ts";
import {
  expectNoKeys,
  expectRolledBack,
  expectTidy,
  expiredMaster,
  keyPieces,
  killedAt,
  on,
  pairsOfRenewal,
  renewal,
  runFolders,
  unfinishedBy,
  validPairs,
  wholeTree,
} from "../support/operator.ts";

async function cutOff(at: string) {
  const [root, out, reader] = [expiredMaster(), freshFolder(), await person()];
  const original = wholeTree(root);
  const keys = keyPieces(root);
  const words = [...renewal, "--backup-to", out, "--backup-recipient", reader.recipient];
  const killed = await killedAt(root, at, ...words);
  expect(killed).toMatchObject({ signal: "SIGKILL" });
  expect(await unfinishedBy(root)).not.toBeNull();
  expect(wholeTree(root)).toEqual(original);
  return { root, out, reader, original, keys, killed };
}

describe.concurrent("an encrypted backup killed with SIGKILL", () => {
  it.each(archiveFailpoints)(
    "at %s is written by resume, whole and once, and the run taken back",
    async (at) => {
      const { root, out, reader, original, keys, killed } = await cutOff(at);
      const resumed = await on(root, "resume");
      expect(resumed).toMatchObject({ code: 0, err: "" });
      expect(validPairs(root)).toEqual(expect.arrayContaining([...pairsOfRenewal]));
      const [name = "", ...others] = readdirSync(out);
      expect([others, lstatSync(join(out, name)).mode & 0o777]).toEqual([[], 0o600]);
      const inside = await unpack(join(out, name), reader);
      const [run = ""] = runFolders(root);
      expect(wholeTree(join(inside, "before"))).toEqual(wholeTree(join(run, "before")));
      expectNoKeys(root, [killed, resumed], keys);
      await expectRolledBack(root, original);
    },
  );

  it.each(["archive.after-first-bytes", "run.after-archive"] as const)(
    "at %s is taken back although its place is gone; going on there changes nothing",
    async (at) => {
      const { root, out, original } = await cutOff(at);
      rmSync(out, { recursive: true });
      const resumed = await on(root, "resume");
      expect(resumed.err).toContain("there is no such directory");
      expect(wholeTree(root)).toEqual(original);
      expectTidy(root, original);
      const second = await cutOff(at);
      rmSync(second.out, { recursive: true });
      await expectRolledBack(second.root, second.original);
    },
  );
});
