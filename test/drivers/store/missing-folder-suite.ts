// What every store of files does about the folder of a file, as a suite: it is missing, alone or not.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, it } from "vitest";
import { fileAddress } from "../../../src/core/model/address.ts";
import type { PreflightStore, WritableStore } from "../../../src/engine/ports/store.ts";
import { bytesOf, failure, staging } from "../../contract/store-contract.ts";
import { treeOf } from "./files-support.ts";

export interface FolderScene {
  /** Of makeTree. */
  readonly root: string;
  readonly store: WritableStore & PreflightStore;
}

const fence = (): Promise<void> => Promise.resolve();

export function describeMissingFolder(scene: () => FolderScene): void {
  describe("of a folder that somebody moved away", () => {
    const moved = fileAddress("m1", "/etc/kubernetes/pki/etcd/server.key");
    const parent = (): string => join(scene().root, "etc/kubernetes/pki");

    it.each([
      [0o755, 0o755],
      [0o700, 0o700],
      [0o3775, 0o755],
    ])("is made as its parent (%o) is, less what lets others write (%o)", async (mode, made) => {
      chmodSync(parent(), mode);
      expect(await scene().store.preflight(moved)).toBeNull();
      expect(existsSync(join(parent(), "etcd"))).toBe(false);
      const staged = await scene().store.stage(moved, bytesOf("x"), staging("absent"));
      await scene().store.commit(staged, { fence });
      expect(statSync(join(parent(), "etcd")).mode & 0o7777).toBe(made);
      expect(readFileSync(join(scene().root, moved.path), "utf8")).toBe("x");
    });

    it("is not made for more than one missing folder, nor behind a link or outside of the trees", async () => {
      mkdirSync(join(scene().root, "etc/elsewhere"));
      symlinkSync("/etc/elsewhere", join(parent(), "linked"));
      symlinkSync("/etc/gone", join(parent(), "dangling"));
      const before = treeOf(scene().root);
      const refused = ["none/of/this.key", "linked/none/a.key", "dangling/a.key", "../../none/a.key"].map(
        (below) => fileAddress("m1", posix.join("/etc/kubernetes/pki", below)),
      );
      for (const one of refused) {
        expect(await scene().store.preflight(one), one.path).not.toBeNull();
        await failure(scene().store.stage(one, bytesOf("x"), staging("absent")));
      }
      expect(treeOf(scene().root)).toEqual(before);
    });

    it("is not made where a file has its name", async () => {
      writeFileSync(join(parent(), "etcd"), "a file");
      expect(await failure(scene().store.stage(moved, bytesOf("x"), staging("absent")))).toMatchObject({
        code: "store-unreadable",
        params: { reason: "ENOTDIR" },
      });
    });
  });
}
