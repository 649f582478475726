// `perennial plan`, `renew` and `apply`.
import { readFileSync } from "node:fs";
import { applyPlan, checkWindow, planRenewal } from "../../app/renewal.ts";
import { planSigned } from "../../app/signing-requests.ts";
import { type LocalNode, stateDirectoryOf } from "../../app/local-node.ts";
import { AppError } from "../../core/model/errors.ts";
import type { Plan } from "../../core/model/plan.ts";
import { hasChanges } from "../../core/plan/steps.ts";
import { leftOutOf } from "../../core/plan/left-out.ts";
import { installSteps } from "../../core/plan/steps.ts";
import { parsePlan } from "../../core/plan/parse-plan.ts";
import { type CliMessages, cliMessages } from "../../report/cli-messages.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { safeText } from "../../report/escape.ts";
import { messagesFor } from "../../report/messages.ts";
import { renderPlan } from "../../report/plan-text.ts";
import { renderRunbook } from "../../report/plan-runbook.ts";
import { renderScript } from "../../report/script/render-script.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { tellLeftOut, writeLeftOut } from "../left-out.ts";
import { type NodeOptions, type RenewOptions, nodeArguments } from "../options.ts";
import { archiveOf, nodeOf, profileChoiceOf, renewRequestOf } from "../requests.ts";
import { parseWindow } from "../durations.ts";
import { commandLine } from "../command-line.ts";
import { writeOut } from "../write-out.ts";
import { adviceForOutside, runRequests } from "./requests.ts";
import { type RunCommandOptions, reportRun, watched } from "../run-output.ts";

export interface PlanOptions extends RenewOptions {
  readonly out?: string;
  readonly runbook?: boolean;
  readonly script?: boolean;
  readonly detailedExitcode?: boolean;
  readonly signed?: string;
  readonly output: string;
}

export async function runPlanCommand(
  names: readonly string[],
  options: PlanOptions,
  io: Io,
): Promise<number> {
  const plan = await planFor(names, options, io);
  if (options.script === true) return writeScript(plan, options, io);
  refuseText(plan, options.output);
  io.out(renderedPlan(plan, options, io));
  if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
  if (options.out !== undefined) savePlan(plan, options.out, { options, io });
  return options.detailedExitcode === true && hasChanges(plan) ? exitCodes.attention : exitCodes.ok;
}

/** Of a renewal here, or of the answers of a CA elsewhere. */
async function planFor(
  names: readonly string[],
  options: RenewOptions & { readonly signed?: string },
  io: Io,
): Promise<Plan> {
  const local = nodeOf(options, io);
  const archive = await archiveOf(options);
  const request = { ...renewRequestOf(names, options), ...(archive ? { archive } : {}) };
  if (options.signed === undefined) return planRenewal(local, profileChoiceOf(options), request, io.now());
  const { all, addSans, keyAlgorithm, validityIsExplicit, recreateAuthorities = [] } = request;
  const isChosen = names.length > 0 || all || addSans.length > 0 || recreateAuthorities.length > 0;
  if (isChosen || keyAlgorithm !== null || validityIsExplicit)
    throw new AppError("usage", { reason: "--signed takes what is in DIR: no names, no other choice" });
  return planSigned(local, profileChoiceOf(options), request, { directory: options.signed, at: io.now() });
}

/** The script instead of the plan: on stdout, or in a file that its owner may run. */
function writeScript(plan: Plan, options: PlanOptions, io: Io): number {
  const script = renderScript(plan, {
    lang: io.lang,
    ...(options.stateDir === undefined ? {} : { stateDirectory: stateDirectoryOf(nodeOf(options, io)) }),
  });
  if (options.out === undefined) io.out(script);
  else {
    writeOut(options.out, script, 0o700);
    io.err(`${cliMessages(io.lang).scriptSaved(safeText(options.out))}\n`);
  }
  return options.detailedExitcode === true && hasChanges(plan) ? exitCodes.attention : exitCodes.ok;
}

function renderedPlan(plan: Plan, options: PlanOptions, io: Io): string {
  if (options.runbook === true)
    return renderRunbook(plan, {
      lang: io.lang,
      stateDirectory: stateDirectoryOf(nodeOf(options, io)),
      again: nodeArguments(options),
    });
  if (options.output === "json") return renderJson(plan);
  if (options.output === "yaml") return renderYaml(plan);
  return planText(plan, options, io);
}

function planText(plan: Plan, options: NodeOptions, io: Io): string {
  return renderPlan(plan, {
    lang: io.lang,
    color: io.hasColor,
    stateDirectory: stateDirectoryOf(nodeOf(options, io)),
    again: nodeArguments(options),
  });
}

/** For people the error says it all; data is printed whole before it. */
function refuseText(plan: Plan, output: string): void {
  if (output !== "table" || plan.refusals.length === 0) return;
  throw new AppError("refused", { refusals: plan.refusals });
}

function savePlan(
  plan: Plan,
  path: string,
  { options, io }: { readonly options: NodeOptions; readonly io: Io },
): void {
  const words = cliMessages(io.lang);
  writeOut(path, `${JSON.stringify(plan, null, 2)}\n`);
  io.err(`${words.planSaved(path, plan.digest)}\n`);
  io.err(
    `${words.applySaved(commandLine(["apply", path, "--approved", plan.digest, ...nodeArguments(options)]))}\n`,
  );
}

export type RenewCommandOptions = RenewOptions &
  RunCommandOptions & { readonly output: string; readonly csrDir?: string; readonly signed?: string };

export async function runRenew(
  names: readonly string[],
  options: RenewCommandOptions,
  io: Io,
): Promise<number> {
  const { csrDir } = options;
  if (csrDir !== undefined && options.backupTo !== undefined)
    throw new AppError("usage", { reason: "--csr-dir and --backup-to exclude each other" });
  if (csrDir !== undefined) return runRequests(names, { ...options, csrDir }, io);
  const local = nodeOf(options, io);
  const plan = await planFor(names, options, io);
  if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
  if (options.output !== "json") io.out(planText(plan, options, io));
  writeLeftOut(plan, { options, io });
  const code = await confirmAndApply(plan, local, { options, io, command: "renew" });
  if (options.signed !== undefined) return tellUnsettled(plan, code, io);
  const advice = await adviceForOutside(leftOutOf(plan), local, { options, io });
  return tellLeftOut(plan, code, {
    options: { ...options, root: local.root },
    io,
    isPlanSaved: false,
    advice,
  });
}

/** Answers that fit nothing and requests without an answer have been shown with the plan. */
function tellUnsettled(plan: Plan, code: number, io: Io): number {
  const isUnsettled = plan.notices.some(
    (notice) =>
      notice.code === "answer-awaited" ||
      notice.code === "answer-unreadable" ||
      (notice.code === "answer-unmatched" && notice.because !== "in-place"),
  );
  if (!isUnsettled || code !== exitCodes.ok) return code;
  io.err(`error: ${cliMessages(io.lang).answersLeft}\n`);
  return exitCodes.attention;
}

export interface ApplyOptions extends RunCommandOptions, NodeOptions {
  readonly approved?: string;
  readonly output: string;
}

export async function runApply(path: string, options: ApplyOptions, io: Io): Promise<number> {
  if (options.window !== undefined) checkWindow(parseWindow(options.window), io.now());
  const plan = parsePlan(path, readPlanFile(path));
  if (options.approved !== undefined && options.approved !== plan.digest) {
    throw new AppError("digest-differs", { approved: options.approved, found: plan.digest });
  }
  // A plan for another root is applied there, and commands that are named afterwards say so.
  const whole = { ...options, root: options.root === "/" ? plan.root : options.root };
  if (options.output !== "json") io.out(planText(plan, whole, io));
  writeLeftOut(plan, { options: whole, io });
  const local = nodeOf({ ...whole, allowLinksTo: plan.request.allowLinksTo }, io);
  const code = await confirmAndApply(plan, local, { options: whole, io, command: "apply" });
  if (installSteps(plan).length > 0) return tellUnsettled(plan, code, io);
  return tellLeftOut(plan, code, { options: whole, io, isPlanSaved: true });
}

function readPlanFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new AppError("input-unreadable", { path, reason: code }, { cause });
  }
}

interface Confirmed {
  readonly options: RunCommandOptions & NodeOptions & { readonly output: string };
  readonly io: Io;
  readonly command: string;
}

async function confirmAndApply(
  plan: Plan,
  local: LocalNode,
  { options, io, command }: Confirmed,
): Promise<number> {
  const words = cliMessages(io.lang);
  if (!hasChanges(plan)) {
    if (options.output === "json")
      io.out(`${JSON.stringify({ type: "nothing-to-do", digest: plan.digest })}\n`);
    else io.out(`${nothingWords(plan, words)}\n`);
    return exitCodes.ok;
  }
  await confirmReconstructed(plan, { isYes: options.yes === true, command, io });
  await confirm(words.ask.apply, { isYes: options.yes === true, command, io });
  const result = await watched({ options, io, local }, (how) => applyPlan(local, plan, how));
  return reportRun(result, { plan, options: { ...options, root: local.root }, io });
}

function nothingWords(plan: Plan, words: CliMessages): string {
  if (plan.notices.some(({ code }) => code === "answer-unmatched")) return words.signedNothing;
  const missed = leftOutOf(plan).length;
  return missed > 0 ? words.nothingPossible(missed) : words.nothingToDo;
}

/** What was put together and not copied is a guess that only a person can confirm. */
async function confirmReconstructed(
  plan: Plan,
  how: { readonly isYes: boolean; readonly command: string; readonly io: Io },
): Promise<void> {
  const slots = plan.notices.flatMap((notice) => (notice.code === "reconstructed" ? notice.slots : []));
  if (slots.length === 0) return;
  const { comma } = messagesFor(how.io.lang).check;
  const names = slots.map((slot) => safeText(slot.slice(slot.indexOf("/") + 1))).join(comma);
  await confirm(cliMessages(how.io.lang).ask.reconstructed(names), how);
}

/** Without a terminal there is nobody to ask: `--yes` must be given. */
export async function confirm(
  question: string,
  { isYes, command, io }: { readonly isYes: boolean; readonly command: string; readonly io: Io },
): Promise<void> {
  if (isYes) return;
  if (!io.isInteractive) throw new AppError("confirmation-needed", { command });
  const answer = await io.ask(question);
  if (answer.trim() !== "yes") throw new AppError("declined", { command });
}
