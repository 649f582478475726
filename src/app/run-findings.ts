// What the state directory adds to a check: a run that was cut short.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileAddress } from "../core/model/address.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { worstOf } from "../core/policy/check.ts";
import { type LocalNode, stateDirectoryOf } from "./local-node.ts";

/** Loads the engine only when this node has runs at all: most checks never need it. */
export async function withRunFindings(local: LocalNode, result: CheckResult): Promise<CheckResult> {
  const directory = stateDirectoryOf(local);
  if (!existsSync(join(directory, "runs"))) return result;
  const { openStateDirectory } = await import("../drivers/shared/state-directory.ts");
  const { unfinishedRun } = await import("../engine/runs.ts");
  const run = await unfinishedRun(openStateDirectory(directory));
  if (!run) return result;
  const node = result.nodes[0] ?? "node";
  const finding: AnyFinding = {
    code: "run-unfinished",
    severity: "critical",
    node,
    slot: null,
    name: run.run,
    address: fileAddress(node, directory),
    params: { run: run.run },
  };
  const findings = [finding, ...result.findings];
  return { ...result, findings, worst: worstOf(findings) };
}
