// The phase `roll`: one node after the other, each finished and proved before the next begins; etcd's leader comes last.
//
//   per node:  gate ─▶ swap ─▶ prove ─▶ bounces ─▶ gate ──▶ next
//                          │ fails
//                          └▶ this node alone is taken back (never to expired bytes), the roll stops, the run stays open
import type { NodeName } from "../core/model/address.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Phase } from "../core/model/plan.ts";
import { planOfNode } from "../core/plan/steps.ts";
import { leaderNode } from "../core/policy/quorum.ts";
import type { DriveMode } from "./drive.ts";
import { openStep, stepOf } from "./failed-step.ts";
import { membersOf, readMembers } from "./members.ts";
import { isNodeDone, isTouched } from "./node-progress.ts";
import { groupsOf } from "./phases.ts";
import { asAppError, withCause } from "./run-result.ts";
import { checkSignal, type RunContext, viewOf } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";
import { isStop, takeBack } from "./take-back.ts";
import { updateCopies } from "./update-copies.ts";

type RollNode = Phase["nodes"][number];

/**
 * @throws AppError `node-failed` with the failure as its cause; `gate-refused` when a gate stays shut for another node's sake;
 * `interrupted`, `lock-lost` as they come
 */
export async function roll(context: RunContext, phase: Phase, mode: DriveMode): Promise<void> {
  for (const each of await inOrder(context, phase.nodes)) {
    checkSignal(context);
    context.tell({ type: "node-started", node: each.node });
    await rollOne(context, { phase, each, mode });
    await updateCopies(context);
    context.tell({ type: "node-done", node: each.node });
  }
}

/**
 * What is done is left alone: its gates would only ask for others. Who was begun comes first, since the gates of everybody else wait for
 * it; the leader comes last.
 */
async function inOrder(context: RunContext, all: readonly RollNode[]): Promise<readonly RollNode[]> {
  const nodes = all.filter((each) => !isNodeDone(context, each));
  const leader = membersOf(context).length < 2 ? null : leaderNode(await readMembers(context));
  const rank = ({ node }: RollNode): number => (isTouched(context, node) ? 0 : node === leader ? 2 : 1);
  return nodes.toSorted((a, b) => rank(a) - rank(b));
}

interface Turn {
  readonly phase: Phase;
  readonly each: RollNode;
  readonly mode: DriveMode;
}

async function rollOne(context: RunContext, { phase, each, mode }: Turn): Promise<void> {
  try {
    for (const { kind, steps, phase: id } of groupsOf({ ...phase, nodes: [each] })) {
      context.tell({ type: "phase-started", phase: id, steps: steps.length });
      await handlerOf(kind)[mode](context, steps);
    }
  } catch (error) {
    throw await failedNode(context, phase, { node: each.node, error: asAppError(error) });
  }
}

interface Failure {
  readonly node: NodeName;
  readonly error: AppError;
}

/**
 * What becomes of a node that did not come through. Whatever happens while it is taken back, the nodes before it are done and stay so:
 * the error says how far it came, its cause why it failed, and the cause of that what the taking back failed with.
 */
async function failedNode(context: RunContext, phase: Phase, { node, error }: Failure): Promise<AppError> {
  if (isStop(error) || context.signal?.aborted === true || isOfOthers(context, { node, error })) return error;
  const view = viewOf(context);
  const part = planOfNode(context.plan, node);
  const done = phase.nodes
    .filter((each) => each.node !== node && isNodeDone(context, each))
    .map((each) => each.node);
  const inRoll = new Set(phase.nodes.flatMap(({ steps }) => steps.map(({ id }) => id)));
  const step = stepOf(part, view, error) || openStep(part, view, ({ id }) => inRoll.has(id));
  const { outcome, failure } = await takeBack(context, node);
  return new AppError(
    "node-failed",
    { node, step, outcome, done },
    { cause: failure === null ? error : withCause(error, failure) },
  );
}

/** A gate that is shut for what ails others, or before anything was changed here: no fault of this node. */
function isOfOthers(context: RunContext, { node, error }: Failure): boolean {
  if (!isAppError(error, "gate-refused")) return false;
  if (!isTouched(context, node)) return true;
  const { step, objections } = error.params;
  const isGate = step.startsWith(`${node}/gate/`);
  return isGate && !objections.some((objection) => "node" in objection && objection.node === node);
}
