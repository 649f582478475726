// Bare `perennial`: one screen for somebody who was just woken up.
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding } from "../core/model/finding.ts";
import { cliMessages } from "./cli-messages.ts";
import { painter, severityStyles } from "./color.ts";
import { safeText } from "./escape.ts";
import { renderFinding, toolCommand } from "./finding-text.ts";
import type { Language } from "./language.ts";

const mostLines = 14;

/** Worst findings first, as many as fit; then the next command, and that nothing was changed. */
export function renderOverview(
  result: CheckResult,
  options: { readonly lang: Language; readonly hasColor: boolean },
): string {
  const words = cliMessages(options.lang);
  const paint = painter(options.hasColor);
  const tool = toolCommand(result.root);
  const of = (severity: AnyFinding["severity"]): readonly AnyFinding[] =>
    result.findings.filter((f) => f.severity === severity);
  const [critical, warning] = [of("critical"), of("warning")];
  const names = (findings: readonly AnyFinding[]): number =>
    new Set(findings.map((finding) => finding.name)).size;
  const heads = [
    ...(critical.length > 0 ? [paint(severityStyles.critical, words.bare.dead(names(critical)))] : []),
    ...(warning.length > 0 ? [paint(severityStyles.warning, words.bare.dying(names(warning)))] : []),
    ...(critical.length + warning.length === 0 ? [paint("green", words.bare.well)] : []),
  ];
  const lines = [...critical, ...warning].map(
    (finding) => `  ${safeText(finding.name)}: ${renderFinding(finding, result, options.lang).sentence}`,
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
  return findings.some((finding) => finding.severity !== "info" && renewable.has(finding.code))
    ? tool("plan")
    : null;
}
