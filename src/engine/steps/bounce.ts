// Step kind `bounce`: a process is stopped and is back only when another one runs, is well and presents what it has to.
//
//   look ─▶ bounce-begun (who ran) ─▶ stop ─▶ another instance? ──no, in time──▶ revive ─▶ well and serving? ─▶ effect
//
// A crash anywhere is read from the world: an instance that the journal does not name has come since. Behind a failure in the
// journal the step begins anew: what came then was not well, and looking at it again makes it no better.
import { AppError, type ErrorParams, isAppError, wordsOf } from "../../core/model/errors.ts";
import type { ProcessState } from "../../core/model/event.ts";
import type { BounceStep } from "../../core/model/live-step.ts";
import { swapSteps } from "../../core/plan/steps.ts";
import type { Live } from "../ports/live.ts";
import type { ProcessInstance } from "../ports/node-processes.ts";
import { isOfProcess } from "../process-errors.ts";
import { guardQuorum } from "../quorum-guard.ts";
import { checkSignal, liveOf, nodeOf, type RunContext, viewOf } from "../run-context.ts";
import { touchedNodes } from "../touched-nodes.ts";
import { type BackOffHelp, backOffHelp } from "./back-off.ts";
import { healthShortfall, type Shortfall, servedShortfall, untilSatisfied } from "./demands.ts";
import type { PreparedUndo, StepHandler } from "./step-handler.ts";

/** The kubelet looks at its pods every second and at its manifests every 20: longer than that and it needs help. */
const returnMs = 25_000;
const pollMs = 100;

export const bounce: StepHandler<BounceStep> = {
  changesLive: true,
  apply: bounceAll,
  recover: bounceAll,
  prepareUndo: prepareRebounce,
};

/**
 * One after the other; where several nodes are brought up at once, the nodes side by side. API servers never: while one starts the
 * others answer.
 */
async function bounceAll(context: RunContext, steps: readonly BounceStep[]): Promise<void> {
  const nodes = [...new Set(steps.map(({ id }) => nodeOf(context, id)))];
  const isAlone = nodes.length < 2 || steps.some(({ consumer }) => consumer === "kube-apiserver");
  if (isAlone) return bounceInTurn(context, steps);
  const ends = await Promise.allSettled(
    nodes.map((node) =>
      bounceInTurn(
        context,
        steps.filter(({ id }) => nodeOf(context, id) === node),
      ),
    ),
  );
  for (const end of ends) if (end.status === "rejected") throw end.reason;
}

function tellProcess(context: RunContext, step: BounceStep, state: ProcessState): void {
  const node = context.plan.nodes ? { node: nodeOf(context, step.id) } : {};
  context.tell({ type: "process", ...node, consumer: step.consumer, state });
}

async function bounceInTurn(context: RunContext, steps: readonly BounceStep[]): Promise<void> {
  for (const step of steps) {
    checkSignal(context);
    const isDone = (viewOf(context).steps.get(step.id)?.effect ?? null) !== null;
    const changed = !isDone && (await bounceOne(context, step));
    context.tell({ type: "step-done", phase: "restart", step, changed });
  }
}

/** False when the process took the new certificate by itself. */
async function bounceOne(context: RunContext, step: BounceStep): Promise<boolean> {
  const { journal, ports } = context;
  const live = liveOf(context, step);
  await ports.failpoints.hit("run.before-bounce");
  if (step.when === "if-needed" && !isBegun(context, step)) {
    tellProcess(context, step, "reloading");
    const shortfall = await untilWell(context, step, step.reloadSeconds * 1000);
    if (shortfall === null) {
      tellProcess(context, step, "reloaded");
      await journal.append({ type: "effect", step: step.id, sha256: "reloaded" });
      return false;
    }
    checkSignal(context);
  }
  const help = backOffHelp(context, live, step);
  const instance = await replace(context, live, { step, help });
  tellProcess(context, step, "returned");
  await ports.failpoints.hit("run.after-return");
  const shortfall = await untilWell(context, step, step.timeoutSeconds * 1000, help);
  checkSignal(context);
  if (shortfall !== null) throw failure(step, shortfall);
  await journal.append({ type: "effect", step: step.id, sha256: await lastLife(live, step, instance) });
  tellProcess(context, step, "well");
  await ports.failpoints.hit("run.after-bounce");
  return true;
}

/** The one that came first may have crashed, and another is well. */
async function lastLife(live: Live, { consumer }: BounceStep, first: ProcessInstance): Promise<string> {
  const { instances } = await live.processes.look(consumer).catch((error: unknown) => {
    // It is well: that nobody lists it just now changes nothing.
    if (isAppError(error, "process-unknowable")) return { instances: [first] };
    throw error;
  });
  return (instances.find(({ state }) => state === "running") ?? first).id;
}

function isBegun(context: RunContext, { id }: BounceStep): boolean {
  return (viewOf(context).steps.get(id)?.instances ?? null) !== null;
}

/** Stops what runs, unless that happened before a crash, and waits for its successor. */
async function replace(
  context: RunContext,
  live: Live,
  { step, help }: { readonly step: BounceStep; readonly help: BackOffHelp },
): Promise<ProcessInstance> {
  const { journal, ports, lock } = context;
  const { consumer } = step;
  // What a killed run had taken away comes first: a process that cannot start is worse than an old one.
  await live.processes.restore();
  const found = await live.processes.look(consumer);
  const record = viewOf(context).steps.get(step.id);
  const known = record?.failed === null ? record.instances : null;
  if (known === null) {
    await journal.append({
      type: "bounce-begun",
      step: step.id,
      instances: found.instances.map(({ id }) => id),
    });
  }
  await ports.failpoints.hit("run.after-bounce-intent");
  const before = known ?? found.instances.map(({ id }) => id);
  const successor = runningOf(found.instances, before);
  if (successor) return successor;
  const node = nodeOf(context, step.id);
  if (consumer === "etcd" && found.instances.some(({ state }) => state === "running"))
    await guardQuorum(context, step, node);
  await lock.fence(node);
  context.memory.liveTouched = true;
  tellProcess(context, step, "stopping");
  return changeLife(context, live, { step, before, hasInstances: found.instances.length > 0, help });
}

interface Life {
  readonly step: Pick<BounceStep, "id" | "consumer" | "graceSeconds" | "timeoutSeconds">;
  readonly before: readonly string[];
  readonly hasInstances: boolean;
  readonly help: BackOffHelp;
}

async function changeLife(context: RunContext, live: Live, life: Life): Promise<ProcessInstance> {
  const { step, hasInstances } = life;
  const { consumer, graceSeconds, timeoutSeconds } = step;
  const returns = live.processes.returnsByItself(consumer);
  if (hasInstances && returns) await stopIfThere(live, consumer, graceSeconds);
  else await live.processes.revive(consumer, { timeoutSeconds });
  await context.ports.failpoints.hit("run.after-stop");
  const first = await untilReturned(live, life, returns ? returnMs : timeoutSeconds * 1000);
  if (first) return first;
  if (returns) await live.processes.revive(consumer, { timeoutSeconds });
  const second = await untilReturned(live, life, timeoutSeconds * 1000);
  if (second) return second;
  throw new AppError("bounce-failed", {
    consumer,
    stage: "return",
    where: consumer,
    reason: "no new process",
  });
}

/** What has gone by itself since it was looked at comes back like one that was stopped. */
async function stopIfThere({ processes }: Live, consumer: string, graceSeconds: number): Promise<void> {
  try {
    await processes.stop(consumer, { graceSeconds });
  } catch (error) {
    if (!isAppError(error, "process-not-found")) throw error;
  }
}

async function untilReturned(
  { processes, timer }: Live,
  { step, before, help }: Life,
  timeoutMs: number,
): Promise<ProcessInstance | undefined> {
  const end = timer.elapsedMs() + timeoutMs;
  for (;;) {
    const { instances } = await processes.look(step.consumer);
    const successor = runningOf(instances, before);
    if (successor || timer.elapsedMs() >= end) return successor;
    await help.seen(instances);
    await timer.sleep(pollMs);
  }
}

function runningOf(
  instances: readonly ProcessInstance[],
  before: readonly string[],
): ProcessInstance | undefined {
  return instances.find(({ id, state }) => state === "running" && !before.includes(id));
}

/** Well, and presenting what it has to. One that crashes until what it needs is there is not left in the kubelet's back-off. */
function untilWell(
  context: RunContext,
  step: BounceStep,
  timeoutMs: number,
  help?: BackOffHelp,
): Promise<Shortfall | null> {
  const live = liveOf(context, step);
  const { consumer, health, access, demands } = step;
  const ask = async (): Promise<Shortfall | null> => {
    const shortfall = await fallsShort();
    if (shortfall) await help?.look();
    return shortfall;
  };
  const fallsShort = async (): Promise<Shortfall | null> => {
    const unwell = await healthShortfall(context, live, { consumer, check: health, access });
    if (unwell) return unwell;
    for (const demand of demands) {
      const shortfall = await servedShortfall(context, live, demand);
      if (shortfall) return shortfall;
    }
    return null;
  };
  return untilSatisfied(live, timeoutMs, ask, context.signal);
}

function failure({ consumer }: BounceStep, { what, where, reason }: Shortfall): AppError<"bounce-failed"> {
  return new AppError("bounce-failed", { consumer, stage: what, where, reason });
}

/**
 * Taking a restart back is another restart, once the old bytes are back. Whether the process is well with them is not asked:
 * the bytes of before may have expired, and the operator was told. A run that wrote nothing has nothing to make them load. One
 * that does not return keeps none of the others: all that did not are told at the end.
 */
async function prepareRebounce(context: RunContext, steps: readonly BounceStep[]): Promise<PreparedUndo> {
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
