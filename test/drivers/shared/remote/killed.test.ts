// The far shell killed between any two of its commands that change something (fault 16): old or new, and the next try ends it.
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, it } from "vitest";
import { fileAddress } from "../../../../src/core/model/address.ts";
import { openRemoteStateDirectory } from "../../../../src/drivers/shared/remote/state-directory.ts";
import { openRemoteFileStore } from "../../../../src/drivers/store/remote-files.ts";
import { bytesOf, sha256, staging } from "../../../contract/store-contract.ts";
import { hasShell, openLocalShell } from "../../../support/local-shell.ts";
import { makeTree } from "../../store/files-support.ts";

const fence = (): Promise<void> => Promise.resolve();

/** More than any script has: a test that gets there has not ended. */
const mostSteps = 60;

describe.skipIf(!hasShell("bash"))("a far shell that is killed (fault 16)", () => {
  const scratch = mkdtempSync(join(tmpdir(), "perennial-killed-"));
  const counter = join(scratch, "counter");
  const deadly = { step: 0 };
  // bash runs this before every simple command, in functions and subshells too.
  const trap = (): string =>
    [
      "set -o functrace",
      "count() {",
      "case $1 in rm\\ *|mv\\ *|ln\\ *|ch???\\ *|touch\\ *|dd\\ *|sync\\ *|cat|cat\\ *|:|mkdir\\ *) ;; *) return 0 ;; esac",
      `read -r steps <${counter}`,
      `echo $((steps + 1)) >|${counter}`,
      `[ "$steps" -lt ${deadly.step} ] || kill -9 -- -$$`,
      "}",
      `trap 'count "$BASH_COMMAND"' DEBUG`,
    ].join("\n");
  const doomed = openLocalShell({
    shell: "bash",
    tamper: (script, input) => [`${trap()}\n${script}`, input],
  });
  const host = openLocalShell({ shell: "bash" });
  afterAll(async () => {
    await doomed.close();
    await host.close();
    rmSync(scratch, { recursive: true });
  });

  let root: string;
  beforeEach(() => {
    root = makeTree();
  });
  afterEach(() => rmSync(root, { recursive: true }));

  /** Runs an action killed before its first step, its second and so on until it lives through; gives how often it died. */
  async function killEverywhere(action: () => Promise<unknown>, afterwards: () => Promise<void>) {
    for (let step = 0; step < mostSteps; step++) {
      deadly.step = step;
      writeFileSync(counter, "0\n");
      const end = await action().then(
        () => "lived",
        (error: unknown) => String(error),
      );
      if (end === "lived") return step;
      expect(end).toContain("host lost: SIGKILL");
      await afterwards();
    }
    throw new Error("never lived");
  }

  const address = fileAddress("m1", "/etc/kubernetes/pki/apiserver.key");
  const [old, fresh] = [bytesOf("old\n"), bytesOf("new\n".repeat(3000))];
  const live = (): string => join(root, address.path);
  const pki = (): readonly string[] => readdirSync(dirname(live()));
  const isTemporary = (name: string): boolean => name.startsWith(".perennial-");

  it("while staging: the live file is the old one, and staging again works", async () => {
    const store = openRemoteFileStore({ host, root, node: "m1" });
    writeFileSync(live(), old, { mode: 0o600 });
    const forAll = staging(sha256(old), { attributes: { mode: 0o644 } });
    const modes = new Set<string>();
    const deaths = await killEverywhere(
      () => openRemoteFileStore({ host: doomed, root, node: "m1" }).stage(address, fresh, forAll),
      async () => {
        expect(readFileSync(live())).toEqual(Buffer.from(old));
        expect(pki().filter((name) => !isTemporary(name))).toEqual(["apiserver.key"]);
        for (const name of pki().filter(isTemporary)) {
          const { mode, size } = statSync(join(dirname(live()), name));
          modes.add(`${(mode & 0o777).toString(8)} ${size === fresh.length ? "whole" : size}`);
        }
        const again = await store.stage(address, fresh, staging(sha256(old)));
        expect(readFileSync(join(root, again.temporary)).equals(fresh)).toBe(true);
        expect(await store.sweep([address], 8)).toEqual([again.temporary]);
        expect(pki()).toEqual(["apiserver.key"]);
      },
    );
    expect(deaths).toBeGreaterThan(6);
    expect([...modes].sort()).toEqual(["600 0", "600 whole", "644 whole"]);
  });

  for (const isCreation of [false, true]) {
    it(`while ${isCreation ? "creating" : "replacing"}: whole old or whole new, and the next holder of the lock ends it`, async () => {
      const store = openRemoteFileStore({ host, root, node: "m1" });
      const expected = isCreation ? "absent" : sha256(old);
      const prepare = (): void => {
        rmSync(live(), { force: true });
        if (!isCreation) writeFileSync(live(), old, { mode: 0o600 });
      };
      prepare();
      const state = { staged: await store.stage(address, fresh, staging(expected)), olds: 0, news: 0 };
      const deaths = await killEverywhere(
        () => openRemoteFileStore({ host: doomed, root, node: "m1" }).commit(state.staged, { fence }),
        async () => {
          const seen = await store.read(address);
          const revision = seen.state === "present" ? seen.sha256 : "absent";
          expect([expected, sha256(fresh)]).toContain(revision);
          if (revision === expected) {
            state.olds += 1;
            const adopted = await store.adopt(state.staged, 8);
            expect(await store.commit(adopted, { fence })).toBe("written");
          } else {
            state.news += 1;
            expect(await store.commit(state.staged, { fence })).toBe("unchanged");
          }
          expect(readFileSync(live()).equals(fresh)).toBe(true);
          expect(pki()).toEqual(["apiserver.key"]);
          prepare();
          state.staged = await store.stage(address, fresh, staging(expected));
        },
      );
      expect(deaths).toBe(state.olds + state.news);
      expect([state.olds > 0, state.news > 0]).toEqual([true, true]);
    });
  }

  it("while replacing many: a beginning of them in their order, each old or new, and the next holder ends it", async () => {
    const store = openRemoteFileStore({ host, root, node: "m1" });
    const names = ["a.key", "a.crt", "b.key"];
    const addresses = names.map((name) => fileAddress("m1", `/etc/kubernetes/pki/${name}`));
    const contents = (): readonly string[] =>
      names.map((name) => readFileSync(join(root, "etc/kubernetes/pki", name), "utf8"));
    const wanted = (count: number): readonly string[] =>
      names.map((_, index) => (index < count ? "new\n" : "old\n"));
    const stageAll = async () => {
      for (const name of names)
        writeFileSync(join(root, "etc/kubernetes/pki", name), "old\n", { mode: 0o600 });
      return Promise.all(
        addresses.map((each) => store.stage(each, bytesOf("new\n"), staging(sha256("old\n")))),
      );
    };
    const state = { staged: await stageAll() };
    const seen = new Set<number>();
    const deaths = await killEverywhere(
      async () => {
        const dying = openRemoteFileStore({ host: doomed, root, node: "m1" });
        const report = await dying.commitAll?.([state.staged.slice(0, 2), state.staged.slice(2)], { fence });
        if (report?.failure) throw report.failure.error;
      },
      async () => {
        const count = contents().filter((text) => text === "new\n").length;
        seen.add(count);
        expect(contents()).toEqual(wanted(count));
        const rest = await Promise.all(state.staged.slice(count).map((each) => store.adopt(each, 8)));
        const report = await store.commitAll?.([[...state.staged.slice(0, count), ...rest]], { fence });
        expect(report?.failure).toBeNull();
        expect(contents()).toEqual(wanted(3));
        expect(pki().toSorted()).toEqual(names.toSorted());
        state.staged = await stageAll();
      },
    );
    expect(seen).toEqual(new Set([0, 1, 2, 3]));
    expect(deaths).toBeGreaterThan(6);
  });

  it("while adopting or removing: the next try ends it", async () => {
    const store = openRemoteFileStore({ host, root, node: "m1" });
    const dying = openRemoteFileStore({ host: doomed, root, node: "m1" });
    const staged = await store.stage(address, fresh, staging("absent"));
    const adopting = await killEverywhere(
      () => dying.adopt(staged, 9),
      async () => {
        expect(pki()).toHaveLength(1);
        expect(pki().filter(isTemporary)).toHaveLength(1);
      },
    );
    const adopted = await store.adopt(staged, 9);
    expect(await store.commit(adopted, { fence })).toBe("written");
    const removing = await killEverywhere(
      () => dying.remove(address, { expect: sha256(fresh), fence }),
      async () => expect(pki().filter(isTemporary)).toEqual([]),
    );
    expect(pki()).toEqual([]);
    expect([adopting > 0, removing > 0]).toEqual([true, true]);
  });

  it("while creating, keeping or appending state: whole or not there, and the next try ends it", async () => {
    const path = join(root, "perennial");
    const state = openRemoteStateDirectory({ host, path });
    const dying = openRemoteStateDirectory({ host: doomed, path });
    const textOf = (file: string): string => readFileSync(join(path, file), "utf8");
    const whole = async (parent: string, file: string): Promise<void> => {
      for (const name of await state.list(parent)) expect(textOf(`${parent}/${name}`)).toBe("whole\n");
      await state.remove(file);
    };
    const creating = await killEverywhere(
      () => dying.create("lock/00000001", bytesOf("whole\n")),
      () => whole("lock", "lock/00000001"),
    );
    const attributes = {
      mode: 0o640,
      uid: process.getuid!(),
      gid: process.getgid!(),
      mtimeMs: 1000,
      xattrs: {},
    };
    const keeping = await killEverywhere(
      () => dying.keep("before/a", bytesOf("whole\n"), attributes),
      () => whole("before", "before/a"),
    );
    expect(textOf("before/a")).toBe("whole\n");
    await state.append("journal", bytesOf("1\n"));
    const appending = await killEverywhere(
      () => dying.append("journal", bytesOf("2\n")),
      async () => expect(textOf("journal")).toMatch(/^1\n(2\n)*$/),
    );
    expect([creating > 5, keeping > 5, appending > 1]).toEqual([true, true, true]);
  });
});
