// Which slots are renewed, which follow, which stay, and why: (Facts, Request) -> Decision[].
import { AppError } from "../model/errors.ts";
import type { Decision, KeepReason, RenewReason } from "../model/decision.ts";
import type { RenewRequest } from "../model/plan.ts";
import { hasMatchingKey, hasPath } from "../policy/issuer-checks.ts";
import { type Original, hiddenOriginal, originalOf } from "../policy/originals.ts";
import { isNamed, sansFor } from "./named.ts";
import { damageOf } from "./damage.ts";
import { decideMissing, isMissing, oldAuthorityPath, recreatedOriginal } from "./recreate/decide.ts";
import { noTemplate, noTemplateNow } from "./no-template.ts";
import { placeOf, setAside } from "./set-aside.ts";
import {
  type CertificateFacts,
  type Facts,
  type SlotFacts,
  authorityOf,
  isExternallyManaged,
} from "../policy/facts.ts";

/** One decision per slot of the inventory, in its order; a missing optional slot has none. Unknown names throw `name-unknown`. */
export function select(facts: Facts, request: RenewRequest): readonly Decision[] {
  assertNamesKnown(facts, request);
  const slots = [...facts.slots.values()].filter(
    (slot) => !(slot.slot.optional && slot.certificate.state === "missing"),
  );
  const asked = askedThroughCopies(facts, request);
  const own = slots
    .filter((slot) => slot.slot.management !== "copy")
    .map((slot) => decide(facts, slot, { request, isAsked: asked.has(slot.slot.id) }));
  const first = sharingFiles(facts, setAside(facts, own, request));
  const renewed = new Set(
    first.filter((decision) => decision.action === "renew").map((decision) => decision.slot),
  );
  const copies = slots
    .filter((slot) => slot.slot.management === "copy")
    .map((slot) => decideCopy(facts, slot, { renewed, request }));
  const byId = new Map([...first, ...copies].map((decision) => [decision.slot, decision]));
  return slots.flatMap((slot) => byId.get(slot.slot.id) ?? []);
}

function assertNamesKnown(facts: Facts, request: RenewRequest): void {
  const slots = [...facts.slots.values()].map(({ slot }) => slot);
  const authorities = [...facts.authorities.values()].map(({ slot }) => slot.name);
  const pairs = facts.keyPairs.map(({ slot }) => slot.name);
  const known = [...new Set([...slots.map((slot) => slot.name), ...authorities, ...pairs])];
  const named = [
    ...request.names,
    ...request.addSans.flatMap((san) => (san.slot === null ? [] : [san.slot])),
  ];
  const unknown = named.find((name) => !known.includes(name) && !slots.some((slot) => slot.id === name));
  if (unknown !== undefined) throw new AppError("name-unknown", { name: unknown, known });
}

/** Originals of copies that were named: when a copy cannot get a better certificate from its original, that one is renewed. */
function askedThroughCopies(facts: Facts, request: RenewRequest): ReadonlySet<string> {
  const named = [...facts.slots.values()].filter(
    ({ slot }) => slot.management === "copy" && isNamed(slot, request),
  );
  return new Set(
    named.flatMap((copy) => {
      const original = originalOf(facts, copy);
      return original && !wouldFollow(facts, copy, original) ? [original.slot.id] : [];
    }),
  );
}

/** Two slots in one file (etcd that serves clients and peers with one pair) are one renewal; the second is told to follow. */
export function sharingFiles(facts: Facts, decisions: readonly Decision[]): readonly Decision[] {
  const place = (id: string): string => placeOf(facts, id);
  const renewed = new Map<string, string>();
  for (const { slot, action } of decisions)
    if (action === "renew" && !renewed.has(place(slot))) renewed.set(place(slot), slot);
  return decisions.map((decision): Decision => {
    const original = renewed.get(place(decision.slot));
    if (original === undefined || original === decision.slot) return decision;
    const reason: RenewReason = { code: "follows", original, because: "same-key" };
    return { slot: decision.slot, action: "follow", reasons: [reason] };
  });
}

interface Asked {
  readonly request: RenewRequest;
  /** Asked for by the name of something that hangs on it. */
  readonly isAsked: boolean;
}

function decide(facts: Facts, slot: SlotFacts, { request, isAsked: isAskedFor }: Asked): Decision {
  const id = slot.slot.id;
  const keep = (reason: KeepReason): Decision => ({ slot: id, action: "keep", reasons: [reason] });
  if (slot.slot.management === "observe") return keep({ code: "observed-only" });
  const stored = slot.certificate;
  if (stored.state === "missing")
    return decideMissing(facts, slot, { request, isAsked: isAskedFor || isNamed(slot.slot, request) });
  if (stored.state !== "present") return keep({ code: "unreadable", reason: damageOf(stored) });
  const never = noTemplate(facts, slot, stored.value);
  if (never !== null) return keep({ code: "not-usable", reason: never });
  const selecting = request.names.length > 0 || request.all || request.addSans.length > 0;
  const reasons = reasonsFor(facts, slot, stored.value, request);
  const added = sansFor(slot.slot, request);
  const isAsked = isAskedFor || isNamed(slot.slot, request) || (request.all && isKubeadms(facts, slot));
  const asked: readonly RenewReason[] = [
    ...(isAsked ? [{ code: "requested" } as const] : []),
    ...(added.length > 0 ? [{ code: "san-added", sans: added.map((san) => san.value) } as const] : []),
  ];
  // Names given narrow the selection; their due reasons are still told.
  const all = selecting && !isAsked && added.length === 0 && !request.all ? [] : [...reasons, ...asked];
  const authority = authorityOf(facts, slot.slot);
  if (all.length > 0 && authority && isExternallyManaged(authority)) {
    return keep({ code: "externally-managed", authority: authority.slot.name });
  }
  const recreatable = all.length > 0 && !isAsked && authority && isMissing(authority);
  if (recreatable && facts.remains?.recreatable.has(authority.slot.name) === true) {
    const found = oldAuthorityPath(facts, authority);
    return keep({ code: "authority-missing", authority: authority.slot.name, found, isThere: true });
  }
  const now = all.length > 0 ? noTemplateNow(stored.value, request) : null;
  if (now !== null) return keep({ code: "not-usable", reason: now });
  if (all.length > 0) return { slot: id, action: "renew", reasons: all };
  if (reasons.length > 0) return keep({ code: "not-selected" });
  const { notAfter } = stored.value.leaf;
  return keep(rotatesItself(slot) ? { code: "kubelet-rotates", notAfter } : { code: "not-due", notAfter });
}

/** What kubeadm leaves to others is nothing that `--all` misses where their key is not here. */
function isKubeadms(facts: Facts, { slot }: SlotFacts): boolean {
  if (slot.management !== "renew") return false;
  const authority = authorityOf(facts, slot);
  return slot.isOutsideKubeadm !== true || (authority !== null && !isExternallyManaged(authority));
}

function reasonsFor(
  facts: Facts,
  slot: SlotFacts,
  stored: CertificateFacts,
  request: RenewRequest,
): readonly RenewReason[] {
  const { leaf } = stored;
  const isExpired = leaf.notAfter < facts.at;
  // The kubelet renews a linked certificate by itself as long as it is valid.
  const isExpiring =
    !isExpired && leaf.notAfter - facts.at < request.withinSeconds * 1000 && !rotatesItself(slot);
  const authority = authorityOf(facts, slot.slot);
  const anchors =
    authority?.certificate.state === "present" ? authority.certificate.value.certificates : null;
  const others = stored.certificates.filter((certificate) => certificate !== leaf);
  const isForeign =
    authority !== null &&
    (authority.toBeMade !== undefined || (anchors !== null && !hasPath(leaf, others, anchors)));
  return [
    ...(isExpired ? [{ code: "expired", notAfter: leaf.notAfter } as const] : []),
    ...(isExpiring ? [{ code: "expiring", notAfter: leaf.notAfter } as const] : []),
    ...(slot.key.state === "present" && !hasMatchingKey(leaf, slot.key)
      ? [{ code: "key-does-not-match" } as const]
      : []),
    ...unusableKey(slot),
    ...(isForeign ? [{ code: "wrong-issuer", authority: authority.slot.name } as const] : []),
    ...(leaf.notBefore > facts.at ? [{ code: "not-yet-valid", notBefore: leaf.notBefore } as const] : []),
  ];
}

/** A key that is gone or damaged is made anew with its certificate; the kubelet's is the kubelet's. */
function unusableKey({ slot, key }: SlotFacts): readonly RenewReason[] {
  if (slot.management !== "renew") return [];
  const { state } = key;
  if (state === "missing") return [{ code: "key-not-usable", path: key.address.path, state }];
  if (state !== "broken" || key.fault === "encrypted" || key.fault === "not-a-key") return [];
  return [{ code: "key-not-usable", path: key.address.path, state: "damaged" }];
}

function rotatesItself(slot: SlotFacts): boolean {
  return slot.slot.management === "kubelet" && slot.slot.holder.form === "pem";
}

/** True when the original as it lies there is worth having: valid, and not older than what the copy holds. */
function wouldFollow(facts: Facts, copy: SlotFacts, original: Original): boolean {
  if (copy.certificate.state !== "present") return false;
  const { leaf } = copy.certificate.value;
  const isMatching = copy.key.state !== "present" || hasMatchingKey(leaf, copy.key);
  const differs = Buffer.compare(original.leaf.der, leaf.der) !== 0;
  const isValid = original.leaf.notAfter >= facts.at && original.leaf.notBefore <= facts.at;
  const key = facts.slots.get(original.slot.id)?.key;
  const isWhole = key !== undefined && hasMatchingKey(original.leaf, key);
  return isValid && isWhole && (!isMatching || (differs && original.leaf.notAfter >= leaf.notAfter));
}

export interface Course {
  readonly renewed: ReadonlySet<string>;
  readonly request: RenewRequest;
}

export function decideCopy(facts: Facts, copy: SlotFacts, { renewed, request }: Course): Decision {
  const id = copy.slot.id;
  const keep = (reason: KeepReason): Decision => ({ slot: id, action: "keep", reasons: [reason] });
  if (copy.certificate.state === "missing") return keep({ code: "no-certificate" });
  if (copy.certificate.state !== "present")
    return keep({ code: "unreadable", reason: copy.certificate.reason });
  const original = originalOf(facts, copy);
  if (!original) {
    const missing = recreatedOriginal(facts, copy)?.id;
    if (missing !== undefined && renewed.has(missing)) {
      const reason: RenewReason = { code: "follows", original: missing, because: "same-identity" };
      return { slot: id, action: "follow", reasons: [reason] };
    }
    const hidden = hiddenOriginal(facts, copy);
    return keep(
      hidden === null
        ? { code: "other-identity" }
        : { code: "original-unreadable", original: hidden.slot.id },
    );
  }
  if (!renewed.has(original.slot.id)) {
    const selecting = !request.all && (request.names.length > 0 || request.addSans.length > 0);
    const { notAfter } = copy.certificate.value.leaf;
    const isStale = wouldFollow(facts, copy, original);
    if (!isStale && notAfter - facts.at >= request.withinSeconds * 1000)
      return keep({ code: "not-due", notAfter });
    // A stale copy is nobody's business when other names were given.
    if (selecting && !isNamed(copy.slot, request)) return keep({ code: "not-selected" });
    if (!isStale) return keep({ code: "original-kept", original: original.slot.id });
  }
  const reason: RenewReason = { code: "follows", original: original.slot.id, because: original.because };
  return { slot: id, action: "follow", reasons: [reason] };
}
