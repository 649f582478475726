// Checks of when a certificate holds: over, ending, not begun, longer than its authority.
import type { AnyFinding, Severity } from "../model/finding.ts";
import { type SlotFacts, authorityOf } from "./facts.ts";
import { isOfOtherCluster } from "./issuer-checks.ts";
import { withObstacle } from "./obstacle.ts";
import { originalOf } from "./originals.ts";
import type { CheckContext, Readable } from "./readable-slot.ts";

export function expired({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  const { notAfter } = leaf;
  const left = notAfter - context.facts.at;
  const obstacle = withObstacle(facts, context);
  if (left < 0)
    return [report("certificate-expired", severityOfExpiry(facts, context), { notAfter, ...obstacle })];
  if (left >= context.withinMs || isOfOtherCluster(facts, context)) return [];
  // The kubelet renews a linked certificate by itself while it is valid.
  const rotates = facts.slot.management === "kubelet" && facts.slot.holder.form === "pem";
  return [
    report("certificate-expiring", rotates ? "info" : "warning", {
      notAfter,
      withinMs: context.withinMs,
      ...obstacle,
    }),
  ];
}

/** What we would renew is critical; what somebody else has to see to is a warning; other clusters are not ours to judge. */
function severityOfExpiry(facts: SlotFacts, context: CheckContext): Severity {
  const { management } = facts.slot;
  if (isOfOtherCluster(facts, context)) return "info";
  if (management === "copy") return originalOf(context.facts, facts) ? "critical" : "warning";
  return management === "observe" ? "warning" : "critical";
}

export function notYetValid({ leaf, report, context }: Readable): readonly AnyFinding[] {
  const { notBefore } = leaf;
  return notBefore > context.facts.at ? [report("certificate-not-yet-valid", "critical", { notBefore })] : [];
}

export function outlivesAuthority({ facts, leaf, report, context }: Readable): readonly AnyFinding[] {
  const authority = authorityOf(context.facts, facts.slot);
  if (!authority?.signing || leaf.notAfter <= authority.signing.notAfter) return [];
  return [
    report("outlives-authority", "warning", {
      notAfter: leaf.notAfter,
      authority: authority.slot.name,
      authorityNotAfter: authority.signing.notAfter,
    }),
  ];
}
