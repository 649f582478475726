// Who counts as ready: a condition may be as old as the outage, so a node counts only when its kubelet has spoken since the first look.
import type { MinReady, NodeReport, Readiness, SilentNode } from "../model/readiness.ts";

/** Heartbeats by name, as they were when each node was seen first. */
export type FirstLook = ReadonlyMap<string, string>;

/**
 * `first` is compared, no clock is: the times are those of the nodes, which may be wrong, and without a controller-manager nobody takes a
 * condition back.
 */
export function readinessOf(
  first: FirstLook,
  reports: readonly NodeReport[],
  without: readonly string[] = [],
): Readiness {
  const counted = reports.filter(({ name }) => !without.includes(name));
  const judged = counted.map((report) => ({ report, silence: silenceOf(first, report) }));
  return {
    ready: judged.flatMap(({ report, silence }) => (silence === null ? [report.name] : [])),
    silent: judged.flatMap(({ silence }) => silence ?? []),
  };
}

function silenceOf(first: FirstLook, { name, isReady, reason, heartbeat }: NodeReport): SilentNode | null {
  if (!isReady) return { node: name, why: "not-ready", reason };
  return first.get(name) === heartbeat ? { node: name, why: "no-heartbeat", reason: "" } : null;
}

/** `of` everything that counts; more is never asked for than there is. */
export function neededOf(need: MinReady, of: number): number {
  if (need.form === "nodes") return Math.min(need.count, of);
  return Math.min(of, Math.ceil((of * need.percent) / 100));
}
