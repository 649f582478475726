// A plan as a Markdown document for people: every step once, with its commands, what to expect, when to stop, how to undo it.
import type { Phase, Plan, Step } from "../core/model/plan.ts";
import { allSteps } from "../core/plan/steps.ts";
import { codeBlock, codeSpan, safeData, safeMarkdown, safeText } from "./escape.ts";
import { mergedRefusals, renderRefusal } from "./error-text.ts";
import type { Language } from "./language.ts";
import { manualMarkdown } from "./manual-text.ts";
import { messagesFor, type Messages } from "./messages.ts";
import { reasonsText } from "./plan-text.ts";
import { stepText } from "./step-text.ts";
import { say } from "./say.ts";
import { preamble } from "./runbook-helpers.ts";
import { commandsOf } from "./runbook-shell.ts";
import { livePreamble } from "./runbook-live.ts";
import { rootArguments } from "./tool-command.ts";

interface Context {
  readonly plan: Plan;
  readonly lang: Language;
  readonly messages: Messages;
  readonly stateDirectory: string;
  readonly again: readonly string[];
}

export interface RunbookOptions {
  readonly lang: Language;
  /** Where the tool keeps lock and runs; `/var/lib/perennial` below the plan's root when not given. */
  readonly stateDirectory?: string;
  /** The words of this call that choose the node, repeated in every command. */
  readonly again?: readonly string[];
}

/** The document, ended by a newline. */
export function renderRunbook(plan: Plan, options: RunbookOptions): string {
  const { lang, stateDirectory = `${plan.root.replace(/\/$/, "")}/var/lib/perennial` } = options;
  const messages = messagesFor(lang);
  const again = options.again ?? rootArguments(plan.root);
  const context: Context = { plan, lang, messages, stateDirectory, again };
  const sections = [...opening(context), ...body(context)];
  return `${sections.join("\n\n")}\n`;
}

/** Ids of the steps in a runbook, in order: held against what the engine executes. */
export function runbookStepIds(markdown: string): string[] {
  return [...markdown.matchAll(/^#### (?:Step|步骤) `([^`\n]+)`/gmu)].map((match) => match[1] ?? "");
}

function opening({ plan, messages }: Context): readonly string[] {
  const { runbook, plan: text } = messages;
  const count = (action: string): number =>
    plan.decisions.filter((decision) => decision.action === action).length;
  return [
    `# ${runbook.title(safeMarkdown(plan.cluster))}`,
    `## ${runbook.purposeHeading}`,
    runbook.purpose(count("renew"), count("follow"), codeSpan(plan.digest)),
    ...(plan.notices.length === 0
      ? []
      : [plan.notices.map((notice) => `- ${safeMarkdown(say(notice, text.notices))}`).join("\n")]),
  ];
}

function body(context: Context): readonly string[] {
  const { plan, messages, lang, again } = context;
  const { runbook } = messages;
  if (plan.refusals.length > 0) {
    const lines = mergedRefusals(plan.refusals).flatMap((refusal) => {
      const { error, hint } = renderRefusal(refusal, lang, again);
      return [`- ${safeMarkdown(error)}`, ...hint.map((line) => `  - ${safeMarkdown(line)}`)];
    });
    return [`## ${runbook.refusedHeading}`, runbook.refused, lines.join("\n")];
  }
  if (allSteps(plan).length === 0) return [runbook.nothing];
  const phases = plan.phases.filter((phase) => phase.nodes.some((node) => node.steps.length > 0));
  return [
    `## ${runbook.preconditionsHeading}`,
    runbook.preconditions.map((line) => `- ${line}`).join("\n"),
    `## ${runbook.toolsHeading}`,
    runbook.tools,
    codeBlock("sh", [...preamble(plan, context.stateDirectory), ...livePreamble(plan)].join("\n")),
    `## ${runbook.lockHeading}`,
    runbook.lock,
    codeBlock("sh", "take_lock"),
    ...phases.flatMap((phase, index) => phaseSections(phase, index + 1, context)),
    ...manualSections(context),
    ...closing(phases, context),
  ];
}

function phaseSections(phase: Phase, number: number, context: Context): readonly string[] {
  const { runbook, plan: text } = context.messages;
  const nodes = phase.nodes.filter((node) => node.steps.length > 0);
  return [
    `## ${runbook.phase(number)} – ${{ ...text.phases, ...context.messages.live.phases }[phase.id]}`,
    ...nodes.flatMap(({ node, steps }) => [
      `### ${text.onNode(safeMarkdown(node))}`,
      ...steps.flatMap((step) => stepSections(step, context)),
    ]),
  ];
}

function manualSections({ plan, messages }: Context): readonly string[] {
  const { manual = [] } = plan;
  if (manual.length === 0) return [];
  return [
    `## ${messages.plan.manual.heading.replace(/[:：]$/u, "")}`,
    ...manual.flatMap((step) => [
      `#### ${messages.plan.manual.step} \`${idText(step.id)}\``,
      ...manualMarkdown(safeData(step), messages.plan),
    ]),
  ];
}

function stepSections(step: Step, context: Context): readonly string[] {
  const { runbook, live, plan: text } = context.messages;
  const { run, undo } = commandsOf(step, context.plan);
  const isKubeconfig = step.kind === "stage" && step.content.form.startsWith("kubeconfig");
  return [
    `#### ${runbook.step} \`${idText(step.id)}\``,
    `${safeMarkdown(stepText(safeData(step), context.messages))}\n\n**${runbook.why}**${text.colon}${whyText(step, context)}`,
    codeBlock("sh", run.join("\n")),
    ...(isKubeconfig ? [runbook.kubeconfigByEditor] : []),
    [
      `- **${runbook.expected}**${text.colon}${{ ...runbook.expectedOf, ...live.runbook.expectedOf }[step.kind]}`,
      `- **${runbook.stop}**${text.colon}${{ ...runbook.stopOf, ...live.runbook.stopOf }[step.kind]}`,
      `- **${runbook.undo}**${text.colon.trimEnd()}`,
    ].join("\n"),
    codeBlock("sh", undo.join("\n")),
  ];
}

/** As shown: a backtick would end the code span that `runbookStepIds` reads. */
function idText(id: string): string {
  return safeText(id).replaceAll("`", String.raw`\x60`);
}

function whyText(step: Step, { plan, messages }: Context): string {
  if (step.kind !== "issue") return { ...messages.runbook.whyOf, ...messages.live.runbook.whyOf }[step.kind];
  if (step.template.form === "authority") return messages.runbook.whyAuthority;
  const decision = plan.decisions.find(({ slot }) => slot === step.slot);
  return decision === undefined ? "-" : safeMarkdown(reasonsText(safeData(decision), messages.plan));
}

function closing(phases: readonly Phase[], { plan, messages }: Context): readonly string[] {
  const { runbook } = messages;
  const consumers = plan.notices.flatMap((notice) =>
    notice.code === "restart-needed" ? notice.consumers : [],
  );
  const rows = phases.flatMap((phase) =>
    phase.nodes.map(({ node, steps }) => `| ${phase.id} | ${safeMarkdown(node)} | ${steps.length} | | | |`),
  );
  return [
    `## ${runbook.finalHeading}`,
    [
      ...(consumers.length === 0 ? [] : [runbook.restart(consumers.map(safeMarkdown).join(", "))]),
      ...runbook.final,
      runbook.unlock,
    ]
      .map((line) => `- ${line}`)
      .join("\n"),
    codeBlock("sh", "rm -f ./*.key ./*.both; release_lock"),
    `## ${runbook.signHeading}`,
    [
      `| ${runbook.signColumns.join(" | ")} |`,
      `|${runbook.signColumns.map(() => " --- |").join("")}`,
      ...rows,
    ].join("\n"),
  ];
}
