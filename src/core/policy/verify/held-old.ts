// "Renewed on disk, still old in memory": which process, since when it runs, what shows it.
import type { AnyFinding } from "../../model/finding.ts";
import type { HeldReason, LiveFacts, ProcessSlot, RestartReason } from "../../model/live.ts";
import type { RunningState } from "../../model/verification.ts";
import type { Facts } from "../facts.ts";
import { reloadOf } from "../reloads.ts";
import type { findingOf } from "../finding-of.ts";

/** What says most comes first: one finding per process is enough to restart it. */
const tellingMost: readonly HeldReason[] = ["started-before", "serves-other", "loopback-certificate"];

export function heldOld(
  facts: Facts,
  { live, restarts }: RunningState,
  component: ProcessSlot,
  report: ReturnType<typeof findingOf>,
): readonly AnyFinding[] {
  const { consumer, manifest } = component;
  const decision = restarts.find((each) => each.consumer === consumer);
  if (decision?.action !== "bounce") return [];
  const held = tellingMost.flatMap((code) => decision.reasons.filter((reason) => reason.code === code));
  const [reason] = held;
  const because = tellingMost.find((code) => code === reason?.code);
  if (reason === undefined || because === undefined) return [];
  const startedAt = live.processes.get(consumer)?.startedAt ?? null;
  const isContainer = manifest !== null;
  const isNewer =
    reason.code === "serves-other" && presentsNewer(facts, live, { component, id: reason.endpoint });
  const reloads = because === "serves-other" && reloadOf(component) !== null;
  // An older file that was put back is read by itself: that the listener differs meanwhile is told with the listener.
  if (isNewer && reloads) return [];
  return [
    report("process-holds-old", isNewer ? "warning" : "critical", {
      consumer,
      startedAt,
      because,
      what: whatOf(reason),
      isContainer,
      ...(isNewer ? { isNewer } : {}),
      ...(reloads ? { reloads } : {}),
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

/** What is on disk was put there since, and ends earlier. */
function presentsNewer(
  { slots }: Facts,
  { served }: LiveFacts,
  { component, id }: { readonly component: ProcessSlot; readonly id: string },
): boolean {
  const slot = component.endpoints.find((endpoint) => endpoint.id === id)?.slot ?? null;
  const stored = slot === null ? undefined : slots.get(slot)?.certificate;
  const presented = served.get(id);
  if (stored?.state !== "present" || presented?.state !== "served") return false;
  return presented.notAfter > stored.value.leaf.notAfter;
}
