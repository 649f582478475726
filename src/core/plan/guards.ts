// What has to be as the plan found it when it runs.
import { formatAddress } from "../model/address.ts";
import type { Guard } from "../model/plan.ts";
import { type Facts, type ObjectFacts, type SlotFacts, authorityOf } from "../policy/facts.ts";
import { octal } from "../policy/finding-of.ts";
import { originalOf } from "../policy/originals.ts";
import type { Written } from "./written.ts";

/** Written objects, and everything that is read to write them: issuers, templates, kept keys. */
export function guardsOf(
  facts: Facts,
  {
    changed,
    written,
    read,
  }: {
    readonly changed: readonly SlotFacts[];
    readonly written: readonly Written[];
    readonly read: readonly ObjectFacts[];
  },
): readonly Guard[] {
  const isWritten = new Set(written.map((object) => object.address));
  const originals = changed
    .filter(({ slot }) => slot.management === "copy")
    .flatMap((copy) => {
      const original = originalOf(facts, copy);
      return original ? (facts.slots.get(original.slot.id) ?? []) : [];
    });
  const issuing = changed.filter(({ slot }) => slot.management !== "copy");
  const objects = [
    ...read,
    ...[...changed, ...originals].flatMap((slot) => slot.objects),
    ...issuing.flatMap((slot) => authorityOf(facts, slot.slot)?.objects ?? []),
    ...written.map((object) => object.facts),
  ];
  const byAddress = new Map(objects.map((object) => [formatAddress(object.address), object]));
  return [...byAddress]
    .map(([address, object]): Guard => ({
      address,
      presence: object.sha256 === "absent" ? "absent" : "present",
      sha256: object.sha256,
      mode: octal(object.mode),
      uid: object.uid,
      gid: object.gid,
      link: object.link,
      use: isWritten.has(address) ? "written" : "read",
    }))
    .sort((a, b) => (a.address < b.address ? -1 : 1));
}
