// What runs add to a check of one node: one that was cut short or is at work, what cannot be read of them, and files that others left behind.
import { lstatSync } from "node:fs";
import { join } from "node:path";
import type { CheckResult } from "../core/model/check.ts";
import { worstOf } from "../core/policy/check.ts";
import { systemClock } from "../drivers/shared/world.ts";
import { isAppError } from "../core/model/errors.ts";
import type { ReadableState } from "../engine/runs.ts";
import { partOf } from "./cluster-state.ts";
import type { RunFindings } from "./judge-runs.ts";
import { heldLock, lifeHere, openedOrRefusing, orError } from "./kept-runs.ts";
import { leftOverTemporaries } from "./left-over.ts";
import { type LocalNode, lockDirectoryOf, stateDirectoryOf } from "./local-node.ts";

/** An open run, and what other runs left beside their targets. */
export async function withRunFindings(local: LocalNode, result: CheckResult): Promise<CheckResult> {
  const runs = await runsOf(local, result.nodes[0] ?? "node");
  const own = [...runs.findings, ...(await leftOverTemporaries(local, result, runs.open))];
  if (own.length === 0) return result;
  const findings = [...own, ...result.findings];
  return { ...result, findings, worst: worstOf(findings) };
}

export const noRuns: RunFindings = { findings: [], open: [] };

/** Loads the engine only when this node has runs at all, its own or copies of a cluster's: most checks never need it. */
async function runsOf(local: LocalNode, node: string): Promise<RunFindings> {
  const judged = [await ownRuns(local, node), await clusterRunsOn(local, node)];
  if (judged.every((each) => each === noRuns)) return noRuns;
  const { withoutRepeats } = await import("./judge-runs.ts");
  return {
    findings: withoutRepeats(judged.flatMap(({ findings }) => findings)),
    open: judged.flatMap(({ open }) => open),
  };
}

async function ownRuns(local: LocalNode, node: string): Promise<RunFindings> {
  const directory = stateDirectoryOf(local);
  if (!mayHaveRuns(directory)) return noRuns;
  const { judgeRuns } = await import("./judge-runs.ts");
  const open = await opener();
  const place = { node, state: open(directory) };
  const lock = await orError(heldLock(open(lockDirectoryOf(local)), lifeHere));
  const isBelowRoot = local.root !== "/";
  return judgeRuns({ places: [place], locks: [{ place, lock }], now: systemClock.now(), isBelowRoot });
}

/** Runs over several nodes, of which this one has copies: their staged files lie here, and nobody but they may touch them. */
export async function clusterRunsOn(local: LocalNode, node: string): Promise<RunFindings> {
  const directory = lockDirectoryOf(local);
  if (!mayHave(directory, "clusters")) return noRuns;
  const { judgeRuns } = await import("./judge-runs.ts");
  const { below } = await import("../engine/runs.ts");
  const state = (await opener())(directory);
  const now = systemClock.now();
  const lock = await orError(heldLock(state, lifeHere));
  const names = await orError(state.list("clusters"));
  const clusters = isAppError(names) ? [] : names;
  const judged = await Promise.all(
    clusters.map((cluster) => {
      const place = { node, state: below(state, partOf(cluster)) };
      const isBelowRoot = local.root !== "/";
      return judgeRuns({ places: [place], locks: [{ place, lock }], now, cluster, isBelowRoot });
    }),
  );
  return {
    findings: judged.flatMap(({ findings }) => findings),
    open: judged.flatMap(({ open }) => open),
  };
}

async function opener(): Promise<(path: string) => ReadableState> {
  const { openStateDirectory } = await import("../drivers/shared/state-directory.ts");
  return (path) => openedOrRefusing(() => openStateDirectory(path), path);
}

/** False only when there are none for certain. */
export function mayHaveRuns(directory: string): boolean {
  return mayHave(directory, "runs");
}

function mayHave(directory: string, folder: string): boolean {
  try {
    return lstatSync(join(directory, folder), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return true;
  }
}
