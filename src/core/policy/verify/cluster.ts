// What no node says alone: whether etcd's members make one healthy cluster, and a member's own answer as `verify` tells it. Pure.
import { fileAddress, type NodeName } from "../../model/address.ts";
import type { AnyFinding } from "../../model/finding.ts";
import type { MemberReading, MemberStatus, Objection } from "../../model/quorum.ts";
import type { EtcdReport, Looked, Proof } from "../../model/verification.ts";
import { findingOf } from "../finding-of.ts";
import { instability, quorumLack, votersIn } from "../quorum.ts";

/** Told of its node already (`etcd-unwell`, `node-unreachable`). */
const ofOneMember: ReadonlySet<Objection["code"]> = new Set([
  "member-unreachable",
  "member-unhealthy",
  "no-leader",
  "alarm",
]);

/** Two clusters, or too few for a decision; anything else lets etcd serve. */
const grave: ReadonlySet<Objection["code"]> = new Set([
  "too-few-voters",
  "clusters-differ",
  "members-differ",
]);

/** Empty without etcd. `readings` has one per member's node, also of those that could not be read. */
export function etcdClusterFindings(readings: readonly MemberReading[]): readonly AnyFinding[] {
  const objections = objectionsTo(readings);
  const [first] = readings;
  if (objections.length === 0 || first === undefined) return [];
  const severity = objections.some(({ code }) => grave.has(code)) ? "critical" : "warning";
  const subject = { id: `${first.node}/etcd`, node: first.node, name: "etcd" };
  return [findingOf(subject, fileAddress(first.node, ""))("etcd-cluster-unwell", severity, { objections })];
}

/** Empty without etcd. */
export function etcdClusterProofs(readings: readonly MemberReading[]): readonly Proof[] {
  if (readings.length === 0) return [];
  const isWell = instability(readings).length === 0 && quorumLack(readings).length === 0;
  const outcome = isWell ? "proved" : "failed";
  return [
    { kind: "members", subject: "etcd", outcome, evidence: { code: "members", ...votersIn(readings) } },
  ];
}

function objectionsTo(readings: readonly MemberReading[]): readonly Objection[] {
  return [
    ...instability(readings).filter(({ code }) => !ofOneMember.has(code)),
    ...quorumLack(readings).filter(({ code }) => code === "too-few-voters"),
  ];
}

/** What the member of a node said; skipped for a node without one. */
export function etcdReportOf(readings: readonly MemberReading[], node: NodeName): Looked<EtcdReport> {
  const answer = readings.find((each) => each.node === node)?.answer;
  if (answer === undefined) return { state: "skipped" };
  if ("unreachable" in answer) return { state: "failed", reason: answer.unreachable };
  return { state: "seen", value: reported(answer) };
}

function reported({ version, leaderId, alarms, errors, readFailure }: MemberStatus): EtcdReport {
  return {
    version,
    hasLeader: leaderId !== null,
    alarms: (alarms ?? []).map(({ kind, memberId }) => ({ kind, member: BigInt(memberId).toString(16) })),
    errors,
    readFailure,
  };
}
