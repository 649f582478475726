// A plan for people, in the manner of terraform: what changes and why, then the steps, the guards and the way back.
import { assertNever } from "../core/model/errors.ts";
import type { Decision, IssueStep, Phase, Plan, Step } from "../core/model/plan.ts";
import { leftOutOf } from "../core/plan/left-out.ts";
import { painter, type Paint } from "./color.ts";
import { renderRefusal } from "./error-text.ts";
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { messagesFor, type Messages } from "./messages.ts";
import type { MessagesOf } from "./messages/types.ts";

export interface PlanTextOptions {
  readonly lang: Language;
  readonly color: boolean;
}

interface Context {
  readonly plan: Plan;
  readonly text: Messages["plan"];
  readonly paint: Paint;
}

const symbols = { renew: "~", follow: ">", keep: " " } as const;

/** The whole plan, ended by a newline. Every string of the plan is made safe first. */
export function renderPlan(original: Plan, { lang, color }: PlanTextOptions): string {
  const plan = safeData(original);
  const messages = messagesFor(lang);
  const context: Context = { plan, text: messages.plan, paint: painter(color) };
  const nodes = messages.check.nodes(nodesOf(plan));
  const parts = [
    [context.paint("bold", messages.plan.title(plan.cluster, nodes, plan.profile.id)), messages.plan.legend],
    plan.decisions.flatMap((decision) => decisionLines(decision, context)),
    stepLines(context),
    noticeLines(context),
    refusalLines(plan, lang, context),
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
  return reasonsText(safeData(decision), messagesFor(lang).plan);
}

/** `dns:lb.example, ip:192.0.2.10`. */
export function sansText(sans: IssueStep["addSans"]): string {
  return sans.map((san) => `${san.kind}:${san.value}`).join(", ");
}

/** One line for one step, the same in the plan and in the runbook's headings. */
export function stepText(step: Step, text: Messages["plan"]): string {
  switch (step.kind) {
    case "issue":
      return text.steps.issue(step.name, step.authority);
    case "take":
      return text.steps.take(step.name, step.serialHex);
    case "back-up":
      return text.steps["back-up"](step.object);
    case "stage":
      return text.steps.stage(step.object, step.mode);
    case "swap":
      return text.steps.swap(step.object);
    case "prove":
      return text.steps.prove(step.name);
    default:
      return assertNever(step);
  }
}

/** All steps in the order in which they run. */
export function stepsOf(plan: Plan): readonly Step[] {
  return plan.phases.flatMap((phase) => phase.nodes.flatMap((node) => node.steps));
}

/** Names of the nodes that a plan speaks of. */
export function nodesOf(plan: Plan): readonly string[] {
  const ofSteps = plan.phases.flatMap((phase) => phase.nodes.map(({ node }) => node));
  const ofSlots = plan.decisions.map(({ slot }) => slot.slice(0, slot.indexOf("/")));
  return [...new Set([...ofSteps, ...ofSlots])].filter((node) => node !== "");
}

function decisionLines(decision: Decision, { plan, text, paint }: Context): readonly string[] {
  const style = { renew: "yellow", follow: "yellow", keep: "dim" } as const;
  const line = `${symbols[decision.action]} ${decision.slot}${decision.reasons.length > 0 ? `  # ${reasonsText(decision, text)}` : ""}`;
  const step = stepsOf(plan).find((one) => one.kind === "issue" && one.slot === decision.slot);
  return [paint(style[decision.action], line), ...(step?.kind === "issue" ? issueLines(step, text) : [])];
}

function issueLines(step: IssueStep, text: Messages["plan"]): readonly string[] {
  const { old, validitySeconds, notAfterCap, key, authority, addSans } = step;
  const details = [
    key.mode === "keep" ? text.keyKept(key.algorithm) : text.keyNew(key.algorithm),
    text.signedBy(authority),
    ...(addSans.length > 0 ? [text.sansAdded(sansText(addSans))] : []),
  ];
  return [
    `    ${text.change(old.serialHex, old.notAfter, text.span(validitySeconds * 1000), notAfterCap)}`,
    `    ${details.join(text.joiner)}`,
  ];
}

function stepLines({ plan, text }: Context): readonly string[] {
  const phases = plan.phases.filter((phase) => phase.nodes.some((node) => node.steps.length > 0));
  if (phases.length === 0) return [];
  return [text.stepsHeading, ...phases.flatMap((phase, index) => phaseLines(phase, index + 1, text))];
}

function phaseLines(phase: Phase, number: number, text: Messages["plan"]): readonly string[] {
  const nodes = phase.nodes.filter((node) => node.steps.length > 0);
  return [
    `  ${number}. ${text.phases[phase.id]}`,
    ...nodes.flatMap(({ node, steps }) => [
      `     ${text.onNode(node)}`,
      ...steps.map((step) => `       - ${stepText(step, text)}`),
    ]),
  ];
}

function noticeLines({ plan, text, paint }: Context): readonly string[] {
  if (plan.notices.length === 0) return [];
  const lines = plan.notices.map((notice) => `  - ${say(notice, text.notices)}`);
  return [paint("yellow", text.noticesHeading), ...lines];
}

function refusalLines(plan: Plan, lang: Language, { text, paint }: Context): readonly string[] {
  if (plan.refusals.length === 0) return [];
  const lines = plan.refusals.flatMap((refusal) => {
    const { error, hint } = renderRefusal(refusal, lang);
    return [`  - ${error}`, ...hint.map((line) => `    ${text.wayOn} ${line}`)];
  });
  return [paint(["bold", "red"], text.refusalsHeading), ...lines];
}

function closingLines({ plan, text, paint }: Context): readonly string[] {
  const count = (action: Decision["action"]): number =>
    plan.decisions.filter((decision) => decision.action === action).length;
  const summary = paint("bold", text.summary(count("renew"), count("follow"), count("keep")));
  if (plan.refusals.length > 0) return [text.refused(plan.refusals.length), summary];
  const missed = leftOutOf(plan).length;
  const leftOut = missed === 0 ? [] : [paint("red", text.leftOut(missed))];
  if (stepsOf(plan).length === 0) return [...(missed === 0 ? [text.nothing] : leftOut), summary];
  const written = plan.guards.filter((guard) => guard.use === "written").length;
  return [
    text.guards(written, plan.guards.length - written),
    text.undo,
    text.digest(plan.digest),
    ...leftOut,
    summary,
  ];
}

/** The sentence of a value of any code. */
export function say<U extends { readonly code: string }>(value: U, table: MessagesOf<U>): string {
  const code: U["code"] = value.code;
  // The table's type ties code and value together; the compiler cannot follow that through a generic union.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const message = table[code] as unknown as (value: U) => string;
  return message(value);
}
