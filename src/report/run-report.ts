// The report of a run for the change ticket: who, when, why, what was before and after, what proved it, how to do the same by hand.
import type { Refusal } from "../core/model/refusal.ts";
import type { Plan, Step } from "../core/model/plan.ts";
import type { Actor, Issued, JournalEntry, RunStepSummary } from "../core/model/run.ts";
import type { RunRecord } from "../core/model/run-record.ts";
import { allSteps } from "../core/plan/steps.ts";
import { type Block, toHtml, toMarkdown } from "./document.ts";
import { withoutStore } from "./file-address.ts";
import type { Language } from "./language.ts";
import { runReportEn } from "./messages/run-report-en.ts";
import { runReportZh } from "./messages/run-report-zh.ts";
import { manualBlocks } from "./manual-text.ts";
import { messagesFor } from "./messages.ts";
import { preamble } from "./runbook-helpers.ts";
import { livePreamble } from "./runbook-live.ts";
import { commandsOf } from "./runbook-shell.ts";

export interface RunReportOptions {
  readonly lang: Language;
  readonly format: "md" | "html";
  readonly stateDirectory: string;
}

type Words = typeof runReportEn;

interface Context extends RunRecord {
  readonly words: Words;
  readonly stateDirectory: string;
}

/** The whole document, ended by a newline. */
export function renderRunReport(
  record: RunRecord,
  { lang, format, stateDirectory }: RunReportOptions,
): string {
  const words = lang === "zh" ? runReportZh : runReportEn;
  const context = { ...record, words, stateDirectory };
  const title = words.title(record.summary.run);
  const blocks: readonly Block[] = [
    { form: "heading", level: 1, text: title },
    { form: "table", columns: null, rows: headRows(context) },
    ...certificates(context),
    ...section(words.files, words.fileColumns, fileRows(context)),
    ...section(words.snapshot, words.snapshotColumns, snapshotRows(context)),
    ...section(words.archives, words.archiveColumns, archiveRows(context)),
    ...section(words.restarts, words.restartColumns, restartRows(context)),
    ...section(words.events, words.eventColumns, eventRows(context)),
    ...commands(context),
    ...byHand(context, lang),
  ];
  return format === "html"
    ? toHtml(blocks, { lang: lang === "zh" ? "zh-CN" : "en", title })
    : toMarkdown(blocks);
}

function section(
  title: string,
  columns: readonly string[],
  rows: readonly (readonly string[])[],
): readonly Block[] {
  if (rows.length === 0) return [];
  return [
    { form: "heading", level: 2, text: title },
    { form: "table", columns, rows },
  ];
}

function headRows({ summary, plan, folder, words }: Context): readonly (readonly string[])[] {
  const { actor, startedAt, endedAt } = summary;
  const { labels, none } = words;
  return [
    [labels.outcome, words.states[summary.state]],
    [labels.started, words.date(startedAt)],
    [labels.ended, endedAt === null ? words.notEnded : words.date(endedAt)],
    [labels.duration, endedAt === null ? none : words.seconds(endedAt - startedAt)],
    [labels.user, actor.user],
    [labels.sudo, actor.sudoUser ?? none],
    [labels.ssh, actor.sshConnection ?? none],
    [labels.host, actor.host],
    [labels.ticket, summary.ticket ?? none],
    [labels.reason, summary.reason ?? none],
    [labels.digest, summary.planDigest],
    [labels.profile, plan.profile.id],
    [labels.root, plan.root],
    [labels.tool, plan.toolVersion],
    [labels.kept, folder],
  ];
}

function certificates(context: Context): readonly Block[] {
  const { summary, plan, words } = context;
  const rows = summary.issued.map((issued) => certificateRow(issued, plan, words));
  if (rows.length > 0) return section(words.certificates, words.certificateColumns, rows);
  return [
    { form: "heading", level: 2, text: words.certificates },
    { form: "paragraph", text: words.noCertificates },
  ];
}

function certificateRow({ slot, serialHex, notAfter }: Issued, plan: Plan, { date, none }: Words) {
  const step = allSteps(plan).find((one) => one.kind === "issue" && one.slot === slot);
  const old = step?.kind === "issue" ? step.old : null;
  return [slot, old?.serialHex ?? none, old ? date(old.notAfter) : none, serialHex, date(notAfter)];
}

function fileRows({ summary, plan, words }: Context): readonly (readonly string[])[] {
  const { date, none } = words;
  return summary.objects.map(({ object, before, after }) => {
    const swap = stepOf(summary.steps, plan, (step) => step.kind === "swap" && step.object === object);
    const when = (at: number | undefined): string => (at === undefined ? none : date(at));
    return [object, before, after ?? none, when(swap?.effectAt), when(swap?.undoneAt)];
  });
}

function stepOf(
  steps: readonly RunStepSummary[],
  plan: Plan,
  is: (step: Step) => boolean,
): RunStepSummary | undefined {
  const id = allSteps(plan).find(is)?.id;
  return steps.find((step) => step.id === id);
}

function snapshotRows({ entries, words, folder }: Context): readonly (readonly string[])[] {
  return entries.flatMap(({ body }) => {
    if (body.type !== "snapshot") return [];
    const { form, file, bytes, sha256 } = body.snapshot;
    return [[words.snapshotForms[form], `${folder}/${file}`, String(bytes), sha256]];
  });
}

/** One that a resumed run wrote again is told of as it is now. */
function archiveRows({ entries }: Context): readonly (readonly string[])[] {
  const rows = new Map<string, readonly string[]>();
  for (const { body } of entries) {
    if (body.type !== "archived") continue;
    const { file, bytes, sha256 } = body.archive;
    rows.set(file, [file, String(bytes), sha256]);
  }
  return [...rows.values()];
}

/** From the first stop to the last proof: a bounce that a crash cut off is gone on with. */
function restartRows({ entries, plan, words }: Context): readonly (readonly string[])[] {
  const { date, none, seconds } = words;
  return allSteps(plan).flatMap((step) => {
    if (step.kind !== "bounce") return [];
    const at = (type: JournalEntry["body"]["type"]): JournalEntry | undefined =>
      entries.find(({ body }) => body.type === type && "step" in body && body.step === step.id);
    const [begun, done] = [at("bounce-begun"), at("effect")];
    if (begun === undefined) return [];
    const took = done ? seconds(done.at - begun.at) : none;
    return [[step.consumer, date(begun.at), done ? date(done.at) : none, took]];
  });
}

function eventRows({ entries, words }: Context): readonly (readonly string[])[] {
  return entries.flatMap(({ at, body }) => {
    const text = eventText(body, words);
    return text === null ? [] : [[words.date(at), text]];
  });
}

/** null for what the tables above tell already. */
function eventText(body: JournalEntry["body"], { event, states }: Words): string | null {
  switch (body.type) {
    case "run-started":
      return event.started(personOf(body.actor)) + overruled(body.clock, event);
    case "all-staged":
      return event.allStaged;
    case "proof":
      return event.proof(body.step);
    case "nodes-ready":
      return event.nodesReady(body.step, body.count);
    case "failed":
      return event.failed(withoutStore(body.step), body.code, body.detail);
    case "resumed":
      return (
        event.resumed(personOf(body.actor)) +
        overruled(body.clock, event) +
        (body.minReady === undefined ? "" : event.minReady(body.minReady))
      );
    case "adopted":
      return event.adopted(personOf(body.actor), body.from);
    case "rollback-started":
      return event.rollback(personOf(body.actor), body.cause === "failure");
    case "run-ended":
      return event.ended(states[body.outcome]);
    case "effect":
      return body.sha256 === "reloaded" ? event.reloaded(body.step) : null;
    case "intent":
    case "before-image":
    case "issued":
    case "staged":
    case "snapshot":
    case "archived":
    case "bounce-begun":
    case "undo-intent":
    case "undone":
      return null;
  }
}

/** What spoke against the clock when the operator said that it is right. */
function overruled(doubts: readonly Refusal[] | undefined, { acceptedClock }: Words["event"]): string {
  if (doubts === undefined) return "";
  return acceptedClock(doubts.map(({ address, detail }) => `${address} ${detail}`).join(", "));
}

function personOf({ user, sudoUser, host }: Actor): string {
  return `${sudoUser === null ? user : `${sudoUser} (sudo ${user})`}@${host}`;
}

/** What the run left to people; nothing of it is to be done when it was taken back. */
function byHand({ plan, summary }: Context, lang: Language): readonly Block[] {
  const { manual = [] } = plan;
  return summary.state === "succeeded" ? manualBlocks(manual, messagesFor(lang).plan) : [];
}

function commands({ plan, words, stateDirectory }: Context): readonly Block[] {
  const steps = allSteps(plan);
  if (steps.length === 0) return [];
  const lines = [
    ...preamble(plan, stateDirectory),
    ...livePreamble(plan),
    "take_lock",
    ...steps.flatMap((step) => ["", `# ${step.id.replaceAll("\n", " ")}`, ...commandsOf(step, plan).run]),
    "",
    "rm -f ./*.key ./*.both; release_lock",
  ];
  return [
    { form: "heading", level: 2, text: words.commands },
    { form: "paragraph", text: words.commandsAre },
    { form: "code", text: lines.join("\n") },
  ];
}
