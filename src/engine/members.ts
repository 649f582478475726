// Every etcd member of the plan, read fresh and at one time.
import { isAppError, wordsOf } from "../core/model/errors.ts";
import type { GateMember } from "../core/model/live-step.ts";
import type { MemberReading } from "../core/model/quorum.ts";
import { withEtcd } from "./etcd-target.ts";
import { liveOn, type RunContext } from "./run-context.ts";

/** One reading per member, in the order of the plan; what cannot be asked is a reading too. */
export async function readMembers(context: RunContext): Promise<readonly MemberReading[]> {
  return Promise.all(
    membersOf(context).map(async ({ node, access }) => ({
      node,
      answer: await orUnreachable(() => {
        const { etcd } = liveOn(context, node);
        return withEtcd(context, access, (target) => etcd.reading(target, context.signal));
      }),
    })),
  );
}

export function membersOf({ plan }: Pick<RunContext, "plan">): readonly GateMember[] {
  return plan.nodes?.members ?? [];
}

/** Its CA key, or the way to the node, may be what is missing: who cannot be asked has answered with that. */
export async function orUnreachable(
  ask: () => Promise<MemberReading["answer"]>,
): Promise<MemberReading["answer"]> {
  try {
    return await ask();
  } catch (error) {
    if (isAppError(error)) return { unreachable: wordsOf(error) };
    throw error;
  }
}
