// What a plan should have done and could not: slots of the selection whose certificate is missing, unreadable or no template, or
// cannot be signed here.
import type { Decision, KeepReason } from "../model/decision.ts";
import type { Plan } from "../model/plan.ts";

export interface LeftOut {
  readonly decision: Decision;
  readonly code: KeepReason["code"];
}

const lacking: ReadonlySet<KeepReason["code"]> = new Set([
  "missing",
  "authority-missing",
  "identity-unknown",
  "unreadable",
  "not-usable",
  "refused",
  // Only a certificate that is due or asked for has this reason.
  "externally-managed",
]);

/** In the plan's order. What the operator did not select is not left out. */
export function leftOutOf(plan: Pick<Plan, "decisions" | "request">): readonly LeftOut[] {
  return plan.decisions
    .filter(({ slot }) => isSelected(slot, plan.request))
    .flatMap((decision) => {
      if (decision.action !== "keep") return [];
      const reason = decision.reasons.find(({ code }) => lacking.has(code));
      return reason ? [{ decision, code: reason.code }] : [];
    });
}

function isSelected(slot: string, { names, all, addSans }: Plan["request"]): boolean {
  if (all || (names.length === 0 && addSans.length === 0)) return true;
  const name = slot.slice(slot.indexOf("/") + 1);
  const spoken = new Set([...names, ...addSans.map((san) => san.slot ?? "apiserver")]);
  return spoken.has(name) || spoken.has(slot);
}
