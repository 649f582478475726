// Goes on with a run that stopped midway.
//
//   rollback begun     ─▶ the rollback is finished
//   all staged         ─▶ forward: staged files are taken over, the rest is swapped, everything is proved
//   not all staged     ─▶ nothing live was changed: temporaries are swept; if the world still is as planned, the same run starts its
//                         steps again, else it ends as abandoned
import { AppError } from "../core/model/errors.ts";
import type { RunId } from "../core/model/run.ts";
import { hasLiveSteps } from "../core/plan/steps.ts";
import { isOpen } from "./derive-run.ts";
import { abandon, drive } from "./drive.ts";
import { openRun, type OpenedRun } from "./open-run.ts";
import type { Lock } from "./lock.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import {
  type ChangeWindow,
  checkWindow,
  createContext,
  keptOptions,
  tellerOf,
  viewOf,
  type RunContext,
  type RunOptions,
} from "./run-context.ts";
import { asAppError, resultOf, type RunResult } from "./run-result.ts";
import { lookAgain } from "./run-plan.ts";
import { unfinishedRun } from "./runs.ts";
import { sweepOlder } from "./sweep.ts";
import { undoRun } from "./undo-run.ts";
import { withLock } from "./with-lock.ts";

/**
 * @param run which one; undefined for the unfinished one
 * @throws AppError `locked`, `run-unknown` (also when no run is unfinished), `run-not-open`, `journal-damaged`, `plan-invalid`,
 * `probe-needed`, `outside-window` with nothing done, unless it is a rollback that is to be finished
 */
export async function resumeRun(
  ports: EnginePorts,
  run: RunId | undefined,
  options: RunOptions = {},
): Promise<RunResult> {
  const { breakLock = false } = options;
  return withLock(ports, { what: "resume", breakLock, tell: tellerOf(ports, options) }, async (lock) => {
    const opened = await openRun(ports, lock, {
      run: run ?? (await soleUnfinished(ports)),
      accepts: isOpen,
      tell: tellerOf(ports, options),
    });
    return goOn(ports, lock, { opened, options });
  });
}

async function soleUnfinished({ state }: EnginePorts): Promise<RunId> {
  const open = await unfinishedRun(state);
  if (open === null) throw new AppError("run-unknown", { run: "unfinished" });
  return open.run;
}

interface Resumption {
  readonly opened: OpenedRun;
  readonly options: RunOptions;
}

async function goOn(ports: EnginePorts, lock: Lock, { opened, options }: Resumption): Promise<RunResult> {
  const { view, journal, run } = opened;
  const window = windowOf(opened, options);
  // Taking back what was changed waits for nobody; everything else changes live bytes, or loads them.
  if (window && view.state !== "rolling-back") checkWindow(window, ports.clock.now(), run);
  // Taking back files alone is possible; going on would fail at the first process, and say so as if that were its fault.
  if (view.state !== "rolling-back" && !ports.live && hasLiveSteps(opened.plan))
    throw new AppError("probe-needed", { run });
  const context = createContext(ports, { ...options, ...(window ? { window } : {}) }, { ...opened, lock });
  await journal.append({ type: "resumed", actor: ports.processes.self(), ...keptOptions(options) });
  context.tell({ type: "run-resumed", run });
  if (view.state === "rolling-back") return finishRollback(context);
  return view.allStaged ? drive(context, "recover") : startAgain(ports, context, options);
}

/** The run's own, unless this command gives it another. */
function windowOf({ view }: OpenedRun, { window }: RunOptions): ChangeWindow | null {
  return window ?? view.window;
}

async function finishRollback(context: RunContext): Promise<RunResult> {
  try {
    await sweepOlder(context);
    const { restored, leftAlone, restarted } = await undoRun(context, "operator");
    return resultOf(viewOf(context), "rolled-back", { changed: restored, leftAlone, restarted });
  } catch (error) {
    return resultOf(viewOf(context), "interrupted", { error: asAppError(error) });
  }
}

async function startAgain(ports: EnginePorts, context: RunContext, options: RunOptions): Promise<RunResult> {
  try {
    await sweepOlder(context);
    const { found, differences } = await lookAgain(ports, context.plan, options.signal);
    if (differences.length > 0) {
      const error = new AppError("plan-stale", { differences });
      // A copy may be older than what was done: what differs may be this run's own, and then abandoning would hide it.
      return viewOf(context).adopted
        ? resultOf(viewOf(context), "interrupted", { error })
        : await abandon(context, error);
    }
    await ports.failpoints.hit("run.after-guards");
    const { window } = context;
    return await drive(
      createContext(ports, { ...options, ...(window ? { window } : {}) }, { ...context, found }),
      "apply",
    );
  } catch (error) {
    return resultOf(viewOf(context), "interrupted", { error: asAppError(error) });
  }
}
