// etcd's JSON gateway: the second way, for when gRPC is not let through. It may be switched off, and it dials etcd with the
// *server's* certificate, so one without clientAuth makes it answer 503 (etcd issue 9785) while etcd itself is well.
import { AppError } from "../../core/model/errors.ts";
import type { Dial } from "../shared/dial.ts";
import { endpointOf, type GrpcTarget } from "../shared/grpc-connect.ts";
import { grpcStatus } from "../shared/grpc-status.ts";
import { requestHttp, type HttpAnswer } from "../shared/http-request.ts";
import { jsonReader, type AnswerReader } from "./etcd-answers.ts";

/** 3.4 and later, 3.3 and 3.4, 3.1 and 3.2. */
export const gatewayPrefixes = ["/v3", "/v3beta", "/v3alpha"] as const;
export type GatewayPrefix = (typeof gatewayPrefixes)[number];

export interface GatewayRequest {
  /** Behind the prefix: `/maintenance/status`. */
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly dial?: Dial | undefined;
}

export interface GatewayAnswer {
  readonly prefix: GatewayPrefix;
  readonly answer: AnswerReader;
}

/**
 * Asks under each prefix until one is known there.
 * @throws AppError endpoint-unreachable, rpc-failed (UNIMPLEMENTED when there is no gateway)
 */
export async function askGateway(target: GrpcTarget, request: GatewayRequest): Promise<GatewayAnswer> {
  const { body, ...rest } = request;
  for (const prefix of gatewayPrefixes) {
    const path = `${prefix}${request.path}`;
    const found = await requestHttp(target, { ...rest, method: "POST", path, body: JSON.stringify(body) });
    if (found.status === 404) continue;
    return { prefix, answer: jsonReader(readAnswer(target, path, found)) };
  }
  throw failed(target, request.path, {
    code: grpcStatus.unimplemented,
    message: "no gateway (HTTP status 404)",
  });
}

function readAnswer(target: GrpcTarget, path: string, { status, body }: HttpAnswer): unknown {
  const value = parsed(body);
  if (status === 200 && typeof value === "object" && value !== null) return value;
  const { code, message, error } = (value ?? {}) as Readonly<Record<string, unknown>>;
  throw failed(target, path, {
    code: typeof code === "number" ? code : status === 503 ? grpcStatus.unavailable : grpcStatus.unknown,
    message: [message, error].find((text) => typeof text === "string") ?? `HTTP status ${status}`,
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return null;
  }
}

function failed(
  target: GrpcTarget,
  method: string,
  { code, message }: { readonly code: number; readonly message: unknown },
): AppError<"rpc-failed"> {
  const endpoint = endpointOf(target);
  return new AppError("rpc-failed", { endpoint, method, status: code, message: String(message) });
}
