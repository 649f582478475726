// The memory between a store and everything that looks at a node: one read per object, errors as readings.
import { type Address, fileAddress, formatAddress } from "../core/model/address.ts";
import { isAppError } from "../core/model/errors.ts";
import type { ObjectReading, Readings } from "../core/policy/facts.ts";
import type { NodeView } from "../engine/ports/node-view.ts";
import type { ListingStore, Present } from "../engine/ports/store.ts";

export interface RememberingView extends NodeView {
  /** Every reading so far, keyed by formatAddress. */
  readings(): Readings;
  /** The same memory of the same store under the node's real name, which is found out by reading. */
  named(node: string): RememberingView;
  /**
   * Asks at once for what will be asked for, most likely. It counts as read when it is; until then nothing knows of it.
   */
  expect(paths: readonly string[], folders: readonly string[]): Promise<void>;
  /** Overwrites what was expected and never read. */
  forgetExpected(): void;
}

/** `node` is the name that the store was opened under. */
export function openNodeView(store: ListingStore, node: string): RememberingView {
  return viewAs(
    { store, storeNode: node, memory: new Map(), expected: new Map(), listings: new Map() },
    node,
  );
}

/** What has been read, by path: addresses differ with the name. */
interface Remembered {
  readonly store: ListingStore;
  readonly storeNode: string;
  readonly memory: Map<string, ObjectReading>;
  /** Asked for ahead of time, and not read so far. */
  readonly expected: Map<string, ObjectReading>;
  readonly listings: Map<string, Listing>;
}

type Listing = Awaited<ReturnType<NodeView["list"]>>;

function viewAs(remembered: Remembered, node: string): RememberingView {
  const { store, storeNode, memory, expected, listings } = remembered;
  return {
    node,
    async read(path) {
      const known = memory.get(path);
      if (known) return underName(known, node, path);
      const reading = expected.get(path) ?? (await readOnce(store, fileAddress(storeNode, path)));
      expected.delete(path);
      memory.set(path, reading);
      return underName(reading, node, path);
    },
    async list(path) {
      const known = listings.get(path);
      return known === undefined ? listOnce(store, fileAddress(storeNode, path)) : known;
    },
    readings: () =>
      new Map(
        [...memory].map(([path, reading]) => [
          formatAddress(fileAddress(node, path)),
          underName(reading, node, path),
        ]),
      ),
    named: (name) => viewAs(remembered, name),
    async expect(paths, folders) {
      const wanted = [...new Set(paths)].filter((path) => !memory.has(path) && !expected.has(path));
      await Promise.all([
        ...wanted.map(async (path) =>
          expected.set(path, await readOnce(store, fileAddress(storeNode, path))),
        ),
        ...[...new Set(folders)].map(async (path) =>
          listings.set(path, await listOnce(store, fileAddress(storeNode, path))),
        ),
      ]);
    },
    forgetExpected() {
      for (const reading of expected.values()) if (reading.state === "present") reading.bytes.fill(0);
      expected.clear();
    },
  };
}

async function listOnce(store: ListingStore, address: Address): Promise<Listing> {
  try {
    return await store.list(address);
  } catch (error) {
    const reason = unreadableReason(error);
    if (reason === null) throw error;
    return { unreadable: reason };
  }
}

function underName(reading: ObjectReading, node: string, path: string): ObjectReading {
  const address = fileAddress(node, path);
  return reading.state === "present"
    ? { ...reading, facts: { ...reading.facts, address } }
    : { ...reading, address };
}

async function readOnce(store: ListingStore, address: Address): Promise<ObjectReading> {
  try {
    const observation = await store.read(address);
    if (observation.state === "absent")
      return { state: "absent", address, danglingLink: observation.danglingLink };
    const { bytes, isKeyFree } = observation;
    return { state: "present", bytes, facts: factsOf(observation), ...(isKeyFree ? { isKeyFree } : {}) };
  } catch (error) {
    const reason = unreadableReason(error);
    if (reason === null) throw error;
    return { state: "unreadable", address, reason };
  }
}

/** What is known of an object beside its bytes. */
export function factsOf(found: Present): Extract<ObjectReading, { state: "present" }>["facts"] {
  const { address, bytes, sha256, attributes, link, linkLeavesTree } = found;
  const { mode, uid, gid, mtimeMs } = attributes;
  return { address, sha256, size: bytes.length, mode, uid, gid, link, linkLeavesTree, mtimeMs };
}

/** Why a look-up failed, or null for an error that is not about the object. */
export function unreadableReason(error: unknown): string | null {
  if (isAppError(error, "store-unreadable")) return error.params.reason;
  if (isAppError(error, "store-not-regular")) return `not a regular file but a ${error.params.type}`;
  if (isAppError(error, "store-too-large")) return `larger than ${error.params.limitBytes} bytes`;
  if (isAppError(error, "store-link-refused")) return `a link to ${error.params.target}, outside the root`;
  if (isAppError(error, "value-invalid")) return "not a usable path";
  return null;
}
