// What one etcd member says of itself and of the others, in one reading: for gates, which judge it.
import { isAppError, wordsOf } from "../../core/model/errors.ts";
import type { MemberReading, MemberStatus } from "../../core/model/quorum.ts";
import type { Etcd } from "./etcd.ts";

/** Members, status and a linearizable read at the same time; alarms after it, since they go through raft. */
export async function readStatusOf(
  etcd: Etcd,
  options: { readonly signal?: AbortSignal },
): Promise<MemberReading["answer"]> {
  const [status, { members }, readFailure] = await Promise.all([
    etcd.status(options),
    etcd.memberList(options),
    failureOf(() => etcd.linearizableRead(options)),
  ]);
  return {
    clusterId: status.header.clusterId.toString(),
    memberId: status.header.memberId.toString(),
    version: status.version,
    leaderId: status.leader === 0n ? null : status.leader.toString(),
    raftTerm: status.raftTerm.toString(),
    raftIndex: status.raftIndex.toString(),
    appliedIndex: status.raftAppliedIndex === "not-before-3.4" ? null : status.raftAppliedIndex.toString(),
    errors: status.errors === "not-before-3.4" ? [] : status.errors,
    members: members.map(({ id, name, isLearner }) => ({ id: id.toString(), name, isLearner })),
    alarms: readFailure === null ? await alarmsOf(etcd, options) : null,
    readFailure,
  };
}

async function alarmsOf(
  etcd: Etcd,
  options: { readonly signal?: AbortSignal },
): Promise<MemberStatus["alarms"]> {
  const { alarms } = await etcd.alarms(options);
  return alarms.map(({ memberId, kind }) => ({ memberId: memberId.toString(), kind }));
}

async function failureOf(ask: () => Promise<unknown>): Promise<string | null> {
  try {
    await ask();
    return null;
  } catch (error) {
    if (isAppError(error)) return wordsOf(error);
    throw error;
  }
}
