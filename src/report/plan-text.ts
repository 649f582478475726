// A plan for people: what changes, where and why, in which order, on what conditions, and the way back.
import { say } from "./say.ts";
import type { Decision } from "../core/model/decision.ts";
import type { IssueStep } from "../core/model/making-step.ts";
import type { Plan } from "../core/model/plan.ts";
import { leftOutOf } from "../core/plan/left-out.ts";
import { allSteps } from "../core/plan/steps.ts";
import { painter, type Paint } from "./color.ts";
import { mergedRefusals, renderRefusal } from "./error-text.ts";
import { shownData } from "./details.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";
import { manualLines } from "./manual-text.ts";
import { noticeLines } from "./plan-notices.ts";
import { processLines } from "./plan-restarts.ts";
import { phaseLine } from "./step-text.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { planTable, shortSlot } from "./plan-table.ts";
import { rootArguments, toolCommand } from "./tool-command.ts";

export interface PlanTextOptions {
  readonly lang: Language;
  readonly color: boolean;
  /** Where runs keep what they replace; `/var/lib/perennial` below the root when not given. */
  readonly stateDirectory?: string;
  /** Where the nodes of several keep what is replaced on them, when that is not `stateDirectory`. */
  readonly nodeDirectory?: string;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

interface Context {
  readonly plan: Plan;
  readonly text: Messages["plan"];
  readonly live: Messages["live"];
  readonly paint: Paint;
  /** Where the old files are kept. */
  readonly before: string;
  readonly again: readonly string[];
}

/** The whole plan, ended by a newline: what, where and why as one table, then the order, the conditions, the way back. */
export function renderPlan(original: Plan, options: PlanTextOptions): string {
  const plan = shownData(original, options.lang);
  const messages = messagesFor(options.lang);
  const { stateDirectory = `${plan.root.replace(/\/$/, "")}/var/lib/perennial` } = options;
  const context: Context = {
    plan,
    text: messages.plan,
    live: messages.live,
    paint: painter(options.color),
    before: safeText(`${options.nodeDirectory ?? stateDirectory}/runs/RUN/before`),
    again: options.again ?? rootArguments(original.root),
  };
  const nodes = messages.check.nodes(nodesOf(plan));
  const parts = [
    [context.paint("bold", messages.plan.title(plan.cluster, nodes, plan.profile.id))],
    tableLines(context),
    keptLines(context),
    stepLines(context),
    processLines(plan, messages),
    noticePart(context),
    manualPart(context),
    refusalLines(options.lang, context),
    closingLines(context),
  ];
  const blocks = parts.filter((lines) => lines.length > 0).map((lines) => `${lines.join("\n")}\n`);
  return blocks.join("\n");
}

/** Reasons of one decision as one line of text. */
export function reasonsText(decision: Decision, text: Messages["plan"]): string {
  const sentences =
    decision.action === "keep"
      ? decision.reasons.map((reason) => say(reason, text.keepReasons))
      : decision.reasons.map((reason) => say(reason, text.renewReasons));
  return sentences.join(text.joiner);
}

/** The same by itself, made safe. */
export function renderReasons(decision: Decision, lang: Language): string {
  return reasonsText(shownData(decision, lang), messagesFor(lang).plan);
}

/** `dns:lb.example, ip:192.0.2.10`. */
function sansText(sans: IssueStep["addSans"], comma: string): string {
  return sans.map((san) => `${san.kind}:${san.value}`).join(comma);
}

/** Names of the nodes that a plan speaks of. */
export function nodesOf(plan: Plan): readonly string[] {
  const ofSteps = plan.phases.flatMap((phase) => phase.nodes.map(({ node }) => node));
  const ofSlots = plan.decisions.map(({ slot }) => slot.slice(0, slot.indexOf("/")));
  return [...new Set([...ofSteps, ...ofSlots])].filter((node) => node !== "");
}

function tableLines({ plan, text, paint }: Context): readonly string[] {
  const issues = allSteps(plan).filter((step): step is IssueStep => step.kind === "issue");
  const [header = "", ...rows] = planTable(plan, text).trimEnd().split("\n");
  if (rows.length === 0) return [];
  const authorities = [...new Set(issues.map(({ authority }) => authority))].join(text.comma);
  const spans = [...new Set(issues.map(({ validitySeconds }) => text.span(validitySeconds * 1000)))];
  const installs = allSteps(plan).filter((step) => step.kind === "install");
  const elsewhere = [...new Set(installs.map(({ authority }) => authority))].join(text.comma);
  const added = issues.filter(({ addSans, recreates }) => addSans.length > 0 && !recreates);
  const named = issues.filter(({ recreates }) => recreates && recreates.names.length > 0);
  return [
    paint("bold", header),
    ...rows,
    ...(issues.length === 0 ? [] : [text.newOnes(spans.join(text.comma), authorities)]),
    ...(installs.length === 0 ? [] : [text.installed(elsewhere)]),
    ...added.map(
      (step) =>
        `${shortSlot(step.slot, plan)}${text.colon}${text.sansAdded(sansText(step.addSans, text.comma))}`,
    ),
    ...named.flatMap((step) => nameLines(step, { plan, text })),
  ];
}

/** Every name of a certificate that is made again, with who says so; names with the same sources are one line. */
function nameLines(
  { slot, recreates }: IssueStep,
  { plan, text }: Pick<Context, "plan" | "text">,
): readonly string[] {
  const groups = new Map<string, string[]>();
  for (const { kind, value, sources } of recreates?.names ?? []) {
    const said = sources.map(text.nameSource).join(text.comma);
    groups.set(said, [...(groups.get(said) ?? []), `${kind}:${value}`]);
  }
  const lines = [...groups].map(([sources, names]) => text.nameFrom(names.join(text.comma), sources));
  return lines.map((line) => `${shortSlot(slot, plan)}${text.colon}${text.madeWith(line)}`);
}

/** What stays, and what is left out because it cannot be renewed: one line per reason. */
function keptLines({ plan, text, paint }: Context): readonly string[] {
  const missed = new Set(leftOutOf(plan).map(({ decision }) => decision.slot));
  const kept = plan.decisions.filter(({ action }) => action === "keep");
  const reasons = [...new Set(kept.map((decision) => reasonsText(decision, text)))];
  return reasons.flatMap((reason) => {
    const slots = kept.filter((decision) => reasonsText(decision, text) === reason).map(({ slot }) => slot);
    const named = (isMissed: boolean): string =>
      slots
        .filter((slot) => missed.has(slot) === isMissed)
        .map((slot) => shortSlot(slot, plan))
        .join(text.comma);
    return [
      ...(named(true) === "" ? [] : [paint("red", text.notRenewed(named(true), reason))]),
      ...(named(false) === "" ? [] : [paint("dim", text.kept(named(false), reason))]),
    ];
  });
}

function stepLines(context: Context): readonly string[] {
  const { plan, text, live, before } = context;
  const phases = plan.phases.filter((phase) => phase.nodes.some((node) => node.steps.length > 0));
  if (phases.length === 0) return [];
  return [
    text.stepsHeading,
    ...phases.map((phase, index) => `  ${index + 1}. ${phaseLine(phase, { plan: text, live }, before)}`),
  ];
}

function noticePart({ plan, text, paint }: Context): readonly string[] {
  const lines = noticeLines(plan, text).map((line) => `  - ${line}`);
  return lines.length === 0 ? [] : [paint("yellow", text.noticesHeading), ...lines];
}

/** As it is typed: the commands are for the clipboard. */
function manualPart({ plan, text, paint }: Context): readonly string[] {
  const { manual = [] } = plan;
  if (manual.length === 0) return [];
  const lines = manual.flatMap((step, index) => manualLines(step, index + 1, text));
  return [paint("yellow", text.manual.heading), ...lines];
}

function refusalLines(lang: Language, { plan, text, paint, again }: Context): readonly string[] {
  if (plan.refusals.length === 0) return [];
  const lines = mergedRefusals(plan.refusals).flatMap((refusal) => {
    const { error, hint } = renderRefusal(refusal, lang, again);
    return [`  - ${error}`, ...hint.map((line) => `    ${text.wayOn} ${line}`)];
  });
  return [paint(["bold", "red"], text.refusalsHeading), ...lines];
}

function closingLines({ plan, text, paint, again }: Context): readonly string[] {
  const count = (action: Decision["action"]): number =>
    plan.decisions.filter((decision) => decision.action === action).length;
  const missed = leftOutOf(plan).length;
  const kept = count("keep") - missed;
  const summary = paint("bold", text.summary(count("renew"), count("follow"), kept, missed));
  if (plan.refusals.length > 0) return [text.refused(plan.refusals.length), summary];
  const leftOut = missed === 0 ? [] : [paint("red", text.leftOut(missed))];
  if (allSteps(plan).length === 0)
    return [...(missed === 0 ? [isOfAnswers(plan) ? text.nothingSigned : text.nothing] : leftOut), summary];
  const written = plan.guards.filter((guard) => guard.use === "written").length;
  return [
    text.guards(written, plan.guards.length - written),
    text.undo(toolCommand(again)("rollback last")),
    text.digest(plan.digest),
    ...leftOut,
    summary,
  ];
}

/** Made for the answers of a CA elsewhere: what is due without one is no part of it. */
function isOfAnswers({ notices }: Plan): boolean {
  return notices.some(({ code }) => code.startsWith("answer-"));
}
