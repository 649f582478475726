// Bare `perennial`: one screen for somebody who was just woken up.
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding, Severity } from "../core/model/finding.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter, severityStyles } from "./color.ts";
import { safeText } from "./escape.ts";
import { renderFindingGroups, toolOf } from "./finding-text.ts";
import type { Language } from "./language.ts";
import { wrapText } from "./width.ts";

const mostLines = 14;

export interface OverviewOptions {
  readonly lang: Language;
  readonly hasColor: boolean;
  /** Columns of the terminal, null when it is none. */
  readonly width: number | null;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

/** Worst findings first, as many as fit; then the next command, and that nothing was changed. */
export function renderOverview(result: CheckResult, options: OverviewOptions): string {
  const words = cliMessages(options.lang);
  const paint = painter(options.hasColor);
  const { at, nodes, root } = result;
  const context = { at, nodes, root, ...(options.again === undefined ? {} : { again: options.again }) };
  const tool = toolOf(context);
  const of = (severity: Severity): number =>
    new Set(result.findings.filter((f) => f.severity === severity).map(({ name }) => name)).size;
  const [critical, warning] = [of("critical"), of("warning")];
  const heads = [
    ...(critical > 0 ? [paint(severityStyles.critical, words.bare.dead(critical))] : []),
    ...(warning > 0 ? [paint(severityStyles.warning, words.bare.dying(warning))] : []),
    ...(critical + warning === 0 ? [paint("green", words.bare.well)] : []),
  ];
  const urgent = result.findings.filter(({ severity }) => severity !== "info");
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const lines = renderFindingGroups(urgent, context, options.lang).map(({ sentence }) =>
    wrapText(`  ${sentence}`, width, "    "),
  );
  const shown =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `  ... +${lines.length - mostLines}`] : lines;
  const next = nextCommand(result.findings, tool);
  return [
    `${heads.join("; ")} (${result.nodes.map(safeText).join(", ")})`,
    ...shown,
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
