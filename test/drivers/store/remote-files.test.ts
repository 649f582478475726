// The store behind a shell: the contract of stores in three shells, one of them with nothing but busybox.
import { chmodSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll } from "vitest";
import { fileAddress } from "../../../src/core/model/address.ts";
import { openRemoteFileStore } from "../../../src/drivers/store/remote-files.ts";
import { describeStore, type StoreHarness } from "../../contract/store-contract.ts";
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
}
