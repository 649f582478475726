// The phase `roll`: one node after the other, each finished and proved before the next begins; etcd's leader comes last.
//
//   per node:  gate ─▶ swap ─▶ prove ─▶ bounces ─▶ gate ──▶ next
//                          │ fails
//                          └▶ this node alone is taken back (never to expired bytes), the roll stops, the run stays open
import type { NodeName } from "../core/model/address.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { Phase } from "../core/model/plan.ts";
import { leaderNode } from "../core/policy/quorum.ts";
import type { DriveMode } from "./drive.ts";
import { expiredBefore } from "./expired-before.ts";
import { membersOf, readMembers } from "./members.ts";
import { groupsOf } from "./phases.ts";
import { asAppError } from "./run-result.ts";
import { checkSignal, type RunContext, viewOf } from "./run-context.ts";
import { handlerOf } from "./steps/handlers.ts";
import { undoNode } from "./undo-node.ts";

type RollNode = Phase["nodes"][number];

/** @throws AppError `node-failed` with the failure as its cause; `interrupted`, `lock-lost` as they come */
export async function roll(context: RunContext, phase: Phase, mode: DriveMode): Promise<void> {
  for (const each of await leaderLast(context, phase.nodes)) {
    checkSignal(context);
    context.tell({ type: "node-started", node: each.node });
    await rollOne(context, { phase, each, mode });
    await updateCopies(context);
    context.tell({ type: "node-done", node: each.node });
  }
}

/** The copies of journal and plan on the nodes; those that could not be written are told, and stop nothing. */
export async function updateCopies({ ports, run, tell }: RunContext): Promise<void> {
  const missed = (await ports.copies?.update(run)) ?? [];
  if (missed.length > 0) tell({ type: "copies-missed", nodes: missed });
}

/** Who is done already comes first: going over him again costs nothing but his gates. */
async function leaderLast(context: RunContext, nodes: readonly RollNode[]): Promise<readonly RollNode[]> {
  if (membersOf(context).length < 2) return nodes;
  const leader = leaderNode(await readMembers(context));
  return [...nodes.filter(({ node }) => node !== leader), ...nodes.filter(({ node }) => node === leader)];
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

/** What becomes of a node that did not come through. */
async function failedNode(context: RunContext, phase: Phase, { node, error }: Failure): Promise<AppError> {
  if (isAppError(error, "interrupted") || isAppError(error, "lock-lost")) return error;
  if (context.signal?.aborted === true) return error;
  const { steps } = viewOf(context);
  const done = phase.nodes
    .filter((each) => each.node !== node)
    .filter((each) => each.steps.every(({ id, kind }) => kind === "gate" || isFinished(steps.get(id))))
    .map((each) => each.node);
  const outcome = await takeBack(context, node);
  const step = "step" in error.params ? error.params.step : "";
  return new AppError("node-failed", { node, step, outcome, done }, { cause: error });
}

function isFinished(
  record: { readonly effect: string | null; readonly proof: string | null } | undefined,
): boolean {
  return record !== undefined && (record.effect !== null || record.proof !== null);
}

async function takeBack(context: RunContext, node: NodeName): Promise<"rolled-back" | "left"> {
  if ((await expiredBefore(context, node)).length > 0) return "left";
  await undoNode(context, node);
  return "rolled-back";
}
