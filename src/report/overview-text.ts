// Bare `perennial`: one screen for somebody who was just woken up.
import type { CheckResult } from "../core/model/check.ts";
import type { Diagnosis } from "../core/model/diagnosis.ts";
import { harmsWorstFirst } from "../core/policy/diagnose/harms.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter, severityStyles } from "./color.ts";
import { type DiagnoseMessages, diagnoseMessages } from "./diagnose-messages.ts";
import { evidenceText } from "./diagnose-text.ts";
import { safeData, safeText } from "./escape.ts";
import { renderFindingGroups, toolOf } from "./finding-text.ts";
import type { Language } from "./language.ts";
import { countsOf } from "./overview-counts.ts";
import { type Situation, nextCommands, recoveryOf } from "./overview-next.ts";
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
  /** Members of an etcd that may have to come back together; null or absent when this node can be renewed alone. */
  readonly members?: number | null;
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
  const meaning = diagnoseMessages(options.lang);
  const clock = safeData(diagnoses).filter(({ cause }) => cause === "clock-wrong");
  const heads = [
    ...countsOf(result.findings, options),
    ...(clock.length > 0 ? [paint(severityStyles.critical, meaning.causes["clock-wrong"](null))] : []),
  ];
  const urgent = result.findings.filter(({ severity }) => severity !== "info");
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const lines = renderFindingGroups(urgent, context, options.lang).map(({ sentence }) =>
    wrapText(`  ${sentence}`, width, "    "),
  );
  const shown =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `  ... +${lines.length - mostLines}`] : lines;
  const situation = { findings: result.findings, diagnoses, members: options.members ?? null };
  const next = clock.length > 0 ? [] : nextCommands(situation, context, options.lang);
  return [
    words.bare.head(
      heads.length === 0 ? [paint("green", words.bare.well)] : heads,
      result.nodes.map(safeText),
    ),
    ...clock.flatMap(({ evidence }) =>
      evidence.map((one) => wrapText(`  ${evidenceText(one, meaning, at)}`, width, "    ")),
    ),
    ...shown,
    ...meaningOf(situation, meaning).map((line) => wrapText(line, width, "  ")),
    "",
    ...(next.length === 0 ? [] : [words.bare.next(next)]),
    words.bare.look(tool("check")),
    words.nothingChanged,
    "",
  ].join("\n");
}

/** What is dead and what is not, which way back there is, and its order; nothing when nothing is wrong. */
function meaningOf(situation: Situation, messages: DiagnoseMessages): readonly string[] {
  const { diagnoses } = situation;
  const acute = diagnoses.filter(({ cause }) => cause !== "clock-wrong");
  if (diagnoses.length === 0) return [];
  const harms = harmsWorstFirst(acute.flatMap((one) => one.harms)).filter((harm) => harm !== "unknown");
  const spares = [...new Set(acute.flatMap((one) => one.spares))].filter(
    (one) => one !== "now" || harms.length === 1,
  );
  const more = harms.length > mostHarms ? [`+${harms.length - mostHarms}`] : [];
  const list = (words: readonly string[]): string => words.join(messages.separator);
  const recovery = recoveryOf(situation, messages);
  return [
    "",
    ...(harms.length > 0
      ? [messages.harmed(list([...harms.slice(0, mostHarms).map((harm) => messages.harms[harm]), ...more]))]
      : []),
    ...(spares.length > 0 ? [messages.unharmed(list(spares.map((one) => messages.spares[one])))] : []),
    ...(recovery === null ? [] : [...recovery.sentences, ...(recovery.restarts ? [messages.order] : [])]),
  ];
}
