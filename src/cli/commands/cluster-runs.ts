// `plan`, `renew`, `apply`, `resume`, `rollback` with `-f`: the nodes of a cluster file.
import { readClusterFile } from "../../app/cluster-files.ts";
import {
  applyToCluster,
  type ClusterSession,
  planCluster,
  resumeCluster,
  rollbackCluster,
} from "../../app/cluster-renewal.ts";
import { closeSession, openSession } from "../../app/open-session.ts";
import type { Plan } from "../../core/model/plan.ts";
import { AppError } from "../../core/model/errors.ts";
import { parsePlan } from "../../core/plan/parse-plan.ts";
import { hasChanges } from "../../core/plan/steps.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { renderJson, renderYaml } from "../../report/data-text.ts";
import { renderPlan } from "../../report/plan-text.ts";
import { renderRunbook } from "../../report/plan-runbook.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Io } from "../io.ts";
import { tellLeftOut, writeLeftOut } from "../left-out.ts";
import { type NodeOptions, nodeArguments } from "../options.ts";
import { liveChoiceOf, profileChoiceOf, renewRequestOf } from "../requests.ts";
import { type RunCommandOptions, reportRun, watched } from "../run-output.ts";
import {
  type ApplyOptions,
  confirm,
  confirmReconstructed,
  nothingWords,
  type PlanOptions,
  readPlanFile,
  refuseText,
  type RenewCommandOptions,
  savePlan,
} from "./renew.ts";
import { reportResumed, reportRollback, type ResumeOptions } from "./runs.ts";

/** The options of `-f` for commands that plan. */
interface PlanningOptions {
  readonly acceptOutage?: boolean;
  readonly skipUnreachable?: boolean;
}

type OfCluster<T> = T & PlanningOptions & { readonly file: string };

export async function planOfCluster(
  names: readonly string[],
  options: OfCluster<PlanOptions>,
  io: Io,
): Promise<number> {
  refuseOthers(options, io);
  return withSession(options, io, async (session) => {
    const plan = await makePlan(names, session, { options, io });
    refuseText(plan, options.output);
    io.out(planWords(plan, session, { options, io }));
    if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
    if (options.out !== undefined) savePlan(plan, options.out, { options, io });
    return options.detailedExitcode === true && hasChanges(plan) ? exitCodes.attention : exitCodes.ok;
  });
}

export async function renewCluster(
  names: readonly string[],
  options: OfCluster<RenewCommandOptions>,
  io: Io,
): Promise<number> {
  refuseOthers(options, io);
  return withSession(options, io, async (session) => {
    const plan = await makePlan(names, session, { options, io });
    if (plan.refusals.length > 0) throw new AppError("refused", { refusals: plan.refusals });
    const code = await showAndApply(plan, session, { options, io, command: "renew" });
    return tellLeftOut(plan, code, { options, io, isPlanSaved: false });
  });
}

export async function applyOfCluster(
  path: string,
  options: OfCluster<ApplyOptions>,
  io: Io,
): Promise<number> {
  const plan = parsePlan(path, readPlanFile(path));
  if (options.approved !== undefined && options.approved !== plan.digest)
    throw new AppError("digest-differs", { approved: options.approved, found: plan.digest });
  return withSession(options, io, async (session) => {
    const code = await showAndApply(plan, session, { options, io, command: "apply" });
    return tellLeftOut(plan, code, { options, io, isPlanSaved: true });
  });
}

export async function resumeOfCluster(
  run: string | undefined,
  options: OfCluster<ResumeOptions>,
  io: Io,
): Promise<number> {
  return withSession(options, io, async (session) => {
    const resumed = await watched({ options, io, local: placeOf(session) }, (how) =>
      resumeCluster(session, run ?? null, how),
    );
    return reportResumed(resumed, options, io);
  });
}

export async function rollbackOfCluster(
  run: string,
  options: OfCluster<ResumeOptions>,
  io: Io,
): Promise<number> {
  return withSession(options, io, async (session) => {
    await confirm(cliMessages(io.lang).ask.rollback(run), {
      isYes: options.yes === true,
      command: "rollback",
      io,
    });
    const result = await watched({ options, io, local: placeOf(session) }, (how) =>
      rollbackCluster(session, run, { ...how, acceptExpired: true }),
    );
    return reportRollback(result, options, io);
  });
}

interface How<T> {
  readonly options: OfCluster<T>;
  readonly io: Io;
}

async function withSession<T>(
  options: OfCluster<NodeOptions>,
  io: Io,
  action: (session: ClusterSession) => Promise<T>,
): Promise<T> {
  const isDialled = options.probe !== false;
  const session = await openSession(await readClusterFile(options.file), {
    environment: io.environment,
    allowLinksTo: options.allowLinksTo ?? [],
    live: isDialled ? liveChoiceOf({ ...options, probe: true }) : null,
    isProbed: options.probe === true,
    stateDirectory: options.stateDir ?? null,
  });
  try {
    return await action(session);
  } finally {
    await closeSession(session);
  }
}

/** Where messages say that runs are kept. */
function placeOf({ stateDirectory }: ClusterSession): {
  readonly root: string;
  readonly stateDirectory: string;
} {
  return { root: "/", stateDirectory };
}

function makePlan(
  names: readonly string[],
  session: ClusterSession,
  { options, io }: How<PlanOptions | RenewCommandOptions>,
): Promise<Plan> {
  const { profile, params } = session.cluster;
  const given = profileChoiceOf(options);
  return planCluster(
    session,
    { id: given.id ?? profile, params: { ...params, ...given.params } },
    {
      request: renewRequestOf(names, options),
      at: io.now(),
      acceptOutage: options.acceptOutage === true,
      skipsUnreachable: options.skipUnreachable === true,
    },
  );
}

function planWords(
  plan: Plan,
  { stateDirectory }: ClusterSession,
  { options, io }: How<PlanOptions>,
): string {
  const again = nodeArguments(options);
  if (options.runbook === true) return renderRunbook(plan, { lang: io.lang, stateDirectory, again });
  if (options.output === "json") return renderJson(plan);
  if (options.output === "yaml") return renderYaml(plan);
  return renderPlan(plan, { lang: io.lang, color: io.hasColor, stateDirectory, again });
}

async function showAndApply(
  plan: Plan,
  session: ClusterSession,
  {
    options,
    io,
    command,
  }: How<RunCommandOptions & NodeOptions & { readonly output: string }> & {
    readonly command: string;
  },
): Promise<number> {
  const words = cliMessages(io.lang);
  const { stateDirectory } = session;
  if (options.output !== "json") {
    const again = nodeArguments(options);
    io.out(renderPlan(plan, { lang: io.lang, color: io.hasColor, stateDirectory, again }));
  }
  writeLeftOut(plan, { options, io });
  if (!hasChanges(plan)) {
    const nothing = { type: "nothing-to-do", digest: plan.digest };
    io.out(options.output === "json" ? `${JSON.stringify(nothing)}\n` : `${nothingWords(plan, words)}\n`);
    return exitCodes.ok;
  }
  const isYes = options.yes === true;
  await confirmReconstructed(plan, { isYes, command, io });
  await confirm(words.ask.apply, { isYes, command, io });
  const result = await watched({ options, io, local: placeOf(session) }, (how) =>
    applyToCluster(session, plan, how),
  );
  return reportRun(result, { plan, options, io });
}

/** What is for one node only, so far. */
function refuseOthers(options: OfCluster<PlanOptions | RenewCommandOptions>, io: Io): void {
  const { usage } = cliMessages(io.lang);
  const others: Readonly<Record<string, unknown>> = {
    "--signed": options.signed,
    "--csr-dir": "csrDir" in options ? options.csrDir : undefined,
    "--script": "script" in options ? options.script : undefined,
    "--backup-to": options.backupTo,
    "--root": options.root === "/" ? undefined : options.root,
  };
  const [first] = Object.entries(others).flatMap(([name, value]) => (value === undefined ? [] : [name]));
  if (first !== undefined) throw new AppError("usage", { reason: usage.excludes("--file", first) });
}
