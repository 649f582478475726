// Symptoms of time: expired, not yet valid, the certificate a process holds in memory, the clock.
import type { Evidence, Symptom } from "../../model/diagnosis.ts";
import type { AuthorityFacts, SlotFacts } from "../facts.ts";
import { type Draft, logEvidence } from "./draft.ts";
import { suspects } from "./harms.ts";
import {
  type NodeKnowledge,
  allWell,
  concern,
  concernAuthority,
  isExpired,
  leafOf,
  slotAt,
  slotsNamed,
} from "./knowledge.ts";

const yearMs = 365 * 86_400_000;
/** The in-memory certificate of a process lives a year from its start (facts/kubeadm 2). */
const loopbackMs = yearMs - 3_600_000;

const hosted = "-hosted-apiserver";

/** A slot the line itself names, and how. */
interface Named {
  readonly slot: SlotFacts;
  readonly evidence: readonly Evidence[];
}

export function judgeExpired(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  // The product renews these itself; no file of the node is meant.
  if (symptom.component?.endsWith(hosted) === true) {
    const mesh = symptom.component.slice(0, -hosted.length);
    return [{ cause: "hosted-mesh-certificate", certainty: "likely", evidence: [log], subject: mesh }];
  }
  if (node === null)
    return [{ cause: "certificate-expired", certainty: "likely", evidence: [log, { code: "no-facts" }] }];
  const named = namedSlots(symptom, node);
  if (named.length > 0) return named.flatMap((one) => judgeNamed(symptom, node, one));
  const names = suspects(symptom.component, symptom.params.port);
  const asked = names === null ? [...node.facts.slots.values()] : slotsNamed(node, names);
  const expired = asked.filter((slot) => isExpired(slot, node.facts.at));
  const authorities = expiredAuthorities(node);
  if (authorities.length > 0) {
    const certificates = authorities.map(concernAuthority);
    return [{ cause: "authority-expired", certainty: "confirmed", certificates, evidence: [log] }];
  }
  if (expired.length > 0) {
    const certificates = expired.map(concern);
    return [{ cause: "certificate-expired", certainty: "confirmed", certificates, evidence: [log] }];
  }
  return notOnDisk(symptom, asked);
}

/** The line names a certificate: by its serial, by the second it ended, by its file. */
function namedSlots({ params }: Symptom, node: NodeKnowledge): readonly Named[] {
  const all = [...node.facts.slots.values()];
  const { serialHex, notAfter } = params;
  if (serialHex !== undefined) {
    const slots = all.filter((slot) => leafOf(slot)?.serialHex.replace(/^0+/, "") === serialHex);
    if (slots.length > 0)
      return slots.map((slot) => ({
        slot,
        evidence: [{ code: "same-serial", name: slot.slot.name, serialHex }],
      }));
  }
  const atPath = slotAt(node, params.path);
  if (atPath !== null) return [{ slot: atPath, evidence: [] }];
  if (notAfter === undefined) return [];
  return all
    .filter((slot) => leafOf(slot)?.notAfter === notAfter)
    .map((slot) => ({ slot, evidence: [{ code: "same-date", name: slot.slot.name, notAfter }] }));
}

function judgeNamed(symptom: Symptom, node: NodeKnowledge, { slot, evidence }: Named): readonly Draft[] {
  const log = logEvidence(symptom);
  if (isExpired(slot, node.facts.at)) {
    const certificates = [concern(slot)];
    return [
      { cause: "certificate-expired", certainty: "confirmed", certificates, evidence: [...evidence, log] },
    ];
  }
  const { currentAt } = symptom.params;
  const { notAfter } = symptom.params;
  // The writer's clock was past an end that ours has not reached.
  if (currentAt !== undefined && notAfter !== undefined && leafOf(slot)?.notAfter === notAfter)
    return [
      { cause: "clock-wrong", certainty: "likely", evidence: [{ code: "clock-of-writer", currentAt }, log] },
    ];
  return notOnDisk(symptom, [slot]);
}

/** Nothing of what may be meant has expired: either the line is older than the renewal, or a process holds the old one. */
function notOnDisk(symptom: Symptom, asked: readonly SlotFacts[]): readonly Draft[] {
  const log = logEvidence(symptom);
  const slots = asked.filter((slot) => leafOf(slot) !== null);
  const rejected: Draft = {
    cause: "certificate-expired",
    certainty: "rejected",
    certificates: slots.map(concern),
    evidence: [...(slots.length > 0 ? [allWell(slots)] : []), log],
  };
  const seen = symptom.lastAt;
  const renewed = slots.filter((slot) => isRenewedBefore(slot, symptom));
  if (renewed.length > 0) {
    const certificates = renewed.map(concern);
    const evidence = [...renewed.map(renewedSince), log];
    return [rejected, { cause: "renewed-not-loaded", certainty: "likely", certificates, evidence }];
  }
  const isOld =
    seen !== null && slots.length > 0 && slots.every((slot) => (leafOf(slot)?.notBefore ?? 0) > seen);
  if (isOld) return [{ ...rejected, evidence: [...slots.map(renewedSince), log] }];
  // The file is well and somebody still complains: of memory, or of a certificate that is elsewhere.
  return [
    rejected,
    { cause: "renewed-not-loaded", certainty: "possible", certificates: slots.map(concern), evidence: [log] },
  ];
}

/** The complaint speaks of an earlier end, and came after the new certificate was there. */
function isRenewedBefore(slot: SlotFacts, { lastAt, params: { notAfter } }: Symptom): boolean {
  const leaf = leafOf(slot);
  if (leaf === null || lastAt === null || lastAt < leaf.notBefore) return false;
  return notAfter !== undefined && notAfter < leaf.notAfter;
}

function renewedSince(slot: SlotFacts): Evidence {
  return { code: "renewed-since", name: slot.slot.name, notBefore: leafOf(slot)?.notBefore ?? 0 };
}

function expiredAuthorities({ facts }: NodeKnowledge): readonly AuthorityFacts[] {
  return [...facts.authorities.values()].filter(
    ({ signing }) => signing !== null && signing.notAfter < facts.at,
  );
}

export function judgeNotYetValid(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const { notBefore, currentAt } = symptom.params;
  const writer: readonly Evidence[] = currentAt === undefined ? [] : [{ code: "clock-of-writer", currentAt }];
  if (node === null)
    return [
      {
        cause: "certificate-not-yet-valid",
        certainty: "likely",
        evidence: [...writer, log, { code: "no-facts" }],
      },
      { cause: "clock-wrong", certainty: "possible", evidence: [...writer, log] },
    ];
  const all = [...node.facts.slots.values()];
  const future = all.filter((slot) => (leafOf(slot)?.notBefore ?? 0) > node.facts.at);
  if (future.length > 0) {
    const meant = future.filter((slot) => notBefore === undefined || leafOf(slot)?.notBefore === notBefore);
    const certificates = (meant.length > 0 ? meant : future).map(concern);
    return [
      {
        cause: "certificate-not-yet-valid",
        certainty: "confirmed",
        certificates,
        evidence: [...writer, log],
      },
      { cause: "clock-wrong", certainty: "possible", evidence: [...writer, log] },
    ];
  }
  // Valid by our clock: the writer's clock was behind, here or on another host.
  return [
    { cause: "certificate-not-yet-valid", certainty: "rejected", evidence: [allWell(all), log] },
    {
      cause: "clock-wrong",
      certainty: currentAt === undefined ? "possible" : "likely",
      evidence: [...writer, log],
    },
  ];
}

export function judgeClock(symptom: Symptom): readonly Draft[] {
  return [{ cause: "clock-wrong", certainty: "likely", evidence: [logEvidence(symptom)] }];
}

/** Not in any file: the process's age decides where it is known (k/k#86552). */
export function judgeLoopback(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const cause = "loopback-certificate-expired";
  const log = logEvidence(symptom);
  const startedAt = node?.startedAt.get("kube-apiserver");
  if (node === null || startedAt === undefined) return [{ cause, certainty: "likely", evidence: [log] }];
  const since: Evidence = { code: "running-since", consumer: "kube-apiserver", startedAt };
  const isOld = node.facts.at - startedAt > loopbackMs;
  return [{ cause, certainty: isOld ? "confirmed" : "rejected", evidence: [since, log] }];
}
