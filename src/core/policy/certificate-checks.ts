// Checks of one certificate slot: each function is named for the fault it finds and returns what it found.
import type { AnyFinding } from "../model/finding.ts";
import { copyOfNothing, replicaDiffers } from "./copy-checks.ts";
import { type Facts, type SlotFacts, isExternallyManaged, twinWithKey } from "./facts.ts";
import { findingOf } from "./finding-of.ts";
import {
  anomalies,
  commonNameUnexpected,
  holdsSystemMasters,
  isAuthorityItself,
  kubeletEmbedded,
  moreThanOneCertificate,
  organizationUnexpected,
  sanMissing,
  usageDiffers,
} from "./identity-checks.ts";
import { keyDoesNotMatch, kubeconfigAuthorityDiffers, wrongIssuer } from "./issuer-checks.ts";
import { type Check, type CheckContext, addressOf } from "./readable-slot.ts";
import { absentOrUnusable, keyProblems, truncated } from "./stored-checks.ts";
import { expired, notYetValid, outlivesAuthority } from "./time-checks.ts";

const checks: readonly Check[] = [
  expired,
  notYetValid,
  outlivesAuthority,
  keyProblems,
  keyDoesNotMatch,
  wrongIssuer,
  commonNameUnexpected,
  organizationUnexpected,
  sanMissing,
  usageDiffers,
  isAuthorityItself,
  moreThanOneCertificate,
  truncated,
  anomalies,
  kubeconfigAuthorityDiffers,
  copyOfNothing,
  replicaDiffers,
  holdsSystemMasters,
  kubeletEmbedded,
];

/** All findings of one slot. A slot that cannot be judged gets the one finding that says why. */
export function checkSlot(facts: SlotFacts, context: CheckContext): readonly AnyFinding[] {
  const stored = facts.certificate;
  if (stored.state !== "present") return absentOrUnusable(facts, stored, context);
  const report = findingOf(facts.slot, addressOf(facts));
  const readable = { facts, stored: stored.value, leaf: stored.value.leaf, report, context };
  return checks.flatMap((check) => check(readable));
}

/** For slots whose authority's key is on no node of the cluster. */
export function externallyManaged(facts: Facts): readonly AnyFinding[] {
  const external = [...facts.authorities.values()].filter(
    (authority) => isExternallyManaged(authority) && !twinWithKey(facts, authority),
  );
  return external.map((authority) =>
    findingOf(authority.slot, authority.slot.certificate)("externally-managed", "info", {
      authority: authority.slot.name,
    }),
  );
}
