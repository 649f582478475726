// Bare `perennial`: one screen for somebody who was just woken up.
import type { CheckResult } from "../core/model/check.ts";
import type { Diagnosis } from "../core/model/diagnosis.ts";
import type { AnyFinding, Severity } from "../core/model/finding.ts";
import { harmsWorstFirst } from "../core/policy/diagnose/harms.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter, severityStyles } from "./color.ts";
import { type DiagnoseMessages, diagnoseMessages } from "./diagnose-messages.ts";
import { evidenceText } from "./diagnose-text.ts";
import { safeData, safeText } from "./escape.ts";
import { renderFindingGroups, toolOf } from "./finding-text.ts";
import type { Language } from "./language.ts";
import { wrapText } from "./width.ts";

const mostLines = 8;
const mostHarms = 6;

export interface OverviewOptions {
  readonly lang: Language;
  readonly hasColor: boolean;
  /** Columns of the terminal, null when it is none. */
  readonly width: number | null;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

/** Worst findings first, as many as fit; what that stops and spares; the recovery, the next command, and that nothing was changed. */
export function renderOverview(
  result: CheckResult,
  diagnoses: readonly Diagnosis[],
  options: OverviewOptions,
): string {
  const words = cliMessages(options.lang);
  const paint = painter(options.hasColor);
  const { at, nodes, root } = result;
  const context = { at, nodes, root, ...(options.again === undefined ? {} : { again: options.again }) };
  const tool = toolOf(context);
  const of = (severity: Severity): number =>
    new Set(result.findings.filter((f) => f.severity === severity).map(({ name }) => name)).size;
  const [critical, warning] = [of("critical"), of("warning")];
  const meaning = diagnoseMessages(options.lang);
  const clock = safeData(diagnoses).filter(({ cause }) => cause === "clock-wrong");
  const heads = [
    ...(critical > 0 ? [paint(severityStyles.critical, words.bare.dead(critical))] : []),
    ...(warning > 0 ? [paint(severityStyles.warning, words.bare.dying(warning))] : []),
    ...(clock.length > 0 ? [paint(severityStyles.critical, meaning.causes["clock-wrong"](null))] : []),
    ...(critical + warning + clock.length === 0 ? [paint("green", words.bare.well)] : []),
  ];
  const urgent = result.findings.filter(({ severity }) => severity !== "info");
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const lines = renderFindingGroups(urgent, context, options.lang).map(({ sentence }) =>
    wrapText(`  ${sentence}`, width, "    "),
  );
  const shown =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `  ... +${lines.length - mostLines}`] : lines;
  const next = clock.length > 0 ? null : nextCommand(result.findings, tool);
  return [
    `${heads.join("; ")} (${result.nodes.map(safeText).join(", ")})`,
    ...clock.flatMap(({ evidence }) =>
      evidence.map((one) => wrapText(`  ${evidenceText(one, meaning, at)}`, width, "    ")),
    ),
    ...shown,
    ...meaningOf(diagnoses, meaning).map((line) => wrapText(line, width, "  ")),
    "",
    ...(next === null ? [] : [words.bare.next(next)]),
    words.bare.look(tool("check")),
    words.nothingChanged,
    "",
  ].join("\n");
}

/** What a renewal mends is answered with `plan`; an open run comes first. */
function nextCommand(findings: readonly AnyFinding[], tool: (args: string) => string): string | null {
  if (findings.some((finding) => finding.code === "run-unfinished")) return tool("resume");
  const renewable: ReadonlySet<AnyFinding["code"]> = new Set([
    "certificate-expired",
    "certificate-expiring",
    "key-does-not-match",
    "wrong-issuer",
    "replica-differs",
  ] as const);
  return findings.some(
    (finding) => finding.severity !== "info" && renewable.has(finding.code) && !hasObstacle(finding),
  )
    ? tool("plan")
    : null;
}

/** A renewal would be refused or leave it alone; its own lines say what helps. */
function hasObstacle({ params }: AnyFinding): boolean {
  return "obstacle" in params && params.obstacle !== undefined;
}

/** What is dead and what is not, which way back there is, and its order; nothing when nothing is wrong. */
function meaningOf(diagnoses: readonly Diagnosis[], messages: DiagnoseMessages): readonly string[] {
  const acute = diagnoses.filter(({ cause }) => cause !== "clock-wrong");
  if (diagnoses.length === 0) return [];
  const harms = harmsWorstFirst(acute.flatMap((one) => one.harms)).filter((harm) => harm !== "unknown");
  const spares = [...new Set(acute.flatMap((one) => one.spares))].filter(
    (one) => one !== "now" || harms.length === 1,
  );
  const more = harms.length > mostHarms ? [`+${harms.length - mostHarms}`] : [];
  const list = (words: readonly string[]): string => words.join(messages.separator);
  const recovery = recoveryOf(diagnoses, messages);
  return [
    "",
    ...(harms.length > 0
      ? [messages.harmed(list([...harms.slice(0, mostHarms).map((harm) => messages.harms[harm]), ...more]))]
      : []),
    ...(spares.length > 0 ? [messages.unharmed(list(spares.map((one) => messages.spares[one])))] : []),
    ...(recovery === null ? [] : [recovery.sentence, ...(recovery.restarts ? [messages.order] : [])]),
  ];
}

interface Recovery {
  readonly sentence: string;
  /** Processes have to be restarted afterwards. */
  readonly restarts: boolean;
}

/** The step that has to come first. */
function recoveryOf(diagnoses: readonly Diagnosis[], { recovery }: DiagnoseMessages): Recovery | null {
  const of = (...causes: readonly Diagnosis["cause"][]): readonly Diagnosis[] =>
    diagnoses.filter(({ cause }) => causes.includes(cause));
  if (of("clock-wrong").length > 0) return { sentence: recovery.clock, restarts: false };
  if (of("authority-expired").length > 0) return { sentence: recovery.authority, restarts: false };
  if (of("file-missing").length > 0) return { sentence: recovery.files, restarts: false };
  const renewable = of("certificate-expired", "certificate-expiring", "key-mismatch", "unknown-authority");
  const slots = new Set(renewable.flatMap(({ certificates }) => certificates.map(({ slot }) => slot)));
  if (slots.size > 0) return { sentence: recovery.renew(slots.size), restarts: true };
  return of("wrong-kubelet-client").length > 0 ? { sentence: recovery.kubelet, restarts: false } : null;
}
