// Undoes an open or succeeded run and ends it: the one path for rollbacks by an operator, by a failure and by a resume.
//
//   look ─▶ stage the old bytes ─▶ rollback-started ─▶ per group, last first: undo-intent ─▶ restore ─▶ undone ─▶ run-ended
//
// Phases in which whole nodes were done go back node by node, the last one begun first: gate ─▶ restore ─▶ restart. In all others every file
// is restored first and processes are restarted at the end.
import type { NodeName } from "../core/model/address.ts";
import { AppError, type ErrorParams, isAppError } from "../core/model/errors.ts";
import type { Phase } from "../core/model/plan.ts";
import { bounceSteps } from "../core/plan/steps.ts";
import { isEtcdExpiredBefore } from "./expired-before.ts";
import { isTouched } from "./node-progress.ts";
import { groupsOf, isByNode, type StepGroup } from "./phases.ts";
import { guardUndo } from "./quorum-guard.ts";
import { nodeOf, viewOf, type RunContext } from "./run-context.ts";
import { updateCopies } from "./update-copies.ts";
import { handlerOf } from "./steps/handlers.ts";
import type { PreparedUndo, UndoCause } from "./steps/step-handler.ts";

export interface UndoReport {
  /** formatAddress of the objects that were changed back. */
  readonly restored: readonly string[];
  readonly leftAlone: readonly string[];
  /** As in `RunResult`. */
  readonly restarted: readonly string[] | null;
}

interface Prepared {
  readonly phase: Phase;
  readonly group: StepGroup;
  readonly undo: PreparedUndo;
}

type RestartFailure = ErrorParams["rebounce-failed"]["failures"][number];

/**
 * Idempotent: what is back already is left alone. Whatever refuses does so before anything live is written.
 * @throws AppError `rollback-refused`, `store-mismatch` for a damaged before-image, `gate-refused` before a node of a roll,
 * `rebounce-failed`; what the store and the state directory throw
 */
export async function undoRun(context: RunContext, cause: UndoCause): Promise<UndoReport> {
  const { ports, journal, run, tell } = context;
  const undos: Prepared[] = [];
  try {
    await prepareAll(context, viewOf(context).rollback ?? cause, undos);
    if (viewOf(context).state !== "rolling-back") {
      await journal.append({ type: "rollback-started", actor: ports.processes.self(), cause });
    }
    // From here on forward is no way any more: a colleague has to know.
    await updateCopies(context);
    await ports.failpoints.hit("rollback.after-started");
    tell({ type: "rollback-started", run, cause });
    await undoAll(context, undos);
  } catch (error) {
    for (const { undo } of undos) await undo.discard();
    throw error;
  }
  await ports.failpoints.hit("rollback.before-ended");
  await journal.append({ type: "run-ended", outcome: "rolled-back" });
  tell({ type: "run-ended", run, outcome: "rolled-back" });
  await updateCopies(context);
  return {
    restored: undos.flatMap(({ undo }) => undo.restored),
    leftAlone: undos.flatMap(({ undo }) => undo.leftAlone),
    restarted: restartedIn(context),
  };
}

/** By an earlier attempt too: one that was cut off is finished and not repeated. */
function restartedIn(context: RunContext): readonly string[] | null {
  if (!context.ports.live) return null;
  const { steps } = viewOf(context);
  const several = new Set(context.nodes.values()).size > 1;
  return bounceSteps(context.plan)
    .filter(({ id }) => steps.get(id)?.undone === true)
    .map(({ id, consumer }) => (several ? `${nodeOf(context, id)} ${consumer}` : consumer));
}

/** Whether {@link undoRun} would refuse or lack room; leaves nothing behind. @throws AppError as it does */
export async function checkUndo(context: RunContext, cause: UndoCause): Promise<void> {
  const undos: Prepared[] = [];
  try {
    await prepareAll(context, cause, undos);
  } finally {
    for (const { undo } of undos) await undo.discard();
  }
}

/** Fills `undos` one by one, so that a failure finds what was prepared before it. */
async function prepareAll(context: RunContext, cause: UndoCause, undos: Prepared[]): Promise<void> {
  context.memory.revivesExpired = await isEtcdExpiredBefore(context);
  for (const phase of context.plan.phases) {
    for (const group of groupsOf(phase))
      undos.push({
        phase,
        group,
        undo: await handlerOf(group.kind).prepareUndo(context, group.steps, cause),
      });
  }
}

/** Processes that do not come back keep none of the others; all of them are told at the end. */
async function undoAll(context: RunContext, undos: readonly Prepared[]): Promise<void> {
  const failures: RestartFailure[] = [];
  const atOnce: Prepared[] = [];
  for (const phase of context.plan.phases.toReversed()) {
    const own = undos.filter((each) => each.phase === phase);
    if (phase.id === "roll") await undoRoll(context, own);
    else if (isByNode(phase)) failures.push(...(await undoSideBySide(context, own)));
    else {
      for (const { undo } of own.toReversed()) await undo.run();
      atOnce.unshift(...own);
    }
  }
  for (const { undo } of atOnce) failures.push(...(await restarted(undo)));
  if (failures.length > 0) throw new AppError("rebounce-failed", { failures });
}

/** One node after the other: where a process does not come back the others stay as they are. */
async function undoRoll(context: RunContext, undos: readonly Prepared[]): Promise<void> {
  for (const node of lastBegunFirst(context, undos)) {
    const own = undos.filter(({ group }) => nodeOfGroup(context, group) === node);
    if (isTouched(context, node) && context.ports.live) {
      await context.ports.failpoints.hit("rollback.before-node");
      await guardUndo(context, node);
    }
    for (const { undo } of own.toReversed()) await undo.run();
    for (const { undo } of own) await undo.afterwards?.();
    await updateCopies(context);
  }
}

async function undoSideBySide(
  context: RunContext,
  undos: readonly Prepared[],
): Promise<readonly RestartFailure[]> {
  const nodes = [...new Set(undos.map(({ group }) => nodeOfGroup(context, group)))];
  const ends = await Promise.allSettled(
    nodes.map(async (node) => {
      const own = undos.filter(({ group }) => nodeOfGroup(context, group) === node);
      for (const { undo } of own.toReversed()) await undo.run();
      const failures: RestartFailure[] = [];
      for (const { undo } of own) failures.push(...(await restarted(undo)));
      return failures;
    }),
  );
  return ends.flatMap((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}

async function restarted(undo: PreparedUndo): Promise<readonly RestartFailure[]> {
  try {
    await undo.afterwards?.();
    return [];
  } catch (error) {
    if (isAppError(error, "rebounce-failed")) return error.params.failures;
    throw error;
  }
}

/** In the reverse order of what was done, which the plan does not know: the leader's node came last, whoever that was. */
function lastBegunFirst(context: RunContext, undos: readonly Prepared[]): readonly NodeName[] {
  const nodes = [...new Set(undos.map(({ group }) => nodeOfGroup(context, group)))];
  const begunAt = new Map<NodeName, number>();
  for (const { seq, body } of context.journal.entries()) {
    if (body.type !== "intent" && body.type !== "bounce-begun") continue;
    const node = nodeOf(context, body.step);
    if (!begunAt.has(node)) begunAt.set(node, seq);
  }
  return nodes.toSorted((a, b) => (begunAt.get(b) ?? 0) - (begunAt.get(a) ?? 0));
}

function nodeOfGroup(context: RunContext, { steps }: StepGroup): NodeName {
  return nodeOf(context, steps[0]?.id ?? "");
}
