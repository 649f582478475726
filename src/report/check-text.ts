// `check` for people: kubeadm's tables, what kubeadm does not list, findings worst first, one line to sum up.
import type { CheckResult } from "../core/model/check.ts";
import type { Severity } from "../core/model/finding.ts";
import { authorityTable, certificateTable, otherTable } from "./check-tables.ts";
import { painter, severityStyles } from "./color.ts";
import { isUnreadableForUs } from "../core/policy/unreadable.ts";
import { sudoCommand } from "./tool-command.ts";
import { safeText } from "./escape.ts";
import { type FindingContext, type FindingGroup, renderFindingGroups, toolOf } from "./finding-text.ts";
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
  /** The words of this call that choose the node, repeated in every command; without it the root alone. */
  readonly again?: readonly string[];
}

/** The whole answer, ended by a newline. */
export function renderCheck(result: CheckResult, options: CheckTextOptions): string {
  const messages = messagesFor(options.lang);
  const context = { result, messages, wide: options.wide, paint: painter(options.color) };
  const parts = [
    certificateTable(context),
    result.authorities.length > 0 ? authorityTable(context) : "",
    otherTable(context),
    renderFindings(result, options),
    `${wrapText(summaryLine(result, options), options.width ?? Number.POSITIVE_INFINITY)}\n`,
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** Findings, worst first; those of one code are told at once. */
export function renderFindings(result: CheckResult, options: CheckTextOptions): string {
  const groups = renderFindingGroups(result.findings, contextOf(result, options), options.lang);
  return groups.map((group) => `${groupLines(group, options).join("\n")}\n`).join("");
}

/** One line: how many of what, where, when; and the command that comes next when several certificates are concerned. */
export function summaryLine(
  result: CheckResult,
  options: Pick<CheckTextOptions, "lang" | "again"> & { readonly hasWritten?: boolean },
): string {
  const { lang } = options;
  const { check } = messagesFor(lang);
  const node = check.nodes(result.nodes.map(safeText));
  if (result.findings.length === 0) return wellLine(result, lang);
  const count = (severity: Severity): number =>
    result.findings.filter((finding) => finding.severity === severity).length;
  const counts = { critical: count("critical"), warning: count("warning"), info: count("info") };
  const tool = toolOf(contextOf(result, options));
  const isRenewable = result.findings.some((finding) =>
    /^certificate-expir|^replica-differs/.test(finding.code),
  );
  const isUnread = result.findings.some(isUnreadableForUs);
  // Beside an open run nothing is begun; what it is told above comes first.
  const isOpen = result.findings.some(({ code }) => code === "run-unfinished" || code === "run-locked");
  const next = isUnread ? sudoCommand(tool("check")) : tool("plan");
  return `${check.summary(counts, node, result.at, options.hasWritten === true)}${isUnread || (isRenewable && !isOpen) ? check.next(next) : ""}`;
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

function contextOf(
  { at, nodes, root }: CheckResult,
  { again }: Pick<CheckTextOptions, "again">,
): FindingContext {
  return again === undefined ? { at, nodes, root } : { at, nodes, root, again };
}

function groupLines(group: FindingGroup, options: CheckTextOptions): readonly string[] {
  const word = messagesFor(options.lang).check.severities[group.severity];
  const room = (options.width ?? Number.POSITIVE_INFINITY) - displayWidth(word);
  const line =
    painter(options.color)(severityStyles[group.severity], word) +
    wrapText(` ${group.sentence}`, room, "    ");
  return [line, ...group.next.map((step) => `    -> ${step}`)];
}
