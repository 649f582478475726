// The engine's ports over several nodes: every address goes to its node, every before-image stays on its node.
import { parseAddress, type NodeName } from "../core/model/address.ts";
import type { RunId } from "../core/model/run.ts";
import { isAppError } from "../core/model/errors.ts";
import type { RunCopies } from "../engine/ports/engine-ports.ts";
import type { StateDirectory } from "../engine/ports/state.ts";
import type { WritableStore } from "../engine/ports/store.ts";

/** One store for all nodes. Addresses of other nodes are a TypeError. */
export function storeOfNodes(stores: ReadonlyMap<NodeName, WritableStore>): WritableStore {
  const on = (node: NodeName): WritableStore => {
    const store = stores.get(node);
    if (!store) throw new TypeError(`no node ${node}`);
    return store;
  };
  const of = (object: string): WritableStore => on(parseAddress(object).node);
  return {
    id: "nodes",
    read: (address, options) => on(address.node).read(address, options),
    stage: (address, bytes, options) => on(address.node).stage(address, bytes, options),
    commit: (staged, options) => of(staged.object).commit(staged, options),
    adopt: (staged, token) => of(staged.object).adopt(staged, token),
    discard: (staged) => of(staged.object).discard(staged),
    remove: (address, options) => on(address.node).remove(address, options),
    sweep: async (addresses, token) => {
      const nodes = [...new Set(addresses.map(({ node }) => node))];
      const swept = await Promise.all(
        nodes.map((node) => {
          const own = addresses.filter((address) => address.node === node);
          return on(node).sweep(own, token);
        }),
      );
      return swept.flat();
    },
  };
}

/** `runs/RUN/before/NODE/...`: the old bytes of a node, keys among them, which do not leave it. */
const beforeImage = /^runs\/[^/]+\/before\/([^/]+)\//;

/** The operator's own state directory, with before-images on their nodes. */
export function stateOfNodes(
  main: StateDirectory,
  nodes: ReadonlyMap<NodeName, StateDirectory>,
): StateDirectory {
  const of = (file: string): StateDirectory => {
    const [, node] = beforeImage.exec(file) ?? [];
    return (node === undefined ? undefined : nodes.get(node)) ?? main;
  };
  return {
    ...main,
    read: (file) => of(file).read(file),
    create: (file, bytes) => of(file).create(file, bytes),
    append: (file, bytes) => of(file).append(file, bytes),
    rename: (from, to) => of(to).rename(from, to),
    keep: (file, bytes, attributes) => of(file).keep(file, bytes, attributes),
    // A whole run goes everywhere; the operator's part last, so that what is left can be found.
    remove: async (file) => {
      for (const state of nodes.values()) await state.remove(file);
      await main.remove(file);
    },
  };
}

/** Copies of plan and journal in the nodes' state directories, replaced as a whole. */
export function copiesOnNodes(main: StateDirectory, nodes: ReadonlyMap<NodeName, StateDirectory>): RunCopies {
  return {
    update: async (run) => {
      const missed = await Promise.all(
        [...nodes].map(async ([node, state]) => ((await copied(main, state, run)) ? [] : [node])),
      );
      return missed.flat();
    },
  };
}

/** False when the node could not be written to. */
async function copied(main: StateDirectory, state: StateDirectory, run: RunId): Promise<boolean> {
  // The same directory, when the operator works on that node.
  if (state.path === main.path) return true;
  try {
    for (const name of ["plan.json", "journal.jsonl"]) {
      const bytes = await main.read(`runs/${run}/${name}`);
      if (bytes === null) continue;
      await state.remove(`runs/${run}/${name}.new`);
      await state.create(`runs/${run}/${name}.new`, bytes);
      await state.rename(`runs/${run}/${name}.new`, `runs/${run}/${name}`);
    }
    return true;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}
