// The use case `diagnose` over the nodes of a cluster, node by node.
import type { CheckResult } from "../core/model/check.ts";
import type { DiagnoseResult } from "../core/model/diagnosis.ts";
import { isAppError } from "../core/model/errors.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import type { NodeKnowledge } from "../core/policy/diagnose/knowledge.ts";
import { unreachable } from "./check-cluster.ts";
import { type ClusterFacts, type OpenCluster, type ReadAccess } from "./cluster.ts";
import { type LogInputs, diagnoseNode } from "./diagnose.ts";
import type { ProfileChoice } from "./gather.ts";
import { inParallel, nodesAtOnce } from "./in-parallel.ts";
import { nodeKnowledge } from "./node-knowledge.ts";

export interface ClusterDiagnoses {
  /** The instant of the answer, ms. */
  readonly at: number;
  readonly cluster: string;
  readonly nodes: readonly DiagnoseResult[];
  readonly failed: readonly AnyFinding[];
}

/** Logs are read where they are on this machine. A node that cannot be reached is a finding among `failed`. */
export async function diagnoseCluster(
  { cluster, nodes, choice }: OpenCluster,
  { at, withinMs }: { readonly at: number; readonly withinMs: number },
  inputs: LogInputs,
): Promise<ClusterDiagnoses> {
  const results = await inParallel(nodes, nodesAtOnce, (access) =>
    diagnoseOne(access, { choice, at, withinMs }, inputs),
  );
  return {
    at,
    cluster: cluster.name,
    nodes: results.flatMap((result) => ("diagnoses" in result ? [result] : [])),
    failed: results.flatMap((result) => ("diagnoses" in result ? [] : [result])),
  };
}

async function diagnoseOne(
  { node, open }: ReadAccess,
  request: { readonly choice: ProfileChoice; readonly at: number; readonly withinMs: number },
  inputs: LogInputs,
): Promise<DiagnoseResult | AnyFinding> {
  try {
    const result = await diagnoseNode(await open(), { files: [], ...request }, inputs);
    const { reach } = node;
    return { ...result, node: node.name, ...(reach.kind === "ssh" ? { reach } : {}) };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return unreachable(node, error);
  }
}

/** What bare `perennial` knows of each node that was read, without any log. */
export function knowledgeOfCluster(
  { nodes }: Pick<OpenCluster, "nodes">,
  { outcomes }: ClusterFacts,
  { findings }: Pick<CheckResult, "findings">,
): readonly NodeKnowledge[] {
  return outcomes.flatMap((outcome) => {
    if (outcome.state === "failed") return [];
    const { name } = outcome.node;
    const local = nodes.find(({ node }) => node.name === name)?.local ?? null;
    return [nodeKnowledge(local, outcome.facts, { findings: findings.filter(({ node }) => node === name) })];
  });
}
