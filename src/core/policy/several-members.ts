// Whether a node's etcd can be helped alone: one of several members whose certificates have expired may need the others. Pure.
import type { Facts } from "./facts.ts";

/**
 * How many members there are, when this one's certificates have expired and no other node is known: where the others' have as
 * well, a quorum has to come back together. Null when it is alone, well, or among nodes that are known.
 */
export function membersExpiredApart({ at, inventory, slots }: Facts): number | null {
  const [node, ...others] = inventory.nodes;
  const etcd = node?.consumers.find(({ name }) => name === "etcd");
  if (!etcd?.members || others.length > 0) return null;
  const isExpired = etcd.slots.some((id) => {
    const slot = slots.get(id);
    const isMembers = slot?.slot.name === "etcd-peer" || slot?.slot.name === "etcd-server";
    return isMembers && slot.certificate.state === "present" && slot.certificate.value.leaf.notAfter < at;
  });
  return isExpired ? etcd.members : null;
}
