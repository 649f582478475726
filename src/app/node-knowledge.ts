// What diagnoses know of a node beside its logs: facts, findings, the youngest file.
import type { CheckResult } from "../core/model/check.ts";
import type { Facts, ObjectFacts } from "../core/policy/facts.ts";
import type { NodeKnowledge } from "../core/policy/diagnose/knowledge.ts";
import { type NewestChange, newestChange } from "../drivers/discovery/newest-change.ts";
import { isCollected } from "./collected-node.ts";
import { type ReadableNode, isLocal } from "./local-node.ts";

/** `node` is where the files are; null for one whose files cannot be looked at again: its facts say when they were changed. */
export function nodeKnowledge(
  node: ReadableNode | null,
  facts: Facts,
  { findings }: Pick<CheckResult, "findings">,
): NodeKnowledge {
  const objects = [...facts.slots.values()].flatMap((slot) => slot.objects);
  return { facts, findings, newestFile: newestOf(node, objects), startedAt: new Map() };
}

function newestOf(node: ReadableNode | null, objects: readonly ObjectFacts[]): NewestChange | null {
  const paths = [...new Set(objects.map(({ address }) => address.path))];
  if (node !== null && isLocal(node)) return newestChange(node.root, paths);
  const times =
    node !== null && isCollected(node)
      ? paths.map((path) => {
          const file = node.collected.files.get(path);
          return { path, at: file?.state === "found" ? file.mtimeMs : undefined };
        })
      : objects.map(({ address, mtimeMs }) => ({ path: address.path, at: mtimeMs }));
  return times.reduce<NewestChange | null>((newest, { path, at }) => {
    if (at === undefined || (newest !== null && at <= newest.at)) return newest;
    return { path, at };
  }, null);
}
