// The memory between a store and everything that looks at a node: one read per object, errors as readings.
import { type Address, fileAddress, formatAddress } from "../core/model/address.ts";
import { isAppError } from "../core/model/errors.ts";
import type { ObjectReading, Readings } from "../core/policy/facts.ts";
import type { NodeView } from "../engine/ports/node-view.ts";
import type { ListingStore, Present } from "../engine/ports/store.ts";

export interface RememberingView extends NodeView {
  /** Every reading so far, keyed by formatAddress. */
  readings(): Readings;
}

export function openNodeView(store: ListingStore, node: string): RememberingView {
  const memory = new Map<string, ObjectReading>();
  return {
    node,
    async read(path) {
      const address = fileAddress(node, path);
      const key = formatAddress(address);
      const known = memory.get(key);
      if (known) return known;
      const reading = await readOnce(store, address);
      memory.set(key, reading);
      return reading;
    },
    async list(path) {
      try {
        return await store.list(fileAddress(node, path));
      } catch (error) {
        const reason = unreadableReason(error);
        if (reason === null) throw error;
        return { unreadable: reason };
      }
    },
    readings: () => memory,
  };
}

async function readOnce(store: ListingStore, address: Address): Promise<ObjectReading> {
  try {
    const observation = await store.read(address);
    if (observation.state === "absent")
      return { state: "absent", address, danglingLink: observation.danglingLink };
    return { state: "present", bytes: observation.bytes, facts: factsOf(observation) };
  } catch (error) {
    const reason = unreadableReason(error);
    if (reason === null) throw error;
    return { state: "unreadable", address, reason };
  }
}

/** What is known of an object beside its bytes. */
export function factsOf(found: Present): Extract<ObjectReading, { state: "present" }>["facts"] {
  const { address, bytes, sha256, attributes, link, linkLeavesTree } = found;
  const { mode, uid, gid } = attributes;
  return { address, sha256, size: bytes.length, mode, uid, gid, link, linkLeavesTree };
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
