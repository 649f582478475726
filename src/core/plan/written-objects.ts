// Which objects a plan writes for certificates that are renewed or followed, and what goes into each.
import { formatAddress } from "../model/address.ts";
import type { SlotId } from "../model/inventory.ts";
import type { Content, RenewRequest } from "../model/plan.ts";
import type { Facts, ObjectFacts, SlotFacts } from "../policy/facts.ts";
import type { Install } from "./pair-answers.ts";
import { originalSlot } from "./recreate/decide.ts";
import { type Written, absentObject } from "./written.ts";

/** How keys and certificates are to be written. */
type Manner = Pick<RenewRequest, "keepKey"> & { readonly installs: readonly Install[] };

export function writtenObjects(
  facts: Facts,
  renewed: readonly SlotFacts[],
  following: readonly SlotFacts[],
  manner: Manner,
): readonly Written[] {
  const pem = renewed.flatMap((slot) => pemObjects(slot, manner));
  return [...pem, ...kubeconfigObjects(facts, [...renewed, ...following])];
}

/** Key before certificate: the order kubeadm writes them in. */
function pemObjects(slot: SlotFacts, { keepKey, installs }: Manner): readonly Written[] {
  const { holder } = slot.slot;
  if (holder.form !== "pem" || slot.certificate.state !== "present") return [];
  // A chain from elsewhere takes the place of all that is there: its leaf comes first.
  const index = installs.some((install) => install.slot === slot) ? 0 : slot.certificate.value.leafIndex;
  const certificate = formatAddress(holder.certificate);
  const key = holder.key === null ? certificate : formatAddress(holder.key);
  const write = (address: string, content: Content, isKey: boolean): readonly Written[] => {
    const facts = slot.objects.find((object) => formatAddress(object.address) === address);
    if (facts) return [{ address, facts, content, isKey }];
    return isKey && slot.key.state === "missing"
      ? [{ address, facts: absentObject(slot.key.address, 0o600), content, isKey }]
      : [];
  };
  if (key === certificate)
    return write(certificate, { form: "pem-combined", slot: slot.slot.id, index }, true);
  return [
    ...(keepKey ? [] : write(key, { form: "pem-key", slot: slot.slot.id }, true)),
    ...write(certificate, { form: "pem-certificate", slot: slot.slot.id, index }, false),
  ];
}

/** Several users of one kubeconfig are one write. */
function kubeconfigObjects(facts: Facts, slots: readonly SlotFacts[]): readonly Written[] {
  const byFile = new Map<
    string,
    { readonly facts: ObjectFacts; readonly users: { user: string; slot: SlotId }[] }
  >();
  for (const slot of slots) {
    const { holder } = slot.slot;
    const [object] = slot.objects;
    if (holder.form !== "kubeconfig" || !object) continue;
    const address = formatAddress(holder.file);
    const entry = byFile.get(address) ?? { facts: object, users: [] };
    const original = slot.slot.management === "copy" ? originalSlot(facts, slot) : null;
    const source = original?.id ?? slot.slot.id;
    entry.users.push({ user: holder.user, slot: source });
    byFile.set(address, entry);
  }
  return [...byFile].map(([address, entry]) => ({
    address,
    facts: entry.facts,
    content: { form: "kubeconfig", users: entry.users },
    isKey: false,
  }));
}
