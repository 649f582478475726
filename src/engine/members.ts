// Every etcd member of the plan, read fresh and at one time.
import { isAppError, wordsOf } from "../core/model/errors.ts";
import type { GateMember } from "../core/model/live-step.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import { withEtcd } from "./etcd-target.ts";
import type { Live } from "./ports/live.ts";
import { liveOn, type RunContext } from "./run-context.ts";

/** One reading per member, in the order of the plan; what cannot be asked is a reading too. */
export async function readMembers(context: RunContext): Promise<readonly MemberReading[]> {
  return Promise.all(
    membersOf(context).map(async (member) => ({
      node: member.node,
      answer: await askMember(context, member, (live, target) => live.etcd.reading(target, context.signal)),
    })),
  );
}

export function membersOf({ plan }: Pick<RunContext, "plan">): readonly GateMember[] {
  return plan.nodes?.members ?? [];
}

async function askMember(
  context: RunContext,
  { node, access }: GateMember,
  ask: (live: Live, target: Parameters<Live["etcd"]["reading"]>[0]) => Promise<MemberReading["answer"]>,
): Promise<MemberReading["answer"]> {
  try {
    const live = liveOn(context, node);
    return await withEtcd(context, access, (target) => ask(live, target));
  } catch (error) {
    // Its CA key, or the way to the node, may be what is missing.
    if (isAppError(error)) return { unreachable: wordsOf(error) };
    throw error;
  }
}
