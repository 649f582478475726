// `diagnose` for people: one screen, surest cause first: what, which files, why, what it harms, the next command.
import type { Diagnosis, DiagnoseResult, Evidence, Certainty } from "../core/model/diagnosis.ts";
import { cliMessages } from "./cli-messages.ts";
import { type Paint, type Style, painter } from "./color.ts";
import { type DiagnoseMessages, diagnoseMessages } from "./diagnose-messages.ts";
import { shownData } from "./details.ts";
import type { Language } from "./language.ts";
import type { Tool } from "./messages/types.ts";
import { shellQuote } from "./shell.ts";
import { rootArguments, toolCommand } from "./tool-command.ts";
import { displayWidth, wrapText } from "./width.ts";

export interface DiagnoseTextOptions {
  readonly lang: Language;
  readonly hasColor: boolean;
  /** Columns of the terminal, null when it is none. */
  readonly width: number | null;
  readonly again?: readonly string[];
}

interface Context {
  readonly messages: DiagnoseMessages;
  readonly at: number;
  readonly tool: Tool;
  readonly paint: Paint;
  readonly width: number;
}

const mostWhole = 3;
const mostShort = 5;
const mostFiles = 4;
const mostWhy = 3;
const mostHarms = 6;
const mostUnread = 3;
/** A log line inside evidence, on a terminal; in a pipe it is whole. */
const longestExcerpt = 160;

const styles: Readonly<Record<Certainty, readonly Style[]>> = {
  confirmed: ["bold", "red"],
  likely: ["yellow"],
  possible: ["bold"],
  rejected: ["dim"],
};

/** At most 40 lines of 100 columns for anything a node really has; the rest is counted. Every string is made safe first. */
export function renderDiagnoses(result: DiagnoseResult, options: DiagnoseTextOptions): string {
  const messages = diagnoseMessages(options.lang);
  const safe = shownData(result, options.lang);
  const context: Context = {
    messages,
    at: result.at,
    tool: toolCommand(options.again ?? rootArguments(result.root)),
    paint: painter(options.hasColor),
    width: options.width ?? Number.POSITIVE_INFINITY,
  };
  const active = safe.diagnoses.filter(({ certainty }) => certainty !== "rejected");
  const rejected = safe.diagnoses.filter(({ certainty }) => certainty === "rejected");
  const short = [...active.slice(mostWhole), ...rejected];
  const left = short.length - mostShort;
  return [
    messages.heading(safe.node, safe.sources.length, safe.lines),
    ...unreadLines(safe, messages),
    ...(safe.diagnoses.length === 0 ? ["", messages.nothing] : []),
    ...active.slice(0, mostWhole).flatMap((one) => ["", ...wholeLines(one, context)]),
    ...(short.length > 0
      ? ["", ...short.slice(0, mostShort).flatMap((one) => shortLines(one, context))]
      : []),
    ...(left > 0 ? [messages.more(left)] : []),
    "",
    cliMessages(options.lang).nothingChanged,
    "",
  ].join("\n");
}

function unreadLines({ unread }: DiagnoseResult, messages: DiagnoseMessages): readonly string[] {
  if (unread.length === 0) return [];
  const shown = unread.slice(0, mostUnread).map(({ source, reason }) => `${source} (${reason})`);
  const rest = unread.length > mostUnread ? [`+${unread.length - mostUnread}`] : [];
  return [messages.unread([...shown, ...rest].join(", "))];
}

function wholeLines(diagnosis: Diagnosis, context: Context): readonly string[] {
  const { messages, paint } = context;
  const { labels } = messages;
  const { certainty, harms, spares } = diagnosis;
  const list = (words: readonly string[]): string => words.join(messages.separator);
  const head = `${paint(styles[certainty], messages.certainties[certainty])} ${titleOf(diagnosis, messages)}`;
  return [
    wrapText(head, context.width, "    "),
    ...fileLines(diagnosis, context),
    ...labelled(labels.why, whyOf(diagnosis, context), context),
    ...(harms.length > 0 ? labelled(labels.harms, [list(harmsShown(harms, messages))], context) : []),
    ...(spares.length > 0
      ? labelled(labels.spares, [list(spares.map((one) => messages.spares[one]))], context)
      : []),
    ...labelled(labels.next, nextOf(diagnosis, context), { ...context, width: Number.POSITIVE_INFINITY }),
  ];
}

function harmsShown(harms: Diagnosis["harms"], messages: DiagnoseMessages): readonly string[] {
  const rest = harms.length > mostHarms ? [`+${harms.length - mostHarms}`] : [];
  return [...harms.slice(0, mostHarms).map((harm) => messages.harms[harm]), ...rest];
}

/** Two lines: what it is, and the strongest reason or where to look instead. */
function shortLines(diagnosis: Diagnosis, context: Context): readonly string[] {
  const { messages, paint } = context;
  const { certainty } = diagnosis;
  const names = diagnosis.certificates.map(({ name }) => name);
  const files = names.length === 0 || certainty === "rejected" ? "" : ` (${messages.shortList(names)})`;
  const head = `${paint(styles[certainty], messages.certainties[certainty])} ${titleOf(diagnosis, messages)}${files}`;
  const [why] = whyOf(diagnosis, context);
  const next = nextOf(diagnosis, context);
  return [
    wrapText(head, context.width, "    "),
    ...(why === undefined ? [] : labelled(messages.labels.why, [why], context)),
    ...labelled(messages.labels.next, next.slice(0, certainty === "rejected" ? 2 : 1), {
      ...context,
      width: Number.POSITIVE_INFINITY,
    }),
  ];
}

export function titleOf(
  { cause, certainty, subject }: Pick<Diagnosis, "cause" | "certainty" | "subject">,
  { causes, ruledOut }: DiagnoseMessages,
): string {
  return (certainty === "rejected" ? ruledOut[cause] : undefined) ?? causes[cause](subject);
}

function fileLines({ certificates }: Diagnosis, context: Context): readonly string[] {
  const { messages, at } = context;
  const lines = certificates
    .slice(0, mostFiles)
    .map(
      ({ name, path, notAfter }) =>
        `${name === path ? "" : `${name}${messages.colon}`}${path}${notAfter === null ? "" : ` (${messages.ended(notAfter, at)})`}`,
    );
  const rest = certificates.slice(mostFiles).map(({ name }) => name);
  const more = rest.length === 0 ? [] : [`+${rest.length}${messages.colon}${rest.join(", ")}`];
  return labelled(messages.labels.certificate, [...lines, ...more], context);
}

/** The dates of files stand beside them already. */
function whyOf({ evidence, certificates }: Diagnosis, { messages, at, width }: Context): readonly string[] {
  const dated = new Set(certificates.filter(({ notAfter }) => notAfter !== null).map(({ name }) => name));
  return evidence
    .filter((one) => !(one.code === "ended" && dated.has(one.name)))
    .slice(0, mostWhy)
    .map((one) => evidenceText(shortened(one, width), messages, at));
}

function shortened(evidence: Evidence, width: number): Evidence {
  if (evidence.code !== "log" || width === Number.POSITIVE_INFINITY) return evidence;
  const { text } = evidence;
  return text.length <= longestExcerpt
    ? evidence
    : { ...evidence, text: `${text.slice(0, longestExcerpt)}...` };
}

/** One sentence; `evidence` must be safe already. */
export function evidenceText<C extends Evidence["code"]>(
  evidence: Extract<Evidence, { readonly code: C }> & { readonly code: C },
  messages: DiagnoseMessages,
  at: number,
): string {
  const say: (one: Extract<Evidence, { readonly code: C }>, at: number) => string =
    messages.evidence[evidence.code];
  return say(evidence, at);
}

export function nextOf(
  { cause, certainty, certificates, subject }: Diagnosis,
  { messages, tool }: Pick<Context, "messages" | "tool">,
): readonly string[] {
  const named = certificates.filter(({ slot }) => slot !== null);
  return messages.next[cause]({
    names: [...new Set(named.map(({ name }) => shellQuote(name)))],
    paths: certificates.map(({ path }) => path),
    subject,
    certainty,
    tool,
  });
}

/** The label once, what follows in one column. */
function labelled(label: string, lines: readonly string[], { width }: Context): readonly string[] {
  const column = 9;
  const head = `  ${label}${" ".repeat(Math.max(1, column - 2 - displayWidth(label)))}`;
  const indent = " ".repeat(Math.max(column, displayWidth(head)));
  return lines.map((line, index) => wrapText(`${index === 0 ? head : indent}${line}`, width, indent));
}
