// Refusals about authorities that are missing: without them nothing below them can be made.
import { formatAddress } from "../../model/address.ts";
import type { Refusal } from "../../model/refusal.ts";
import type { Decision } from "../../model/decision.ts";
import type { RenewRequest } from "../../model/plan.ts";
import { type AuthorityFacts, type Facts, authorityOf } from "../../policy/facts.ts";

/**
 * Only an authority that may be made again by explicit word leaves its certificates out instead. Certificates that were named
 * are refused one by one.
 */
export function missingAuthorities(
  facts: Facts,
  decisions: readonly Decision[],
  { names }: RenewRequest,
): readonly Refusal[] {
  if (names.length > 0) return [];
  const found = decisions.flatMap((decision) => {
    if (decision.action !== "keep") return [];
    const reason = decision.reasons.find(({ code }) => code === "authority-missing");
    const slot = facts.slots.get(decision.slot);
    const authority = slot ? authorityOf(facts, slot.slot) : null;
    if (reason?.code !== "authority-missing" || !authority) return [];
    if (facts.remains?.recreatable.has(reason.authority) === true) return [];
    return [[authority.slot.id, { authority, found: reason.found }] as const];
  });
  return [...new Map(found).values()].flatMap(({ authority, found: old }) =>
    missingAuthority(authority, old),
  );
}

/** `found` is an old certificate of it in a backup. */
export function missingAuthority({ slot }: AuthorityFacts, found: string | null): readonly Refusal[] {
  const address = formatAddress(slot.certificate);
  return [{ code: "authority-missing", slot: slot.id, address, detail: found ?? "" }];
}
