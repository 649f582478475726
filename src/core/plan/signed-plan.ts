// The parts of a plan that installs answers instead of issuing: decisions, refusals, steps, and what they rely on.
import { formatAddress } from "../model/address.ts";
import type { Refusal } from "../model/refusal.ts";
import type { SlotId } from "../model/inventory.ts";
import type { Decision } from "../model/decision.ts";
import type { AnswerPlace, ForgetStep, InstallStep, Template } from "../model/making-step.ts";
import type { RenewRequest } from "../model/plan.ts";
import { sha256Hex } from "../pki/fingerprints.ts";
import { formatKeySpec, keySpecOfSpki } from "../pki/keys.ts";
import { authorityOf, type Facts, type ObjectFacts, type SlotFacts } from "../policy/facts.ts";
import { subjectText } from "./identity-lost.ts";
import type { Answer, Install, Pairing } from "./pair-answers.ts";
import { keyRefusals, linkRefusals, refusal, sharedKeyRefusals } from "./refusals.ts";
import { decideCopy, sharingFiles } from "./select.ts";

/** Slots with an answer are renewed, their copies follow, nothing else is touched. */
export function selectSigned(
  facts: Facts,
  request: RenewRequest,
  { installs }: Pairing,
): readonly Decision[] {
  const slots = [...facts.slots.values()].filter(
    ({ slot, certificate }) => !(slot.optional && certificate.state === "missing"),
  );
  const own = slots.filter(({ slot }) => slot.management !== "copy");
  const first = sharingFiles(
    facts,
    own.map(({ slot }) => decide(slot.id, installs.get(slot.id))),
  );
  const renewed = new Set(first.flatMap(({ slot, action }) => (action === "renew" ? [slot] : [])));
  const copies = slots
    .filter(({ slot }) => slot.management === "copy")
    .map((copy) => onlyBehind(renewed, decideCopy(facts, copy, { renewed, request })));
  const byId = new Map([...first, ...copies].map((decision) => [decision.slot, decision]));
  return slots.flatMap(({ slot }) => byId.get(slot.id) ?? []);
}

function decide(slot: SlotId, install: Install | undefined): Decision {
  if (!install) return { slot, action: "keep", reasons: [{ code: "not-selected" }] };
  const { file, certificate } = install.answer;
  const { notAfter } = certificate;
  return { slot, action: "renew", reasons: [{ code: "signed", answer: file.address.path, notAfter }] };
}

/** A stale copy of another certificate is not this plan's business. */
function onlyBehind(renewed: ReadonlySet<SlotId>, decision: Decision): Decision {
  if (decision.action !== "follow") return decision;
  const isBehind = decision.reasons.some(
    (reason) => reason.code === "follows" && renewed.has(reason.original),
  );
  return isBehind ? decision : { slot: decision.slot, action: "keep", reasons: [{ code: "not-selected" }] };
}

/** What speaks against the answers, and against writing where they belong. */
export function signedRefusals(
  facts: Facts,
  {
    decisions,
    request,
    pairing,
  }: {
    readonly decisions: readonly Decision[];
    readonly request: RenewRequest;
    readonly pairing: Pairing;
  },
): readonly Refusal[] {
  const written = decisions.flatMap(({ slot, action }) => {
    const found = facts.slots.get(slot);
    return found && action !== "keep" ? [{ found, action }] : [];
  });
  return [
    ...pairing.refusals,
    ...written.flatMap(({ found, action }) => [
      ...linkRefusals(found, request),
      ...(action === "renew" ? placeRefusals(facts, found, request) : []),
    ]),
  ];
}

/** An answer replaces a certificate that is there. */
function placeRefusals(facts: Facts, slot: SlotFacts, request: RenewRequest): readonly Refusal[] {
  const { certificate } = slot;
  if (certificate.state === "missing")
    return [refusal("missing-not-requested", slot.slot, certificate.address.path)];
  if (certificate.state !== "present")
    return [refusal("certificate-not-usable", slot.slot, certificate.reason)];
  return [...keyRefusals(slot, request), ...sharedKeyRefusals(facts, slot, request)];
}

export function installStep(facts: Facts, install: Install, template: Template): InstallStep {
  const { slot, answer, chain, anchor, pending } = install;
  const authority = authorityOf(facts, slot.slot);
  if (slot.certificate.state !== "present" || !authority)
    throw new TypeError(`${slot.slot.id} was planned without a certificate or an authority`);
  const { leaf } = slot.certificate.value;
  const { certificate } = answer;
  const algorithm = formatKeySpec(keySpecOfSpki(certificate.spkiDer));
  return {
    kind: "install",
    id: `${slot.slot.node}/install/${slot.slot.name}`,
    slot: slot.slot.id,
    name: slot.slot.name,
    subject: subjectText(certificate),
    authority: authority.slot.name,
    authorityCertificate: formatAddress(authority.slot.certificate),
    authoritySerialHex: anchor.serialHex,
    authoritySha256: sha256Hex(anchor.der),
    template,
    old: { serialHex: leaf.serialHex, notBefore: leaf.notBefore, notAfter: leaf.notAfter },
    key: pending
      ? { mode: "pending", file: formatAddress(pending.key.address), algorithm }
      : { mode: "keep", algorithm },
    answer: placeOf(answer),
    chain: chain.map(placeOf),
    serialHex: certificate.serialHex,
    notBefore: certificate.notBefore,
    notAfter: certificate.notAfter,
  };
}

function placeOf({ file, index, certificate }: Answer): AnswerPlace {
  return { file: formatAddress(file.address), index, sha256: sha256Hex(certificate.der) };
}

/** Once everything is proved, the keys lie where they belong and wait for nothing. */
export function forgetStepsOf(installs: readonly Install[]): readonly ForgetStep[] {
  return installs.flatMap(({ slot: { slot }, pending }): readonly ForgetStep[] => {
    if (pending === null) return [];
    const file = formatAddress(pending.key.address);
    return [{ kind: "forget", id: `${slot.node}/forget/${slot.name}`, slot: slot.id, name: slot.name, file }];
  });
}

/** Objects outside the node's own files that the plan reads. */
export function sourceObjects(installs: readonly Install[]): readonly ObjectFacts[] {
  return installs.flatMap(({ answer, chain, pending }) => [
    answer.file,
    ...chain.map(({ file }) => file),
    ...(pending ? [pending.key] : []),
  ]);
}
