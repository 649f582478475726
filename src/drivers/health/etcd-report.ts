// What the node's etcd member says of itself and of its cluster: status, alarms, and a read that needs the quorum.
import { isAppError, wordsOf } from "../../core/model/errors.ts";
import type { EtcdReport, Looked } from "../../core/model/verification.ts";
import type { EtcdTarget } from "../../engine/ports/live.ts";
import { firstToAnswer } from "./etcd-endpoints.ts";
import { failureOf, readDeadlineMs } from "./etcd-member.ts";
import type { Etcd } from "./etcd.ts";

/** A member that cannot be asked is an answer as well. @throws the signal's reason */
export async function etcdReport(target: EtcdTarget, signal?: AbortSignal): Promise<Looked<EtcdReport>> {
  const options = signal ? { signal } : {};
  try {
    return await firstToAnswer(target, { deadlineMs: readDeadlineMs }, async (etcd) => {
      const { version, leader, errors } = await etcd.status(options);
      const readFailure = await failureOf(() => etcd.linearizableRead(options));
      const alarms = readFailure === null ? await alarmsOf(etcd, options) : [];
      return {
        state: "seen",
        value: {
          version,
          hasLeader: leader !== 0n,
          alarms,
          errors: errors === "not-before-3.4" ? [] : errors,
          readFailure,
        },
      };
    });
  } catch (error) {
    if (isAppError(error)) return { state: "failed", reason: wordsOf(error) };
    throw error;
  }
}

/** Goes through raft, so it is asked only when a read has got through. */
async function alarmsOf(
  etcd: Etcd,
  options: { readonly signal?: AbortSignal },
): Promise<EtcdReport["alarms"]> {
  const { alarms } = await etcd.alarms(options);
  return alarms.map(({ kind, memberId }) => ({ kind, member: memberId.toString(16) }));
}
