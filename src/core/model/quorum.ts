// What the members of one etcd cluster say of themselves and of each other, read at one time. Data only.
import type { NodeName } from "./address.ts";

/** One member as it answered. Ids and indexes are decimal digits: they have 64 bits. */
export interface MemberStatus {
  readonly clusterId: string;
  readonly memberId: string;
  readonly version: string;
  /** null when it knows none. */
  readonly leaderId: string | null;
  readonly raftTerm: string;
  readonly raftIndex: string;
  /** null before 3.4, which does not send it: then nothing can be said about a lag. */
  readonly appliedIndex: string | null;
  /** What it reports of itself; empty before 3.4. */
  readonly errors: readonly string[];
  /** Its own list of members. */
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly isLearner: boolean;
  }[];
  /** Alarms raised anywhere; null when they could not be asked for, which needs a quorum. */
  readonly alarms: readonly { readonly memberId: string; readonly kind: string }[] | null;
  /** null when a linearizable read through this member succeeded; else why not. */
  readonly readFailure: string | null;
}

export interface MemberReading {
  readonly node: NodeName;
  readonly answer: MemberStatus | { readonly unreachable: string };
}

/** Everything that keeps a gate shut; ids and indexes as in {@link MemberStatus}. */
export type Objection =
  | { readonly code: "member-unreachable"; readonly node: NodeName; readonly reason: string }
  | { readonly code: "member-unhealthy"; readonly node: NodeName; readonly reason: string }
  | { readonly code: "no-leader"; readonly node: NodeName }
  | { readonly code: "leaders-differ"; readonly leaders: readonly string[] }
  | { readonly code: "terms-differ"; readonly terms: readonly string[] }
  | { readonly code: "clusters-differ"; readonly clusters: readonly string[] }
  | { readonly code: "behind"; readonly node: NodeName; readonly entries: string }
  /** `on` is the node of that member; null when it is on none of the plan. */
  | { readonly code: "alarm"; readonly memberId: string; readonly on: NodeName | null; readonly kind: string }
  | { readonly code: "learner"; readonly memberId: string; readonly name: string }
  | { readonly code: "members-differ"; readonly nodes: readonly NodeName[] }
  /** A member of the cluster that is on no node of the plan. */
  | { readonly code: "member-unknown"; readonly memberId: string; readonly name: string }
  /** No more than the quorum is there: one more that goes away stops the cluster. */
  | {
      readonly code: "no-spare-voter";
      readonly voters: number;
      readonly healthy: number;
      readonly needed: number;
    }
  /** Stopping one of `healthy` leaves less than `needed` of `voters`. */
  | {
      readonly code: "too-few-voters";
      readonly voters: number;
      readonly healthy: number;
      readonly needed: number;
    };
