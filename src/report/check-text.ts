// `check` for people: kubeadm's tables, what kubeadm does not list, findings worst first, one line to sum up.
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding, Severity } from "../core/model/finding.ts";
import { authorityTable, certificateTable, otherTable } from "./check-tables.ts";
import { painter, severityStyles, type Paint } from "./color.ts";
import { safeText } from "./escape.ts";
import { renderFinding, toolCommand } from "./finding-text.ts";
import type { Language } from "./language.ts";
import { messagesFor } from "./messages.ts";
import { formatResidual } from "./time.ts";
import { displayWidth, wrapText } from "./width.ts";

export interface CheckTextOptions {
  readonly lang: Language;
  readonly wide: boolean;
  readonly color: boolean;
  /** Columns of the terminal: sentences are wrapped there, commands never. */
  readonly width?: number;
}

const order: readonly Severity[] = ["critical", "warning", "info"];

/** The whole answer, ended by a newline. */
export function renderCheck(result: CheckResult, options: CheckTextOptions): string {
  const messages = messagesFor(options.lang);
  const context = { result, messages, wide: options.wide, paint: painter(options.color) };
  const parts = [
    certificateTable(context),
    result.authorities.length > 0 ? authorityTable(context) : "",
    otherTable(context),
    renderFindings(result, options),
    `${summaryLine(result, options.lang)}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** Findings grouped by severity, worst first; inside a severity in the order given. */
export function renderFindings(result: CheckResult, options: CheckTextOptions): string {
  const paint = painter(options.color);
  const sorted = order.flatMap((severity) =>
    result.findings.filter((finding) => finding.severity === severity),
  );
  return sorted
    .map((finding) => `${findingLines(finding, result, { ...options, paint }).join("\n")}\n`)
    .join("");
}

/** One line: how many of what, where, when; and the command that comes next when several certificates are concerned. */
export function summaryLine(result: CheckResult, lang: Language): string {
  const { check } = messagesFor(lang);
  const node = check.nodes(result.nodes.map(safeText));
  if (result.findings.length === 0) return wellLine(result, lang);
  const count = (severity: Severity): number =>
    result.findings.filter((finding) => finding.severity === severity).length;
  const counts = { critical: count("critical"), warning: count("warning"), info: count("info") };
  const tool = toolCommand(safeText(result.root));
  const isRenewable = result.findings.some((finding) =>
    /^certificate-expir|^replica-differs/.test(finding.code),
  );
  return `${check.summary(counts, node, result.at)}${isRenewable ? check.renewSeveral(tool("plan"), tool("renew")) : ""}`;
}

function wellLine(result: CheckResult, lang: Language): string {
  const { check } = messagesFor(lang);
  const node = check.nodes(result.nodes.map(safeText));
  const [first] = result.certificates
    .flatMap((row) => (row.notAfter === null ? [] : [{ name: row.name, notAfter: row.notAfter }]))
    .sort((a, b) => a.notAfter - b.notAfter);
  const line = check.allWell(result.certificates.length, result.authorities.length, node, result.at);
  if (first === undefined) return line;
  return (
    line + check.firstEnd(safeText(first.name), first.notAfter, formatResidual(first.notAfter - result.at))
  );
}

function findingLines(
  finding: AnyFinding,
  result: CheckResult,
  options: CheckTextOptions & { readonly paint: Paint },
): readonly string[] {
  const { check } = messagesFor(options.lang);
  const { sentence, next } = renderFinding(finding, result, options.lang);
  const node = result.nodes.length > 1 ? `${safeText(finding.node)}/` : "";
  const word = check.severities[finding.severity];
  const text = ` ${node}${safeText(finding.name)}${check.colon}${sentence}`;
  const room = (options.width ?? Number.POSITIVE_INFINITY) - displayWidth(word);
  const line = options.paint(severityStyles[finding.severity], word) + wrapText(text, room, "    ");
  return [line, ...next.map((step) => `    -> ${step}`)];
}
