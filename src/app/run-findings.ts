// What runs add to a check: one that was cut short, and files that others left behind.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { Finding } from "../core/model/finding.ts";
import { worstOf } from "../core/policy/check.ts";
import { leftOverTemporaries } from "./left-over.ts";
import { type LocalNode, stateDirectoryOf } from "./local-node.ts";

/** An open run, and what other runs left beside their targets. */
export async function withRunFindings(local: LocalNode, result: CheckResult): Promise<CheckResult> {
  const open = await openRunOf(local, result);
  const run = open?.params.run ?? null;
  const own = [...(open === null ? [] : [open]), ...(await leftOverTemporaries(local, result, run))];
  if (own.length === 0) return result;
  const findings = [...own, ...result.findings];
  return { ...result, findings, worst: worstOf(findings) };
}

/** Loads the engine only when this node has runs at all: most checks never need it. */
async function openRunOf(local: LocalNode, result: CheckResult): Promise<Finding<"run-unfinished"> | null> {
  const directory = stateDirectoryOf(local);
  if (!existsSync(join(directory, "runs"))) return null;
  const { openStateDirectory } = await import("../drivers/shared/state-directory.ts");
  const { unfinishedRun } = await import("../engine/runs.ts");
  const run = await unfinishedRun(openStateDirectory(directory));
  if (!run) return null;
  const node = result.nodes[0] ?? "node";
  return {
    code: "run-unfinished",
    severity: "critical",
    node,
    slot: null,
    name: run.run,
    address: fileAddress(node, directory),
    params: { run: run.run },
  };
}
