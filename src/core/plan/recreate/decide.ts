// Whether a missing certificate is made again, and why not.
import { formatAddress } from "../../model/address.ts";
import type { CertificateSlot } from "../../model/inventory.ts";
import type { Decision, IdentityGap } from "../../model/decision.ts";
import type { RenewRequest } from "../../model/plan.ts";
import {
  type AuthorityFacts,
  type Facts,
  type SlotFacts,
  authorityOf,
  isExternallyManaged,
} from "../../policy/facts.ts";
import { originalOf } from "../../policy/originals.ts";
import { equalBytes } from "../../pki/der.ts";
import { identityOf } from "./identity.ts";
import { kubeconfigServer } from "./recreate.ts";

/** Due by itself, like an expired one; names given narrow the selection. */
export function decideMissing(
  facts: Facts,
  slot: SlotFacts,
  { request, isAsked }: { readonly request: RenewRequest; readonly isAsked: boolean },
): Decision {
  const { id } = slot.slot;
  const isSelecting = request.names.length > 0 || request.addSans.length > 0;
  if (!isFileMissing(slot) || isSomebodysLink(slot))
    return { slot: id, action: "keep", reasons: [{ code: "missing" }] };
  if (isSelecting && !isAsked && !request.all)
    return { slot: id, action: "keep", reasons: [{ code: "not-selected" }] };
  const authority = authorityOf(facts, slot.slot);
  const result = identityOf(facts, slot);
  const unknown = (lacking: IdentityGap): Decision => ({
    slot: id,
    action: "keep",
    reasons: [{ code: "identity-unknown", lacking }],
  });
  if (result.state === "unknown" && result.lacking === "not-used-here") return unknown(result.lacking);
  if (authority === null) return unknown("authority");
  if (isExternallyManaged(authority))
    return {
      slot: id,
      action: "keep",
      reasons: [{ code: "externally-managed", authority: authority.slot.name }],
    };
  if (isMissing(authority)) {
    const found = oldAuthorityPath(facts, authority);
    return {
      slot: id,
      action: "keep",
      reasons: [{ code: "authority-missing", authority: authority.slot.name, found }],
    };
  }
  if (result.state === "unknown") return unknown(result.lacking);
  if (needsServer(slot) && kubeconfigServer(facts, result.identity) === null) return unknown("server");
  const { old } = result.identity;
  const from = old === null ? null : formatAddress(old.remain.address);
  return { slot: id, action: "renew", reasons: [{ code: "missing", from }] };
}

/** The file is not there; a kubeconfig that is there and holds nothing is somebody's own. */
export function isFileMissing({ slot, certificate, objects }: SlotFacts): boolean {
  const { holder } = slot;
  if (certificate.state !== "missing") return false;
  return holder.form === "pem" || objects.length === 0;
}

/** A link that leads nowhere was put there by a person for a place that is gone; only the kubelet makes links itself. */
function isSomebodysLink({ slot, certificate }: SlotFacts): boolean {
  if (slot.management === "kubelet" || certificate.state !== "missing") return false;
  return certificate.danglingLink !== null;
}

export function isMissing({ certificate, toBeMade }: AuthorityFacts): boolean {
  return certificate.state === "missing" && toBeMade === undefined;
}

/** The path of an old certificate of the authority, for people. */
export function oldAuthorityPath(facts: Facts, { slot }: AuthorityFacts): string | null {
  return facts.remains?.authorities.get(slot.id)?.[0]?.certificate.address.path ?? null;
}

function needsServer({ slot }: SlotFacts): boolean {
  return slot.holder.form === "kubeconfig";
}

/** The slot a copy follows, also one that this plan makes again. */
export function originalSlot(facts: Facts, copy: SlotFacts): CertificateSlot | null {
  return originalOf(facts, copy)?.slot ?? recreatedOriginal(facts, copy);
}

/** The missing slot that this plan makes with the identity that a copy holds. */
export function recreatedOriginal(facts: Facts, copy: SlotFacts): CertificateSlot | null {
  if (copy.certificate.state !== "present") return null;
  const { subjectDer } = copy.certificate.value.leaf;
  const found = copy.slot.copyOf.find((id) => {
    const candidate = facts.slots.get(id);
    if (!candidate || !isFileMissing(candidate)) return false;
    const result = identityOf(facts, candidate);
    return result.state === "known" && equalBytes(result.identity.subjectDer, subjectDer);
  });
  return found === undefined ? null : (facts.slots.get(found)?.slot ?? null);
}
