// Whatever is due, less what cannot be signed: one bad CA or one encrypted key must not hold up the other certificates.
import type { Refusal, RefusalCode } from "../model/refusal.ts";
import type { Decision } from "../model/decision.ts";
import type { RenewRequest } from "../model/plan.ts";
import type { Facts } from "../policy/facts.ts";
import { isDefaultSelection } from "./named.ts";
import { renewalRefusals } from "./refusals.ts";

/** Faults of what lies on the disk. What an option of the call brought about, or would cure, refuses the plan as ever. */
const ofTheDisk: ReadonlySet<RefusalCode> = new Set([
  "authority-not-usable",
  "authority-key-mismatch",
  "authority-expired",
  "authority-ending",
  "key-encrypted",
]);

/**
 * In the default selection renewals that would be refused for such a fault are kept, with the refusal as their reason. All
 * slots of one authority meet the same fault and so stay out together; slots that share a file do too. When nothing would
 * be left to renew, the decisions stay as they are and the plan is refused.
 */
export function setAside(
  facts: Facts,
  decisions: readonly Decision[],
  request: RenewRequest,
): readonly Decision[] {
  if (!isDefaultSelection(request)) return decisions;
  const renewed = decisions.filter(({ action }) => action === "renew").map(({ slot }) => slot);
  const faults = new Map<string, Refusal>();
  for (const id of renewed) {
    const fault = faultOf(facts, id, request);
    if (fault) faults.set(placeOf(facts, id), fault);
  }
  const isOut = (id: string): boolean => faults.has(placeOf(facts, id));
  if (faults.size === 0 || renewed.every(isOut)) return decisions;
  return decisions.map((decision): Decision => {
    const refusal = faults.get(placeOf(facts, decision.slot));
    if (refusal === undefined || decision.action !== "renew") return decision;
    return {
      slot: decision.slot,
      action: "keep",
      reasons: [{ code: "refused", refusal: { ...refusal, slot: decision.slot } }],
    };
  });
}

function faultOf(facts: Facts, id: string, request: RenewRequest): Refusal | undefined {
  const slot = facts.slots.get(id);
  const refusals = slot ? renewalRefusals(facts, slot, request) : [];
  return refusals.find(({ code }) => ofTheDisk.has(code));
}

/** Two slots in one place (etcd that serves clients and peers with one pair) are one renewal. */
export function placeOf(facts: Facts, id: string): string {
  return JSON.stringify(facts.slots.get(id)?.slot.holder ?? id);
}
