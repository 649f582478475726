// The store contract (architecture, section 4) as a suite: every writable store runs it through a small harness.
import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Address } from "../../src/core/model/address.ts";
import { isAppError } from "../../src/core/model/errors.ts";
import type { Present, StageOptions, WritableStore } from "../../src/engine/ports/store.ts";

export interface StoreHarness {
  readonly store: WritableStore;
  /** An object inside the store that does not exist yet; different for different names. */
  address(name: string): Address;
  /** Puts bytes there, past the store. */
  seed(address: Address, bytes: Uint8Array, mode: number): Promise<void>;
  /** What anyone else sees: null when absent. */
  peek(address: Address): Promise<Uint8Array | null>;
  /** Everything beside the object that must survive, as one comparable value (names, bytes, attributes). */
  neighbours(address: Address): Promise<unknown>;
  /** Makes the object something that cannot be looked at (a directory, a denied request). */
  spoil(address: Address): Promise<void>;
  /** A reader elsewhere (another process, another connection) that reads in a loop until it is stopped. */
  startReader(address: Address): Promise<{ stop(): Promise<readonly Uint8Array[]> }>;
  close(): Promise<void>;
}

export const run = "20261122T160000Z-3f9a1c";
const fence = (): Promise<void> => Promise.resolve();
const secret = "-----SECRET-BYTES-OF-A-KEY-----";

export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}

export function staging(expected: string, more: Partial<StageOptions> = {}): StageOptions {
  return { expect: expected, attributes: { mode: 0o600 }, run, token: 7, ...more };
}

/** The AppError an action ends with, as code and parameters. */
export async function failure(action: Promise<unknown>): Promise<{ code: string; params: unknown }> {
  try {
    await action;
  } catch (error) {
    if (isAppError(error)) return { code: error.code, params: error.params };
    throw error;
  }
  throw new Error("did not fail");
}

/** How often the tests of rare interleavings try; stores that start processes for every step try less often. */
export interface ContractRounds {
  readonly rivals: number;
  readonly commits: number;
}

export function describeStore(
  name: string,
  makeHarness: () => Promise<StoreHarness>,
  rounds: ContractRounds = { rivals: 100, commits: 200 },
): void {
  describe(`store contract: ${name}`, () => {
    let harness: StoreHarness;
    beforeEach(async () => {
      harness = await makeHarness();
    });
    afterEach(() => harness.close());

    async function seeded(text = "old\n", mode = 0o600): Promise<Address> {
      const address = harness.address("a");
      await harness.seed(address, bytesOf(text), mode);
      return address;
    }

    async function present(address: Address): Promise<Present> {
      const found = await harness.store.read(address);
      if (found.state !== "present") throw new Error("absent");
      return found;
    }

    it("1: reads an object with its bytes, revision and attributes", async () => {
      const address = await seeded("old\n", 0o640);
      const found = await present(address);
      expect(found.bytes).toEqual(bytesOf("old\n"));
      expect(found.sha256).toBe(sha256("old\n"));
      expect(found.attributes.mode).toBe(0o640);
      expect({ link: found.link, leaves: found.linkLeavesTree }).toEqual({ link: null, leaves: false });
    });

    it("1: absent is a value", async () => {
      const address = harness.address("nothing");
      expect(await harness.store.read(address)).toEqual({ state: "absent", address, danglingLink: null });
    });

    it("1: what cannot be looked at is an error and not absent", async () => {
      const address = harness.address("spoiled");
      await harness.spoil(address);
      expect((await failure(harness.store.read(address))).code).toMatch(/^store-(unreadable|not-regular)$/);
    });

    it("1: more than the limit is an error", async () => {
      const address = await seeded("12345678");
      expect(await failure(harness.store.read(address, { limitBytes: 7 }))).toMatchObject({
        code: "store-too-large",
        params: { limitBytes: 7 },
      });
      const whole = await harness.store.read(address, { limitBytes: 8 });
      expect(whole.state).toBe("present");
    });

    it("2: stage refuses when the world has moved, and changes nothing", async () => {
      const address = await seeded("moved\n");
      const before = await harness.neighbours(address);
      const error = await failure(harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n"))));
      expect(error).toMatchObject({
        code: "store-conflict",
        params: { expected: sha256("old\n"), found: sha256("moved\n") },
      });
      expect(await harness.peek(address)).toEqual(bytesOf("moved\n"));
      expect(await harness.neighbours(address)).toEqual(before);
    });

    it("2: stage refuses when something is where nothing was expected, and the other way round", async () => {
      const address = await seeded();
      const there = await failure(harness.store.stage(address, bytesOf("new\n"), staging("absent")));
      expect(there).toMatchObject({
        code: "store-conflict",
        params: { expected: "absent", found: sha256("old\n") },
      });
      const missing = harness.address("missing");
      const gone = await failure(harness.store.stage(missing, bytesOf("new\n"), staging(sha256("old\n"))));
      expect(gone).toMatchObject({
        code: "store-conflict",
        params: { expected: sha256("old\n"), found: "absent" },
      });
      expect(await harness.peek(missing)).toBeNull();
    });

    it("2: commit refuses when the object changed after staging, and keeps the other's bytes", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      await harness.seed(address, bytesOf("theirs\n"), 0o600);
      const error = await failure(harness.store.commit(staged, { fence }));
      expect(error).toMatchObject({
        code: "store-conflict",
        params: { expected: sha256("old\n"), found: sha256("theirs\n") },
      });
      expect(await harness.peek(address)).toEqual(bytesOf("theirs\n"));
    });

    it("2: commit refuses when the object changed during the fence, the last thing before the write", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const interfere = (): Promise<void> => harness.seed(address, bytesOf("theirs\n"), 0o600);
      const error = await failure(harness.store.commit(staged, { fence: interfere }));
      expect(error.code).toBe("store-conflict");
      expect(await harness.peek(address)).toEqual(bytesOf("theirs\n"));
    });

    it("2: a creation refuses when somebody created meanwhile", async () => {
      const address = harness.address("created");
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging("absent"));
      const interfere = (): Promise<void> => harness.seed(address, bytesOf("theirs\n"), 0o600);
      expect((await failure(harness.store.commit(staged, { fence: interfere }))).code).toBe("store-conflict");
      expect(await harness.peek(address)).toEqual(bytesOf("theirs\n"));
    });

    it(`2: of two writers who expect the same, exactly one wins, ${rounds.rivals} times`, async () => {
      const address = await seeded("0");
      for (let round = 0; round < rounds.rivals; round++) {
        const live = sha256((await harness.peek(address))!);
        const [one, two] = [bytesOf(`${round} one`), bytesOf(`${round} two`)];
        const first = await harness.store.stage(address, one, staging(live, { token: 1 }));
        const second = await harness.store.stage(address, two, staging(live, { token: 2 }));
        const ends = await Promise.allSettled([
          harness.store.commit(first, { fence }),
          harness.store.commit(second, { fence }),
        ]);
        const winners = ends.flatMap((end, index) => (end.status === "fulfilled" ? [index] : []));
        expect(winners).toHaveLength(1);
        expect(await harness.peek(address)).toEqual(winners[0] === 0 ? one : two);
        await harness.store.discard(winners[0] === 0 ? second : first);
      }
    });

    it("2: the fence is asked, and when it throws nothing changes", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const lost = new Error("lock lost");
      await expect(harness.store.commit(staged, { fence: () => Promise.reject(lost) })).rejects.toBe(lost);
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
      await harness.store.discard(staged);
    });

    it(`3: readers see whole old or whole new bytes while ${rounds.commits} commits run`, async () => {
      const address = await seeded("0".repeat(5000));
      const reader = await harness.startReader(address);
      let live = sha256("0".repeat(5000));
      for (let round = 1; round <= rounds.commits; round++) {
        const bytes = bytesOf(String(round % 10).repeat(5000 + round));
        const staged = await harness.store.stage(address, bytes, staging(live));
        await harness.store.commit(staged, { fence });
        live = staged.sha256;
      }
      const seen = (await reader.stop()).map((bytes) => new TextDecoder().decode(bytes));
      expect(seen.length).toBeGreaterThan(10);
      const mixed = seen.filter((text) => text !== text[0]!.repeat(text.length) || text.length < 5000);
      expect(mixed).toEqual([]);
    });

    it("4: after commit anyone reads exactly the staged bytes, nothing added, nothing re-encoded", async () => {
      const address = await seeded();
      const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 31) & 0xff);
      const staged = await harness.store.stage(address, bytes, staging(sha256("old\n")));
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
      expect(await harness.store.commit(staged, { fence })).toBe("written");
      expect(Buffer.compare((await harness.peek(address))!, bytes)).toBe(0);
      expect((await present(address)).sha256).toBe(staged.sha256);
    });

    it("4: creates where nothing was, also an empty object", async () => {
      const address = harness.address("empty");
      const staged = await harness.store.stage(address, new Uint8Array(), staging("absent"));
      expect(await harness.peek(address)).toBeNull();
      expect(await harness.store.commit(staged, { fence })).toBe("written");
      expect(await harness.peek(address)).toEqual(new Uint8Array());
    });

    it("5: identical bytes and attributes are unchanged and touch nothing", async () => {
      const address = await seeded("same\n", 0o600);
      const before = [await present(address), await harness.neighbours(address)];
      const staged = await harness.store.stage(address, bytesOf("same\n"), staging(sha256("same\n")));
      expect(staged.unchanged).toBe(true);
      expect(await harness.store.commit(staged, { fence })).toBe("unchanged");
      await harness.store.discard(staged);
      expect([await present(address), await harness.neighbours(address)]).toEqual(before);
    });

    it("5: identical bytes with another mode are a change", async () => {
      const address = await seeded("same\n", 0o644);
      const staged = await harness.store.stage(address, bytesOf("same\n"), staging(sha256("same\n")));
      expect(staged.unchanged).toBe(false);
      expect(await harness.store.commit(staged, { fence })).toBe("written");
      expect((await present(address)).attributes.mode).toBe(0o600);
    });

    it("5: a commit done twice is unchanged the second time", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      expect(await harness.store.commit(staged, { fence })).toBe("written");
      expect(await harness.store.commit(staged, { fence })).toBe("unchanged");
      expect(await harness.peek(address)).toEqual(bytesOf("new\n"));
    });

    it("6: neighbours survive a change, a creation and a removal, and nothing is left lying", async () => {
      const address = await seeded();
      await harness.seed(harness.address("b"), bytesOf("neighbour\n"), 0o644);
      const before = await harness.neighbours(address);
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      await harness.store.commit(staged, { fence });
      expect(await harness.neighbours(address)).toEqual(before);
      await harness.store.remove(address, { expect: sha256("new\n"), fence });
      expect(await harness.neighbours(address)).toEqual(before);
    });

    it("6: discard leaves the object and its neighbours as they were, and may be repeated", async () => {
      const address = await seeded();
      const before = await harness.neighbours(address);
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      await harness.store.discard(staged);
      await harness.store.discard(staged);
      expect(await harness.neighbours(address)).toEqual(before);
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
    });

    it("6: a commit after discard fails and changes nothing", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      await harness.store.discard(staged);
      expect((await failure(harness.store.commit(staged, { fence }))).code).toBe("store-write-failed");
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
    });

    it("6: sweep removes what older tokens left and nothing else, and their writers cannot commit any more", async () => {
      const address = await seeded();
      const before = await harness.neighbours(address);
      const old = await harness.store.stage(
        address,
        bytesOf("old token\n"),
        staging(sha256("old\n"), { token: 3 }),
      );
      const ours = await harness.store.stage(
        address,
        bytesOf("ours\n"),
        staging(sha256("old\n"), { token: 4 }),
      );
      expect(await harness.store.sweep([address], 4)).toEqual([old.temporary]);
      expect(await harness.store.sweep([address], 4)).toEqual([]);
      expect((await failure(harness.store.commit(old, { fence }))).code).toBe("store-write-failed");
      expect(await harness.store.commit(ours, { fence })).toBe("written");
      expect(await harness.neighbours(address)).toEqual(before);
    });

    it("8: what read returned is enough to undo", async () => {
      const address = await seeded("old\n", 0o644);
      const before = await present(address);
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(before.sha256));
      await harness.store.commit(staged, { fence });
      expect(await present(address)).not.toEqual(before);
      const { attributes } = before;
      const undo = await harness.store.stage(address, before.bytes, staging(staged.sha256, { attributes }));
      await harness.store.commit(undo, { fence });
      expect(await present(address)).toEqual(before);
    });

    it("8: the undo of a creation removes exactly what was created; absent already is fine", async () => {
      const address = harness.address("created");
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging("absent"));
      await harness.store.commit(staged, { fence });
      const error = await failure(harness.store.remove(address, { expect: sha256("other\n"), fence }));
      expect(error).toMatchObject({
        code: "store-conflict",
        params: { expected: sha256("other\n"), found: sha256("new\n") },
      });
      await harness.store.remove(address, { expect: sha256("new\n"), fence });
      expect(await harness.peek(address)).toBeNull();
      await harness.store.remove(address, { expect: sha256("new\n"), fence });
    });

    it("10: an aborted signal stops before every effect", async () => {
      const address = await seeded();
      const before = await harness.neighbours(address);
      const reason = new Error("stopped");
      const signal = AbortSignal.abort(reason);
      const { store } = harness;
      await expect((async () => store.read(address, { signal }))()).rejects.toBe(reason);
      const staging10 = staging(sha256("old\n"), { signal });
      await expect((async () => store.stage(address, bytesOf("new\n"), staging10))()).rejects.toBe(reason);
      expect(await harness.neighbours(address)).toEqual(before);
      const staged = await store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      await expect((async () => store.commit(staged, { signal, fence }))()).rejects.toBe(reason);
      const removal = { expect: sha256("old\n"), signal, fence };
      await expect((async () => store.remove(address, removal))()).rejects.toBe(reason);
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
      await store.discard(staged);
    });

    it("10: a signal that comes during the fence still stops the write", async () => {
      const address = await seeded();
      const staged = await harness.store.stage(address, bytesOf("new\n"), staging(sha256("old\n")));
      const controller = new AbortController();
      const reason = new Error("stopped");
      const abort = async (): Promise<void> => controller.abort(reason);
      const committing = harness.store.commit(staged, { signal: controller.signal, fence: abort });
      await expect(committing).rejects.toBe(reason);
      expect(await harness.peek(address)).toEqual(bytesOf("old\n"));
      await harness.store.discard(staged);
    });

    it("11: no error holds bytes of the object", async () => {
      const address = await seeded(secret);
      const { store } = harness;
      const spoiled = harness.address("spoiled");
      await harness.spoil(spoiled);
      const staged = await store.stage(address, bytesOf(`${secret}2`), staging(sha256(secret)));
      await store.discard(staged);
      const actions = [
        store.read(address, { limitBytes: 3 }),
        store.read(spoiled),
        store.stage(address, bytesOf(`${secret}2`), staging("absent")),
        store.stage(spoiled, bytesOf(`${secret}2`), staging("absent")),
        store.commit(staged, { fence }),
        store.remove(address, { expect: "absent", fence }),
      ];
      const texts = await Promise.all(actions.map((action) => action.then(() => "no error", everythingIn)));
      expect(texts.filter((text) => text === "no error" || text.includes("SECRET"))).toEqual([]);
    });
  });
}

function everythingIn(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const params = isAppError(error) ? JSON.stringify(error.params) : "";
  return `${error.message} ${params} ${error.stack} ${error.cause === undefined ? "" : everythingIn(error.cause)}`;
}
