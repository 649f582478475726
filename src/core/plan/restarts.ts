// Which processes are restarted and why: (Facts, LiveFacts, what is renewed) -> RestartDecision[]. Pure.
// The versions are those of facts/reload-and-order 2.1; a version that is not known counts as one that does not reload.
import type { SlotId } from "../model/inventory.ts";
import type {
  KeepRunningReason,
  LiveFacts,
  ProcessFacts,
  ProcessSlot,
  RestartDecision,
  RestartReason,
} from "../model/live.ts";
import type { Facts } from "../policy/facts.ts";

const dayMs = 86_400_000;
/** An API server before 1.33 gives itself a certificate for one year at its start, and never another (k/k#86552). */
const loopbackYearMs = 365 * dayMs;
const loopbackMarginMs = 30 * dayMs;

export interface RestartCase {
  readonly facts: Facts;
  readonly live: LiveFacts;
  /** Slots whose stored bytes the plan changes. */
  readonly changed: ReadonlySet<SlotId>;
}

/** One decision per process, in the order of restarts. */
export function decideRestarts(situation: RestartCase): readonly RestartDecision[] {
  return situation.live.inventory.processes.map((component) => decide(situation, component));
}

function decide(situation: RestartCase, component: ProcessSlot): RestartDecision {
  const { consumer } = component;
  const running = situation.live.processes.get(consumer);
  if (running === undefined || running.state === "unknown") {
    return { consumer, action: "keep", reasons: [{ code: "not-here", through: running?.through ?? "" }] };
  }
  const members = situation.live.inventory.etcd?.members ?? 1;
  // Whether the others could do without this member is asked by nobody here: it is left to the roll over all nodes.
  if (consumer === "etcd" && members > 1 && running.state === "running")
    return { consumer, action: "keep", reasons: [{ code: "several-members", members }] };
  const reasons = [
    ...bodily(running),
    ...heldInMemory(situation, component, running),
    ...servesOther(situation, component),
    ...loopback(situation, component, running),
  ];
  if (reasons.length > 0) return { consumer, action: "bounce", reasons };
  const reload = reloadOf(component);
  if (!changesOf(situation, component) || reload === null)
    return { consumer, action: "keep", reasons: [{ code: "nothing-changes" }] };
  return { consumer, action: "await", reasons: [reload] };
}

function bodily({ state, ailment }: ProcessFacts): readonly RestartReason[] {
  if (state === "exited" || state === "absent") return [{ code: "dead", state }];
  return ailment === null ? [] : [{ code: "unwell", ailment }];
}

function changesOf(situation: RestartCase, component: ProcessSlot): boolean {
  return loaded(situation, component).some((slot) => situation.changed.has(slot));
}

/** A kubelet with a valid rotated client pair does not look at the pair embedded in kubelet.conf (kubeadm#1753). */
function loaded({ facts, changed }: RestartCase, component: ProcessSlot): readonly SlotId[] {
  if (component.consumer !== "kubelet") return component.reads;
  const rotated = component.reads.find((slot) => slot.endsWith("/kubelet-client"));
  const pair = rotated === undefined ? undefined : facts.slots.get(rotated);
  const isUsed = pair?.certificate.state === "present" && pair.certificate.value.leaf.notAfter > facts.at;
  if (rotated === undefined || !isUsed || changed.has(rotated)) return component.reads;
  return component.reads.filter((slot) => !slot.endsWith("/kubelet.conf"));
}

/** What was loaded once stays in memory: changed by this plan, or by somebody since the process began. */
function heldInMemory(
  situation: RestartCase,
  component: ProcessSlot,
  running: ProcessFacts,
): readonly RestartReason[] {
  const { facts, changed } = situation;
  const slots = loaded(situation, component);
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

function isExpired(facts: Facts, id: SlotId): boolean {
  const certificate = facts.slots.get(id)?.certificate;
  return certificate?.state === "present" && certificate.value.leaf.notAfter <= facts.at;
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

function servesOther(
  { facts, live, changed }: RestartCase,
  component: ProcessSlot,
): readonly RestartReason[] {
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
  { facts, live }: RestartCase,
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

/** null for processes that read their files once. */
export function reloadOf({ consumer, version }: ProcessSlot): KeepRunningReason | null {
  const since = consumer === "etcd" ? "3.2" : consumer === "kube-apiserver" ? "1.19" : null;
  if (since === null || version === null) return null;
  const [major = 0, minor = 0] = since.split(".").map(Number);
  return isAtLeast(version, major, minor) ? { code: "reloads", since, version } : null;
}

function isAtLeast(version: string | null, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = (version ?? "").split(".").map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}
