// What the operator spoke of: names, the slots of added names, or nothing, which is the default selection.
import type { CertificateSlot } from "../model/inventory.ts";
import type { RenewRequest } from "../model/plan.ts";

/** True when the operator spoke of this slot, by kubeadm's name or by its id. */
export function isNamed(slot: CertificateSlot, request: RenewRequest): boolean {
  return request.names.includes(slot.name) || request.names.includes(slot.id);
}

/** The names to add to one slot; without a slot they are for the API server, which is what people mean. */
export function sansFor(slot: CertificateSlot, request: RenewRequest): RenewRequest["addSans"] {
  return request.addSans.filter((san) => (san.slot ?? "apiserver") === slot.name || san.slot === slot.id);
}

/** Nothing was asked for by name: whatever is due. */
export function isDefaultSelection({ names, all, addSans }: RenewRequest): boolean {
  return !all && names.length === 0 && addSans.length === 0;
}
