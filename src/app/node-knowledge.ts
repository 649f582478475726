// What diagnoses know of a node beside its logs: facts, findings, the youngest file.
import type { CheckResult } from "../core/model/check.ts";
import type { Facts } from "../core/policy/facts.ts";
import type { NodeKnowledge } from "../core/policy/diagnose/knowledge.ts";
import { newestChange } from "../drivers/discovery/newest-change.ts";
import type { LocalNode } from "./local-node.ts";

export function nodeKnowledge(
  local: LocalNode,
  facts: Facts,
  { findings }: Pick<CheckResult, "findings">,
): NodeKnowledge {
  const objects = [...facts.slots.values()].flatMap((slot) => slot.objects);
  const paths = [...new Set(objects.map(({ address }) => address.path))];
  return { facts, findings, newestFile: newestChange(local.root, paths), startedAt: new Map() };
}
