// What a controller-manager must not find before enough kubelets report: its own kubeconfig. The kubelet starts it again and again by
// itself, so that holding back its restart alone would hold back nothing. Pure.
import { formatAddress } from "../model/address.ts";
import type { LiveFacts } from "../model/live.ts";
import type { Step } from "../model/plan.ts";
import type { Facts } from "../policy/facts.ts";
import { isExpired } from "./still-expired.ts";

/** Objects (formatAddress) and slots: kubeconfigs that only controller-managers read, whose present certificate lets nobody in any more. */
export function heldBack(facts: Facts, live: readonly LiveFacts[]): ReadonlySet<string> {
  const held = live.flatMap(({ inventory: { processes } }) => {
    const others = new Set(
      processes.flatMap(({ consumer, reads }) => (consumer === "kube-controller-manager" ? [] : reads)),
    );
    const judge = processes.find(({ consumer }) => consumer === "kube-controller-manager");
    return (judge?.reads ?? []).filter((slot) => !others.has(slot) && isExpired(facts, slot));
  });
  const objects = held.flatMap((id) => {
    const holder = facts.slots.get(id)?.slot.holder;
    return holder?.form === "kubeconfig" ? [id, formatAddress(holder.file)] : [];
  });
  return new Set(objects);
}

export function isHeld(held: ReadonlySet<string>, step: Step): boolean {
  if (step.kind === "swap") return held.has(step.object);
  return step.kind === "prove" && held.has(step.slot);
}
