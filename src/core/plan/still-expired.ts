// What stays expired although the plan is done: nobody can demand that it is presented, or that a process is well with it.
import type { SlotId } from "../model/inventory.ts";
import type { LiveFacts, ProcessSlot } from "../model/live.ts";
import type { Facts } from "../policy/facts.ts";
import { loadedSlots } from "./kubelet-pair.ts";

/** Loaded, and no reason for a process to say that it is unwell: others use what it is shown with these. */
const harmless: readonly string[] = [
  "kubelet-server",
  "etcd-healthcheck-client",
  "apiserver-kubelet-client",
  "front-proxy-client",
];

/** Whose health is part of one's own. */
const needs: Readonly<Record<string, string>> = {
  "kube-apiserver": "etcd",
  "kube-scheduler": "kube-apiserver",
  "kube-controller-manager": "kube-apiserver",
};

/** What is there, and what a plan makes of it. */
export interface Outcome {
  readonly facts: Facts;
  readonly live: LiveFacts;
  /** Slots whose stored bytes the plan changes. */
  readonly changed: ReadonlySet<SlotId>;
}

export function staysExpired({ facts, changed }: Outcome, slot: SlotId): boolean {
  return !changed.has(slot) && isExpired(facts, slot);
}

/** As it is stored now. */
export function isExpired(facts: Facts, slot: SlotId): boolean {
  const certificate = facts.slots.get(slot)?.certificate;
  return certificate?.state === "present" && certificate.value.leaf.notAfter <= facts.at;
}

/** True when the process, or one it needs, cannot be well even with everything the plan does. */
export function staysUnwell(outcome: Outcome, component: ProcessSlot): boolean {
  const matters = component.reads.filter((slot) => !harmless.some((name) => slot.endsWith(`/${name}`)));
  const isUsed = (rotated: SlotId): boolean => !staysExpired(outcome, rotated);
  if (loadedSlots(component.consumer, matters, isUsed).some((slot) => staysExpired(outcome, slot)))
    return true;
  const needed = outcome.live.inventory.processes.find(
    ({ consumer }) => consumer === needs[component.consumer],
  );
  return needed !== undefined && staysUnwell(outcome, needed);
}
