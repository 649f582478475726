// One HTTP/2 connection and one gRPC call over it: what is sent, what came back, how it is ended (grpc/grpc, doc/PROTOCOL-HTTP2.md).
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { authorityOf, type GrpcTarget } from "./grpc-connect.ts";
import { encodeFrame } from "./grpc-frames.ts";

/** `/etcdserverpb.Maintenance/Status`. */
export type GrpcMethod = `/${string}/${string}`;

export interface Session {
  readonly http2: ClientHttp2Session;
  /** What broke the connection, when it broke. */
  readonly broken: () => Error | null;
}

export interface Call {
  readonly method: GrpcMethod;
  readonly request: Uint8Array;
  readonly signal: AbortSignal;
  /** Sent as grpc-timeout; null for a stream that may take as long as it goes on. */
  readonly deadlineMs: number | null;
}

export function startSession(socket: Duplex, target: GrpcTarget, forget: () => void): Session {
  const scheme = target.kind === "tls" ? "https" : "http";
  const http2 = connect(`${scheme}://${authorityOf(target)}`, {
    createConnection: () => socket,
    settings: { enablePush: false },
  });
  let broken: Error | null = null;
  http2.on("error", (error: Error) => {
    broken = error;
  });
  http2.once("goaway", forget);
  http2.once("close", forget);
  return { http2, broken: () => broken };
}

export interface Answer {
  readonly stream: ClientHttp2Stream;
  readonly headers: () => Headers | null;
  readonly trailers: () => Headers | null;
  chunks(): AsyncIterator<Uint8Array>;
}

type Headers = Readonly<Record<string, unknown>>;

export function startCall(session: ClientHttp2Session, call: Call, authority: string): Answer {
  const stream = session.request({
    ":method": "POST",
    ":path": call.method,
    ":authority": authority,
    "content-type": "application/grpc",
    "user-agent": "perennial",
    te: "trailers",
    ...(call.deadlineMs === null ? {} : { "grpc-timeout": timeoutText(call.deadlineMs) }),
  });
  let headers: Headers | null = null;
  let trailers: Headers | null = null;
  stream.on("response", (received) => {
    headers = received;
  });
  stream.on("trailers", (received) => {
    trailers = received;
  });
  // The reader throws it; without a listener an error before the first read would end the process.
  stream.on("error", () => undefined);
  stream.end(encodeFrame(call.request));
  const chunks = () => stream[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
  return { stream, headers: () => headers, trailers: () => trailers, chunks };
}

/** At most 8 digits (PROTOCOL-HTTP2, "Timeout"). */
function timeoutText(deadlineMs: number): string {
  const ms = Math.max(1, Math.ceil(deadlineMs));
  return ms < 1e8 ? `${ms}m` : `${Math.min(Math.ceil(ms / 1000), 99_999_999)}S`;
}

export function cancel(stream: ClientHttp2Stream, reason?: unknown): void {
  if (stream.destroyed) return;
  stream.close(constants.NGHTTP2_CANCEL);
  stream.destroy(reason instanceof Error ? reason : undefined);
}

export function resetOf(error: unknown, stream: ClientHttp2Stream): number | null {
  const code = (error as { readonly code?: unknown }).code;
  if (code === "ERR_HTTP2_STREAM_CANCEL" || code === "ERR_HTTP2_GOAWAY_SESSION") return null;
  return stream.rstCode ?? null;
}

/** Node wraps what ended the connection. */
export function causeOf(error: unknown): unknown {
  return (error as { readonly cause?: unknown }).cause ?? error;
}
