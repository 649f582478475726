// The last question before an etcd member is stopped: can the others do without it, and is it their leader?
import type { NodeName } from "../core/model/address.ts";
import { AppError, isAppError } from "../core/model/errors.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import {
  hasNothingToLose,
  leaderNode,
  othersInstability,
  stopObjections,
  successorOf,
} from "../core/policy/quorum.ts";
import { withEtcd } from "./etcd-target.ts";
import { membersOf, readMembers } from "./members.ts";
import { checkSignal, liveOn, type RunContext, viewOf } from "./run-context.ts";

/** A member that was started a moment ago needs some time until it agrees with the others. */
const patienceMs = 30_000;
const handOverMs = 15_000;
const pollMs = 300;

/**
 * Returns when `node`'s member may be stopped: the quorum stands without it, leadership is elsewhere. Where there is no quorum nothing is
 * lost, and where the operator accepted an outage it was his decision.
 * @throws AppError `gate-refused`
 */
export async function guardQuorum(
  context: RunContext,
  step: { readonly id: string },
  node: NodeName,
): Promise<void> {
  if (membersOf(context).length === 0 || context.memory.revivesExpired) return;
  const readings = await until(context, { step, node, objectionsTo: stopObjections });
  if (leaderNode(readings) === node) await handOver(context, readings, node);
}

/**
 * Before a node is taken back: all others are well, whatever ails its own member. Where that does not run, or there is no quorum, nothing is
 * lost by it. @throws AppError `gate-refused`
 */
export async function guardUndo(context: RunContext, node: NodeName): Promise<void> {
  if (membersOf(context).length === 0 || context.memory.revivesExpired) return;
  const { instances } = await liveOn(context, node).processes.look("etcd");
  if (!instances.some(({ state }) => state === "running")) return;
  await until(context, { step: { id: `${node}/rollback` }, node, objectionsTo: othersInstability });
}

interface Question {
  readonly step: { readonly id: string };
  readonly node: NodeName;
  readonly objectionsTo: typeof stopObjections;
}

async function until(
  context: RunContext,
  { step, node, objectionsTo }: Question,
): Promise<readonly MemberReading[]> {
  const { timer } = liveOn(context, node);
  const end = timer.elapsedMs() + patienceMs;
  for (;;) {
    const readings = await readMembers(context);
    const objections = objectionsTo(readings, node);
    if (objections.length === 0 || hasNothingToLose(readings)) return readings;
    if (context.plan.nodes?.acceptOutage === true) return readings;
    checkSignal(context);
    if (timer.elapsedMs() >= end) throw new AppError("gate-refused", { step: step.id, node, objections });
    await timer.sleep(pollMs, context.signal);
  }
}

/** Members before 3.3 cannot be told to: they hand over by themselves when they are stopped politely, or an election is held. */
async function handOver(
  context: RunContext,
  readings: readonly MemberReading[],
  node: NodeName,
): Promise<void> {
  const heir = successorOf(readings, node, (each) => isDone(context, each));
  const member = membersOf(context).find((each) => each.node === node);
  if (!heir || !member) return;
  const live = liveOn(context, node);
  try {
    await withEtcd(context, member.access, (target) =>
      live.etcd.moveLeader(target, heir.memberId, context.signal),
    );
  } catch (error) {
    if (isAppError(error, "etcd-not-supported")) return;
    throw error;
  }
  context.tell({ type: "leader-moved", from: node, to: heir.node });
  const end = live.timer.elapsedMs() + handOverMs;
  while (leaderNode(await readMembers(context)) === node && live.timer.elapsedMs() < end)
    await live.timer.sleep(pollMs, context.signal);
}

/** True for a node whose member was restarted by this run: it will not be stopped again. */
function isDone({ plan, ...context }: RunContext, node: NodeName): boolean {
  const { steps } = viewOf(context);
  return plan.phases.some(({ nodes }) =>
    nodes.some(
      (each) =>
        each.node === node &&
        each.steps.some(
          (step) =>
            step.kind === "bounce" &&
            step.consumer === "etcd" &&
            (steps.get(step.id)?.effect ?? null) !== null,
        ),
    ),
  );
}
