// `runs list` and `runs show` for people.
import { AppError, type ErrorCode } from "../core/model/errors.ts";
import type { Actor, RunFailure, RunStepSummary, RunSummary } from "../core/model/run.ts";
import { renderError } from "./error-text.ts";
import { safeData, safeText } from "./escape.ts";
import { withoutStore } from "./file-address.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import type { ErrorMessages } from "./messages/types.ts";
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
    countOf(run, text),
    run.ticket ?? "-",
  ]);
  return formatTable([text.columns, ...rows]);
}

/** What is to be forgotten, in the order given; ended by a newline. */
export function renderPrunable(
  list: readonly Pick<RunSummary, "run" | "startedAt" | "state" | "actor">[],
  { lang }: { readonly lang: Language },
): string {
  const text = messagesFor(lang).runs;
  const rows = safeData(list).map((run) => [
    run.run,
    text.date(run.startedAt),
    text.states[run.state],
    personOf(run.actor),
  ]);
  return formatTable([text.columns.slice(0, 4), ...rows]);
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
    ...failureRows(original, { lang, again }),
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
        `  ${withoutStore(one.object)}`,
        short(one.before),
        "->",
        one.after === null ? text.notWritten : short(one.after),
      ]),
    ),
    section(`${labels.steps} ${countOf(run, text)}`, stepRows(run, text)),
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

/** What failed, in words, and what helps: whoever looks at a run that failed asks for this first. */
function failureRows({ failure }: RunSummary, { lang, again = [] }: RunTextOptions): string[][] {
  if (failure === undefined) return [];
  const { runs, errors } = messagesFor(lang);
  const { step, at } = safeData(failure);
  const known = errorOf(failure, errors);
  const told = known ? renderError(known, lang, again) : { error: safeText(failure.detail), hint: [] };
  const where = step === "" ? "" : ` ${runs.atStep(step.replace(/\/$/, ""))}`;
  return [
    [runs.labels.failed, `${runs.date(at)}${where}: ${told.error.replaceAll("\n", " ")}`],
    ...told.hint.map((line) => ["", `-> ${line}`]),
  ];
}

/** null for one that only another version of the tool knows. */
function errorOf({ code, detail }: RunFailure, messages: ErrorMessages): AppError | null {
  if (!Object.hasOwn(messages, code)) return null;
  try {
    // The journal's checksum vouches for it: only the engine writes it, with the parameters of the code.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return new AppError(code as ErrorCode, JSON.parse(detail.slice(code.length + 1)) as never);
  } catch {
    return null;
  }
}

/** Steps that were not begun are one line, however many there are. */
function stepRows(run: RunSummary, text: Messages["runs"]): readonly (readonly string[])[] {
  const isOpenStep = (step: RunStepSummary): boolean =>
    run.state !== "succeeded" && progressOf(step, text) === text.progress.open;
  const open = run.steps.filter(isOpenStep);
  const rows = run.steps
    .filter((step) => !isOpenStep(step))
    .map((step) => [`  ${step.id}`, endedAs(run, step, text)]);
  const [first] = open;
  if (first === undefined) return rows;
  return [
    ...rows,
    [`  ${open.length === 1 ? first.id : text.notBegun(open.length, first.id)}`, text.progress.open],
  ];
}

/** A run that succeeded has done every step, also where there was nothing to change and the journal is silent. */
function endedAs(run: RunSummary, step: RunStepSummary, text: Messages["runs"]): string {
  const progress = progressOf(step, text);
  return run.state === "succeeded" && progress === text.progress.open ? text.progress.done : progress;
}

function countOf({ steps, state }: RunSummary, text: Messages["runs"]): string {
  const done = state === "succeeded" ? steps.length : steps.filter(isDone).length;
  const undone = steps.filter(({ undoneAt }) => undoneAt !== undefined).length;
  return `${done}/${steps.length}${undone === 0 ? "" : text.undone(undone)}`;
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
