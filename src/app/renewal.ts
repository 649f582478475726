// The use cases plan, renew, apply, resume, rollback, runs of one node's files.
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Refusal } from "../core/model/refusal.ts";
import type { Plan, RenewRequest } from "../core/model/plan.ts";
import { parseAddress } from "../core/model/address.ts";
import { type PlanFrame, buildPlan } from "../core/plan/build.ts";
import { commandsInPlan, hasLiveSteps } from "../core/plan/steps.ts";
import type { Facts } from "../core/policy/facts.ts";
import { checkPlan } from "../engine/check-plan.ts";
import type { EnginePorts } from "../engine/ports/engine-ports.ts";
import type { Live } from "../engine/ports/live.ts";
import type { RunOptions } from "../engine/run-context.ts";
import type { RunResult } from "../engine/run-result.ts";
import { runPlan } from "../engine/run-plan.ts";
import { unfinishedRun } from "../engine/runs.ts";
import { refuseIfOpenElsewhere } from "../engine/runs-elsewhere.ts";
import { openStateDirectory } from "../drivers/shared/state-directory.ts";
import { discoverRemains } from "../drivers/discovery/remains.ts";
import type { FileStore } from "../drivers/store/files.ts";
import { archivesOfPlan, preflightArchives } from "./archive-of-plan.ts";
import { askForTime, doubtsOfNow } from "./clock-witnesses.ts";
import { type ProfileChoice, gather } from "./gather.ts";
import { heldLock, lifeHere } from "./kept-runs.ts";
import { isLive, type LocalNode, enginePorts, lockDirectoryOf } from "./local-node.ts";
import { preflightProcesses } from "./process-preflight.ts";
import { preflightState } from "./state-preflight.ts";
import { toolVersion } from "./version.ts";

export type { RunResult } from "../engine/run-result.ts";
export { checkWindow, type ChangeWindow, type RunOptions } from "../engine/run-context.ts";

/** Reads the node and plans; changes nothing. Throws `name-unknown`, `value-invalid`. */
export async function planRenewal(
  local: LocalNode,
  choice: ProfileChoice,
  request: RenewRequest,
  at: number,
): Promise<Plan> {
  const { facts, frame } = await gatherForPlan(local, choice, { request, at });
  return buildPlan(facts, request, frame);
}

/** What a plan is made from: the node's files, and what runs there when it may be dialled. */
export async function gatherForPlan(
  local: LocalNode,
  choice: ProfileChoice,
  { request, at }: { readonly request: RenewRequest; readonly at: number },
): Promise<{ readonly facts: Facts; readonly frame: PlanFrame }> {
  const frame = { toolVersion, root: local.root };
  if (!isLive(local)) {
    const { facts } = await gather(local, choice, at, { remains: discoverRemains });
    return { facts: await withClock(local, facts), frame };
  }
  const { gatherRunning } = await import("./live.ts");
  const { processes: commands = {} } = request;
  const { facts, live } = await gatherRunning(local, choice, { at, commands });
  const takesSnapshot = request.noSnapshot !== true;
  return { facts: await withClock(local, facts), frame: { ...frame, live: { facts: live, takesSnapshot } } };
}

/** Facts, and who else says what time it is. */
export async function withClock(local: LocalNode, facts: Facts): Promise<Facts> {
  const slots = [...facts.slots.values()].flatMap(({ objects }) => objects);
  const authorities = [...facts.authorities.values()].flatMap(({ objects }) => objects);
  const clock = await askForTime(
    local,
    [...slots, ...authorities].map(({ address }) => address),
  );
  return clock === undefined ? facts : { ...facts, clock };
}

/** For a plan that is not shown yet: it would be refused once it was read. A run at work is told by its lock. @throws AppError `run-unfinished`, `run-unfinished-elsewhere` */
export async function refuseWhileOpen(local: LocalNode): Promise<void> {
  await withEngine(local, { node: "unnamed" }, async (ports) => {
    const lock = await heldLock(openStateDirectory(lockDirectoryOf(local)), lifeHere);
    if (lock !== null && lock.life !== "dead") return;
    const open = await unfinishedRun(ports.state);
    if (open !== null) throw new AppError("run-unfinished", { run: open.run });
    await refuseIfOpenElsewhere(ports);
  });
}

/** Does exactly what the plan says. Before anything is written every target, and the disk of the state directory, is looked at for what would stop a write. */
export async function applyPlan(local: LocalNode, plan: Plan, options: RunOptions): Promise<RunResult> {
  checkPlan(plan);
  if (plan.root !== local.root) {
    throw new AppError("plan-invalid", {
      path: plan.root,
      reason: `it was made for the root ${plan.root}, not ${local.root}`,
    });
  }
  const overruled = await overruledDoubts(local, plan, options);
  return withEngine(local, { node: nodeOfPlan(plan), plan }, async (ports, store) => {
    await preflightState(local, plan, store);
    await preflight(plan, store);
    await preflightProcesses(plan, ports);
    await preflightArchives(plan, store);
    return runPlan(ports, plan, { ...options, overruled });
  });
}

/** A plan of yesterday is carried out by the clock of today. @throws AppError `refused` unless the operator accepts the clock */
export async function overruledDoubts(
  local: LocalNode,
  plan: Plan,
  { acceptClock = false }: RunOptions,
): Promise<readonly Refusal[]> {
  const doubts = await doubtsOfNow(local, plan);
  if (doubts.length > 0 && !acceptClock) throw new AppError("refused", { refusals: doubts });
  return doubts;
}

/** Opens store and state for one command and closes them again. */
export async function withEngine<T>(
  local: LocalNode,
  { node, plan }: { readonly node: string; readonly plan?: Plan },
  action: (ports: EnginePorts, store: FileStore) => Promise<T>,
): Promise<T> {
  const live = plan && (await liveOfPlan(local, plan));
  const archives = plan && (await archivesOfPlan(plan, local.failpoints));
  const store = local.openStore(node);
  try {
    return await action(
      enginePorts(local, store, {
        audience: { tell: () => {} },
        ...(live ? { live } : {}),
        ...archives,
      }),
      store,
    );
  } finally {
    store.close();
  }
}

/** Only a plan with steps on the running node needs one. */
async function liveOfPlan(local: LocalNode, plan: Plan): Promise<Live | null> {
  if (!hasLiveSteps(plan) || !isLive(local)) return null;
  const { liveForRun } = await import("./live.ts");
  return liveForRun(local, { id: plan.profile.id, params: {} }, commandsInPlan(plan));
}

export function nodeOfPlan(plan: Plan): string {
  const [guard] = plan.guards;
  return guard ? parseAddress(guard.address).node : "";
}

/** Read-only file systems, immutable files, mount points, full disks: found here, with nothing changed anywhere. */
async function preflight(plan: Plan, store: FileStore): Promise<void> {
  for (const guard of plan.guards.filter(({ use }) => use === "written")) {
    const error = await store.preflight(parseAddress(guard.address));
    if (isAppError(error)) throw error;
  }
}
