// The smallest store that keeps the contract: objects in a map. It shows what a new store needs, and that the suite asks for no files.
import { fileAddress, formatAddress, parseAddress, type Address } from "../../src/core/model/address.ts";
import { AppError } from "../../src/core/model/errors.ts";
import type { Staged } from "../../src/core/model/run.ts";
import type { Attributes, Observation, WritableStore } from "../../src/engine/ports/store.ts";
import { describeStore, sha256 } from "./store-contract.ts";

interface Kept extends Attributes {
  readonly bytes: Uint8Array;
}

interface Toy {
  readonly live: Map<string, Kept>;
  readonly temporary: Map<string, Kept>;
  readonly spoiled: Set<string>;
}

const tokenPattern = /-(\d+)$/;

function look({ live, spoiled }: Toy, address: Address): Observation {
  const object = formatAddress(address);
  if (spoiled.has(object))
    throw new AppError("store-unreadable", { address: object, reason: "spoiled", cause: "spoiled" });
  const kept = live.get(object);
  if (!kept) return { state: "absent", address, danglingLink: null };
  const { bytes, ...attributes } = kept;
  const copy = Uint8Array.from(bytes);
  return {
    state: "present",
    address,
    bytes: copy,
    sha256: sha256(copy),
    attributes,
    link: null,
    linkLeavesTree: false,
  };
}

function expectRevision(toy: Toy, address: Address, expected: string): Observation {
  const seen = look(toy, address);
  const found = seen.state === "present" ? seen.sha256 : "absent";
  if (found !== expected)
    throw new AppError("store-conflict", { address: formatAddress(address), expected, found });
  return seen;
}

function staged(toy: Toy, { object, temporary, sha256: expected }: Staged): Kept {
  const kept = toy.temporary.get(temporary);
  if (kept && sha256(kept.bytes) === expected) return kept;
  throw new AppError("store-write-failed", { address: object, operation: "verify-temporary", cause: "gone" });
}

function toyStore(toy: Toy): WritableStore {
  return {
    id: "toy",
    read: async (address, options = {}) => {
      options.signal?.throwIfAborted();
      const seen = look(toy, address);
      const { limitBytes = 1024 * 1024 } = options;
      if (seen.state === "absent" || seen.bytes.length <= limitBytes) return seen;
      const { length: bytes } = seen.bytes;
      throw new AppError("store-too-large", { address: formatAddress(address), bytes, limitBytes });
    },
    stage: async (address, bytes, { signal, expect, attributes, run, token }) => {
      signal?.throwIfAborted();
      const seen = expectRevision(toy, address, expect);
      const object = formatAddress(address);
      const before: Attributes =
        seen.state === "present" ? seen.attributes : { mode: 0, uid: 0, gid: 0, mtimeMs: 0, xattrs: {} };
      const after = { ...before, ...attributes };
      const revision = sha256(bytes);
      const unchanged = revision === expect && JSON.stringify(after) === JSON.stringify(before);
      const temporary = `${object}-${run}-${token}`;
      if (!unchanged) toy.temporary.set(temporary, { ...after, bytes: Uint8Array.from(bytes) });
      return { object, temporary, expect, sha256: revision, unchanged };
    },
    commit: async (change, { signal, fence }) => {
      signal?.throwIfAborted();
      const address = parseAddress(change.object);
      const seen = look(toy, address);
      if (seen.state === "present" && seen.sha256 === change.sha256 && change.expect !== change.sha256) {
        toy.temporary.delete(change.temporary);
        return "unchanged";
      }
      if (change.unchanged) return "unchanged";
      expectRevision(toy, address, change.expect);
      const kept = staged(toy, change);
      // A real medium takes time, in which readers read.
      await new Promise((done) => setImmediate(done));
      await fence();
      signal?.throwIfAborted();
      expectRevision(toy, address, change.expect);
      toy.live.set(change.object, kept);
      toy.temporary.delete(change.temporary);
      return "written";
    },
    adopt: async (change, token) => {
      const name = [...toy.temporary.keys()].findLast(
        (key) => key.replace(tokenPattern, "") === change.temporary.replace(tokenPattern, ""),
      );
      const temporary = change.temporary.replace(tokenPattern, `-${token}`);
      const kept = staged(toy, { ...change, temporary: name ?? change.temporary });
      toy.temporary.delete(name ?? "");
      toy.temporary.set(temporary, kept);
      return { ...change, temporary };
    },
    discard: async ({ temporary }) => void toy.temporary.delete(temporary),
    remove: async (address, { expect, signal, fence }) => {
      signal?.throwIfAborted();
      if (look(toy, address).state === "absent") return;
      expectRevision(toy, address, expect);
      await fence();
      signal?.throwIfAborted();
      toy.live.delete(formatAddress(address));
    },
    sweep: async (addresses, token) => {
      const objects = addresses.map(formatAddress);
      const old = [...toy.temporary.keys()].filter(
        (key) =>
          objects.some((object) => key.startsWith(`${object}-`)) &&
          Number(tokenPattern.exec(key)?.[1]) < token,
      );
      for (const key of old) toy.temporary.delete(key);
      return old.toSorted();
    },
  };
}

describeStore("toy", async () => {
  const toy: Toy = { live: new Map(), temporary: new Map(), spoiled: new Set() };
  return {
    store: toyStore(toy),
    address: (name) => fileAddress("m1", `/${name}`),
    seed: async (address, bytes, mode) => {
      toy.live.set(formatAddress(address), { bytes, mode, uid: 0, gid: 0, mtimeMs: 0, xattrs: {} });
    },
    peek: async (address) => toy.live.get(formatAddress(address))?.bytes ?? null,
    neighbours: async (address) => {
      const others = [...toy.live].filter(([object]) => object !== formatAddress(address));
      return { others, temporary: [...toy.temporary.keys()] };
    },
    spoil: async (address) => void toy.spoiled.add(formatAddress(address)),
    startReader: async (address) => {
      const seen = new Map<string, Uint8Array>();
      const state = { isOver: false };
      const readOn = (): void => {
        const kept = toy.live.get(formatAddress(address));
        if (kept) seen.set(sha256(kept.bytes), kept.bytes);
        if (!state.isOver) setImmediate(readOn);
      };
      readOn();
      return {
        stop: async () => {
          readOn();
          state.isOver = true;
          return [...seen.values()];
        },
      };
    },
    close: async () => {},
  };
});
