// Diagnoses in the making: one shape to fill in, and how several of one cause become one.
import type {
  CauseCode,
  Certainty,
  ConcernedCertificate,
  Diagnosis,
  Evidence,
  Symptom,
} from "../../model/diagnosis.ts";
import { harmRank, harmsOfCause, sparesOfCause } from "./harms.ts";

export interface Draft {
  readonly cause: CauseCode;
  readonly certainty: Certainty;
  readonly certificates?: readonly ConcernedCertificate[];
  readonly evidence: readonly Evidence[];
  readonly subject?: string | null;
}

/** More log lines of one cause say nothing new. */
const mostLogLines = 5;

const certaintyRank: Readonly<Record<Certainty, number>> = {
  confirmed: 0,
  likely: 1,
  possible: 2,
  rejected: 3,
};

/** These explain others and stand before them, whatever the others harm. */
const rootCauses: readonly CauseCode[] = ["clock-wrong", "authority-expired", "etcd-unreachable"];

/** Where harms are alike: what merely follows from others stands last. */
const causeRank: Readonly<Record<CauseCode, number>> = {
  "clock-wrong": 0,
  "authority-expired": 1,
  "etcd-unreachable": 2,
  "bootstrap-kubeconfig-missing": 3,
  "certificate-expired": 4,
  "wrong-kubelet-client": 5,
  "certificate-not-yet-valid": 6,
  "file-missing": 7,
  "file-unusable": 8,
  "key-mismatch": 9,
  "unknown-authority": 10,
  "wrong-name": 11,
  "wrong-usage": 12,
  "renewed-not-loaded": 13,
  "loopback-certificate-expired": 14,
  "hosted-mesh-certificate": 15,
  "platform-web-certificate": 16,
  "credentials-refused": 17,
  "process-not-running": 18,
  "certificate-expiring": 19,
};

export function logEvidence({ source, line, count, lastAt, component, text }: Symptom): Evidence {
  return { code: "log", source, line, count, at: lastAt, component, text };
}

/** One diagnosis per cause, subject and whether it was rejected; surest first. */
export function mergeDrafts(drafts: readonly Draft[]): readonly Diagnosis[] {
  const groups = new Map<string, Draft[]>();
  for (const draft of drafts) {
    const key = JSON.stringify([draft.cause, draft.subject ?? null, draft.certainty === "rejected"]);
    groups.set(key, [...(groups.get(key) ?? []), draft]);
  }
  return [...groups.values()].flatMap(diagnosisOf).sort(compareDiagnoses);
}

function diagnosisOf(drafts: readonly Draft[]): readonly Diagnosis[] {
  const [first] = drafts;
  if (first === undefined) return [];
  const sorted = [...drafts].sort((a, b) => certaintyRank[a.certainty] - certaintyRank[b.certainty]);
  const certainty = sorted[0]?.certainty ?? first.certainty;
  const certificates = uniqueBy(
    sorted.flatMap((draft) => draft.certificates ?? []),
    ({ slot, path }) => slot ?? path,
  );
  const names = certificates.map(({ name }) => name);
  return [
    {
      cause: first.cause,
      certainty,
      certificates,
      evidence: evidenceInOrder(sorted.flatMap(({ evidence }) => evidence)),
      harms: certainty === "rejected" ? [] : harmsOfCause(first.cause, names),
      spares: certainty === "rejected" ? [] : sparesOfCause(first.cause),
      subject: first.subject ?? null,
    },
  ];
}

/** What the facts say, then the log, its newest lines first. */
function evidenceInOrder(all: readonly Evidence[]): readonly Evidence[] {
  const unique = uniqueBy(all, (evidence) => JSON.stringify(evidence));
  const isLog = (evidence: Evidence): boolean => evidence.code === "log";
  const logs = unique.filter(isLog).sort((a, b) => timeOf(b) - timeOf(a));
  return [...unique.filter((evidence) => !isLog(evidence)), ...logs.slice(0, mostLogLines)];
}

function timeOf(evidence: Evidence): number {
  return evidence.code === "log" ? (evidence.at ?? 0) : 0;
}

function compareDiagnoses(a: Diagnosis, b: Diagnosis): number {
  return (
    certaintyRank[a.certainty] - certaintyRank[b.certainty] ||
    rootRank(a) - rootRank(b) ||
    worstHarm(a) - worstHarm(b) ||
    causeRank[a.cause] - causeRank[b.cause]
  );
}

function rootRank({ cause }: Diagnosis): number {
  return rootCauses.includes(cause) ? rootCauses.indexOf(cause) : rootCauses.length;
}

function worstHarm({ harms }: Diagnosis): number {
  return Math.min(...harms.map(harmRank), harmRank("unknown"));
}

function uniqueBy<T>(items: readonly T[], keyOf: (item: T) => string): readonly T[] {
  const seen = new Map<string, T>();
  for (const item of items) if (!seen.has(keyOf(item))) seen.set(keyOf(item), item);
  return [...seen.values()];
}
