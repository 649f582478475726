// `perennial plan`, `renew` and `apply`.
import { readFileSync } from "node:fs";
import { applyPlan, checkWindow, planRenewal, refuseWhileOpen } from "../../app/renewal.ts";
import { planSigned } from "../../app/signing-requests.ts";
import { stateDirectoryOf } from "../../app/local-node.ts";
import { AppError } from "../../core/model/errors.ts";
import type { Plan } from "../../core/model/plan.ts";
import { hasChanges } from "../../core/plan/steps.ts";
import { leftOutOf } from "../../core/plan/left-out.ts";
import { installSteps } from "../../core/plan/steps.ts";
import { parsePlan } from "../../core/plan/parse-plan.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { safeText } from "../../report/escape.ts";
import { renderScript } from "../../report/script/render-script.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { tellLeftOut } from "../left-out.ts";
import type { NodeOptions, RenewOptions } from "../options.ts";
import { type PlanOptions, showAndApply, tellPlan } from "../plan-output.ts";
import { archiveOf, nodeOf, profileChoiceOf, renewRequestOf } from "../requests.ts";
import { parseWindow } from "../durations.ts";
import { writeOut } from "../write-out.ts";
import { adviceForOutside, runRequests } from "./requests.ts";
import type { RunCommandOptions } from "../run-output.ts";

export async function runPlanCommand(
  names: readonly string[],
  options: PlanOptions,
  io: Io,
): Promise<number> {
  const plan = await planFor(names, options, io);
  if (options.script === true) return writeScript(plan, options, io);
  return tellPlan(plan, { options, io, local: nodeOf(options, io) });
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
    // With --probe the tree is the running node's own.
    const isOfCopy = plan.root !== "/" && options.probe !== true;
    io.err(`${cliMessages(io.lang).scriptSaved(safeText(options.out), isOfCopy)}\n`);
  }
  return options.detailedExitcode === true && hasChanges(plan) ? exitCodes.attention : exitCodes.ok;
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
  if (hasChanges(plan)) await refuseWhileOpen(local);
  const code = await showAndApply(plan, { options, io, local, command: "renew" }, (how) =>
    applyPlan(local, plan, how),
  );
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
      notice.code === "answer-none" ||
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
  const local = nodeOf({ ...whole, allowLinksTo: plan.request.allowLinksTo }, io);
  if (options.root !== whole.root) io.err(`hint: ${cliMessages(io.lang).planRoot(safeText(plan.root))}\n`);
  if (hasChanges(plan)) await refuseWhileOpen(local);
  const code = await showAndApply(plan, { options: whole, io, local, command: "apply" }, (how) =>
    applyPlan(local, plan, how),
  );
  if (installSteps(plan).length > 0) return tellUnsettled(plan, code, io);
  return tellLeftOut(plan, code, { options: whole, io, isPlanSaved: true });
}

export function readPlanFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown";
    throw new AppError("input-unreadable", { path, reason: code }, { cause });
  }
}
