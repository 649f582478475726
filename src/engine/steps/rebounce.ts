// Taking steps of the kind `bounce` back.
import { AppError, type ErrorParams, wordsOf } from "../../core/model/errors.ts";
import type { BounceStep } from "../../core/model/live-step.ts";
import { swapSteps } from "../../core/plan/steps.ts";
import { isOfProcess } from "../process-errors.ts";
import { guardQuorum } from "../quorum-guard.ts";
import { liveOf, nodeOf, type RunContext, viewOf } from "../run-context.ts";
import { touchedNodes } from "../touched-nodes.ts";
import { backOffHelp } from "./back-off.ts";
import { changeLife, tellProcess } from "./change-life.ts";
import type { PreparedUndo } from "./step-handler.ts";

/**
 * Taking a restart back is another restart, once the old bytes are back. Whether the process is well with them is not asked:
 * the bytes of before may have expired, and the operator was told. A run that wrote nothing has nothing to make them load. One
 * that does not return keeps none of the others: all that did not are told at the end.
 */
export async function prepareRebounce(
  context: RunContext,
  steps: readonly BounceStep[],
): Promise<PreparedUndo> {
  const view = viewOf(context);
  const wrote = swapSteps(context.plan).some(({ id }) => view.steps.get(id)?.intent === true);
  const touched = await touchedNodes(context, view);
  const begun = steps.filter(({ id }) => {
    const record = view.steps.get(id);
    if (record?.undone === true) return false;
    // It read its new files by itself, and will read the old ones.
    if (record !== undefined && record.effect !== null && record.instances === null) return false;
    return touched.has(nodeOf(context, id)) || (wrote && record !== undefined && record.instances !== null);
  });
  return {
    restored: [],
    leftAlone: [],
    run: async () => {},
    afterwards: async () => {
      // The kubelet last: with bytes that have expired it may not start again, and without it nothing else does.
      const failures: RestartFailure[] = [];
      for (const step of begun.toReversed()) failures.push(...(await tryRebounce(context, step)));
      if (failures.length > 0) throw new AppError("rebounce-failed", { failures });
    },
    discard: async () => {},
  };
}

type RestartFailure = ErrorParams["rebounce-failed"]["failures"][number];

async function tryRebounce(context: RunContext, step: BounceStep): Promise<readonly RestartFailure[]> {
  try {
    await rebounce(context, step);
    return [];
  } catch (error) {
    if (!isOfProcess(error)) throw error;
    const { id, consumer } = step;
    await context.journal.append({ type: "failed", step: id, code: error.code, detail: error.message });
    context.tell({ type: "step-failed", step: id, code: error.code });
    return [{ consumer, reason: wordsOf(error) }];
  }
}

async function rebounce(context: RunContext, step: BounceStep): Promise<void> {
  const { journal, ports, lock } = context;
  // Without a live node (`--root` without `--probe`) files are all there is to put back.
  if (ports.live === undefined) return;
  const live = liveOf(context, step);
  const node = nodeOf(context, step.id);
  await live.processes.restore();
  await journal.append({ type: "undo-intent", step: step.id });
  await ports.failpoints.hit("rollback.before-rebounce");
  const { instances } = await live.processes.look(step.consumer);
  const { original = null } = viewOf(context).steps.get(step.id) ?? {};
  const survivor = instances.find(({ id, state }) => state === "running" && original?.includes(id) === true);
  if (survivor && step.when === "always" && original !== null) {
    // It was announced and not done: what runs has never loaded anything but the old bytes.
    await journal.append({ type: "undone", step: step.id, sha256: survivor.id });
    return;
  }
  if (step.consumer === "etcd" && instances.some(({ state }) => state === "running"))
    await guardQuorum(context, step, node);
  await lock.fence(node);
  tellProcess(context, step, "stopping");
  const successor = await changeLife(context, live, {
    step,
    before: instances.map((instance) => instance.id),
    hasInstances: instances.length > 0,
    help: backOffHelp(context, live, step),
  });
  await ports.failpoints.hit("rollback.after-rebounce");
  await journal.append({ type: "undone", step: step.id, sha256: successor.id });
  tellProcess(context, step, "returned");
}
