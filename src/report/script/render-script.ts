// A plan as one POSIX sh script for a host without Node: the same steps, checks, stops and way back.
import { AppError, assertNever } from "../../core/model/errors.ts";
import { parseAddress } from "../../core/model/address.ts";
import type { Phase, PhaseId, Plan, ProveStep, Step } from "../../core/model/plan.ts";
import { allSteps, hasLiveSteps } from "../../core/plan/steps.ts";
import { safeData, safeText } from "../escape.ts";
import type { Language } from "../language.ts";
import { manualLines } from "../manual-text.ts";
import { messagesFor } from "../messages.ts";
import { lockHelpers, pemHelpers, shortDigest } from "../runbook-helpers.ts";
import { shellQuote } from "../shell.ts";
import { dialsIpv6, liveTables } from "./live-tables.ts";
import { scriptHeader, scriptMessages } from "./messages.ts";
import { shellBase } from "./shell-base.ts";
import { shellFiles } from "./shell-files.ts";
import { shellIssue } from "./shell-issue.ts";
import { shellKubeconfig } from "./shell-kubeconfig.ts";
import { shellLive, shellWithoutLive } from "./shell-live.ts";
import { shellMain } from "./shell-main.ts";
import {
  checksOf,
  contentTables,
  guardLines,
  keyTable,
  type Numbers,
  numbersOf,
  objectNumber,
  objectTable,
  placeOf,
  slotNumber,
  slotTable,
} from "./tables.ts";
import { unsupportedSteps } from "./unsupported.ts";

export interface ScriptOptions {
  readonly lang: Language;
  /** Where lock and before-images are kept; `/var/lib/perennial` below the root when not given. */
  readonly stateDirectory?: string;
}

/**
 * The script, ended by a newline.
 * @throws AppError refused, script-unsupported (names the steps that only the tool can do)
 */
export function renderScript(plan: Plan, { lang, stateDirectory }: ScriptOptions): string {
  if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
  const steps = unsupportedSteps(plan);
  if (steps.length > 0) throw new AppError("script-unsupported", { steps });
  const numbers = numbersOf(plan);
  const isLive = hasLiveSteps(plan);
  const parts = [
    head(plan, { lang, ...(stateDirectory === undefined ? {} : { stateDirectory }) }),
    values(plan, numbers),
    [shellBase, ...lockHelpers.filter((line) => !line.startsWith("may_take()"))],
    pemHelpers,
    [shellKubeconfig],
    [shellIssue],
    [shellFiles],
    [isLive ? shellLive : shellWithoutLive],
    tables(plan, numbers),
    isLive ? liveTables(plan, numbers) : [],
    phases(plan, numbers),
    byHand(plan, lang),
    [shellMain],
    ['main "$@"'],
  ];
  return `${parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n")}\n`;
}

/** Ids of the steps in a script, in order: held against those of the plan. */
export function scriptStepIds(script: string): string[] {
  return [...script.matchAll(/^ {2}# step (.*)$/gm)].map((match) => match[1] ?? "");
}

function head(plan: Plan, { lang, stateDirectory }: ScriptOptions): readonly string[] {
  const root = plan.root.replace(/\/$/, "");
  const comments = [`perennial ${plan.toolVersion}, ${plan.digest}`, ...scriptHeader(lang, plan.root)];
  const messages = Object.entries(scriptMessages(lang)).map(
    ([name, text]) => `t_${name}='${text.replaceAll("'", String.raw`'\''`)}'`,
  );
  return [
    "#!/bin/sh",
    ...comments.map((line) => `# ${safeText(line)}`),
    "",
    "set -u",
    "umask 077",
    "export LC_ALL=C",
    'export PATH="$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"',
    "unset OPENSSL_CONF 2>/dev/null || :",
    "",
    `ROOT=${root === "" ? "''" : shellQuote(root)}`,
    `S=${shellQuote(stateDirectory ?? `${root}/var/lib/perennial`)}`,
    `D12=${shortDigest(plan)}`,
    ...messages,
  ];
}

/** What is left to people when the script has done its part. */
function byHand({ manual = [] }: Plan, lang: ScriptOptions["lang"]): readonly string[] {
  if (manual.length === 0) return [];
  const { plan: words } = messagesFor(lang);
  const lines = manual.flatMap((step, index) => manualLines(safeData(step), index + 1, words));
  return [safeText(words.manual.heading), ...lines].map((line) => `# ${line}`);
}

function values(plan: Plan, numbers: Numbers): readonly string[] {
  const ends = allSteps(plan).flatMap((step) =>
    step.kind === "issue" && step.old ? [step.old.notAfter] : [],
  );
  const swaps = allSteps(plan).flatMap((step) =>
    step.kind === "swap" ? [objectNumber(numbers, step.object)] : [],
  );
  const bounced = allSteps(plan).flatMap((step) => (step.kind === "bounce" ? [step.consumer] : []));
  // With steps that restart, nothing is left to be restarted by hand.
  const restarts = plan.notices.flatMap((notice) =>
    notice.code === "restart-needed" ? notice.consumers : [],
  );
  return [
    `OBJECTS='${numbers.objects.map((_, index) => index + 1).join(" ")}'`,
    `SWAPPED='${[...swaps].reverse().join(" ")}'`,
    `BOUNCED=${bounced.length === 0 ? "''" : shellQuote(bounced.reverse().join(" "))}`,
    `DIALS_IPV6=${dialsIpv6(plan) ? 1 : "''"}`,
    `OLD_END=${Math.floor(Math.min(...ends, 253_402_300_799_000) / 1000)}`,
    `RESTART=${restarts.length === 0 ? "''" : shellQuote(restarts.join(", "))}`,
  ];
}

function tables(plan: Plan, numbers: Numbers): readonly string[] {
  return [
    ...shellFunction("guards_read", guardLines(plan, "read")),
    ...shellFunction("guards_written", guardLines(plan, "written")),
    ...shellFunction("layouts", layoutLines(plan)),
    ...objectTable(plan, numbers),
    ...slotTable(plan, numbers),
    ...keyTable(numbers),
    ...contentTables(numbers),
  ];
}

function shellFunction(name: string, lines: readonly string[]): readonly string[] {
  return [`${name}() {`, ...(lines.length === 0 ? [":"] : lines).map((line) => `  ${line}`), "}"];
}

/** Every kubeconfig that is read or written has to be one that awk can read, before anything is done. */
function layoutLines(plan: Plan): readonly string[] {
  const places = allSteps(plan).flatMap((step): readonly (readonly [string, string])[] => {
    if (step.kind === "stage" && step.content.form === "kubeconfig")
      return step.content.users.map(({ user }) => [step.object, user]);
    if ((step.kind === "issue" || step.kind === "take") && step.template.form === "kubeconfig")
      return [[step.template.file, step.template.user]];
    return step.kind === "prove-live" && step.api ? [[step.api.kubeconfig, step.api.user]] : [];
  });
  const lines = places.map(
    ([file, user]) => `kube_plain "$ROOT"${shellQuote(placeOf(file, plan))} ${shellQuote(user)} || return 1`,
  );
  return [...new Set(lines)];
}

const phaseNames: Readonly<Record<PhaseId, string>> = {
  snapshot: "phase_snapshot",
  "back-up": "phase_back_up",
  archive: "phase_archive",
  issue: "phase_issue",
  stage: "phase_stage",
  swap: "phase_swap",
  prove: "phase_prove",
  roll: "phase_roll",
  gate: "phase_gate",
  restart: "phase_restart",
  workers: "phase_workers",
  ready: "phase_ready",
  "prove-live": "phase_prove_live",
};

/** The functions in the plan's order; a phase that the plan has not does nothing. */
function phases(plan: Plan, numbers: Numbers): readonly string[] {
  const planned = new Set(plan.phases.map(({ id }) => id));
  const missing = (Object.keys(phaseNames) as PhaseId[]).filter((id) => !planned.has(id));
  return [
    ...plan.phases.flatMap((phase) => shellFunction(phaseNames[phase.id], phaseLines(phase, plan, numbers))),
    ...missing.flatMap((id) => shellFunction(phaseNames[id], [])),
  ];
}

function phaseLines(phase: Phase, plan: Plan, numbers: Numbers): readonly string[] {
  const steps = phase.nodes.flatMap((node) => node.steps);
  return steps.flatMap((step, index) => [
    `# step ${safeText(step.id)}`,
    ...commandsOf(step, plan, { numbers, number: index + 1 }).map(
      (command) => `step ${shellQuote(step.id)} ${command} || return 1`,
    ),
  ]);
}

function commandsOf(
  step: Step,
  plan: Plan,
  { numbers, number }: { readonly numbers: Numbers; readonly number: number },
): readonly string[] {
  switch (step.kind) {
    case "issue":
    case "take":
      return [`${step.kind} ${slotNumber(numbers, step.slot)}`];
    case "back-up":
      return [`back_up ${objectNumber(numbers, step.object)}`];
    case "stage":
    case "swap":
      return [`${step.kind} ${objectNumber(numbers, step.object)}`];
    case "prove":
      return proveCommands(step, plan, numbers);
    case "snapshot":
    case "bounce":
      return [`${step.kind} ${number}`];
    case "prove-live":
      return [`prove_live ${number}`];
    // Refused before: unsupported.ts names them.
    case "install":
    case "forget":
    case "gate":
    case "ready":
    case "archive":
      return [];
    default:
      return assertNever(step);
  }
}

/** A certificate where its old one was, or a copy: every certificate in it. */
function proveCommands(step: ProveStep, plan: Plan, numbers: Numbers): readonly string[] {
  const path = `/${step.name.replace(/#.*$/, "")}`;
  const stage = numbers.objects.find(
    ({ object, content }) => contentSlots(content).includes(step.slot) || parseAddress(object).path === path,
  );
  if (!stage) return [];
  const file = `"$ROOT"${shellQuote(placeOf(stage.object, plan))}`;
  return checksOf(stage.content, numbers, file).map((check) => check.replace(/^has_certificate/, "prove"));
}

function contentSlots(content: Numbers["objects"][number]["content"]): readonly string[] {
  switch (content.form) {
    case "pem-certificate":
    case "pem-combined":
      return [content.slot];
    case "kubeconfig":
      return content.users.map(({ slot }) => slot);
    case "pem-key":
    case "kubeconfig-new":
    case "copy":
      return [];
    default:
      return assertNever(content);
  }
}
