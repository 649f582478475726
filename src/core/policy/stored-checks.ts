// Checks of how a slot is stored: gone, unreadable, broken, cut off; its key likewise.
import type { AnyFinding } from "../model/finding.ts";
import type { CertificateFacts, SlotFacts, Stored } from "./facts.ts";
import { findingOf } from "./finding-of.ts";
import { withObstacle } from "./obstacle.ts";
import { type CheckContext, type Readable, addressOf } from "./readable-slot.ts";

export function absentOrUnusable(
  facts: SlotFacts,
  stored: Exclude<Stored<CertificateFacts>, { state: "present" }>,
  context: CheckContext,
): readonly AnyFinding[] {
  const report = findingOf(facts.slot, stored.address);
  const { path } = stored.address;
  switch (stored.state) {
    case "missing":
      if (stored.danglingLink !== null)
        return [report("link-dangling", "critical", { path, target: stored.danglingLink })];
      if (facts.slot.optional || isWithoutCertificate(facts)) return [];
      return facts.slot.holder.form === "kubeconfig"
        ? [report("kubeconfig-missing", "critical", withObstacle(facts, context))]
        : [report("certificate-missing", "critical", withObstacle(facts, context))];
    case "unreadable":
      return [report("object-unreadable", "critical", { path, reason: stored.reason })];
    case "broken":
      return [brokenFinding(report, stored, path)];
  }
}

/** The kubeconfig is there, its user logs in by other means: discovery's note says so. */
function isWithoutCertificate({ slot, objects }: SlotFacts): boolean {
  return slot.holder.form === "kubeconfig" && objects.length > 0;
}

function brokenFinding(
  report: ReturnType<typeof findingOf>,
  stored: Extract<Stored<unknown>, { state: "broken" }>,
  path: string,
): AnyFinding {
  switch (stored.fault) {
    case "truncated":
      return report("file-truncated", "critical", { path, bytes: Number.parseInt(stored.reason, 10) || 0 });
    case "kubeconfig":
      return report("kubeconfig-broken", "critical", { path, reason: stored.reason });
    case "encrypted":
      return report("key-encrypted", "warning", { path, format: stored.reason });
    case "key":
    case "not-a-key":
      return report("key-broken", "critical", { path, reason: stored.reason });
    case "certificate":
      return report("certificate-broken", "critical", { path, reason: stored.reason });
  }
}

export function keyProblems({ facts }: Readable): readonly AnyFinding[] {
  const { key } = facts;
  const { management, holder } = facts.slot;
  const report = findingOf(facts.slot, key.state === "present" ? key.value.address : key.address);
  if (management === "observe" && holder.form === "pem" && holder.key === null) return [];
  switch (key.state) {
    case "present":
      return [];
    case "missing":
      if (key.danglingLink !== null)
        return [report("link-dangling", "critical", { path: key.address.path, target: key.danglingLink })];
      return [report("key-missing", "critical", { path: key.address.path })];
    case "unreadable":
      return [report("object-unreadable", "critical", { path: key.address.path, reason: key.reason })];
    case "broken":
      return [brokenFinding(report, key, key.address.path)];
  }
}

export function truncated({ stored, facts, report }: Readable): readonly AnyFinding[] {
  if (stored.truncatedAtLine === null) return [];
  const { path } = addressOf(facts);
  return [report("file-truncated", "warning", { path, bytes: facts.objects[0]?.size ?? 0 })];
}
