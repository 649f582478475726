// `diagnose` for people: one screen, surest cause first: what, which files, why, what it harms, the next command.
import type { Diagnosis, DiagnoseResult, Evidence, Certainty } from "../core/model/diagnosis.ts";
import { cliMessages } from "./cli-messages.ts";
import { type Paint, type Style, painter } from "./color.ts";
import { type DiagnoseMessages, diagnoseMessages } from "./diagnose-messages.ts";
import { shownData } from "./details.ts";
import type { Language } from "./language.ts";
import type { Tool } from "./messages/types.ts";
import { isOfCluster } from "./messages/way-on.ts";
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

const mostLines = 40;
/** A blank line and that nothing was changed. */
const closingLines = 2;
const mostWhole = 3;
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

/** One screen of 40 lines, more only if the first cause alone is longer. Every string is made safe first. */
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
  const head = [
    messages.heading(safe.node, safe.sources.length, safe.lines),
    ...(safe.reach === undefined ? [] : [messages.logsThere(sshCommand(safe.reach))]),
    ...unreadLines(safe, messages),
  ];
  const room = mostLines - head.length - closingLines;
  return [
    ...head,
    ...(safe.diagnoses.length === 0 ? ["", messages.nothing] : fitted(safe.diagnoses, room, context)),
    "",
    cliMessages(options.lang).nothingChanged,
    "",
  ].join("\n");
}

/** Reads the logs where they are, gone to as the cluster file says. */
function sshCommand(reach: NonNullable<DiagnoseResult["reach"]>): string {
  const { host, user, port, identityFile, jump, sshConfig, sudo } = reach;
  const words = [
    "ssh",
    ...(sshConfig === null ? [] : ["-F", sshConfig]),
    ...(identityFile === null ? [] : ["-i", identityFile]),
    ...(jump === null ? [] : ["-J", jump]),
    ...(port === null ? [] : ["-p", String(port)]),
    user === null ? host : `${user}@${host}`,
    ...(sudo ? ["sudo"] : []),
    "perennial",
    "diagnose",
  ];
  return words.map(shellQuote).join(" ");
}

/** Each as fully as the room allows while every later one keeps a line; what finds no room at all is counted. */
function fitted(diagnoses: readonly Diagnosis[], room: number, context: Context): readonly string[] {
  const lines: string[] = [];
  for (const [index, diagnosis] of diagnoses.entries()) {
    const waiting = diagnoses.length - index - 1;
    const left = room - lines.length;
    const isFirst = index === 0;
    const isWhole = index < mostWhole && diagnosis.certainty !== "rejected";
    const forms = [
      ...(isWhole ? [() => ["", ...wholeLines(diagnosis, context)]] : []),
      () => ["", ...shortLines(diagnosis, context)],
      () => [headOf(diagnosis, context)],
    ].map((form) => form().flatMap((line) => line.split("\n")));
    const form = isFirst ? forms[0] : forms.find((one) => one.length + waiting <= left);
    if (form === undefined) return [...lines, context.messages.more(waiting + 1)];
    lines.push(...form);
  }
  return lines;
}

function unreadLines({ unread }: DiagnoseResult, messages: DiagnoseMessages): readonly string[] {
  if (unread.length === 0) return [];
  const shown = unread
    .slice(0, mostUnread)
    .map(({ source, reason }) => `${source}${messages.bracket(reason)}`);
  const rest = unread.length > mostUnread ? [`+${unread.length - mostUnread}`] : [];
  return [messages.unread([...shown, ...rest].join(messages.comma))];
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

/** What it is, the strongest reason, and the next step, or where to look instead. */
function shortLines(diagnosis: Diagnosis, context: Context): readonly string[] {
  const { messages } = context;
  const why = whyOf(diagnosis, context).slice(0, 1);
  const next = nextOf(diagnosis, context).slice(0, diagnosis.certainty === "rejected" ? 2 : 1);
  return [
    headOf(diagnosis, context),
    ...labelled(messages.labels.why, why, context),
    ...labelled(messages.labels.next, next, { ...context, width: Number.POSITIVE_INFINITY }),
  ];
}

function headOf(diagnosis: Diagnosis, { messages, paint, width }: Context): string {
  const { certainty, certificates } = diagnosis;
  const names = certificates.map(({ name }) => name);
  const files =
    names.length === 0 || certainty === "rejected" ? "" : messages.bracket(messages.shortList(names));
  const word = paint(styles[certainty], messages.certainties[certainty]);
  return wrapText(`${word} ${titleOf(diagnosis, messages)}${files}`, width, "    ");
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
        `${name === path ? "" : `${name}${messages.colon}`}${path}${notAfter === null ? "" : messages.bracket(messages.ended(notAfter, at))}`,
    );
  const rest = certificates.slice(mostFiles).map(({ name }) => name);
  const more = rest.length === 0 ? [] : [`+${rest.length}${messages.colon}${rest.join(messages.comma)}`];
  return labelled(messages.labels.certificate, [...lines, ...more], context);
}

/** Both sides are heard: what the facts say and what the log says. The dates of files stand beside them already. */
function whyOf({ evidence, certificates }: Diagnosis, { messages, at, width }: Context): readonly string[] {
  const dated = new Set(certificates.filter(({ notAfter }) => notAfter !== null).map(({ name }) => name));
  const told = evidence.filter((one) => !(one.code === "ended" && dated.has(one.name)));
  const logs = told.filter(({ code }) => code === "log");
  const rest = told.filter(({ code }) => code !== "log").slice(0, logs.length > 0 ? mostWhy - 1 : mostWhy);
  return [...rest, ...logs].slice(0, mostWhy).map((one) => evidenceText(shortened(one, width), messages, at));
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
    // Of a cluster a bare name means those of all nodes.
    names: [...new Set(named.map(({ name, slot }) => shellQuote(isOfCluster(tool) ? (slot ?? name) : name)))],
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
