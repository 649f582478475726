// An error as the `error:` line and the `hint:` lines that go to stderr.
import {
  AppError,
  isAppError,
  type ErrorCode,
  type ErrorParams,
  type Refusal,
} from "../core/model/errors.ts";
import { shownData } from "./details.ts";
import { safeText } from "./escape.ts";
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
  const text = say(known.code, shownData(known.params, lang), { messages: messagesFor(lang).errors, tool });
  if (!isAppError(known, "refused")) return text;
  const refusals = mergedRefusals(known.params.refusals).map((refusal) =>
    renderRefusal(refusal, lang, again),
  );
  return {
    error: [text.error, ...refusals.map((refusal) => `  ${refusal.error}`)].join("\n"),
    hint: [...new Set([...refusals.flatMap((refusal) => refusal.hint), ...text.hint])],
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
  const safe = shownData(refusal, lang);
  const message = refusals[refusal.code];
  return {
    error: `${safe.slot}${check.colon}${message.sentence(safe)}`,
    hint: message.next(safe, toolCommand(again)),
  };
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
  return { error: message.sentence(params), hint: message.hint(params, tool) };
}

function reasonOf(error: unknown): string {
  return safeText(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}
