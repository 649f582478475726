// The node's files, and beside them what a plan only reads: pending keys in the state directory, answers wherever the operator has them.
import { fileAddress, type Address } from "../core/model/address.ts";
import { isAppError } from "../core/model/errors.ts";
import type { Observation, ReadOptions, WritableStore } from "../engine/ports/store.ts";
import { openFileStore } from "../drivers/store/files.ts";

/** Directory that `/` of an address means, by store. */
export type ReadableRoots = Readonly<Record<string, string>>;

/** `answer` addresses are absolute paths of this machine, whatever root the node has; `pending` ones are below the state directory. */
export function readableRoots(stateDirectory: string): ReadableRoots {
  return { answer: "/", pending: stateDirectory };
}

/** Addresses of the named stores are read below their roots, everything else is the main store's. Nothing is written there. */
export function routedStore(main: WritableStore, roots: ReadableRoots): WritableStore {
  return {
    ...main,
    read: (address, options) => {
      const root = roots[address.store];
      return root === undefined ? main.read(address, options) : readBelow(root, address, options);
    },
  };
}

/** One read, nothing kept open: these are few. */
export async function readBelow(root: string, address: Address, options?: ReadOptions): Promise<Observation> {
  try {
    const store = openFileStore({ root, node: address.node });
    try {
      return { ...(await store.read(fileAddress(address.node, address.path), options)), address };
    } finally {
      store.close();
    }
  } catch (error) {
    if (isAppError(error, "not-a-node")) return { state: "absent", address, danglingLink: null };
    throw error;
  }
}
