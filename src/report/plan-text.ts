// A plan for people: what changes, where and why, in which order, on what conditions, and the way back.
import { say } from "./say.ts";
import { assertNever } from "../core/model/errors.ts";
import type { ProcessCommands, RestartDecision } from "../core/model/live.ts";
import type { Decision } from "../core/model/decision.ts";
import type { Notice } from "../core/model/notice.ts";
import type { IssueStep, Phase, Plan, Step } from "../core/model/plan.ts";
import { archiveFile } from "../core/plan/archive-file.ts";
import { leftOutOf } from "../core/plan/left-out.ts";
import { allSteps, commandsInPlan } from "../core/plan/steps.ts";
import { painter, type Paint } from "./color.ts";
import { mergedRefusals, renderRefusal } from "./error-text.ts";
import { shownData } from "./details.ts";
import { safeText } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { planTable, shortAddress, shortSlot } from "./plan-table.ts";
import { rootArguments, toolCommand } from "./tool-command.ts";

export interface PlanTextOptions {
  readonly lang: Language;
  readonly color: boolean;
  /** Where runs keep what they replace; `/var/lib/perennial` below the root when not given. */
  readonly stateDirectory?: string;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

interface Context {
  readonly plan: Plan;
  readonly text: Messages["plan"];
  readonly live: Messages["live"];
  readonly paint: Paint;
  readonly stateDirectory: string;
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
    stateDirectory: safeText(stateDirectory),
    again: options.again ?? rootArguments(original.root),
  };
  const nodes = messages.check.nodes(nodesOf(plan));
  const parts = [
    [context.paint("bold", messages.plan.title(plan.cluster, nodes, plan.profile.id))],
    tableLines(context),
    keptLines(context),
    stepLines(context),
    processLines(context),
    noticeLines(context),
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
export function sansText(sans: IssueStep["addSans"]): string {
  return sans.map((san) => `${san.kind}:${san.value}`).join(", ");
}

/** One line for one step, the same in the plan and in the runbook's headings. */
export function stepText(step: Step, { plan: text, live }: Pick<Messages, "plan" | "live">): string {
  switch (step.kind) {
    case "issue":
      return text.steps.issue(step.name, step.authority);
    case "install":
      return text.steps.install(step.name, step.authority);
    case "forget":
      return text.steps.forget(step.name);
    case "take":
      return text.steps.take(step.name, step.serialHex);
    case "back-up":
      return text.steps["back-up"](step.object);
    case "archive":
      return text.steps.archive(archiveFile(step, "RUN"), recipientsText(step.recipients, text.comma));
    case "stage":
      return text.steps.stage(step.object, step.mode);
    case "swap":
      return text.steps.swap(step.object);
    case "prove":
      return text.steps.prove(step.name);
    case "snapshot":
      return live.steps.snapshot(
        step.access.endpoints.map(({ host, port }) => `${host}:${port}`).join(text.comma),
      );
    case "bounce":
      return step.when === "always"
        ? live.steps.bounce(step.consumer, step.timeoutSeconds)
        : live.steps.bounceIfNeeded(step.consumer, step.reloadSeconds);
    case "gate":
      return live.steps.gate(step.demand);
    case "prove-live":
      return live.steps.proveLive(step.demands.length, step.api !== null);
    default:
      return assertNever(step);
  }
}

/** Enough of each to tell it from others: those of post-quantum keys have 1,959 letters. */
function recipientsText(recipients: readonly string[], comma: string): string {
  return recipients
    .map((text) => (text.length <= 28 ? text : `${text.slice(0, 16)}...${text.slice(-8)}`))
    .join(comma);
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
      (step) => `${shortSlot(step.slot, plan)}${text.colon}${text.sansAdded(sansText(step.addSans))}`,
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
    const said = sources.join(text.comma);
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
  const { plan, text } = context;
  const phases = plan.phases.filter((phase) => phase.nodes.some((node) => node.steps.length > 0));
  if (phases.length === 0) return [];
  return [text.stepsHeading, ...phases.map((phase, index) => `  ${index + 1}. ${phaseLine(phase, context)}`)];
}

function phaseLine({ id, nodes }: Phase, { text, live, stateDirectory }: Context): string {
  const lines = { ...text.phaseLines, ...live.phaseLines };
  const steps = nodes.flatMap((node) => node.steps).filter(({ kind }) => kind !== "forget");
  const count = steps.length;
  const installs = steps.filter(({ kind }) => kind === "install").length;
  const on = nodes.length > 1 ? ` (${nodes.map(({ node }) => node).join(text.comma)})` : "";
  if (id === "archive") return `${archiveLine(steps, text)}${on}`;
  if (installs > 0) return `${text.takeAnswers(installs)}${on}`;
  return `${lines[id](count, `${stateDirectory}/runs/RUN/before`)}${on}`;
}

function archiveLine(steps: readonly Step[], text: Messages["plan"]): string {
  const places = steps.flatMap((step) =>
    step.kind === "archive"
      ? [text.archiveLine(archiveFile(step, "RUN"), recipientsText(step.recipients, text.comma))]
      : [],
  );
  return places.join(text.joiner);
}

/** What becomes of each process, and why. */
function processLines({ plan, text, live }: Context): readonly string[] {
  const { restarts = [] } = plan;
  if (restarts.length === 0) return [];
  const commands = commandsInPlan(plan);
  return [
    live.heading,
    ...restarts.flatMap((decision) => [
      `  - ${restartText(decision, live, text.joiner)}`,
      ...commandLines(commands[decision.consumer], live).map((line) => `    ${line}`),
    ]),
  ];
}

/** The operator's own commands for a process, whole: they are what is approved. */
export function commandLines(commands: ProcessCommands = {}, live: Messages["live"]): readonly string[] {
  const { stop, start, status } = commands;
  return [
    ...(stop === undefined ? [] : [live.commands.stop(stop)]),
    ...(start === undefined ? [] : [live.commands.start(start)]),
    ...(status === undefined ? [] : [live.commands.status(status)]),
  ];
}

function restartText(decision: RestartDecision, live: Messages["live"], joiner: string): string {
  const { action } = decision;
  const consumer = decision.node === undefined ? decision.consumer : `${decision.node} ${decision.consumer}`;
  if (action === "bounce") {
    const why = decision.reasons.map((reason) => say(reason, live.restartReasons));
    return live.bounce(consumer, why.join(joiner));
  }
  const why = decision.reasons.map((reason) => say(reason, live.keepRunning));
  return live[action](consumer, why.join(joiner));
}

/** The same notice about several certificates or files is one line. */
function noticeLines({ plan, text, paint }: Context): readonly string[] {
  if (plan.notices.length === 0) return [];
  const lines = mergedNotices(plan, text.comma).map((notice) => `  - ${say(notice, text.notices)}`);
  return [paint("yellow", text.noticesHeading), ...lines];
}

function mergedNotices(plan: Plan, comma: string): readonly Notice[] {
  const groups = new Map<string, { readonly notice: Notice; readonly names: string[] }>();
  for (const notice of plan.notices) {
    const { name, rest } = splitNotice(notice, plan);
    const key = JSON.stringify(rest);
    const group = groups.get(key) ?? { notice, names: [] };
    group.names.push(name);
    groups.set(key, group);
  }
  return [...groups.values()].map(({ notice, names }) => withName(notice, names.join(comma)));
}

/** What a notice is about, apart from what it says of it. */
function splitNotice(notice: Notice, plan: Plan): { readonly name: string; readonly rest: unknown } {
  if (notice.code === "validity-capped")
    return { name: shortSlot(notice.slot, plan), rest: { ...notice, slot: "" } };
  if (notice.code === "mode-kept-open" || notice.code === "group-loses-key")
    return { name: shortAddress(notice.address, plan), rest: { ...notice, address: "" } };
  return { name: "", rest: notice };
}

function withName(notice: Notice, name: string): Notice {
  if (notice.code === "validity-capped") return { ...notice, slot: name };
  const isOfFile = notice.code === "mode-kept-open" || notice.code === "group-loses-key";
  return isOfFile ? { ...notice, address: name } : notice;
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
  if (allSteps(plan).length === 0) return [...(missed === 0 ? [text.nothing] : leftOut), summary];
  const written = plan.guards.filter((guard) => guard.use === "written").length;
  return [
    text.guards(written, plan.guards.length - written),
    text.undo(toolCommand(again)("rollback last")),
    text.digest(plan.digest),
    ...leftOut,
    summary,
  ];
}
