// `plan`, `renew`, `apply`, `resume`, `rollback` with `-f`: the nodes of a cluster file.
import {
  applyToCluster,
  type ClusterSession,
  planCluster,
  refuseWhileClusterOpen,
} from "../../app/cluster-renewal.ts";
import { resumeCluster, rollbackCluster, undoableRunOfCluster } from "../../app/cluster-runs.ts";
import { nodeDirectoryOf } from "../../app/cluster-state.ts";
import type { Plan } from "../../core/model/plan.ts";
import { AppError } from "../../core/model/errors.ts";
import { hasChanges } from "../../core/plan/steps.ts";
import { parsePlan } from "../../core/plan/parse-plan.ts";
import { cliMessages } from "../../report/cli-messages.ts";
import { withSession } from "../cluster-session.ts";
import { confirm } from "../confirm.ts";
import type { Io } from "../io.ts";
import { tellLeftOut } from "../left-out.ts";
import type { PlanningOptions } from "../options.ts";
import { type PlanOptions, showAndApply, tellPlan } from "../plan-output.ts";
import { archiveOf, profileChoiceOf, renewRequestOf } from "../requests.ts";
import { minReadyOf, parseBatch } from "../min-ready.ts";
import { watched } from "../run-output.ts";
import { type ApplyOptions, readPlanFile, type RenewCommandOptions } from "./renew.ts";
import { reportResumed, reportRollback, type ResumeOptions } from "./runs.ts";

type OfCluster<T> = T & PlanningOptions & { readonly file: string };

export async function planOfCluster(
  names: readonly string[],
  options: OfCluster<PlanOptions>,
  io: Io,
): Promise<number> {
  refuseOthers(options, io);
  return withSession(options, io, async (session) => {
    const plan = await makePlan(names, session, { options, io });
    return tellPlan(plan, { options, io, local: placeOf(session) });
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
    const local = placeOf(session);
    if (hasChanges(plan)) await refuseWhileClusterOpen(session, plan);
    const code = await showAndApply(plan, { options, io, local, command: "renew" }, (how) =>
      applyToCluster(session, plan, how),
    );
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
    const local = placeOf(session);
    if (hasChanges(plan)) await refuseWhileClusterOpen(session, plan);
    const code = await showAndApply(plan, { options, io, local, command: "apply" }, (how) =>
      applyToCluster(session, plan, how),
    );
    return tellLeftOut(plan, code, { options, io, isPlanSaved: true });
  });
}

export async function resumeOfCluster(
  run: string | undefined,
  options: OfCluster<ResumeOptions>,
  io: Io,
): Promise<number> {
  const overruled = minReadyOf(options);
  return withSession(options, io, async (session) => {
    const resumed = await watched({ options, io, local: placeOf(session) }, (how) =>
      resumeCluster(session, run ?? null, { ...how, ...overruled }),
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
    const id = await undoableRunOfCluster(session, run);
    await confirm(cliMessages(io.lang).ask.rollback(id), {
      isYes: options.yes === true,
      command: "rollback",
      look: `runs show ${id}`,
      io,
    });
    const result = await watched({ options, io, local: placeOf(session) }, (how) =>
      rollbackCluster(session, id, { ...how, acceptExpired: true }),
    );
    return reportRollback(result, options, io);
  });
}

interface How<T> {
  readonly options: OfCluster<T>;
  readonly io: Io;
}

/** Where messages say that runs are kept. */
function placeOf({ stateDirectory, cluster }: ClusterSession): {
  readonly root: string;
  readonly stateDirectory: string;
  readonly nodeDirectory: string;
} {
  return { root: "/", stateDirectory, nodeDirectory: nodeDirectoryOf(cluster.name) };
}

async function makePlan(
  names: readonly string[],
  session: ClusterSession,
  { options, io }: How<PlanOptions | RenewCommandOptions>,
): Promise<Plan> {
  const { profile, params } = session.cluster;
  const given = profileChoiceOf(options);
  const archive = await archiveOf(options);
  return planCluster(
    session,
    { id: given.id ?? profile, params: { ...params, ...given.params } },
    {
      request: { ...renewRequestOf(names, options), ...(archive ? { archive } : {}) },
      at: io.now(),
      acceptOutage: options.acceptOutage === true,
      skipsUnreachable: options.skipUnreachable === true,
      ...minReadyOf(options),
      ...(options.batch === undefined ? {} : { batch: parseBatch(options.batch) }),
    },
  );
}

/** What is for one node only: each is told with the way that there is. */
function refuseOthers(options: OfCluster<PlanOptions | RenewCommandOptions>, io: Io): void {
  const { usage } = cliMessages(io.lang);
  const given = {
    signed: options.signed,
    csrDir: "csrDir" in options ? options.csrDir : undefined,
    script: "script" in options ? options.script : undefined,
  } as const;
  for (const name of ["signed", "csrDir", "script"] as const)
    if (given[name] !== undefined) throw new AppError("usage", { reason: usage.notOverNodes[name] });
}
