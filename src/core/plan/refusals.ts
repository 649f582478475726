// What a plan refuses (exit 4): each refusal names what, where and why; `report` adds the way on.
import type { Reason } from "../model/reasons.ts";
import { formatAddress } from "../model/address.ts";
import type { Refusal, RefusalCode } from "../model/refusal.ts";
import type { Decision } from "../model/decision.ts";
import type { RenewRequest } from "../model/plan.ts";
import type { Certificate } from "../pki/certificate.ts";
import { basicConstraints, keyUsage } from "../pki/extensions.ts";
import { hasMatchingKey } from "../policy/issuer-checks.ts";
import { hiddenOriginal, originalOf } from "../policy/originals.ts";
import {
  type AuthorityFacts,
  type Facts,
  type SlotFacts,
  authorityOf,
  isExternallyManaged,
} from "../policy/facts.ts";
import { decideMissing } from "./recreate/decide.ts";
import { missingAuthorities, missingAuthority } from "./recreate/refusals.ts";
import { damageOf } from "./damage.ts";
import { noTemplate, noTemplateNow } from "./no-template.ts";
import { isNamed } from "./named.ts";

/** Every reason why the decided renewals must not be done. */
export function refusalsOf(
  facts: Facts,
  decisions: readonly Decision[],
  request: RenewRequest,
): readonly Refusal[] {
  const written = decisions.filter((decision) => decision.action !== "keep");
  return [
    ...namedButImpossible(facts, request),
    ...missingAuthorities(facts, decisions, request),
    ...written.flatMap((decision) => {
      const slot = facts.slots.get(decision.slot);
      if (!slot) return [];
      return [
        ...linkRefusals(slot, request),
        ...(decision.action === "renew" ? renewalRefusals(facts, slot, request) : []),
      ];
    }),
  ];
}

export function refusal(
  code: RefusalCode,
  slot: SlotFacts["slot"] | AuthorityFacts["slot"],
  detail: string,
  address?: string,
): Refusal {
  const own =
    "holder" in slot
      ? slot.holder.form === "kubeconfig"
        ? slot.holder.file
        : slot.holder.certificate
      : slot.certificate;
  return { code, slot: slot.id, address: address ?? formatAddress(own), detail };
}

/** What the operator named is done or refused, never silently left out. */
function namedButImpossible(facts: Facts, request: RenewRequest): readonly Refusal[] {
  const authorities = [...facts.authorities.values()]
    .filter(({ slot }) => request.names.includes(slot.name))
    .map(({ slot }) => refusal("authority-not-renewable", slot, slot.name));
  const pairs = facts.keyPairs
    .filter(({ slot }) => request.names.includes(slot.name))
    .map(({ slot }): Refusal => ({
      code: "authority-not-renewable",
      slot: slot.id,
      address: formatAddress(slot.privateKey),
      detail: slot.name,
    }));
  const slots = [...facts.slots.values()]
    .filter(({ slot }) => isNamed(slot, request))
    .flatMap((slot) => impossible(facts, slot, request));
  return [...authorities, ...pairs, ...slots];
}

function impossible(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const stored = slot.certificate;
  if (stored.state === "missing") return impossibleToMake(facts, slot, request);
  if (stored.state !== "present") {
    const isOurs = slot.slot.management === "renew" || slot.slot.management === "kubelet";
    const code = stored.state === "broken" && isOurs ? "certificate-damaged" : "certificate-not-usable";
    return [refusal(code, slot.slot, damageOf(stored))];
  }
  const reason = noTemplate(facts, slot, stored.value) ?? noTemplateNow(stored.value, request);
  if (reason !== null && (slot.slot.management === "renew" || slot.slot.management === "kubelet"))
    return [refusal("certificate-not-usable", slot.slot, reason)];
  if (slot.slot.management === "copy" && !originalOf(facts, slot)) {
    const hidden = hiddenOriginal(facts, slot);
    const why: Reason =
      hidden === null
        ? "no certificate of this node is its original"
        : `its original ${hidden.slot.name} cannot be read`;
    return [refusal("certificate-not-usable", slot.slot, why)];
  }
  const authority = authorityOf(facts, slot.slot);
  if (authority && isExternallyManaged(authority)) {
    return [refusal("externally-managed", slot.slot, authority.slot.name, formatAddress(authority.slot.key))];
  }
  return slot.slot.management === "observe" ? [refusal("kubelet-managed", slot.slot, slot.slot.name)] : [];
}

/** What `select` left missing although it was named; a missing authority has a refusal of its own. */
function impossibleToMake(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const decision = slot.slot.optional ? null : decideMissing(facts, slot, { request, isAsked: true });
  if (decision?.action === "renew") return [];
  const [reason] = decision?.action === "keep" ? decision.reasons : [];
  const authority = authorityOf(facts, slot.slot);
  if (reason?.code === "externally-managed" && authority)
    return [refusal("externally-managed", slot.slot, authority.slot.name, formatAddress(authority.slot.key))];
  if (reason?.code === "authority-missing" && authority) return missingAuthority(authority, reason.found);
  const { certificate } = slot;
  const path = certificate.state === "missing" ? certificate.address.path : slot.slot.name;
  return [refusal("missing-not-recreated", slot.slot, path)];
}

export function linkRefusals(slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  return slot.objects
    .filter(
      (object) =>
        object.linkLeavesTree && !request.allowLinksTo.some((prefix) => isBelow(object.link ?? "", prefix)),
    )
    .map((object) =>
      refusal("link-leaves-tree", slot.slot, object.link ?? "", formatAddress(object.address)),
    );
}

function isBelow(path: string, prefix: string): boolean {
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

/** Why one renewal must not be done. */
export function renewalRefusals(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const authority = authorityOf(facts, slot.slot);
  if (!authority)
    return [refusal("authority-not-usable", slot.slot, "no authority is known for it" satisfies Reason)];
  return [
    ...authorityRefusals(facts, slot, authority, request),
    ...keyRefusals(slot, request),
    ...sharedKeyRefusals(facts, slot, request),
  ];
}

function authorityRefusals(
  facts: Facts,
  slot: SlotFacts,
  authority: AuthorityFacts,
  request: RenewRequest,
): readonly Refusal[] {
  const { certificate, key, signing, toBeMade } = authority;
  if (toBeMade) return [];
  const at = formatAddress(authority.slot.certificate);
  const keyAt = formatAddress(authority.slot.key);
  if (certificate.state !== "present" || !signing) {
    return [refusal("authority-not-usable", slot.slot, `${authority.slot.name}: ${certificate.state}`, at)];
  }
  const unable = cannotSign(signing);
  if (unable !== null)
    return [refusal("authority-not-usable", slot.slot, `${authority.slot.name}: ${unable}`, at)];
  if (signing.notAfter <= facts.at) {
    return [refusal("authority-expired", slot.slot, new Date(signing.notAfter).toISOString(), at)];
  }
  if (signing.notAfter - facts.at < request.withinSeconds * 1000) {
    return [refusal("authority-ending", slot.slot, new Date(signing.notAfter).toISOString(), at)];
  }
  if (request.validityIsExplicit && facts.at + request.validitySeconds * 1000 > signing.notAfter) {
    return [refusal("outlives-authority", slot.slot, new Date(signing.notAfter).toISOString(), at)];
  }
  if (key.state !== "present") {
    if (key.state === "broken" && key.fault === "encrypted")
      return [refusal("key-encrypted", slot.slot, key.reason, keyAt)];
    return [refusal("authority-not-usable", slot.slot, `${authority.slot.name} key: ${key.state}`, keyAt)];
  }
  return hasMatchingKey(signing, key)
    ? []
    : [refusal("authority-key-mismatch", slot.slot, authority.slot.name, keyAt)];
}

/** What `renewCertificate` would refuse at signing time; a version 1 root could not say CA:TRUE. */
function cannotSign(signing: Certificate): Reason | null {
  const isOldRoot = signing.version < 3 && Buffer.compare(signing.issuerDer, signing.subjectDer) === 0;
  if (basicConstraints(signing)?.isCa !== true && !isOldRoot) return "not a CA certificate";
  return keyUsage(signing)?.bits.includes("keyCertSign") === false ? "it may not sign certificates" : null;
}

/** A new key for one certificate would leave the other that lives on the same key file without one. */
export function sharedKeyRefusals(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const { holder } = slot.slot;
  if (request.keepKey || holder.form !== "pem" || holder.key === null) return [];
  const key = formatAddress(holder.key);
  const certificate = formatAddress(holder.certificate);
  const other = [...facts.slots.values()].find(
    ({ slot: { holder: its } }) =>
      its.form === "pem" &&
      its.key !== null &&
      formatAddress(its.key) === key &&
      formatAddress(its.certificate) !== certificate,
  );
  return other
    ? [refusal("key-not-usable", slot.slot, `${other.slot.name} uses the same key; keep it: --keep-key`, key)]
    : [];
}

export function keyRefusals(slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const { key, certificate } = slot;
  if (certificate.state !== "present") return [];
  if (key.state === "broken" && key.fault === "encrypted") {
    return [refusal("key-encrypted", slot.slot, key.reason, formatAddress(key.address))];
  }
  if (!request.keepKey) return [];
  if (key.state !== "present")
    return [refusal("key-not-usable", slot.slot, key.state, formatAddress(key.address))];
  return hasMatchingKey(certificate.value.leaf, key)
    ? []
    : [
        refusal(
          "key-not-usable",
          slot.slot,
          "it does not belong to the certificate" satisfies Reason,
          formatAddress(key.value.address),
        ),
      ];
}
