// "Renewed on disk, still old in memory": which process, since when it runs, what shows it.
import type { AnyFinding } from "../../model/finding.ts";
import type { HeldReason, ProcessSlot, RestartReason } from "../../model/live.ts";
import type { RunningState } from "../../model/verification.ts";
import type { findingOf } from "../finding-of.ts";

/** What says most comes first: one finding per process is enough to restart it. */
const tellingMost: readonly HeldReason[] = ["started-before", "serves-other", "loopback-certificate"];

export function heldOld(
  { live, restarts }: RunningState,
  { consumer, manifest }: ProcessSlot,
  report: ReturnType<typeof findingOf>,
): readonly AnyFinding[] {
  const decision = restarts.find((each) => each.consumer === consumer);
  if (decision?.action !== "bounce") return [];
  const held = tellingMost.flatMap((code) => decision.reasons.filter((reason) => reason.code === code));
  const [reason] = held;
  const because = tellingMost.find((code) => code === reason?.code);
  if (reason === undefined || because === undefined) return [];
  const startedAt = live.processes.get(consumer)?.startedAt ?? null;
  const isContainer = manifest !== null;
  return [
    report("process-holds-old", "critical", {
      consumer,
      startedAt,
      because,
      what: whatOf(reason),
      isContainer,
    }),
  ];
}

function whatOf(reason: RestartReason): string {
  switch (reason.code) {
    case "started-before":
    case "holds-expired":
      return reason.slot;
    case "serves-other":
      return reason.endpoint;
    case "dead":
    case "unwell":
    case "reads-once":
    case "loopback-certificate":
      return "";
  }
}
