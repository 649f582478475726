// The use case `check` over the nodes of a cluster: rows and findings of all that could be read, a finding for every other.
import { fileAddress } from "../core/model/address.ts";
import type { CheckResult } from "../core/model/check.ts";
import type { ClusterNode } from "../core/model/cluster.ts";
import { type AppError, codedError } from "../core/model/errors.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { worstFirst, worstOf } from "../core/policy/check.ts";
import { checkResult } from "./check.ts";
import { type ClusterFacts, type OpenCluster, gatherCluster } from "./cluster.ts";
import { runFindingsOfCluster } from "./cluster-run-findings.ts";
import { leftOverTemporaries } from "./left-over.ts";
import { whereOf } from "./where-of.ts";

export interface ClusterCheckOptions {
  /** ms since the epoch. */
  readonly at: number;
  readonly withinMs: number;
}

/** @throws AppError `profiles-differ` */
export async function checkCluster(open: OpenCluster, options: ClusterCheckOptions): Promise<CheckResult> {
  return resultOfCluster(open, await gatherCluster(open, options.at), options);
}

interface Judged extends Pick<OpenCluster, "cluster" | "stateDirectory"> {
  readonly nodes: readonly Pick<OpenCluster["nodes"][number], "node" | "local">[];
}

/** Facts that were gathered already, judged. */
export async function resultOfCluster(
  { cluster, nodes, stateDirectory }: Judged,
  { facts, outcomes }: ClusterFacts,
  { at, withinMs }: ClusterCheckOptions,
): Promise<CheckResult> {
  const stored: CheckResult =
    facts === null
      ? { ...nothingRead, at, profile: cluster.profile ?? "" }
      : checkResult(facts, { withinMs, root: "/" });
  const failed = outcomes.flatMap((outcome) =>
    outcome.state === "failed" ? [unreachable(outcome.node, outcome.error)] : [],
  );
  const kept = outcomes.flatMap((outcome) => (outcome.state === "read" ? (outcome.runs ?? []) : []));
  const { findings: ofRuns, open } = await runFindingsOfCluster({ cluster, stateDirectory, kept });
  const runs: AnyFinding[] = [...ofRuns];
  for (const { node, local } of nodes)
    if (local !== null && !failed.some((finding) => finding.node === node.name))
      runs.push(...(await leftOverTemporaries(local, onlyOf(stored, node.name), open)));
  const findings = worstFirst([...failed, ...runs, ...stored.findings]);
  const names = cluster.nodes.map(({ name }) => name);
  return { ...stored, cluster: cluster.name, nodes: names, findings, worst: worstOf(findings) };
}

const nothingRead = {
  cluster: "",
  nodes: [],
  root: "/",
  certificates: [],
  authorities: [],
  findings: [],
  worst: null,
} as const;

/** The rows of one node, without findings. */
function onlyOf(result: CheckResult, node: string): CheckResult {
  return {
    ...result,
    nodes: [node],
    certificates: result.certificates.filter((row) => row.node === node),
    authorities: result.authorities.filter((row) => row.node === node),
    findings: [],
    worst: null,
  };
}

/** Blindness on a control plane is as bad as what may be there; workers fail one by one. */
export function unreachable({ name, roles, reach }: ClusterNode, error: AppError): AnyFinding {
  const isWorker = roles.every((role) => role === "worker");
  return {
    code: "node-unreachable",
    severity: isWorker ? "warning" : "critical",
    node: name,
    slot: null,
    name,
    address: fileAddress(name, "/"),
    params: { reach: reach.kind, where: whereOf(reach), roles, error: codedError(error) },
  };
}
