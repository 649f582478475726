// Whether etcd is well enough to go on, and whether a member may be stopped. Pure: one reading in, objections out.
import type { NodeName } from "../model/address.ts";
import type { MemberReading, MemberStatus, Objection } from "../model/quorum.ts";

/** Entries that a healthy member may be behind while writes go on; etcd's own warning starts at 5,000. */
const maxBehind = 1000n;

/** Voters that have to agree (etcd, Documentation/faq: quorum is (n/2)+1). */
export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * Every member that the plan knows answers, agrees with the others and is close to them; no alarm, no learner. Empty means stable.
 * `readings`: one per member's node.
 */
export function instability(readings: readonly MemberReading[]): readonly Objection[] {
  const seen = answered(readings);
  return [
    ...readings.flatMap(unreachable),
    ...seen.flatMap(unhealthy),
    ...disagreements(seen.map(({ status }) => status)),
    ...behind(seen),
    ...alarms(seen),
    ...membership(readings, seen),
  ];
}

/** Empty when a linearizable read goes through some member and a quorum of voters agrees on one leader. */
export function quorumLack(readings: readonly MemberReading[]): readonly Objection[] {
  const voters = votersOf(readings);
  const healthy = healthyVoters(readings).length;
  const needed = quorumOf(voters);
  if (healthy >= needed) return [];
  return [...readings.flatMap(unreachable), { code: "too-few-voters", voters, healthy, needed }];
}

/** How many voters there are, and how many of them are well. */
export function votersIn(readings: readonly MemberReading[]): {
  readonly healthy: number;
  readonly voters: number;
} {
  return { healthy: healthyVoters(readings).length, voters: votersOf(readings) };
}

/** The arithmetic of a cluster that has lost a voter and cannot lose another; empty with all of them, or with some to spare. */
export function spareLack(readings: readonly MemberReading[]): readonly Objection[] {
  const { voters, healthy } = votersIn(readings);
  const needed = quorumOf(voters);
  if (healthy === voters || healthy > needed) return [];
  return [{ code: "no-spare-voter", voters, healthy, needed }];
}

/**
 * Why the member of `node` must not be stopped now. The law is healthy voters - 1 >= floor(n/2)+1; by default all others have
 * to be stable as well, since one of them may crash meanwhile.
 */
export function stopObjections(readings: readonly MemberReading[], node: NodeName): readonly Objection[] {
  const voters = votersOf(readings);
  const healthy = healthyVoters(readings);
  const remaining = healthy.filter((each) => each !== node).length;
  const needed = quorumOf(voters);
  const short: readonly Objection[] =
    remaining >= needed ? [] : [{ code: "too-few-voters", voters, healthy: remaining, needed }];
  return [...short, ...othersInstability(readings, node)];
}

/** Without what ails the member of `node`: that is no reason to leave it as it is. */
export function othersInstability(readings: readonly MemberReading[], node: NodeName): readonly Objection[] {
  return instability(readings).filter((objection) => !("node" in objection) || objection.node !== node);
}

/** True when nothing is lost by stopping `node`: there is no quorum that it could take away. */
export function hasNothingToLose(readings: readonly MemberReading[]): boolean {
  return quorumLack(readings).length > 0;
}

/** Node of the leader that a quorum agrees on; null without one, or when it is on no node of the plan. */
export function leaderNode(readings: readonly MemberReading[]): NodeName | null {
  const seen = answered(readings);
  const votes = new Map<string, number>();
  for (const { status } of seen)
    if (status.leaderId !== null) votes.set(status.leaderId, (votes.get(status.leaderId) ?? 0) + 1);
  const needed = quorumOf(votersOf(readings));
  const [leader] = [...votes].find(([, count]) => count >= needed) ?? [];
  return seen.find(({ status }) => status.memberId === leader)?.node ?? null;
}

/** Who takes over leadership from `node`: a healthy voter elsewhere, one that is done already first. */
export function successorOf(
  readings: readonly MemberReading[],
  node: NodeName,
  isDone: (node: NodeName) => boolean,
): { readonly node: NodeName; readonly memberId: string } | null {
  const healthy = new Set(healthyVoters(readings));
  const candidates = answered(readings).filter((each) => each.node !== node && healthy.has(each.node));
  const best = candidates.find((each) => isDone(each.node)) ?? candidates[0];
  return best ? { node: best.node, memberId: best.status.memberId } : null;
}

interface Seen {
  readonly node: NodeName;
  readonly status: MemberStatus;
}

function isAnswer({ answer }: MemberReading): boolean {
  return !("unreachable" in answer);
}

function answered(readings: readonly MemberReading[]): readonly Seen[] {
  return readings.flatMap(({ node, answer }) => ("unreachable" in answer ? [] : [{ node, status: answer }]));
}

/** As the members list them; where nobody answers, as many as were asked. */
function votersOf(readings: readonly MemberReading[]): number {
  const lists = answered(readings).map(
    ({ status }) => status.members.filter(({ isLearner }) => !isLearner).length,
  );
  return Math.max(readings.length, ...lists);
}

function healthyVoters(readings: readonly MemberReading[]): readonly NodeName[] {
  return answered(readings)
    .filter(({ status }) => status.leaderId !== null && status.readFailure === null && isVoter(status))
    .map(({ node }) => node);
}

function isVoter({ memberId, members }: MemberStatus): boolean {
  return members.some(({ id, isLearner }) => id === memberId && !isLearner);
}

function unreachable({ node, answer }: MemberReading): readonly Objection[] {
  return "unreachable" in answer ? [{ code: "member-unreachable", node, reason: answer.unreachable }] : [];
}

function unhealthy({ node, status }: Seen): readonly Objection[] {
  if (status.leaderId === null) return [{ code: "no-leader", node }];
  const reasons = [...(status.readFailure === null ? [] : [status.readFailure]), ...status.errors];
  return reasons.map((reason) => ({ code: "member-unhealthy", node, reason }));
}

function disagreements(all: readonly MemberStatus[]): readonly Objection[] {
  const leaders = distinct(all.flatMap(({ leaderId }) => leaderId ?? []));
  const terms = distinct(all.map(({ raftTerm }) => raftTerm));
  const clusters = distinct(all.map(({ clusterId }) => clusterId));
  return [
    ...(leaders.length > 1 ? [{ code: "leaders-differ" as const, leaders }] : []),
    ...(terms.length > 1 ? [{ code: "terms-differ" as const, terms }] : []),
    ...(clusters.length > 1 ? [{ code: "clusters-differ" as const, clusters }] : []),
  ];
}

/** Against the highest index that was seen; the members are not read in one instant, so the bound is generous. */
function behind(seen: readonly Seen[]): readonly Objection[] {
  const highest = seen.reduce((max, { status }) => bigger(max, BigInt(status.raftIndex)), 0n);
  return seen.flatMap(({ node, status }) => {
    // Before 3.4 nothing is known of what was applied: its own log says how far it has come.
    const entries = highest - BigInt(status.appliedIndex ?? status.raftIndex);
    return entries > maxBehind ? [{ code: "behind" as const, node, entries: entries.toString() }] : [];
  });
}

function alarms(seen: readonly Seen[]): readonly Objection[] {
  const nodes = new Map(seen.map(({ node, status }) => [status.memberId, node]));
  const raised = seen.flatMap(({ status }) => status.alarms ?? []);
  const byName = new Map(raised.map((alarm) => [`${alarm.memberId} ${alarm.kind}`, alarm]));
  return [...byName.values()].map(({ memberId, kind }) => ({
    code: "alarm",
    memberId,
    on: nodes.get(memberId) ?? null,
    kind,
  }));
}

function membership(readings: readonly MemberReading[], seen: readonly Seen[]): readonly Objection[] {
  const [first] = seen;
  if (!first) return [];
  const lists = seen.map(({ status }) =>
    status.members
      .map(({ id }) => id)
      .toSorted()
      .join(" "),
  );
  const other = seen.filter((_, index) => lists[index] !== lists[0]);
  const known = new Set(seen.map(({ status }) => status.memberId));
  const { members } = first.status;
  const isWhole = readings.every(isAnswer);
  return [
    ...(other.length > 0
      ? [{ code: "members-differ" as const, nodes: [first.node, ...other.map(({ node }) => node)] }]
      : []),
    ...members
      .filter(({ isLearner }) => isLearner)
      .map(({ id, name }) => ({ code: "learner" as const, memberId: id, name })),
    // While somebody does not answer it is not known whose member that is.
    ...(isWhole ? members.filter(({ id, isLearner }) => !isLearner && !known.has(id)) : []).map(
      ({ id, name }) => ({ code: "member-unknown" as const, memberId: id, name }),
    ),
  ];
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)].toSorted();
}

function bigger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
