// What a CA elsewhere has to be asked for: (Facts, Request) -> one wanted certificate per slot, or the reasons why not.
import type { Refusal } from "../model/refusal.ts";
import type { Decision } from "../model/decision.ts";
import type { RenewRequest } from "../model/plan.ts";
import { requestedExtensions } from "../pki/renew-extensions.ts";
import type { Certificate } from "../pki/certificate.ts";
import { formatKeySpec, keySpecOfSpki, parseKeySpec } from "../pki/keys.ts";
import { authorityOf, isExternallyManaged, type Facts, type SlotFacts } from "../policy/facts.ts";
import { noTemplateNow } from "./no-template.ts";
import { keyRefusals, refusal, refusalsOf, sharedKeyRefusals } from "./refusals.ts";
import { isNamed, sansFor } from "./named.ts";
import { select } from "./select.ts";

export interface Wanted {
  readonly slot: SlotFacts;
  /** The present certificate: what is asked for is its successor. */
  readonly leaf: Certificate;
  readonly authority: string;
  /** kubeadm's spelling. */
  readonly algorithm: string;
  readonly subjectDer: Uint8Array;
  readonly extensionsDer: readonly Uint8Array[];
}

export interface WantedRequests {
  readonly wanted: readonly Wanted[];
  readonly refusals: readonly Refusal[];
  /** Without a certificate to ask for the successor of; what was named is refused instead. */
  readonly leftOut: readonly Decision[];
}

/** Of the selection of a renewal, those whose authority cannot sign here; throws `name-unknown`, `value-invalid`. */
export function wantedRequests(facts: Facts, request: RenewRequest): WantedRequests {
  const selected = select(facts, request)
    .filter(({ reasons }) => reasons.some(({ code }) => code === "externally-managed"))
    .flatMap(({ slot }) => facts.slots.get(slot) ?? []);
  const slots = distinctPlaces(selected);
  const missing = slots.filter(({ certificate }) => certificate.state === "missing");
  return {
    wanted: slots.flatMap((slot) => wantedFor(facts, slot, request)),
    refusals: [
      ...refusalsOf(facts, [], request).filter(({ code }) => code !== "externally-managed"),
      ...namedWithKeyHere(facts, request),
      ...missing.flatMap((slot) => namedButMissing(slot, request)),
      ...slots.flatMap((slot) => [
        ...keyRefusals(slot, request),
        ...sharedKeyRefusals(facts, slot, request),
        ...templateRefusals(slot, request),
      ]),
    ],
    leftOut: missing.map(({ slot }) => ({ slot: slot.id, action: "keep", reasons: [{ code: "missing" }] })),
  };
}

function namedButMissing({ slot, certificate }: SlotFacts, request: RenewRequest): readonly Refusal[] {
  if (certificate.state !== "missing" || !isNamed(slot, request)) return [];
  return [refusal("missing-not-requested", slot, certificate.address.path)];
}

/** Two slots in one file are one request. */
function distinctPlaces(slots: readonly SlotFacts[]): readonly SlotFacts[] {
  return [
    ...new Map(slots.toReversed().map((slot) => [JSON.stringify(slot.slot.holder), slot])).values(),
  ].toReversed();
}

/** Nobody has to be asked for what can be signed here. */
function namedWithKeyHere(facts: Facts, request: RenewRequest): readonly Refusal[] {
  return [...facts.slots.values()].flatMap((slot) => {
    const authority = authorityOf(facts, slot.slot);
    const isOurs = slot.slot.management === "renew" || slot.slot.management === "kubelet";
    if (!isOurs || !isNamed(slot.slot, request) || !authority || isExternallyManaged(authority)) return [];
    return [refusal("authority-key-here", slot.slot, authority.slot.name)];
  });
}

function templateRefusals({ slot, certificate }: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const reason = certificate.state === "present" ? noTemplateNow(certificate.value, request) : null;
  return reason === null ? [] : [refusal("certificate-not-usable", slot, reason)];
}

function wantedFor(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Wanted[] {
  if (slot.certificate.state !== "present" || templateRefusals(slot, request).length > 0) return [];
  const { leaf } = slot.certificate.value;
  return [
    {
      slot,
      leaf,
      authority: authorityOf(facts, slot.slot)?.slot.name ?? "",
      algorithm: formatKeySpec(
        request.keyAlgorithm === null ? keySpecOfSpki(leaf.spkiDer) : parseKeySpec(request.keyAlgorithm),
      ),
      subjectDer: leaf.subjectDer,
      extensionsDer: requestedExtensions(leaf, sansFor(slot.slot, request)),
    },
  ];
}
