// Which processes are restarted and why: (Facts, LiveFacts, what is renewed) -> RestartDecision[]. Pure.
// The versions are those of facts/reload-and-order 2.1; a version that is not known counts as one that does not reload.
import type { SlotId } from "../model/inventory.ts";
import type { ProcessFacts, ProcessSlot, RestartDecision, RestartReason } from "../model/live.ts";
import type { Facts } from "../policy/facts.ts";
import { isAtLeast, reloadOf } from "../policy/reloads.ts";
import { loadedSlots } from "./kubelet-pair.ts";
import { isExpired, type Outcome } from "./still-expired.ts";

const dayMs = 86_400_000;
/** An API server before 1.33 gives itself a certificate for one year at its start, and never another (k/k#86552). */
const loopbackYearMs = 365 * dayMs;
const loopbackMarginMs = 30 * dayMs;

/** One decision per process, in the order of restarts. `isGated`: a member of etcd is stopped only where the others can do without it. */
export function decideRestarts(outcome: Outcome, isGated = false): readonly RestartDecision[] {
  return outcome.live.inventory.processes.map((component) => decide(outcome, component, isGated));
}

function decide(outcome: Outcome, component: ProcessSlot, isGated: boolean): RestartDecision {
  const { consumer } = component;
  const running = outcome.live.processes.get(consumer);
  if (running === undefined || running.state === "unknown") {
    return { consumer, action: "keep", reasons: [{ code: "not-here", through: running?.through ?? "" }] };
  }
  const members = outcome.live.inventory.etcd?.members ?? 1;
  // Whether the others could do without this member is asked by nobody where only one node is known.
  if (!isGated && consumer === "etcd" && members > 1 && running.state === "running")
    return { consumer, action: "keep", reasons: [{ code: "several-members", members }] };
  const reasons = [
    ...bodily(running),
    ...heldInMemory(outcome, component, running),
    ...servesOther(outcome, component),
    ...loopback(outcome, component, running),
  ];
  if (reasons.length > 0) return { consumer, action: "bounce", reasons };
  const reload = reloadOf(component);
  if (!changesOf(outcome, component) || reload === null)
    return { consumer, action: "keep", reasons: [{ code: "nothing-changes" }] };
  return { consumer, action: "await", reasons: [reload] };
}

function bodily({ state, ailment }: ProcessFacts): readonly RestartReason[] {
  if (state === "exited" || state === "absent") return [{ code: "dead", state }];
  return ailment === null ? [] : [{ code: "unwell", ailment }];
}

function changesOf(outcome: Outcome, component: ProcessSlot): boolean {
  return loaded(outcome, component).some((slot) => outcome.changed.has(slot));
}

/** A rotated pair is relied on when it is valid and stays as it is. */
function loaded({ facts, changed }: Outcome, { consumer, reads }: ProcessSlot): readonly SlotId[] {
  return loadedSlots(consumer, reads, (rotated) => {
    const pair = facts.slots.get(rotated)?.certificate;
    return pair?.state === "present" && !isExpired(facts, rotated) && !changed.has(rotated);
  });
}

/** What was loaded once stays in memory: changed by this plan, or by somebody since the process began. */
function heldInMemory(
  outcome: Outcome,
  component: ProcessSlot,
  running: ProcessFacts,
): readonly RestartReason[] {
  const { facts, changed } = outcome;
  const slots = loaded(outcome, component);
  const reloads = reloadOf(component) !== null;
  if (slots.some((slot) => changed.has(slot))) {
    if (!reloads) return [{ code: "reads-once" }];
    // An API server whose way to etcd had expired has given up, or is about to: waiting for it to reload gains nothing.
    const expired = component.consumer === "etcd" ? undefined : slots.find((slot) => isExpired(facts, slot));
    return expired === undefined ? [] : [{ code: "holds-expired", slot: expired }];
  }
  const { startedAt } = running;
  if (reloads || startedAt === null) return [];
  const newer = slots
    .filter((slot) => component.consumer !== "kubelet" || isEmbedded(facts, slot))
    .find((slot) => (changedAt(facts, slot) ?? 0) > startedAt);
  return newer === undefined ? [] : [{ code: "started-before", slot: newer, startedAt }];
}

/** The kubelet writes its PEM pairs itself while it runs, and has them in memory then: their time says nothing. */
function isEmbedded(facts: Facts, id: SlotId): boolean {
  return facts.slots.get(id)?.slot.holder.form === "kubeconfig";
}

/** When the stored bytes became what they are: the file's time, whatever the certificate says of its beginning. */
function changedAt(facts: Facts, id: SlotId): number | undefined {
  const times = facts.slots.get(id)?.objects.flatMap(({ mtimeMs }) => mtimeMs ?? []) ?? [];
  return times.length === 0 ? undefined : Math.max(...times);
}

function servesOther({ facts, live, changed }: Outcome, component: ProcessSlot): readonly RestartReason[] {
  return component.endpoints.flatMap(({ id, slot }): readonly RestartReason[] => {
    const served = live.served.get(id);
    const stored = slot === null ? undefined : facts.slots.get(slot)?.certificate;
    if (slot === null || changed.has(slot) || served?.state !== "served" || stored?.state !== "present")
      return [];
    const { serialHex } = served;
    const isSame =
      serialHex === stored.value.leaf.serialHex && served.notAfter === stored.value.leaf.notAfter;
    return isSame ? [] : [{ code: "serves-other", endpoint: id, serialHex }];
  });
}

function loopback(
  { facts, live }: Outcome,
  component: ProcessSlot,
  { startedAt }: ProcessFacts,
): readonly RestartReason[] {
  if (component.consumer !== "kube-apiserver") return [];
  const own = component.endpoints.find(({ endpoint }) => endpoint.serverName === "apiserver-loopback-client");
  const served = own && live.served.get(own.id);
  const end =
    served?.state === "served"
      ? served.notAfter
      : isAtLeast(component.version, 1, 33) || startedAt === null
        ? Number.POSITIVE_INFINITY
        : startedAt + loopbackYearMs;
  return end - loopbackMarginMs > facts.at
    ? []
    : [{ code: "loopback-certificate", startedAt: startedAt ?? 0 }];
}
