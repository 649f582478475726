// The members of etcd's cluster as the node's own member lists them.
import { isAppError, wordsOf } from "../../core/model/errors.ts";
import type { Looked } from "../../core/model/verification.ts";
import type { EtcdTarget } from "../../engine/ports/live.ts";
import { firstToAnswer } from "./etcd-endpoints.ts";
import { readDeadlineMs } from "./etcd-member.ts";

export interface ListedMember {
  /** Empty until it has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
}

/** A member that cannot be asked is an answer as well. */
export async function etcdMembers(
  target: EtcdTarget,
  signal: AbortSignal,
): Promise<Looked<readonly ListedMember[]>> {
  try {
    const { members } = await firstToAnswer(target, { deadlineMs: readDeadlineMs }, (etcd) =>
      etcd.memberList({ signal }),
    );
    return { state: "seen", value: members.map(({ name, peerUrls }) => ({ name, peerUrls })) };
  } catch (error) {
    if (isAppError(error)) return { state: "failed", reason: wordsOf(error) };
    throw error;
  }
}
