// Which of its two client pairs a kubelet looks at.
import type { SlotId } from "../model/inventory.ts";

/**
 * A kubelet with a rotated pair of its own does not look at the one embedded in kubelet.conf (kubeadm#1753). `isUsed` says
 * whether the rotated one counts; other processes load all of `slots`.
 */
export function loadedSlots(
  consumer: string,
  slots: readonly SlotId[],
  isUsed: (rotated: SlotId) => boolean,
): readonly SlotId[] {
  if (consumer !== "kubelet") return slots;
  const rotated = slots.find((slot) => slot.endsWith("/kubelet-client"));
  return rotated !== undefined && isUsed(rotated)
    ? slots.filter((slot) => !slot.endsWith("/kubelet.conf"))
    : slots;
}
