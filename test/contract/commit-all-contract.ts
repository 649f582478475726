// The contract of `commitAll` (engine/ports/store.ts) as a suite: groups in order, back to back, ended by the first failure.
import { beforeEach, describe, expect, it } from "vitest";
import { type Address, formatAddress } from "../../src/core/model/address.ts";
import { isAppError } from "../../src/core/model/errors.ts";
import type { Staged } from "../../src/core/model/run.ts";
import type { CommitReport } from "../../src/engine/ports/store.ts";
import { bytesOf, sha256, staging, type StoreHarness } from "./store-contract.ts";

const names = ["a.key", "a.crt", "b.key", "b.crt"];
const fence = (): Promise<void> => Promise.resolve();

/** What a contract suite asks of the store is its whole set of optional methods as well. */
export function describeCommitAll(
  name: string,
  makeHarness: () => Promise<StoreHarness>,
  closeHarness: (harness: StoreHarness) => Promise<void> = (harness) => harness.close(),
): void {
  describe(`commitAll: ${name}`, () => {
    let harness: StoreHarness;
    let addresses: readonly Address[];
    let staged: readonly Staged[];
    beforeEach(async () => {
      harness = await makeHarness();
      addresses = names.map((each) => harness.address(each));
      for (const address of addresses) await harness.seed(address, bytesOf("old\n"), 0o600);
      staged = await Promise.all(
        addresses.map((address, index) =>
          harness.store.stage(address, bytesOf(`new ${index}\n`), staging(sha256("old\n"))),
        ),
      );
      return () => closeHarness(harness);
    });

    const groups = (): readonly (readonly Staged[])[] => [staged.slice(0, 2), staged.slice(2)];
    const commitAll = async (options = { fence }): Promise<CommitReport> => {
      const { store } = harness;
      if (!store.commitAll) throw new Error("no commitAll");
      return store.commitAll(groups(), options);
    };
    const contents = (): Promise<readonly string[]> =>
      Promise.all(
        addresses.map(async (address) =>
          Buffer.from((await harness.peek(address)) ?? new Uint8Array()).toString(),
        ),
      );
    const codeOf = ({ failure }: CommitReport): string | null => {
      if (failure === null) return null;
      return isAppError(failure.error) ? failure.error.code : String(failure.error);
    };

    it("makes all of them live, and again changes nothing", async () => {
      expect(await commitAll()).toEqual({ committed: staged, failure: null });
      expect(await contents()).toEqual(["new 0\n", "new 1\n", "new 2\n", "new 3\n"]);
      expect(await commitAll()).toEqual({ committed: staged, failure: null });
    });

    it.each(names.map((each, index) => [each, index] as const))(
      "ends at a conflict of %s: what came before is live, what comes behind is as it was",
      async (_, at) => {
        const address = addresses[at]!;
        await harness.seed(address, bytesOf("foreign\n"), 0o600);
        const report = await commitAll();
        expect(report.committed).toEqual(staged.slice(0, at));
        expect(report.failure?.error).toMatchObject({
          code: "store-conflict",
          params: { address: formatAddress(address), expected: sha256("old\n"), found: sha256("foreign\n") },
        });
        const old = ["old\n", "old\n", "old\n", "old\n"];
        const wanted = old.map((text, index) => (index < at ? `new ${index}\n` : text));
        expect(await contents()).toEqual(wanted.with(at, "foreign\n"));
      },
    );

    it("ends at a file that a thief has swept, and says which are live", async () => {
      await harness.store.discard(staged[2]!);
      const report = await commitAll();
      expect([codeOf(report), report.committed]).toEqual(["store-write-failed", staged.slice(0, 2)]);
      expect(await contents()).toEqual(["new 0\n", "new 1\n", "old\n", "old\n"]);
    });

    it("touches nothing when the fence throws, or the signal is aborted before or in it", async () => {
      const lost = new Error("lost");
      const before = await contents();
      const refused = await commitAll({ fence: () => Promise.reject(lost) });
      expect(refused).toEqual({ committed: [], failure: { error: lost } });
      const controller = new AbortController();
      const during = await harness.store.commitAll?.(groups(), {
        signal: controller.signal,
        fence: async () => controller.abort(lost),
      });
      expect(during).toEqual({ committed: [], failure: { error: lost } });
      expect(await contents()).toEqual(before);
    });

    it("is fenced with the node that is written to, once", async () => {
      const fenced: string[] = [];
      await commitAll({
        fence: async (...nodes: readonly unknown[]) => {
          fenced.push(String(nodes[0]));
        },
      });
      expect(fenced).toEqual([addresses[0]!.node]);
    });
  });
}
