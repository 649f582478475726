// What stands between a certificate and its renewal by name: an advice to renew it would be refused.
import type { Obstacle } from "../model/finding.ts";
import {
  type AuthorityFacts,
  type Facts,
  type SlotFacts,
  type Stored,
  authorityOf,
  isExternallyManaged,
} from "./facts.ts";
import { hasMatchingKey } from "./issuer-checks.ts";
import { isForbidden } from "./unreadable.ts";
import { hiddenOriginal, originalOf } from "./originals.ts";

/** Null when `renew NAME` works, as far as this can be told without looking at the certificate itself. */
function obstacleOf(facts: Facts, slot: SlotFacts): Obstacle | null {
  const { management } = slot.slot;
  if (management === "observe") return { code: "observed" };
  if (management !== "copy") return obstacleOfOwn(facts, slot);
  const original = originalOf(facts, slot);
  if (original === null) {
    const hidden = hiddenOriginal(facts, slot);
    return hidden === null
      ? { code: "no-original" }
      : { code: "original-unreadable", original: hidden.slot.name };
  }
  const own = facts.slots.get(original.slot.id);
  // A valid original is copied, nothing is signed.
  if (original.leaf.notAfter >= facts.at || own === undefined) return null;
  return obstacleOfOwn(facts, own);
}

function obstacleOfOwn(facts: Facts, slot: SlotFacts): Obstacle | null {
  const authority = authorityOf(facts, slot.slot);
  if (authority === null) return null;
  const { name } = authority.slot;
  if (isExternallyManaged(authority)) {
    return slot.slot.management === "kubelet"
      ? { code: "kubelet-elsewhere", authority: name }
      : { code: "authority-elsewhere", authority: name };
  }
  if ([authority.certificate, authority.key, slot.key].some(isForbiddenFile)) return { code: "not-read" };
  if (name === "front-proxy-ca" && authority.certificate.state === "missing")
    return { code: "authority-recreatable", authority: name };
  if (!canSign(facts, authority)) return { code: "authority-not-usable", authority: name };
  return slot.key.state === "broken" && slot.key.fault === "encrypted" ? { code: "key-encrypted" } : null;
}

function isForbiddenFile(stored: Stored<unknown>): boolean {
  return stored.state === "unreadable" && isForbidden(stored.reason);
}

function canSign(facts: Facts, { signing, key }: AuthorityFacts): boolean {
  return signing !== null && signing.notAfter > facts.at && hasMatchingKey(signing, key);
}

/** As a part of a finding's parameters. */
export function withObstacle(
  slot: SlotFacts,
  { facts }: { readonly facts: Facts },
): { readonly obstacle?: Obstacle } {
  const obstacle = obstacleOf(facts, slot);
  return obstacle === null ? {} : { obstacle };
}
