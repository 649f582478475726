// Step kind `snapshot`: etcd's data saved into the run's folder before anything is written, and read back.
import { AppError, isAppError, wordsOf } from "../../core/model/errors.ts";
import type { SnapshotStep } from "../../core/model/live-step.ts";
import type { Snapshot } from "../../core/model/run.ts";
import { withEtcd } from "../etcd-target.ts";
import { runFolder } from "../journal.ts";
import { type Live, type Saved } from "../ports/live.ts";
import { checkSignal, liveOf, type RunContext } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

const copyAttempts = 5;
const copyPauseMs = 300;

export const snapshot: StepHandler<SnapshotStep> = {
  changesLive: false,
  apply: saveAll,
  // Behind `all-staged` it was taken, or the run would not have come so far.
  recover: async () => {},
  prepareUndo: nothingToUndo,
};

async function saveAll(context: RunContext, steps: readonly SnapshotStep[]): Promise<void> {
  const { ports, journal, tell } = context;
  for (const step of steps) {
    checkSignal(context);
    await ports.failpoints.hit("run.before-snapshot");
    const saved = await save(context, liveOf(context, step), step);
    await journal.append({ type: "snapshot", step: step.id, snapshot: saved });
    tell({ type: "snapshot-taken", snapshot: saved });
    tell({ type: "step-done", phase: "snapshot", step, changed: true });
    await ports.failpoints.hit("run.after-snapshot");
  }
}

/** A member that answers gives a snapshot; the files of one that is stopped are copied; anything in between stops the run. */
async function save(context: RunContext, live: Live, step: SnapshotStep): Promise<Snapshot> {
  const { ports, run, signal } = context;
  const at = (name: string): string => `${ports.state.path}/${runFolder(run)}/${name}`;
  // Without a quorum a member that was started serves nobody, and applies nothing either: its files can be copied.
  const isIdle = context.plan.nodes?.order === "outage" && (await isSilent(context, live, step));
  if (isIdle && step.dataDirectory !== null)
    return described("cold-copy", "etcd-data", await copyFiles(context, live, step.dataDirectory));
  try {
    // The folder is there: plan.json lies in it.
    const saved = await withEtcd(context, step.access, (target) =>
      live.etcd.snapshot(target, at("etcd-snapshot.db"), signal),
    );
    return described("snapshot", "etcd-snapshot.db", saved);
  } catch (error) {
    if (!isAppError(error)) throw error;
    const { instances } = await live.processes.look("etcd", signal ? { signal } : {});
    const isRunning = instances.some(({ state }) => state === "running");
    if (isRunning || step.dataDirectory === null)
      throw new AppError(
        "snapshot-failed",
        { step: step.id, reason: wordsOf(error), ...(isAlone(context, isRunning) ? { isAlone: true } : {}) },
        { cause: error },
      );
  }
  return described("cold-copy", "etcd-data", await copyFiles(context, live, step.dataDirectory));
}

/** A member that runs and answers nobody may wait for others, which a plan of one node does not know. */
function isAlone({ plan }: RunContext, isRunning: boolean): boolean {
  return isRunning && plan.nodes === undefined;
}

/** Asked with less patience than a snapshot has. */
async function isSilent(context: RunContext, live: Live, { access }: SnapshotStep): Promise<boolean> {
  const answer = await withEtcd(context, access, (target) => live.etcd.reading(target, context.signal));
  return "unreachable" in answer;
}

/** A member that looks for a leader writes a line now and then: a copy that differs is taken again. */
async function copyFiles(context: RunContext, live: Live, dataDirectory: string): Promise<Saved> {
  const { ports, run, signal } = context;
  const folder = `${ports.state.path}/${runFolder(run)}/etcd-data`;
  for (let attempt = 1; ; attempt++) {
    try {
      return await live.etcd.coldCopy(dataDirectory, folder, signal);
    } catch (error) {
      if (!isAppError(error, "snapshot-failed") || attempt === copyAttempts) throw error;
      await live.timer.sleep(copyPauseMs, signal);
    }
  }
}

function described(form: Snapshot["form"], file: string, saved: Saved): Snapshot {
  return { form, file, ...saved };
}
