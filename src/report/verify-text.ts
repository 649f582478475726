// `verify` for people and programs: what `check` says, with a table of what the running node proved.
import type { CheckResult } from "../core/model/check.ts";
import { assertNever } from "../core/model/errors.ts";
import type { Proof } from "../core/model/verification.ts";
import { checkToJson, type CheckJsonOptions } from "./check-json.ts";
import { authorityTable, certificateTable, otherTable } from "./check-tables.ts";
import { type CheckTextOptions, renderFindings, summaryLine } from "./check-text.ts";
import { painter } from "./color.ts";
import { shownData } from "./details.ts";
import type { Language } from "./language.ts";
import { messagesFor } from "./messages.ts";
import { verifyEn } from "./messages/verify-en.ts";
import { verifyZh } from "./messages/verify-zh.ts";
import { formatTable } from "./table.ts";
import { formatInstant } from "./time.ts";
import { wrapText } from "./width.ts";

export interface Verified {
  readonly check: CheckResult;
  readonly proofs: readonly Proof[];
}

/** The whole answer, ended by a newline. */
export function renderVerify({ check, proofs }: Verified, options: CheckTextOptions): string {
  const { lang, wide, color, width = Number.POSITIVE_INFINITY } = options;
  const context = { result: check, messages: messagesFor(lang), wide, paint: painter(color) };
  const parts = [
    certificateTable(context),
    check.authorities.length > 0 ? authorityTable(context) : "",
    otherTable(context),
    proofTable(proofs, options),
    renderFindings(check, options),
    `${wrapText(proofLine(proofs, lang), width)}\n${wrapText(summaryLine(check, { ...options, hasWritten: hasWritten(proofs) }), width)}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** An object was created and deleted: that is not nothing. */
function hasWritten(proofs: readonly Proof[]): boolean {
  return proofs.some(({ kind, outcome }) => kind === "write" && outcome === "proved");
}

/** The object of `check -o json` with `proofs[]` beside it; documented in docs/json.md. */
export function verifyToJson({ check, proofs }: Verified, options: CheckJsonOptions): object {
  return { ...checkToJson(check, options), proofs: proofs.map(proofToJson) };
}

function proofToJson({ node, kind, subject, outcome, evidence }: Proof): object {
  const instants = Object.fromEntries(
    Object.entries(evidence).map(([key, value]: readonly [string, unknown]) => [
      key,
      (key === "notAfter" || key === "startedAt") && typeof value === "number" ? formatInstant(value) : value,
    ]),
  );
  return { ...(node === undefined ? {} : { node }), kind, subject, outcome, evidence: instants };
}

function wordsOf(lang: Language): typeof verifyEn {
  return lang === "zh" ? verifyZh : verifyEn;
}

function proofTable(proofs: readonly Proof[], { lang, color }: CheckTextOptions): string {
  const words = wordsOf(lang);
  const paint = painter(color);
  const isOfMany = proofs.some(({ node }) => node !== undefined);
  const rows = shownData(proofs, lang).map((proof) => [
    subjectOf(proof, words),
    words.outcomes[proof.outcome],
    evidenceOf(proof, words),
    ...(isOfMany ? [proof.node ?? words.notAsked] : []),
  ]);
  const columns = isOfMany ? [...words.columns, words.node] : words.columns;
  return formatTable([columns, ...rows], {
    paint: (line, index) => {
      if (index === 0) return paint("bold", line);
      return proofs[index - 1]?.outcome === "failed" ? paint("red", line) : line;
    },
  });
}

function subjectOf({ kind, subject }: Proof, { subjects }: typeof verifyEn): string {
  return kind === "served" || kind === "process" ? subject : subjects[kind];
}

function evidenceOf({ evidence }: Proof, words: typeof verifyEn): string {
  switch (evidence.code) {
    case "serves": {
      const { isStored, serialHex, notAfter } = evidence;
      const { same, other, own } = words.stored;
      const whose = isStored === null ? own : isStored ? same : other;
      return `${whose}${words.joiner}${words.serves(serialHex, notAfter)}`;
    }
    case "runs":
      return words.runs(evidence.startedAt, evidence.through);
    case "etcd-read":
      return words.etcdRead(evidence.version);
    case "members":
      return words.members(evidence.healthy, evidence.voters);
    case "wrote":
      return words.wrote;
    case "counted":
      if (evidence.count === 0) return words.nothingThere;
      return words.counted(evidence.count, evidence.faulty);
    case "reason":
      return evidence.reason;
    case "not-asked":
      return evidence.because === undefined ? words.notAsked : words.skipped[evidence.because];
    default:
      return assertNever(evidence);
  }
}

function proofLine(proofs: readonly Proof[], lang: Language): string {
  const count = (outcome: Proof["outcome"]): number =>
    proofs.filter((proof) => proof.outcome === outcome).length;
  return wordsOf(lang).summary(count("proved"), count("failed"), count("skipped"));
}
