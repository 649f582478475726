// Drives a run through its phases, and decides what becomes of it when something fails.
//
//                       failure, signal                          failure
//   back-up ─ issue ─ stage ────────────▶ abandoned     swap ─ prove ────────▶ rolling back ──▶ rolled-back
//                       │ verified                        ▲   │                     │ fails
//                       └── all-staged ───────────────────┘   │ signal, lost lock,  ▼
//                                                             │ journal cannot be   interrupted (open: resume or rollback)
//                                                             └─ written ─────────▶
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Phase } from "../core/model/plan.ts";
import { bounceSteps } from "../core/plan/steps.ts";
import { verifySet } from "../core/plan/verify-set.ts";
import { stepOf } from "./failed-step.ts";
import { openJournal } from "./journal.ts";
import { groupsOf, isByNode, type StepGroup } from "./phases.ts";
import { roll } from "./roll.ts";
import {
  checkClock,
  checkSignal,
  checkWindow,
  forgetSecrets,
  viewOf,
  type RunContext,
} from "./run-context.ts";
import { asAppError, resultOf, type RunResult, withCause } from "./run-result.ts";
import { startStopped } from "./start-stopped.ts";
import { handlerOf } from "./steps/handlers.ts";
import { foundBytes, startKeys } from "./steps/issue.ts";
import { discardStaged } from "./steps/stage.ts";
import { wouldReviveExpired } from "./take-back.ts";
import { undoRun } from "./undo-run.ts";
import { updateCopies } from "./update-copies.ts";
import { checkWorkers, workBatch } from "./workers.ts";

/** `apply` does the plan from its first step; `recover` goes on behind `all-staged`, in a later process */
export type DriveMode = "apply" | "recover";

/** Never throws for what a run may meet: the result says how it ended. */
export async function drive(context: RunContext, mode: DriveMode): Promise<RunResult> {
  try {
    if (mode === "apply") startKeys(context.ports, context.plan, context.memory.keys);
    if (mode === "recover") await startStopped(context);
    for (const phase of context.plan.phases) await doPhase(context, phase, mode);
    checkWorkers(context);
    await endSucceeded(context);
    await updateCopies(context);
    return resultOf(viewOf(context), "succeeded");
  } catch (error) {
    return await settle(context, errorOf(context, error));
  } finally {
    forgetSecrets(context);
  }
}

async function doPhase(context: RunContext, phase: Phase, mode: DriveMode): Promise<void> {
  if (!isByNode(phase)) {
    for (const group of groupsOf(phase)) await doGroup(context, group, mode);
    await updateCopies(context);
    return;
  }
  if (!viewOf(context).allStaged) await seal(context);
  await (phase.id === "roll" ? roll : workBatch)(context, phase, mode);
}

async function doGroup(
  context: RunContext,
  { phase, kind, steps }: StepGroup,
  mode: DriveMode,
): Promise<void> {
  const handler = handlerOf(kind);
  if (handler.changesLive && !viewOf(context).allStaged) await seal(context);
  context.tell({ type: "phase-started", phase, steps: steps.length });
  await handler[mode](context, steps);
}

/** The last look before live bytes change: from the entry `all-staged` on, a crash is followed by going forward. */
async function seal(context: RunContext): Promise<void> {
  const { ports, plan, journal, memory } = context;
  checkSignal(context);
  if (context.window) checkWindow(context.window, ports.clock.now());
  checkClock(context);
  await ports.failpoints.hit("run.before-verify-staged");
  const before = foundBytes(context);
  verifySet({
    plan,
    before,
    objects: new Map([...before, ...memory.composed]),
    issued: viewOf(context).issued,
  });
  forgetSecrets(context);
  await journal.append({ type: "all-staged" });
  // A copy without it would tell a colleague that nothing live was changed.
  await updateCopies(context);
  await ports.failpoints.hit("run.after-all-staged");
}

async function endSucceeded({ ports, journal, run, tell }: RunContext): Promise<void> {
  await ports.failpoints.hit("run.before-ended");
  await journal.append({ type: "run-ended", outcome: "succeeded" });
  await ports.failpoints.hit("run.after-ended");
  tell({ type: "run-ended", run, outcome: "succeeded" });
}

/** A port that was told to stop throws the signal's reason, whatever that is. */
function errorOf({ signal }: RunContext, error: unknown): AppError {
  if (signal?.aborted !== true || error !== signal.reason) return asAppError(error);
  return new AppError("interrupted", { signal: typeof error === "string" ? error : "abort" });
}

async function settle(context: RunContext, error: AppError): Promise<RunResult> {
  const view = viewOf(context);
  if (view.state === "succeeded") return resultOf(view, "succeeded");
  // Somebody else has the lock: everything here is theirs now.
  if (isAppError(error, "lock-lost")) return resultOf(view, "interrupted", { error });
  context.tell({ type: "step-failed", step: stepOf(context.plan, view, error), code: error.code });
  if (!view.allStaged) return abandon(context, error);
  if (isAppError(error, "interrupted")) return resultOf(view, "interrupted", { error });
  return endFailed(context, error);
}

/** Nothing live was changed. The journal is opened anew: a failed append has closed it, and the disk may have room again. */
export async function abandon(context: RunContext, error: AppError): Promise<RunResult> {
  const { ports, run, lock, tell } = context;
  try {
    await discardStaged(context);
    const journal = await openJournal(ports, run, lock);
    await journal.append(failedEntry(context, error), { type: "run-ended", outcome: "abandoned" });
    tell({ type: "run-ended", run, outcome: "abandoned" });
    await updateCopies(context);
    return resultOf(viewOf(context), "abandoned", { error });
  } catch (second) {
    return resultOf(viewOf(context), "interrupted", notTakenBack(error, second));
  }
}

/** Both are told: what failed, and why the run is still open. */
function notTakenBack(error: AppError, second: unknown): Pick<RunResult, "error" | "notTakenBack"> {
  return { error: withCause(error, second), notTakenBack: asAppError(second) };
}

/** Rolls back what this process itself began to change, unless that helps nobody: then the run stays open. */
async function endFailed(context: RunContext, error: AppError): Promise<RunResult> {
  try {
    await context.journal.append(failedEntry(context, error));
    if (!context.memory.liveTouched || staysOpen(context, error) || (await wouldReviveExpired(context))) {
      await updateCopies(context);
      return resultOf(viewOf(context), "interrupted", { error });
    }
    const { leftAlone } = await undoRun(context, "failure");
    return resultOf(viewOf(context), "rolled-back", { error, leftAlone, changed: [] });
  } catch (second) {
    return resultOf(viewOf(context), "interrupted", notTakenBack(error, second));
  }
}

/**
 * A node that did not come through was dealt with; the others are done, and stay so. Over several nodes nothing is taken back by itself
 * once a process was restarted anywhere: that is as much of a move as going on, and the operator's to choose.
 */
function staysOpen(context: RunContext, error: AppError): boolean {
  if (context.plan.nodes === undefined) return false;
  if (isAppError(error, "node-failed"))
    return error.params.done.length > 0 || error.params.outcome !== "rolled-back";
  if (isAppError(error, "gate-refused") || isAppError(error, "workers-failed")) return true;
  const { steps } = viewOf(context);
  return bounceSteps(context.plan).some(({ id }) => (steps.get(id)?.instances ?? null) !== null);
}

function failedEntry(
  context: RunContext,
  error: AppError,
): {
  readonly type: "failed";
  readonly step: string;
  readonly code: string;
  readonly detail: string;
} {
  return {
    type: "failed",
    step: stepOf(context.plan, viewOf(context), error),
    code: error.code,
    detail: error.message,
  };
}
