// The store behind a shell: the contract of stores in three shells, one of them with nothing but busybox.
import { chmodSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { fileAddress } from "../../../src/core/model/address.ts";
import { openRemoteFileStore } from "../../../src/drivers/store/remote-files.ts";
import { describeCommitAll } from "../../contract/commit-all-contract.ts";
import {
  bytesOf,
  describeStore,
  failure,
  sha256,
  staging,
  type StoreHarness,
} from "../../contract/store-contract.ts";
import { hasShell, openLocalShell, type ShellName } from "../../support/local-shell.ts";
import { makeTree, startFileReader, treeOf } from "./files-support.ts";

const shells: readonly ShellName[] = ["dash", "bash", "busybox"];

for (const shell of shells.filter(hasShell)) {
  const host = openLocalShell({ shell });
  afterAll(() => host.close());
  const makeHarness = async (): Promise<StoreHarness> => {
    const root = makeTree();
    const store = openRemoteFileStore({ host, root, node: "m1" });
    const folder = join(root, "etc/kubernetes");
    return {
      store,
      address: (name) => fileAddress("m1", `/etc/kubernetes/${name}.conf`),
      seed: async (address, bytes, mode) => {
        writeFileSync(join(root, address.path), bytes);
        chmodSync(join(root, address.path), mode);
        // busybox sets whole seconds only.
        if (shell === "busybox") utimesSync(join(root, address.path), 1_700_000_000, 1_700_000_000);
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
        rmSync(root, { recursive: true });
      },
    };
  };
  describeStore(`remote files, ${shell}`, makeHarness, { rivals: 3, commits: 11 });
  describeCommitAll(`remote files, ${shell}`, makeHarness);

  describe(`the node's lock, ${shell}`, () => {
    let root: string;
    beforeEach(() => {
      root = makeTree();
      mkdirSync(join(root, "lock"));
      for (const name of names) writeFileSync(join(root, pathOf(name)), "old\n", { mode: 0o600 });
      return () => rmSync(root, { recursive: true });
    });
    const names = ["a.key", "a.crt", "b.key"];
    const pathOf = (name: string): string => `/etc/kubernetes/${name}`;
    const open = () => openRemoteFileStore({ host, root, node: "m1", lock: join(root, "lock") });
    const claim = (name: string): void => writeFileSync(join(root, "lock", name), "");
    const stageAll = () =>
      Promise.all(
        names.map((name) =>
          open().stage(fileAddress("m1", pathOf(name)), bytesOf("new\n"), staging(sha256("old\n"))),
        ),
      );
    const fence = (): Promise<void> => Promise.resolve();
    const contents = (): readonly string[] =>
      names.map((name) => readFileSync(join(root, pathOf(name)), "utf8"));

    it("is looked at by the script that renames: the newest claim is ours, whatever else lies there", async () => {
      for (const name of ["00000003", "00000007", "00000007.free", "00000009.free", ".new-1", "12", "x"])
        claim(name);
      const report = await open().commitAll?.([await stageAll()], { fence });
      expect(report).toMatchObject({ failure: null });
      expect(contents()).toEqual(["new\n", "new\n", "new\n"]);
    });

    it.each([
      ["has gone to another", ["00000007", "000000010"], 10],
      ["has gone to another, long ago", ["00000007", "100000000000008"], 100_000_000_000_008],
      ["is not there any more", [], 0],
    ] as const)("%s: nothing is changed, although the fence let it pass", async (_, claims, found) => {
      for (const name of claims) claim(name);
      const staged = await stageAll();
      const error = { code: "lock-lost", params: { path: join(root, "lock"), token: 7, found } };
      expect(await open().commitAll?.([staged], { fence })).toMatchObject({
        committed: [],
        failure: { error },
      });
      expect(await failure(open().commit(staged[0]!, { fence }))).toEqual(error);
      expect(contents()).toEqual(["old\n", "old\n", "old\n"]);
    });
  });
}
