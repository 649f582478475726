// Runs a plan: exactly its steps, each journalled, all or nothing.
//
//   lock ─▶ nothing else open ─▶ sweep ─▶ look again ─▶ plan.json, run-started ─▶ drive ─▶ unlock
//
// OUTPUTS  runs/ID/{plan.json,journal.jsonl,before/...}, the plan's written objects
import { AppError } from "../core/model/errors.ts";
import type { PlanDifference } from "../core/model/errors-runs.ts";
import type { Plan } from "../core/model/plan.ts";
import type { RunId } from "../core/model/run.ts";
import { allSteps } from "../core/plan/steps.ts";
import { checkPlan } from "./check-plan.ts";
import { drive } from "./drive.ts";
import { readGuards, type GuardReport } from "./guards.ts";
import { openJournal, runFolder, type Journal } from "./journal.ts";
import type { Lock } from "./lock.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import { createContext, keptOptions, tellerOf, type RunOptions } from "./run-context.ts";
import type { RunResult } from "./run-result.ts";
import { listRuns, removeRun, removeUnbegun, unfinishedRun } from "./runs.ts";
import { refuseIfOpenElsewhere } from "./runs-elsewhere.ts";
import { startKeys } from "./steps/issue.ts";
import { sweepOlder } from "./sweep.ts";
import { withLock } from "./with-lock.ts";

/**
 * @throws AppError, with nothing written but the lock: `plan-invalid`, `refused`, `locked`, `run-unfinished`, `run-unfinished-elsewhere`,
 * `plan-stale` with every difference, `journal-damaged`, what the store throws when it cannot look, what the state directory throws
 */
export async function runPlan(ports: EnginePorts, plan: Plan, options: RunOptions = {}): Promise<RunResult> {
  checkPlan(plan);
  const { breakLock = false } = options;
  const tell = tellerOf(ports, options);
  return withLock(ports, { what: "renew", breakLock, tell }, async (lock) => {
    await refuseIfUnfinished(ports);
    // Nothing takes longer; a plan that turns out stale below has only wasted them.
    const keys = startKeys(ports, plan);
    await sweepOlder({ ports, plan, lock, tell });
    const { found, differences } = await lookAgain(ports, plan, options.signal);
    if (differences.length > 0) throw await staleError(ports, plan, differences);
    await ports.failpoints.hit("run.after-guards");
    const run = newRunId(ports);
    const journal = await begin(ports, { plan, run, lock, options });
    const context = createContext(ports, options, { plan, run, lock, journal, found, keys });
    tell({ type: "run-started", run, steps: allSteps(plan).length });
    return drive(context, "apply");
  });
}

/** Mostly a saved plan that is applied once more: nothing is wrong then. */
async function staleError(
  { state }: EnginePorts,
  { digest }: Plan,
  differences: readonly PlanDifference[],
): Promise<AppError> {
  const done = (await listRuns(state)).find(
    ({ view }) => view?.planDigest === digest && view.state === "succeeded",
  );
  if (done) return new AppError("plan-done", { run: done.run });
  return new AppError("plan-stale", { differences });
}

/** @throws AppError `run-unfinished`, `run-unfinished-elsewhere`, `journal-damaged` */
export async function refuseIfUnfinished(ports: EnginePorts): Promise<void> {
  await removeUnbegun(ports.state);
  const open = await unfinishedRun(ports.state);
  if (open !== null) throw new AppError("run-unfinished", { run: open.run });
  await refuseIfOpenElsewhere(ports);
}

/** Guards, and what else the digest covers that may have moved since the plan was made. */
export async function lookAgain(ports: EnginePorts, plan: Plan, signal?: AbortSignal): Promise<GuardReport> {
  const { found, differences } = await readGuards(ports.store, plan.guards, signal);
  return { found, differences: [...toolDifference(ports, plan), ...differences] };
}

function toolDifference({ toolVersion }: EnginePorts, plan: Plan): readonly PlanDifference[] {
  if (toolVersion === plan.toolVersion) return [];
  return [{ address: "", what: "tool", planned: plan.toolVersion, found: toolVersion }];
}

function newRunId({ clock, randomness }: EnginePorts): RunId {
  const start = new Date(clock.now())
    .toISOString()
    .replace(/\.\d+Z$/, "Z")
    .replace(/[-:]/g, "");
  const suffix = [...randomness.bytes(3)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${start}-${suffix}`;
}

interface Beginning {
  readonly plan: Plan;
  readonly run: RunId;
  readonly lock: Lock;
  readonly options: RunOptions;
}

/** The run exists from its first journal entry on; a failure before leaves no folder behind. */
async function begin(ports: EnginePorts, { plan, run, lock, options }: Beginning): Promise<Journal> {
  const { state, failpoints, processes } = ports;
  try {
    const text = `${JSON.stringify(plan, null, 2)}\n`;
    const isNew = await state.create(`${runFolder(run)}/plan.json`, new TextEncoder().encode(text));
    if (!isNew)
      throw new AppError("step-failed", { step: "run-started", reason: `there already is a run ${run}` });
    await failpoints.hit("run.after-plan-saved");
    const journal = await openJournal(ports, run, lock);
    const { ticket = null, reason = null } = options;
    await journal.append({
      type: "run-started",
      run,
      planDigest: plan.digest,
      actor: processes.self(),
      ticket,
      reason,
      ...keptOptions(options),
    });
    await failpoints.hit("run.after-started");
    return journal;
  } catch (error) {
    await removeRun(state, run);
    throw error;
  }
}
