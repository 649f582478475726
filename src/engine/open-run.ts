// Opens a run that already exists, for those who go on with it or take it back.
import { AppError } from "../core/model/errors.ts";
import type { Plan } from "../core/model/plan.ts";
import type { RunId } from "../core/model/run.ts";
import type { RunView } from "./derive-run.ts";
import type { RunEvent } from "./events.ts";
import { openJournal } from "./journal.ts";
import type { Journal } from "./journal.ts";
import type { Lock } from "./lock.ts";
import type { EnginePorts } from "./ports/engine-ports.ts";
import { showRun } from "./runs.ts";
import { checkPlan } from "./check-plan.ts";

export interface OpenedRun {
  readonly run: RunId;
  readonly plan: Plan;
  readonly view: RunView;
  readonly journal: Journal;
}

/** What a node's copy knows more than we do is taken over first. @throws AppError `run-unknown`, `run-not-open` unless `accepts` the run, `journal-damaged`, `plan-invalid` */
export async function openRun(
  ports: EnginePorts,
  lock: Lock,
  {
    run,
    accepts,
    tell,
  }: {
    readonly run: RunId;
    readonly accepts: (view: RunView) => boolean;
    readonly tell: (event: RunEvent) => void;
  },
): Promise<OpenedRun> {
  const adopted = await ports.copies?.adopt(run, { at: ports.clock.now(), token: lock.token });
  if (adopted) {
    const { from, begunBy, hasSnapshot } = adopted;
    tell({ type: "run-adopted", run, from, host: begunBy.host, hasSnapshot });
  }
  const { view, plan } = await showRun(ports.state, run);
  if (!accepts(view)) throw new AppError("run-not-open", { run, state: view.state });
  checkPlan(plan);
  return { run, plan, view, journal: await openJournal(ports, run, lock) };
}
