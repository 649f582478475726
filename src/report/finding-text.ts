// The sentence and the next steps of one finding, in one language, safe to show.
import type { CheckResult } from "../core/model/check.ts";
import type { AnyFinding, FindingCode } from "../core/model/finding.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { flags } from "./flags.ts";
import { messagesFor } from "./messages.ts";
import type { FindingMessages, FindingView } from "./messages/types.ts";
import { shellQuote } from "./shell.ts";

export interface FindingText {
  readonly sentence: string;
  readonly next: readonly string[];
}

/** What the finding is said within: decides how a slot is named in commands and which options they repeat. */
export type FindingContext = Pick<CheckResult, "at" | "nodes" | "root">;

export function renderFinding(finding: AnyFinding, context: FindingContext, lang: Language): FindingText {
  return say(finding.code, viewOf(finding, context), messagesFor(lang).findings);
}

/** The tool's command line with the options of this call. */
export function toolCommand(root: string): (args: string) => string {
  const options = root === "/" ? "" : ` ${flags.root} ${shellQuote(root)}`;
  return (args) => `perennial ${args}${options}`.trimEnd();
}

function say<C extends FindingCode>(code: C, view: FindingView<C>, messages: FindingMessages): FindingText {
  const message = messages[code];
  return { sentence: message.sentence(view), next: message.next(view) };
}

function viewOf(finding: AnyFinding, context: FindingContext): FindingView<FindingCode> {
  const { address, name, node, params, slot } = safeData(finding);
  const target = context.nodes.length > 1 && slot !== null ? slot : name;
  const { path, entry = "" } = address;
  const tool = toolCommand(safeData(context.root));
  return { params, name, node, path, entry, at: context.at, target: shellQuote(target), tool };
}
