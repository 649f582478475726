// Processes that a plan would restart and that nobody here could start: refused before anything is written. Pure.
import type { Refusal } from "../model/refusal.ts";
import type { LiveFacts, NotStartable } from "../model/live.ts";
import type { Notice } from "../model/notice.ts";
import type { LiveSteps } from "./live-steps.ts";

/** A kubelet that stays away takes every static pod with it that is stopped afterwards. */
export function startRefusals(
  { bounces }: LiveSteps,
  { inventory, processes }: LiveFacts,
): readonly Refusal[] {
  return bounces.flatMap(({ consumer }) => {
    const startability = processes.get(consumer)?.startability;
    if (startability?.state !== "cannot") return [];
    return [notStartable({ node: inventory.node, consumer, why: startability.why })];
  });
}

export function notStartable({
  node,
  consumer,
  why,
}: {
  readonly node: string;
  readonly consumer: string;
  readonly why: NotStartable;
}): Refusal {
  return { code: "process-not-startable", slot: `${node}/${consumer}`, address: consumer, detail: why };
}

/** What is started from a record of ours: the operator should know the command line, it may be an old one. */
export function startNotices({ bounces }: LiveSteps, { processes }: LiveFacts): readonly Notice[] {
  return bounces.flatMap(({ consumer }): readonly Notice[] => {
    const startability = processes.get(consumer)?.startability;
    if (startability?.state !== "recorded") return [];
    const { command, recordedAt } = startability;
    return [{ code: "process-from-record", consumer, command, recordedAt }];
  });
}
