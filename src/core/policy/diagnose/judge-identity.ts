// Symptoms of identity: another CA, another name, another key, another usage, a peer that refuses.
import type { CauseCode, Evidence, Symptom } from "../../model/diagnosis.ts";
import type { FindingCode } from "../../model/finding.ts";
import { subjectAltNames } from "../../pki/extensions.ts";
import { formatIpAddress, tryParseIpAddress } from "../../pki/ip-address.ts";
import type { SlotFacts } from "../facts.ts";
import { type Draft, logEvidence } from "./draft.ts";
import { suspects } from "./harms.ts";
import {
  type NodeKnowledge,
  allWell,
  concern,
  concernOf,
  evidenceOf,
  fatalFindings,
  leafOf,
  slotAt,
  slotsNamed,
} from "./knowledge.ts";

export function judgeKey(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const codes: readonly FindingCode[] = ["key-does-not-match", "authority-key-does-not-match"];
  return byFinding(symptom, node, { cause: "key-mismatch", codes, otherwise: "rejected" });
}

export function judgeUsage(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  return byFinding(symptom, node, { cause: "wrong-usage", codes: ["usage-missing"], otherwise: "possible" });
}

/** Files that agree with each other here leave a peer's bundle, or a bundle in memory. */
export function judgeAuthority(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const codes: readonly FindingCode[] = ["wrong-issuer", "kubeconfig-authority-differs"];
  return byFinding(symptom, node, { cause: "unknown-authority", codes, otherwise: "possible" });
}

interface Expectation {
  readonly cause: CauseCode;
  /** Findings that confirm it. */
  readonly codes: readonly FindingCode[];
  /** What it is when there is no such finding. */
  readonly otherwise: "possible" | "rejected";
}

function byFinding(
  symptom: Symptom,
  node: NodeKnowledge | null,
  { cause, codes, otherwise }: Expectation,
): readonly Draft[] {
  const log = logEvidence(symptom);
  if (node === null) return [{ cause, certainty: "likely", evidence: [log, { code: "no-facts" }] }];
  const all = node.findings.filter(({ code, severity }) => codes.includes(code) && severity !== "info");
  const atPath = slotAt(node, symptom.params.path);
  const names = atPath === null ? suspects(symptom.component, symptom.params.port) : [atPath.slot.name];
  const meant = all.filter(({ name }) => names?.includes(name) !== false);
  const findings = meant.length > 0 ? meant : all;
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [{ cause, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log] }];
  }
  const slots = names === null ? [...node.facts.slots.values()] : slotsNamed(node, names);
  const well = wellOf(slots);
  // Of nothing readable nothing can be ruled out.
  return [{ cause, certainty: well.length === 0 ? "possible" : otherwise, evidence: [...well, log] }];
}

function wellOf(slots: readonly SlotFacts[]): readonly Evidence[] {
  const readable = slots.filter((slot) => leafOf(slot) !== null);
  return readable.length > 0 ? [allWell(readable)] : [];
}

/** The certificate whose names the message lists is the one meant; whether it lacks the name asked for is looked up. */
export function judgeName(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const cause = "wrong-name";
  const { wanted, names, port } = symptom.params;
  const subject = wanted ?? null;
  if (node === null) return [{ cause, certainty: "likely", evidence: [log, { code: "no-facts" }], subject }];
  if (wanted === undefined) return [{ cause, certainty: "possible", evidence: [log], subject }];
  const servers = slotsNamed(node, ["apiserver", "etcd-server", "etcd-peer", "kubelet-server"]);
  const byNames =
    names === undefined || names.length === 0 ? [] : servers.filter((slot) => isListed(slot, names));
  const around = suspects(symptom.component, port);
  const byPlace = servers.filter(({ slot }) => around?.includes(slot.name) === true);
  const meant = byNames.length > 0 ? byNames : byPlace;
  const lacking = meant.filter((slot) => !hasName(slot, wanted));
  const certificates = lacking.map(concern);
  if (lacking.length > 0) {
    const evidence = byNames.length > 0 ? lacking.map(({ slot }) => sameNames(slot.name, wanted)) : [];
    const certainty = byNames.length > 0 ? "confirmed" : "likely";
    return [{ cause, certainty, certificates, evidence: [...evidence, log], subject }];
  }
  const having = servers.filter((slot) => hasName(slot, wanted));
  if (having.length === 0) return [{ cause, certainty: "possible", evidence: [log], subject }];
  const there = having.map(({ slot }): Evidence => ({ code: "name-is-there", name: slot.name, wanted }));
  const loaded: Draft = {
    cause: "renewed-not-loaded",
    certainty: "possible",
    certificates: having.map(concern),
    evidence: [log],
  };
  return [
    { cause, certainty: "rejected", certificates: having.map(concern), evidence: [...there, log], subject },
    loaded,
  ];
}

function sameNames(name: string, wanted: string): Evidence {
  return { code: "same-names", name, wanted };
}

/** Go lists all addresses when an address was asked for, otherwise all DNS names. */
function isListed(slot: SlotFacts, names: readonly string[]): boolean {
  const listed = names.map(canonical);
  const kind = names.every((name) => tryParseIpAddress(name) !== undefined) ? "ip" : "dns";
  const own = sansOf(slot, kind);
  return own.length > 0 && own.length === listed.length && own.every((name) => listed.includes(name));
}

function hasName(slot: SlotFacts, wanted: string): boolean {
  const name = canonical(wanted);
  return (
    sansOf(slot, "ip").includes(name) || sansOf(slot, "dns").some((own) => own === name || covers(own, name))
  );
}

/** `*.example` covers one label (RFC 6125 section 6.4.3). */
function covers(pattern: string, name: string): boolean {
  return pattern.startsWith("*.") && name.split(".").slice(1).join(".") === pattern.slice(2);
}

function sansOf(slot: SlotFacts, kind: "ip" | "dns"): readonly string[] {
  const leaf = leafOf(slot);
  if (leaf === null) return [];
  return [
    ...new Set(
      subjectAltNames(leaf)
        .filter((san) => san.kind === kind)
        .map((san) => canonical(san.value)),
    ),
  ];
}

function canonical(name: string): string {
  const address = tryParseIpAddress(name.replace(/^\[|\]$/g, ""));
  return address === undefined ? name.toLowerCase() : formatIpAddress(address);
}

/** A peer that only says no: whatever is wrong with what it was shown decides. */
export function judgeRefused(symptom: Symptom, node: NodeKnowledge | null): readonly Draft[] {
  const log = logEvidence(symptom);
  const cause = "credentials-refused";
  if (node === null) return [{ cause, certainty: "possible", evidence: [log, { code: "no-facts" }] }];
  const names = suspects(symptom.component, symptom.params.port) ?? [
    ...new Set([...node.facts.slots.values()].map(({ slot }) => slot.name)),
  ];
  const findings = fatalFindings(node, names);
  if (findings.length > 0) {
    const certificates = findings.map((finding) => concernOf(node, finding));
    return [{ cause, certainty: "confirmed", certificates, evidence: [...findings.map(evidenceOf), log] }];
  }
  return [{ cause, certainty: "possible", evidence: [...wellOf(slotsNamed(node, names)), log] }];
}
