// What is wrong with etcd, for people: one sentence per objection of a gate, in both languages.
import { quorumOf } from "../../core/policy/quorum.ts";
import type { Objection } from "../../core/model/quorum.ts";
import type { MessagesOf } from "./types.ts";

/** Ids in sixteen digits, as etcdctl prints and takes them; a learner that has never started has no name. */
function memberText(name: string, id: string): string {
  const hex = /^\d+$/.test(id) ? BigInt(id).toString(16) : id;
  return name === "" ? hex : `${name} (${hex})`;
}

/** What helps against single objections, as commands of etcd's own. */
export function etcdctlOf(objections: readonly Objection[]): readonly string[] {
  return objections.flatMap((objection) => {
    if (objection.code === "alarm") return ["etcdctl alarm list", "etcdctl alarm disarm"];
    if (objection.code !== "learner") return [];
    const id = memberText("", objection.memberId);
    return [`etcdctl member promote ${id} (remove ${id})`];
  });
}

export const objectionsEn: MessagesOf<Objection> = {
  "member-unreachable": (o) => `the member on ${o.node} does not answer: ${o.reason}`,
  "member-unhealthy": (o) => `the member on ${o.node} is not well: ${o.reason}`,
  "no-leader": (o) => `the member on ${o.node} knows no leader`,
  "leaders-differ": (o) => `the members follow different leaders (${o.leaders.join(", ")})`,
  "terms-differ": (o) => `the members are in different raft terms (${o.terms.join(", ")})`,
  "clusters-differ": (o) => `the members belong to different clusters (${o.clusters.join(", ")})`,
  behind: (o) => `the member on ${o.node} is ${o.entries} entries behind`,
  alarm: (o) => `alarm ${o.kind} of member ${memberText(o.on ?? "", o.memberId)}`,
  learner: (o) => `member ${memberText(o.name, o.memberId)} is a learner`,
  "members-differ": (o) => `the members on ${o.nodes.join(", ")} list different members`,
  "member-unknown": (o) => `member ${memberText(o.name, o.memberId)} is on no node of the plan`,
  "no-spare-voter": (o) =>
    `only ${o.healthy} of ${o.voters} voters are healthy and ${o.needed} are needed (${o.voters}/2+1=${quorumOf(o.voters)}): none of them can be spared`,
  "too-few-voters": (o) =>
    `${o.healthy} of ${o.voters} voters would be healthy, ${o.needed} are needed (${o.voters}/2+1=${quorumOf(o.voters)})`,
};

export const objectionsZh: MessagesOf<Objection> = {
  "member-unreachable": (o) => `${o.node} 上的成员无应答：${o.reason}`,
  "member-unhealthy": (o) => `${o.node} 上的成员状态异常：${o.reason}`,
  "no-leader": (o) => `${o.node} 上的成员没有 leader`,
  "leaders-differ": (o) => `各成员的 leader 不一致（${o.leaders.join("、")}）`,
  "terms-differ": (o) => `各成员的 raft term 不一致（${o.terms.join("、")}）`,
  "clusters-differ": (o) => `各成员属于不同的集群（${o.clusters.join("、")}）`,
  behind: (o) => `${o.node} 上的成员落后 ${o.entries} 条日志`,
  alarm: (o) => `成员 ${memberText(o.on ?? "", o.memberId)} 有告警 ${o.kind}`,
  learner: (o) => `成员 ${memberText(o.name, o.memberId)} 是 learner`,
  "members-differ": (o) => `${o.nodes.join("、")} 上的成员列表不一致`,
  "member-unknown": (o) => `成员 ${memberText(o.name, o.memberId)} 不在计划的任何节点上`,
  "no-spare-voter": (o) =>
    `${o.voters} 个投票成员中只有 ${o.healthy} 个健康，至少需要 ${o.needed} 个（${o.voters}/2+1=${quorumOf(o.voters)}），一个也不能再少`,
  "too-few-voters": (o) =>
    `${o.voters} 个投票成员中只会有 ${o.healthy} 个健康，至少需要 ${o.needed} 个（${o.voters}/2+1=${quorumOf(o.voters)}）`,
};

/** The same for a cluster that stands as it is: nothing is to be stopped, and there is no plan. */
export const standingEn: MessagesOf<Objection> = {
  ...objectionsEn,
  "member-unknown": (o) => `member ${o.name} (${o.memberId}) is on no node that was asked`,
  "too-few-voters": (o) => `only ${o.healthy} of ${o.voters} voters are healthy, ${o.needed} are needed`,
};

export const standingZh: MessagesOf<Objection> = {
  ...objectionsZh,
  "member-unknown": (o) => `成员 ${o.name}（${o.memberId}）不在任何被询问的节点上`,
  "too-few-voters": (o) => `${o.voters} 个投票成员中只有 ${o.healthy} 个健康，至少需要 ${o.needed} 个`,
};
