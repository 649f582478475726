// What diagnoses know of a node beside its logs: facts, findings, the youngest file.
import type { CheckResult } from "../core/model/check.ts";
import type { Facts } from "../core/policy/facts.ts";
import type { NodeKnowledge } from "../core/policy/diagnose/knowledge.ts";
import { type NewestChange, newestChange } from "../drivers/discovery/newest-change.ts";
import type { CollectedNode } from "./collected-node.ts";
import type { LocalNode } from "./local-node.ts";

export function nodeKnowledge(
  local: LocalNode | CollectedNode,
  facts: Facts,
  { findings }: Pick<CheckResult, "findings">,
): NodeKnowledge {
  const objects = [...facts.slots.values()].flatMap((slot) => slot.objects);
  const paths = [...new Set(objects.map(({ address }) => address.path))];
  return { facts, findings, newestFile: newestOf(local, paths), startedAt: new Map() };
}

function newestOf(local: LocalNode | CollectedNode, paths: readonly string[]): NewestChange | null {
  if (!("collected" in local)) return newestChange(local.root, paths);
  return paths.reduce<NewestChange | null>((newest, path) => {
    const file = local.collected.files.get(path);
    if (file?.state !== "found" || (newest !== null && file.mtimeMs <= newest.at)) return newest;
    return { path, at: file.mtimeMs };
  }, null);
}
