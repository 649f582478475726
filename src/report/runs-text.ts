// `runs list` and `runs show` for people.
import type { Actor, RunStepSummary, RunSummary } from "../core/model/run.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { formatTable } from "./table.ts";
import { toolCommand } from "./tool-command.ts";

/** One row per run, in the order given; ended by a newline. */
export function renderRuns(list: readonly RunSummary[], { lang }: { readonly lang: Language }): string {
  const text = messagesFor(lang).runs;
  if (list.length === 0) return `${text.none}\n`;
  const rows = safeData(list).map((run) => [
    run.run,
    text.date(run.startedAt),
    text.states[run.state],
    personOf(run.actor),
    `${run.steps.filter(isDone).length}/${run.steps.length}`,
    run.ticket ?? "-",
  ]);
  return formatTable([text.columns, ...rows]);
}

export interface RunTextOptions {
  readonly lang: Language;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

/** Everything about one run, ended by a newline. */
export function renderRun(original: RunSummary, { lang, again = [] }: RunTextOptions): string {
  const tool = toolCommand(again);
  const text = messagesFor(lang).runs;
  const run = safeData(original);
  const { labels } = text;
  const head = [
    [labels.run, run.run],
    [labels.state, text.states[run.state]],
    [labels.started, text.date(run.startedAt)],
    [labels.ended, run.endedAt === null ? text.notEnded : text.date(run.endedAt)],
    [
      labels.by,
      `${personOf(run.actor)}@${run.actor.host}${run.actor.sshConnection === null ? "" : ` (ssh ${run.actor.sshConnection})`}`,
    ],
    [labels.plan, run.planDigest],
    [labels.ticket, run.ticket ?? "-"],
    [labels.reason, run.reason ?? "-"],
  ];
  const isOpen = run.state === "running-or-crashed" || run.state === "rolling-back";
  return [
    formatTable(head),
    section(
      labels.issued,
      run.issued.map((one) => [`  ${one.slot}`, one.serialHex, text.date(one.notAfter)]),
    ),
    section(
      labels.objects,
      run.objects.map((one) => [
        `  ${one.object}`,
        short(one.before),
        "->",
        one.after === null ? text.notWritten : short(one.after),
      ]),
    ),
    section(
      labels.steps,
      run.steps.map((step) => [`  ${step.id}`, progressOf(step, text)]),
    ),
    isOpen ? `${text.openHint(tool("resume"), tool(`rollback ${run.run}`))}\n` : "",
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function section(title: string, rows: readonly (readonly string[])[]): string {
  return rows.length === 0 ? "" : `${title}\n${formatTable(rows, { minWidth: 0 })}`;
}

function personOf(actor: Actor): string {
  return actor.sudoUser === null ? actor.user : `${actor.sudoUser} (sudo ${actor.user})`;
}

function isDone(step: RunStepSummary): boolean {
  return (step.effectAt ?? step.proofAt) !== undefined && step.undoneAt === undefined;
}

function progressOf(step: RunStepSummary, { progress, date }: Messages["runs"]): string {
  if (step.undoneAt !== undefined) return `${progress.undone} ${date(step.undoneAt)}`;
  if (step.proofAt !== undefined) return `${progress.proved} ${date(step.proofAt)}`;
  if (step.effectAt !== undefined) return `${progress.done} ${date(step.effectAt)}`;
  return step.intentAt === undefined ? progress.open : `${progress.begun} ${date(step.intentAt)}`;
}

/** The first 12 hex digits; words (`absent`) stay whole. */
function short(hash: string): string {
  return /^[0-9a-f]{64}$/.test(hash) ? hash.slice(0, 12) : hash;
}
