// The sentence and the next steps of findings, in one language, safe to show: one by one, or those of one code at once.
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding, FindingCode, Severity } from "../core/model/finding.ts";
import { shownData } from "./details.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor } from "./messages.ts";
import type { FindingMessages, FindingView, ManyMessages, ManyText, Tool } from "./messages/types.ts";
import { shellQuote } from "./shell.ts";
import { rootArguments, toolCommand } from "./tool-command.ts";

export interface FindingText {
  readonly sentence: string;
  readonly next: readonly string[];
}

/** What the finding is said within: decides how a slot is named in commands and which options they repeat. */
export type FindingContext = Pick<CheckResult, "at" | "nodes" | "root"> & {
  /** The words of this call that choose the node; without it the root alone. */
  readonly again?: readonly string[];
};

/** One line of text about one finding or several, what it is about included. */
export interface FindingGroup extends FindingText {
  readonly severity: Severity;
  readonly count: number;
}

const worstFirst: readonly Severity[] = ["critical", "warning", "info"];

export function renderFinding(finding: AnyFinding, context: FindingContext, lang: Language): FindingText {
  return say(finding.code, viewOf(finding, context, lang), messagesFor(lang).findings);
}

/** Worst first, inside a severity in the order given; findings of one code and severity as one group where that can be said. */
export function renderFindingGroups(
  findings: readonly AnyFinding[],
  context: FindingContext,
  lang: Language,
): readonly FindingGroup[] {
  return worstFirst.flatMap((severity) => {
    const own = findings.filter((finding) => finding.severity === severity);
    const codes = [...new Set(own.map(({ code }) => code))];
    return codes.toSorted(unreadFirst).flatMap((code) =>
      groupsOf(
        own.filter((finding) => finding.code === code),
        context,
        lang,
      ),
    );
  });
}

/** What could not be read hides what else is wrong. */
function unreadFirst(a: FindingCode, b: FindingCode): number {
  return Number(b === "object-unreadable") - Number(a === "object-unreadable");
}

export function toolOf({ root, again }: FindingContext): Tool {
  return toolCommand(again ?? rootArguments(root));
}

function groupsOf(
  findings: readonly AnyFinding[],
  context: FindingContext,
  lang: Language,
): readonly FindingGroup[] {
  const { findingsMany, check } = messagesFor(lang);
  const [first] = findings;
  if (first === undefined) return [];
  const { severity, code } = first;
  const views = findings.map((finding) => viewOf(finding, context, lang));
  const many = findings.length > 1 ? sayMany(code, { views, tool: toolOf(context) }, findingsMany) : null;
  const label = ({ node, name }: AnyFinding): string =>
    `${context.nodes.length > 1 && node !== "" && name !== node ? `${safeText(node)}${name.startsWith("/") ? ":" : "/"}` : ""}${safeText(name)}`;
  if (many !== null) {
    const names = [...new Set(findings.map(label))].join(check.comma);
    return [
      {
        severity,
        count: findings.length,
        sentence: `${many.sentence}${check.colon}${names}`,
        next: many.next,
      },
    ];
  }
  return findings.map((finding) => {
    const { sentence, next } = renderFinding(finding, context, lang);
    return { severity, count: 1, sentence: `${label(finding)}${check.colon}${sentence}`, next };
  });
}

function say<C extends FindingCode>(code: C, view: FindingView<C>, messages: FindingMessages): FindingText {
  const message = messages[code];
  return { sentence: message.sentence(view), next: message.next(view) };
}

function sayMany<C extends FindingCode>(
  code: C,
  { views, tool }: { readonly views: readonly FindingView<C>[]; readonly tool: Tool },
  messages: ManyMessages,
): ManyText | null {
  return messages[code]?.(views, tool) ?? null;
}

function viewOf(finding: AnyFinding, context: FindingContext, lang: Language): FindingView<FindingCode> {
  const { address, name, node, params, slot, severity } = shownData(finding, lang);
  const target = context.nodes.length > 1 && slot !== null ? slot : name;
  const { path, entry = "" } = address;
  const tool = toolOf(context);
  return { params, name, node, path, entry, at: context.at, severity, target: shellQuote(target), tool };
}
