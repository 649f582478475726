// An error as the `error:` line and the `hint:` lines that go to stderr.
import {
  AppError,
  isAppError,
  type CodedError,
  type ErrorCode,
  type ErrorParams,
} from "../core/model/errors.ts";
import type { Refusal } from "../core/model/refusal.ts";
import { shownData } from "./details.ts";
import { safeText } from "./escape.ts";
import { withoutStore } from "./file-address.ts";
import type { Language } from "./language.ts";
import { messagesFor } from "./messages.ts";
import type { ErrorMessages, Tool } from "./messages/types.ts";
import { toolCommand } from "./tool-command.ts";

export interface ErrorText {
  readonly error: string;
  readonly hint: readonly string[];
}

/** The sentence and what to do next, with commands that repeat the words `again`; anything that is not an AppError is an internal error. */
export function renderError(error: unknown, lang: Language, again: readonly string[] = []): ErrorText {
  const tool = toolCommand(again);
  const known = isAppError(error) ? error : new AppError("internal", { reason: reasonOf(error) });
  const text = say(known.code, shownData(counted(known), lang), { messages: messagesFor(lang).errors, tool });
  if (isAppError(known, "node-failed")) return withCauses(text, known, { lang, again });
  if (!isAppError(known, "refused")) return text;
  const refusals = mergedRefusals(known.params.refusals).map((refusal) =>
    renderRefusal(refusal, lang, again),
  );
  return {
    error: [text.error, ...refusals.map((refusal) => `  ${refusal.error}`)].join("\n"),
    hint: [...new Set([...refusals.flatMap((refusal) => refusal.hint), ...text.hint])],
  };
}

/** Refusals that are told in one line count as one. */
function counted({ code, params }: AppError): ErrorParams[ErrorCode] {
  const given = { code, params } as CodedError;
  return given.code === "refused" ? { refusals: mergedRefusals(given.params.refusals) } : params;
}

/** Why a node failed and, when it could not be taken back, why not: below the sentence, with what helps against it. */
function withCauses(
  text: ErrorText,
  { cause }: AppError,
  { lang, again }: { readonly lang: Language; readonly again: readonly string[] },
): ErrorText {
  const causes = [cause, isAppError(cause) ? cause.cause : undefined].filter((each) => isAppError(each));
  const told = causes.map((each) => renderError(each, lang, again));
  const resume = toolCommand(again)("resume");
  return {
    error: [text.error, ...told.map(({ error }) => `  ${error}`)].join("\n"),
    // How to go on is said for the node.
    hint: [...text.hint, ...told.flatMap(({ hint }) => hint).filter((line) => !line.includes(resume))],
  };
}

/** One refusal for all the certificates that are refused for the same reason. */
export function mergedRefusals(refusals: readonly Refusal[]): readonly Refusal[] {
  const groups = new Map<string, Refusal>();
  for (const refusal of refusals) {
    const key = JSON.stringify({ ...refusal, slot: "" });
    const first = groups.get(key);
    groups.set(key, first ? { ...first, slot: `${first.slot}, ${refusal.slot}` } : refusal);
  }
  return [...groups.values()];
}

/** One refusal: `m1/apiserver: the CA in ... expired ...` and the way on. */
export function renderRefusal(refusal: Refusal, lang: Language, again: readonly string[] = []): ErrorText {
  const { refusals, check } = messagesFor(lang);
  const shown = shownData(refusal, lang);
  const safe = { ...shown, detail: withDates(shown.detail, check.date) };
  const message = refusals[refusal.code];
  return {
    error: `${message.namesSlot === true ? "" : `${safe.slot.replaceAll(", ", check.comma)}${check.colon}`}${withoutStore(message.sentence(safe))}`,
    hint: message.next(safe, toolCommand(again)),
  };
}

/** Core says instants as RFC 3339. */
function withDates(text: string, date: (at: number) => string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, (instant) => date(Date.parse(instant)));
}

/** `error:` and `hint:` lines for stderr, ended by a newline; the two words are never translated. */
export function formatError(error: unknown, lang: Language, again: readonly string[] = []): string {
  const text = renderError(error, lang, again);
  return [`error: ${text.error}`, ...text.hint.map((line) => `hint: ${line}`), ""].join("\n");
}

function say<C extends ErrorCode>(
  code: C,
  params: ErrorParams[C],
  { messages, tool }: { readonly messages: ErrorMessages; readonly tool: Tool },
): ErrorText {
  const message = messages[code];
  return { error: withoutStore(message.sentence(params)), hint: message.hint(params, tool) };
}

/** What is said of an error that is none of ours. */
export function reasonOf(error: unknown): string {
  return safeText(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
