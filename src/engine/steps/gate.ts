// Step kind `gate`: goes on only when etcd is as it has to be. A gate is never passed on an old answer: `recover` asks again.
import type { NodeName } from "../../core/model/address.ts";
import { AppError } from "../../core/model/errors.ts";
import type { GateStep } from "../../core/model/live-step.ts";
import type { MemberReading, Objection } from "../../core/model/quorum.ts";
import { canonicalJson } from "../../core/plan/digest.ts";
import { planOfNode } from "../../core/plan/steps.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { instability, othersInstability, quorumLack, spareLack } from "../../core/policy/quorum.ts";
import { readMembers } from "../members.ts";
import { isNodeDone, isTouched } from "../node-progress.ts";
import { checkSignal, liveOf, nodeOf, type RunContext } from "../run-context.ts";
import { nothingToUndo, type StepHandler } from "./step-handler.ts";

const pollMs = 300;

export const gate: StepHandler<GateStep> = {
  changesLive: false,
  apply: passAll,
  recover: passAll,
  prepareUndo: nothingToUndo,
};

async function passAll(context: RunContext, steps: readonly GateStep[]): Promise<void> {
  for (const step of steps) {
    checkSignal(context);
    await context.ports.failpoints.hit("run.before-gate");
    const readings = await pass(context, step);
    const text = canonicalJson(readings);
    await context.journal.append({
      type: "proof",
      step: step.id,
      sha256: sha256Hex(new TextEncoder().encode(text)),
    });
    context.tell({ type: "gate-passed", step: step.id, demand: step.demand, members: readings.length });
    context.tell({ type: "step-done", phase: "gate", step, changed: false });
    await context.ports.failpoints.hit("run.after-gate");
  }
}

/** @throws AppError `gate-refused` when its time is over */
async function pass(context: RunContext, step: GateStep): Promise<readonly MemberReading[]> {
  const { timer } = liveOf(context, step);
  const end = timer.elapsedMs() + step.timeoutSeconds * 1000;
  for (;;) {
    const readings = await readMembers(context);
    const objections = objectionsTo(context, step, readings);
    if (objections.length === 0) return readings;
    checkSignal(context);
    if (timer.elapsedMs() >= end)
      throw new AppError("gate-refused", { step: step.id, node: nodeOf(context, step.id), objections });
    await timer.sleep(pollMs, context.signal);
  }
}

/** What ails the member of a node that was begun and not finished is what going on there is for. */
function objectionsTo(
  context: RunContext,
  { id, demand }: GateStep,
  readings: readonly MemberReading[],
): readonly Objection[] {
  if (demand === "quorum") return quorumLack(readings);
  const node = nodeOf(context, id);
  const isBegun = isTouched(context, node) && !isFinished(context, node);
  const objections = isBegun ? othersInstability(readings, node) : instability(readings);
  return objections.length === 0 ? [] : [...objections, ...spareLack(readings)];
}

function isFinished(context: RunContext, node: NodeName): boolean {
  return planOfNode(context.plan, node).phases.every(
    (phase) => phase.id !== "roll" || phase.nodes.every((each) => isNodeDone(context, each)),
  );
}
