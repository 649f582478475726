// What runs add to the check of a cluster: its own run that was cut off or is at work, wherever that is known, and those of single nodes.
import type { NodeName } from "../core/model/address.ts";
import type { Cluster } from "../core/model/cluster.ts";
import { systemClock } from "../drivers/shared/world.ts";
import { partOf } from "./cluster-state.ts";
import type { RunFindings } from "./judge-runs.ts";
import { heldLock, type KeptRuns, lifeHere, openedOrRefusing, orError } from "./kept-runs.ts";
import { mayHaveRuns, noRuns } from "./run-findings.ts";
import type { RunPlace } from "./run-copies.ts";
import { whereOf } from "./where-of.ts";

export interface ClusterRuns {
  readonly cluster: Cluster;
  /** Absolute path of the operator's own part. */
  readonly stateDirectory: string;
  /** Of every node that could be asked. */
  readonly kept: readonly KeptRuns[];
}

/**
 * The cluster's open run, as the newest whole journal of all says: the operator's own (its node is empty then) or a copy; the open runs that
 * are a node's own; and what could not be read of either. Loads the engine only when there are runs at all: most checks never need it.
 */
export async function runFindingsOfCluster({
  cluster,
  stateDirectory,
  kept,
}: ClusterRuns): Promise<RunFindings> {
  if (kept.length === 0 && !mayHaveRuns(stateDirectory)) return noRuns;
  const { openStateDirectory } = await import("../drivers/shared/state-directory.ts");
  const { below } = await import("../engine/runs.ts");
  const { judgeRuns, withoutRepeats } = await import("./judge-runs.ts");
  const now = systemClock.now();
  const hasRoot = cluster.nodes.some(({ reach }) => reach.kind === "root");
  const reachOf = (name: NodeName) => cluster.nodes.find((node) => node.name === name)?.reach;
  const main: RunPlace = {
    node: null,
    state: openedOrRefusing(() => openStateDirectory(stateDirectory), stateDirectory),
  };
  const copies = kept
    .map(({ node, state }): RunPlace => ({ node, state: below(state, partOf(cluster.name)) }))
    // Who works on one of the nodes has his own part there: it is no copy.
    .filter(({ node, state }) => reachOf(node ?? "")?.kind === "ssh" || state.path !== main.state.path);
  const locks = [
    { place: main, lock: await orError(heldLock(main.state, lifeHere)) },
    ...kept.map(({ node, state, lock }) => ({ place: { node, state }, lock })),
  ];
  const judged = [await judgeRuns({ places: [main, ...copies], locks, now, isBelowRoot: hasRoot })];
  for (const { node, state, lock } of kept) {
    const place = { node, state };
    const reach = reachOf(node);
    const own = reach && { own: { reach: reach.kind, where: whereOf(reach) } };
    judged.push(
      await judgeRuns({
        places: [place],
        locks: [{ place, lock }],
        now,
        ...own,
        isBelowRoot: reach?.kind === "root",
      }),
    );
  }
  return {
    findings: withoutRepeats(judged.flatMap(({ findings }) => findings)),
    open: judged.flatMap(({ open }) => open),
  };
}
