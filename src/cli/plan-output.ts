// What a plan prints, of one node or of several, and how it is shown, confirmed and applied in one go.
import type { RunOptions, RunResult } from "../app/renewal.ts";
import { stateDirectoryOf } from "../app/local-node.ts";
import { AppError } from "../core/model/errors.ts";
import type { Notice } from "../core/model/notice.ts";
import type { Plan } from "../core/model/plan.ts";
import { leftOutOf } from "../core/plan/left-out.ts";
import { hasChanges } from "../core/plan/steps.ts";
import { type CliMessages, cliMessages } from "../report/cli-messages.ts";
import { renderJson, renderYaml } from "../report/data-text.ts";
import { renderRunbook } from "../report/plan-runbook.ts";
import { renderPlan } from "../report/plan-text.ts";
import { commandLine } from "./command-line.ts";
import { confirm, confirmReconstructed } from "./confirm.ts";
import { exitCodes } from "./exit-codes.ts";
import type { Io } from "./io.ts";
import { writeLeftOut } from "./left-out.ts";
import { type NodeOptions, type RenewOptions, nodeArguments } from "./options.ts";
import { type RunCommandOptions, type Watched, reportRun, watched } from "./run-output.ts";
import { writeOut } from "./write-out.ts";

export interface PlanOptions extends RenewOptions {
  readonly out?: string;
  readonly runbook?: boolean;
  readonly script?: boolean;
  readonly detailedExitcode?: boolean;
  readonly signed?: string;
  readonly output: string;
}

interface Told<T> {
  readonly options: T;
  readonly io: Io;
  /** Where messages say that runs are kept. */
  readonly local: Watched["local"];
}

/** The answer of `plan`, and its exit code. */
export function tellPlan(plan: Plan, told: Told<PlanOptions>): number {
  const { options, io } = told;
  refuseText(plan, options.output);
  io.out(planAs(plan, told));
  if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
  if (options.out !== undefined) savePlan(plan, options.out, { options, io });
  return options.detailedExitcode === true && hasChanges(plan) ? exitCodes.attention : exitCodes.ok;
}

function planAs(plan: Plan, told: Told<PlanOptions>): string {
  const { options, io, local } = told;
  if (options.runbook === true)
    return renderRunbook(plan, {
      lang: io.lang,
      stateDirectory: stateDirectoryOf(local),
      again: nodeArguments(options),
    });
  if (options.output === "json") return renderJson(plan);
  if (options.output === "yaml") return renderYaml(plan);
  return planText(plan, told);
}

function planText(plan: Plan, { options, io, local }: Told<NodeOptions>): string {
  const { nodeDirectory } = local;
  return renderPlan(plan, {
    lang: io.lang,
    color: io.hasColor,
    stateDirectory: stateDirectoryOf(local),
    ...(nodeDirectory === undefined ? {} : { nodeDirectory }),
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
    `${words.applySaved(commandLine(["apply", path, "--approved", plan.digest], nodeArguments(options)))}\n`,
  );
}

type Applied = Told<RunCommandOptions & NodeOptions & { readonly output: string }> & {
  readonly command: string;
};

/** Shows the plan, asks, does it and tells what came of it; the exit code. Nothing is asked when nothing is due. */
export async function showAndApply(
  plan: Plan,
  applied: Applied,
  apply: (how: RunOptions) => Promise<RunResult>,
): Promise<number> {
  const { options, io, local, command } = applied;
  const words = cliMessages(io.lang);
  if (options.output !== "json") io.out(planText(plan, applied));
  writeLeftOut(plan, { options, io });
  if (!hasChanges(plan)) {
    const nothing = { type: "nothing-to-do", digest: plan.digest };
    io.out(options.output === "json" ? `${JSON.stringify(nothing)}\n` : `${nothingWords(plan, words)}\n`);
    return exitCodes.ok;
  }
  const isYes = options.yes === true;
  // As data the plan is not shown; a saved one can be read where it lies.
  const look = options.output === "json" && command === "renew" ? { look: "plan" } : {};
  await confirmReconstructed(plan, { isYes, command, io, ...look });
  await confirm(words.ask.apply, { isYes, command, io, ...look });
  const result = await watched({ options, io, local }, apply);
  return reportRun(result, { plan, options: { ...options, root: local.root }, io });
}

function nothingWords(plan: Plan, words: CliMessages): string {
  const tells = (code: Notice["code"]): boolean => plan.notices.some((notice) => notice.code === code);
  if (tells("answer-awaited") || tells("answer-none")) return words.signedMissing;
  if (tells("answer-unmatched")) return words.signedNothing;
  const missed = leftOutOf(plan).length;
  return missed > 0 ? words.nothingPossible(missed) : words.nothingToDo;
}
