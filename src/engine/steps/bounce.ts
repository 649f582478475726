// Step kind `bounce`: a process is stopped and is back only when another one runs, is well and presents what it has to.
//
//   look ─▶ bounce-begun (who ran) ─▶ stop ─▶ another instance? ──no, in time──▶ revive ─▶ well and serving? ─▶ effect
//
// A crash anywhere is read from the world: an instance that the journal does not name has come since. Behind a failure in the
// journal the step begins anew: what came then was not well, and looking at it again makes it no better.
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { BounceStep } from "../../core/model/live-step.ts";
import type { Live } from "../ports/live.ts";
import type { ProcessInstance } from "../ports/node-processes.ts";
import { guardQuorum } from "../quorum-guard.ts";
import { checkSignal, liveOf, nodeOf, type RunContext, viewOf } from "../run-context.ts";
import { type BackOffHelp, backOffHelp } from "./back-off.ts";
import { changeLife, runningOf, tellProcess } from "./change-life.ts";
import { healthShortfall, type Shortfall, servedShortfall, untilSatisfied } from "./demands.ts";
import { prepareRebounce } from "./rebounce.ts";
import type { StepHandler } from "./step-handler.ts";

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
