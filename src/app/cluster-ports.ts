// The engine's ports over several nodes: every address goes to its node, every before-image stays on its node.
import { parseAddress, type NodeName } from "../core/model/address.ts";
import type { RunId, Staged } from "../core/model/run.ts";
import { isAppError } from "../core/model/errors.ts";
import { commitGroups } from "../engine/commit-groups.ts";
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
    // Nodes side by side, even those of which each does one thing after the other.
    together: Math.max(...[...stores.values()].map(({ together = 1 }) => together), 1),
    commitAll: async (groups, options) => {
      const byNode = new Map<WritableStore, (readonly Staged[])[]>();
      for (const group of groups) {
        const [first] = group;
        if (!first) continue;
        const store = of(first.object);
        byNode.set(store, [...(byNode.get(store) ?? []), group]);
      }
      const reports = await Promise.all([...byNode].map(([store, own]) => commitGroups(store, own, options)));
      const failure = reports.find((report) => report.failure !== null)?.failure ?? null;
      return { committed: reports.flatMap(({ committed }) => committed), failure };
    },
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
    replace: (file, bytes) => of(file).replace(file, bytes),
    keep: (file, bytes, attributes) => of(file).keep(file, bytes, attributes),
    together: Math.max(...[...nodes.values()].map(({ together = 1 }) => together), 1),
    // A whole run goes everywhere; the operator's part last, so that what is left can be found.
    remove: async (file) => {
      for (const state of nodes.values()) await state.remove(file);
      await main.remove(file);
    },
  };
}

/** Copies of plan and journal in the state directories of `names`, replaced as a whole. */
export function copiesOnNodes(
  main: StateDirectory,
  nodes: ReadonlyMap<NodeName, StateDirectory>,
  names: readonly NodeName[] = [...nodes.keys()],
): Pick<RunCopies, "update"> {
  /** A plan never changes: `RUN NODE` of those that are there. */
  const planned = new Set<string>();
  const copies = [...nodes].filter(([node]) => names.includes(node));
  return {
    update: async (run) => {
      const [plan, journal] = await Promise.all(
        ["plan.json", "journal.jsonl"].map((name) => main.read(`runs/${run}/${name}`)),
      );
      const missed = await Promise.all(
        copies.map(async ([node, state]): Promise<readonly NodeName[]> => {
          const key = `${run} ${node}`;
          const isDone = await copied(state, run, {
            plan: planned.has(key) ? null : (plan ?? null),
            journal: journal ?? null,
          });
          if (isDone) planned.add(key);
          return isDone ? [] : [node];
        }),
      );
      return missed.flat();
    },
  };
}

interface Copies {
  readonly plan: Uint8Array | null;
  readonly journal: Uint8Array | null;
}

/** False when the node could not be written to. A journal without its plan would be of no use: the plan goes first. */
async function copied(state: StateDirectory, run: RunId, { plan, journal }: Copies): Promise<boolean> {
  try {
    if (plan !== null) await state.replace(`runs/${run}/plan.json`, plan);
    if (journal !== null) await state.replace(`runs/${run}/journal.jsonl`, journal);
    return true;
  } catch (error) {
    if (isAppError(error)) return false;
    throw error;
  }
}
