// What etcd answers, read the same way from protocol buffers and from the gateway's JSON
// (etcd api/etcdserverpb/rpc.proto; the numbers below are its field numbers, the names its JSON names).
import type { ProtoMessage } from "../shared/protobuf.ts";

/** Every answer's `ResponseHeader`. */
export interface EtcdHeader {
  readonly clusterId: bigint;
  /** The member that answered. */
  readonly memberId: bigint;
  /** Of the key-value store; 0 where etcd leaves it out. */
  readonly revision: bigint;
  readonly raftTerm: bigint;
}

/** `etcdserverpb.Member`. */
export interface EtcdMember {
  readonly id: bigint;
  /** Empty until the member has started for the first time. */
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  /** Never true before 3.4. */
  readonly isLearner: boolean;
}

/** Older servers do not send it: nothing can be concluded, not even zero. */
export type SinceMinor4<T> = T | "not-before-3.4";

/** `etcdserverpb.StatusResponse`. */
export interface EtcdStatus {
  readonly header: EtcdHeader;
  /** `3.4.23`. */
  readonly version: string;
  readonly dbSizeBytes: bigint;
  /** Member id of the leader this member knows; 0 for none. */
  readonly leader: bigint;
  readonly raftIndex: bigint;
  readonly raftTerm: bigint;
  readonly raftAppliedIndex: SinceMinor4<bigint>;
  /** Entries not yet applied: raftIndex - raftAppliedIndex, never negative. */
  readonly lag: SinceMinor4<bigint>;
  readonly errors: SinceMinor4<readonly string[]>;
  readonly dbSizeInUseBytes: SinceMinor4<bigint>;
  readonly isLearner: SinceMinor4<boolean>;
}

/** `etcdserverpb.AlarmMember`; a kind that is not known here is its number or name. */
export interface EtcdAlarm {
  readonly memberId: bigint;
  readonly kind: string;
}

/** `fields` by number or by name. */
export type FieldName = readonly [number: number, json: string];

/** One message of an answer, whatever form it came in. Absent fields have proto3's zero values. */
export interface AnswerReader {
  has(field: FieldName): boolean;
  integer(field: FieldName): bigint;
  text(field: FieldName): string;
  texts(field: FieldName): readonly string[];
  messages(field: FieldName): readonly AnswerReader[];
  /** An enum's number or name. */
  name(field: FieldName): string;
}

export function protoReader(message: ProtoMessage): AnswerReader {
  return {
    has: ([field]) => message.has(field),
    integer: ([field]) => message.uint(field),
    text: ([field]) => message.text(field),
    texts: ([field]) => message.texts(field),
    messages: ([field]) => message.messages(field).map(protoReader),
    name: ([field]) => String(message.uint(field)),
  };
}

/** 64-bit integers are JSON strings there, smaller ones and enums may be either (proto3 JSON mapping). */
export function jsonReader(value: unknown): AnswerReader {
  const at = ([, name]: FieldName): unknown =>
    typeof value === "object" && value !== null
      ? (value as Readonly<Record<string, unknown>>)[name]
      : undefined;
  const list = (field: FieldName) => {
    const found = at(field);
    if (Array.isArray(found)) return found as readonly unknown[];
    return found === undefined || found === null ? [] : [found];
  };
  return {
    has: (field) => at(field) !== undefined,
    integer: (field) => integerOf(at(field)),
    text: (field) => textOf(at(field)),
    texts: (field) => list(field).map(textOf),
    messages: (field) => list(field).map(jsonReader),
    name: (field) => textOf(at(field)),
  };
}

function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : "";
}

function integerOf(value: unknown): bigint {
  if (value === true) return 1n;
  const text = textOf(value);
  return /^\d{1,20}$/.test(text) ? BigInt.asUintN(64, BigInt(text)) : 0n;
}

const header: FieldName = [1, "header"];

/** ResponseHeader: cluster_id 1, member_id 2, revision 3, raft_term 4. */
export function readHeader(answer: AnswerReader): EtcdHeader {
  const [found] = answer.messages(header);
  return {
    clusterId: found?.integer([1, "cluster_id"]) ?? 0n,
    memberId: found?.integer([2, "member_id"]) ?? 0n,
    revision: found?.integer([3, "revision"]) ?? 0n,
    raftTerm: found?.integer([4, "raft_term"]) ?? 0n,
  };
}

/** Member: ID 1, name 2, peerURLs 3, clientURLs 4, isLearner 5; MemberListResponse: members 2. */
export function readMembers(answer: AnswerReader): readonly EtcdMember[] {
  return answer.messages([2, "members"]).map((member) => ({
    id: member.integer([1, "ID"]),
    name: member.text([2, "name"]),
    peerUrls: member.texts([3, "peerURLs"]),
    clientUrls: member.texts([4, "clientURLs"]),
    isLearner: member.integer([5, "isLearner"]) !== 0n,
  }));
}

/** AlarmMember: memberID 1, alarm 2 (NOSPACE 1, CORRUPT 2); AlarmResponse: alarms 2. */
export function readAlarms(answer: AnswerReader): readonly EtcdAlarm[] {
  const names: Readonly<Record<string, string>> = { "1": "NOSPACE", "2": "CORRUPT" };
  return answer.messages([2, "alarms"]).map((alarm) => {
    const name = alarm.name([2, "alarm"]);
    return { memberId: alarm.integer([1, "memberID"]), kind: names[name] ?? name };
  });
}

/** StatusResponse: version 2, dbSize 3, leader 4, raftIndex 5, raftTerm 6, and from 3.4 the four that follow (7 to 10). */
export function readStatus(answer: AnswerReader): EtcdStatus {
  const version = answer.text([2, "version"]);
  const applied: FieldName = [7, "raftAppliedIndex"];
  // A zero is not sent either, so the version decides; a vendor's number may be anything, so the field does as well.
  const sends = isFrom34(version) || answer.has(applied);
  const since34 = <T>(read: () => T): SinceMinor4<T> => (sends ? read() : "not-before-3.4");
  const raftIndex = answer.integer([5, "raftIndex"]);
  return {
    header: readHeader(answer),
    version,
    dbSizeBytes: answer.integer([3, "dbSize"]),
    leader: answer.integer([4, "leader"]),
    raftIndex,
    raftTerm: answer.integer([6, "raftTerm"]),
    raftAppliedIndex: since34(() => answer.integer(applied)),
    lag: since34(() => lagOf(raftIndex, answer.integer(applied))),
    errors: since34(() => answer.texts([8, "errors"])),
    dbSizeInUseBytes: since34(() => answer.integer([9, "dbSizeInUse"])),
    isLearner: since34(() => answer.integer([10, "isLearner"]) !== 0n),
  };
}

/** The two are read one after the other, so the applied one may have overtaken. */
function lagOf(index: bigint, applied: bigint): bigint {
  return index > applied ? index - applied : 0n;
}

function isFrom34(version: string): boolean {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(version) ?? [];
  return Number(major) > 3 || (Number(major) === 3 && Number(minor) >= 4);
}
