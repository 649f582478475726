// What is wrong with a file itself, whatever is in it: mode, owner, links. Pure.
import type { AnyFinding } from "../model/finding.ts";
import type { Facts, ObjectFacts, SlotFacts } from "./facts.ts";
import { findingOf, octal } from "./finding-of.ts";

export function fileFindings(facts: Facts, slot: SlotFacts): readonly AnyFinding[] {
  const { holder } = slot.slot;
  const keyPath = holder.form === "kubeconfig" ? holder.file.path : (holder.key?.path ?? "");
  return slot.objects.flatMap((object) => objectFindings(slot.slot, object, keyPath, facts));
}

/** Mode, owner and links of one object. Keys and kubeconfigs 0600, certificates 0644 (CIS 1.1.13 to 1.1.21). */
export function objectFindings(
  subject: { readonly id: string; readonly node: string; readonly name: string },
  object: ObjectFacts,
  keyPath: string,
  facts: Facts,
): readonly AnyFinding[] {
  const { path } = object.address;
  const report = findingOf(subject, object.address);
  const atMost = path === keyPath ? 0o600 : 0o644;
  const isOpen = (object.mode & 0o777 & ~atMost) !== 0;
  return [
    ...(isOpen
      ? [report("mode-too-open", "warning", { path, mode: octal(object.mode), atMost: octal(atMost) })]
      : []),
    ...(ownerIsExpected(object, facts)
      ? []
      : [report("owner-unexpected", "warning", { path, uid: object.uid, gid: object.gid })]),
    ...(object.linkLeavesTree
      ? [report("link-leaves-tree", "warning", { path, target: object.link ?? "" })]
      : []),
  ];
}

/**
 * Root, or whoever owns the node's CA certificate: a tree unpacked by an ordinary user is no finding.
 * Homes belong to their users.
 */
function ownerIsExpected(object: ObjectFacts, facts: Facts): boolean {
  if (object.uid === 0 || object.address.path.startsWith("/home/")) return true;
  const owners = [...facts.authorities.values()]
    .filter(({ slot }) => slot.node === object.address.node)
    .flatMap((authority) => authority.objects.map((o) => o.uid));
  return owners.length > 0 && owners.every((uid) => uid === object.uid);
}
