// Step kind `ready`: goes on when enough kubelets report to the API server, and says how many do. Never passed on an old answer.
//
//   first look ─▶ look again: Ready, and something new from the kubelet? ─▶ all: on ─▶ enough, and all were waited for: on ─▶ time over: refused
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { ApiAccess, ReadyStep } from "../../core/model/live-step.ts";
import type { NodeReport, Readiness, ReadyCount } from "../../core/model/readiness.ts";
import { neededOf, readinessOf } from "../../core/policy/readiness.ts";
import { parseAddress } from "../../core/model/address.ts";
import { checkSignal, liveOf, liveOn, nodeOf, type RunContext, viewOf } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

const pollMs = 1500;

export const ready: StepHandler<ReadyStep> = {
  changesLive: false,
  apply: passAll,
  recover: passRest,
  prepareUndo: nothingToUndo,
};

/** A node that reported once behind its restart is done; how many there are in all is asked again. */
async function passRest(context: RunContext, steps: readonly ReadyStep[]): Promise<void> {
  const view = viewOf(context);
  await passAll(
    context,
    steps.filter(({ id, of }) => of === "cluster" || (view.steps.get(id)?.proof ?? null) === null),
  );
}

async function passAll(context: RunContext, steps: readonly ReadyStep[]): Promise<void> {
  for (const step of steps) {
    checkSignal(context);
    await context.ports.failpoints.hit("run.before-ready");
    const count = await pass(context, step);
    await context.journal.append({ type: "nodes-ready", step: step.id, count });
    context.tell({ type: "nodes-ready", step: step.id, count });
    context.tell({ type: "step-done", phase: "ready", step, changed: false });
    await context.ports.failpoints.hit("run.after-ready");
  }
}

/** @throws AppError `nodes-not-ready` when its time is over */
async function pass(context: RunContext, step: ReadyStep): Promise<ReadyCount> {
  const { timer } = liveOf(context, step);
  const first = new Map<string, string>();
  const begin = timer.elapsedMs();
  for (;;) {
    const looked = await look(context, step, first);
    const waitedMs = timer.elapsedMs() - begin;
    const count = countOf(context, step, looked.readiness);
    if (isPassed(step, looked, { count, waitedMs })) return count;
    checkSignal(context);
    if (waitedMs >= step.timeoutSeconds * 1000) throw refusal(step, looked, count);
    await timer.sleep(pollMs, context.signal);
  }
}

interface Look {
  readonly readiness: Readiness;
  /** Why nobody could be asked; null when somebody answered. */
  readonly problem: string | null;
}

function isPassed(
  { settleSeconds, timeoutSeconds }: ReadyStep,
  { readiness: { ready: reported, silent }, problem }: Look,
  { count, waitedMs }: { readonly count: ReadyCount; readonly waitedMs: number },
): boolean {
  if (problem === null && silent.length === 0 && reported.length > 0) return true;
  const isSettled = waitedMs >= Math.min(settleSeconds, timeoutSeconds) * 1000;
  // Where nobody asks for a number the count is what it is; that nobody could be asked is no answer.
  return isSettled && problem === null && count.ready >= (count.needed ?? (count.of === 0 ? 1 : 0));
}

function countOf({ minReady }: RunContext, step: ReadyStep, readiness: Readiness): ReadyCount {
  const of = readiness.ready.length + readiness.silent.length;
  const need = step.need !== null && minReady !== undefined ? minReady : step.need;
  const ofCluster = need === null ? null : neededOf(need, of);
  return {
    ready: readiness.ready.length,
    of,
    needed: step.of === "node" ? of : ofCluster,
    silent: readiness.silent,
  };
}

function refusal(
  step: ReadyStep,
  { problem }: Look,
  { ready: reported, of, needed, silent }: ReadyCount,
): AppError {
  return new AppError("nodes-not-ready", {
    step: step.id,
    ready: reported,
    of,
    needed: needed ?? of,
    silent,
    problem: problem ?? "",
  });
}

/** The first API server that answers; `first` learns what each node said when it was seen first. */
async function look(context: RunContext, step: ReadyStep, first: Map<string, string>): Promise<Look> {
  const problems: string[] = [];
  for (const api of step.apis) {
    const answer = await ask(context, step, api);
    if ("failure" in answer) {
      problems.push(`${api.node}: ${answer.failure}`);
      continue;
    }
    for (const { name, heartbeat } of answer.nodes) if (!first.has(name)) first.set(name, heartbeat);
    return {
      readiness: withMissing(context, step, readinessOf(first, answer.nodes, step.without)),
      problem: null,
    };
  }
  return { readiness: { ready: [], silent: [] }, problem: problems.join("; ") };
}

/** A node that was waited for and that the API server does not know is not simply left out. */
function withMissing(
  context: RunContext,
  step: ReadyStep,
  { ready: reported, silent }: Readiness,
): Readiness {
  if (step.of === "cluster" || reported.length + silent.length > 0) return { ready: reported, silent };
  return { ready: reported, silent: [{ node: nodeOf(context, step.id), why: "no-such-node", reason: "" }] };
}

type Answer = { readonly nodes: readonly NodeReport[] } | { readonly failure: string };

async function ask(context: RunContext, step: ReadyStep, api: ApiAccess): Promise<Answer> {
  const { ports, signal } = context;
  try {
    const observation = await ports.store.read(parseAddress(api.kubeconfig));
    if (observation.state === "absent") return { failure: `${api.kubeconfig} is not there` };
    const { bytes: kubeconfig } = observation;
    try {
      const { user, endpoint } = api;
      const name = step.of === "node" ? nodeOf(context, step.id) : null;
      return await liveOn(context, api.node).api.nodeReports({ kubeconfig, user, endpoint, name }, signal);
    } finally {
      kubeconfig.fill(0);
    }
  } catch (error) {
    // A node that cannot be reached is no answer; the next API server may be.
    if (isAppError(error) && error.code !== "interrupted" && error.code !== "lock-lost")
      return { failure: error.code };
    throw error;
  }
}
