// One etcd member, asked over gRPC, and over its JSON gateway where gRPC is not let through.
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { Dial } from "../shared/dial.ts";
import { openGrpc, type GrpcConnection, type GrpcMethod, type GrpcTarget } from "../shared/grpc.ts";
import { grpcStatus } from "../shared/grpc-status.ts";
import { decodeMessage, encodeMessage, type ProtoField } from "../shared/protobuf.ts";
import {
  protoReader,
  readAlarms,
  readHeader,
  readMembers,
  readStatus,
  type AnswerReader,
  type EtcdAlarm,
  type EtcdHeader,
  type EtcdMember,
  type EtcdStatus,
} from "./etcd-answers.ts";
import { askGateway, gatewayPrefixes, type GatewayPrefix } from "./etcd-gateway.ts";
import { askHealth, type EtcdHealth } from "./etcd-health.ts";
import { verifiedSnapshot } from "./etcd-snapshot.ts";

export type { EtcdAlarm, EtcdHeader, EtcdMember, EtcdStatus } from "./etcd-answers.ts";
export type { EtcdHealth } from "./etcd-health.ts";

/** The way an answer came. */
export type Through = "grpc" | `gateway ${GatewayPrefix}`;

export interface EtcdOptions {
  /** Time for one question by one way; a snapshot may pause that long between two pieces. */
  readonly deadlineMs: number;
  /** Default: from this machine. */
  readonly dial?: Dial | undefined;
}

export interface AskOptions {
  readonly signal?: AbortSignal;
}

/**
 * Questions to the one member that listens at the target. Each throws AppError endpoint-unreachable, rpc-failed or
 * protobuf-malformed; the gateway is tried only when what listens does not speak gRPC, and when both fail the error is
 * gRPC's with the gateway's as its cause. An aborted question throws the signal's reason.
 */
export interface Etcd {
  readonly endpoint: string;
  /** Cluster/MemberList, from this member's own state: `linearizable` of 3.5 (field 1) is not asked for. */
  memberList(
    options?: AskOptions,
  ): Promise<Answered<{ readonly header: EtcdHeader; readonly members: readonly EtcdMember[] }>>;
  /** Maintenance/Status. Answers without a quorum as well: see `leader`. */
  status(options?: AskOptions): Promise<Answered<EtcdStatus>>;
  /** Maintenance/Alarm with GET: all members' alarms that are raised. Goes through raft: needs a quorum, adds an entry to the log. */
  alarms(options?: AskOptions): Promise<Answered<{ readonly alarms: readonly EtcdAlarm[] }>>;
  /** KV/Range of one key, not serializable: succeeds only with a quorum. A refusal for want of rights comes after that proof. */
  linearizableRead(options?: AskOptions): Promise<Answered<{ readonly wasPermitted: boolean }>>;
  /**
   * Maintenance/Snapshot, gRPC only. The last 32 bytes are the SHA-256 of all before, as `etcdctl snapshot save` writes them.
   * @throws AppError snapshot-damaged at the end, when they are not
   */
  snapshot(options?: AskOptions): AsyncIterable<Uint8Array>;
  /** Maintenance/MoveLeader, gRPC only; the leader must be asked. @throws AppError etcd-not-supported before 3.3 */
  moveLeader(targetId: bigint, options?: AskOptions): Promise<void>;
  /** GET /health. */
  health(options?: AskOptions): Promise<EtcdHealth>;
  close(): void;
}

export type Answered<T> = T & { readonly through: Through };

/** Nothing is dialled before the first question. */
export function openEtcd(target: GrpcTarget, { deadlineMs, dial }: EtcdOptions): Etcd {
  const grpc = openGrpc(target, { deadlineMs, dial });
  const ask = (question: Question, options: AskOptions = {}) =>
    askEitherWay({ grpc, target, deadlineMs, dial }, question, options);
  return {
    endpoint: grpc.endpoint,
    memberList: async (options) => {
      const { through, answer } = await ask(questions.memberList, options);
      return { through, header: readHeader(answer), members: readMembers(answer) };
    },
    status: async (options) => {
      const { through, answer } = await ask(questions.status, options);
      return { through, ...readStatus(answer) };
    },
    alarms: async (options) => {
      const { through, answer } = await ask(questions.alarms, options);
      return { through, alarms: readAlarms(answer) };
    },
    linearizableRead: (options) => readOneKey(() => ask(questions.range, options)),
    snapshot: (options) => verifiedSnapshot(blobsOf(grpc, options), grpc.endpoint),
    moveLeader: (targetId, options) => moveLeader(grpc, targetId, options),
    health: (options = {}) => askHealth(target, { deadlineMs, dial, ...options }),
    close: () => grpc.close(),
  };
}

interface Question {
  readonly method: GrpcMethod;
  readonly fields: readonly ProtoField[];
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What `etcdctl endpoint health` reads; it need not exist. */
const key = "health";

const questions = {
  memberList: {
    method: "/etcdserverpb.Cluster/MemberList",
    fields: [],
    path: "/cluster/member/list",
    body: {},
  },
  status: { method: "/etcdserverpb.Maintenance/Status", fields: [], path: "/maintenance/status", body: {} },
  // AlarmRequest: action 1 (GET 0), memberID 2 (0: all), alarm 3 (NONE 0: all).
  alarms: {
    method: "/etcdserverpb.Maintenance/Alarm",
    fields: [],
    path: "/maintenance/alarm",
    body: { action: "GET" },
  },
  // RangeRequest: key 1, serializable 7 (left out: false), count_only 9.
  range: {
    method: "/etcdserverpb.KV/Range",
    fields: [
      [1, "bytes", key],
      [9, "varint", true],
    ],
    path: "/kv/range",
    body: { key: Buffer.from(key).toString("base64"), count_only: true },
  },
} as const satisfies Readonly<Record<string, Question>>;

interface Ways {
  readonly grpc: GrpcConnection;
  readonly target: GrpcTarget;
  readonly deadlineMs: number;
  readonly dial: Dial | undefined;
}

async function askEitherWay(
  { grpc, target, deadlineMs, dial }: Ways,
  { method, fields, path, body }: Question,
  options: AskOptions,
): Promise<{ readonly through: Through; readonly answer: AnswerReader }> {
  try {
    const bytes = await grpc.unary(method, encodeMessage(fields), options);
    return { through: "grpc", answer: protoReader(decodeMessage(bytes)) };
  } catch (error) {
    if (!isNoGrpc(error)) throw error;
    try {
      const { prefix, answer } = await askGateway(target, { path, body, deadlineMs, dial, ...options });
      return { through: `gateway ${prefix}`, answer };
    } catch (second) {
      options.signal?.throwIfAborted();
      // etcd's own word, by whichever way it came, says more than that gRPC does not get through.
      if (isAppError(second, "rpc-failed") && second.params.message.startsWith("etcdserver: ")) throw second;
      throw new AppError(error.code, error.params, { cause: second });
    }
  }
}

/** Something listens there and lets us in, but it is no gRPC server, or something between us and it is none. */
function isNoGrpc(error: unknown): error is AppError<"endpoint-unreachable"> {
  if (!isAppError(error, "endpoint-unreachable")) return false;
  return ["not-http2", "not-grpc", "closed"].includes(error.params.reason);
}

/** etcd checks rights after the read index is confirmed by a quorum (etcdserver/v3_server.go, Range). */
async function readOneKey(
  ask: () => Promise<{ readonly through: Through }>,
): Promise<Answered<{ readonly wasPermitted: boolean }>> {
  try {
    const { through } = await ask();
    return { through, wasPermitted: true };
  } catch (error) {
    if (!isMissingRight(error)) throw error;
    return { through: wayOf(error.params.method), wasPermitted: false };
  }
}

function wayOf(method: string): Through {
  const prefix = gatewayPrefixes.find((known) => method.startsWith(`${known}/`));
  return prefix ? `gateway ${prefix}` : "grpc";
}

/** `etcdserver: permission denied`, and without a user `etcdserver: user name is empty`. */
function isMissingRight(error: unknown): error is AppError<"rpc-failed"> {
  if (!isAppError(error, "rpc-failed")) return false;
  return /^etcdserver: (permission denied|user name is empty)$/.test(error.params.message);
}

/** SnapshotResponse: blob 3. */
async function* blobsOf(grpc: GrpcConnection, options?: AskOptions): AsyncGenerator<Uint8Array> {
  const pieces = grpc.serverStream("/etcdserverpb.Maintenance/Snapshot", encodeMessage([]), options);
  for await (const piece of pieces) yield decodeMessage(piece).bytes(3);
}

/** MoveLeaderRequest: targetID 1. */
async function moveLeader(grpc: GrpcConnection, targetId: bigint, options?: AskOptions): Promise<void> {
  const what = "MoveLeader";
  try {
    await grpc.unary(`/etcdserverpb.Maintenance/${what}`, encodeMessage([[1, "varint", targetId]]), options);
  } catch (error) {
    if (!isAppError(error, "rpc-failed") || error.params.status !== grpcStatus.unimplemented) throw error;
    throw new AppError(
      "etcd-not-supported",
      { endpoint: grpc.endpoint, what, since: "3.3" },
      { cause: error },
    );
  }
}
