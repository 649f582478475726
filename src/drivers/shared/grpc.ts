// gRPC as a client over node:http2: one call in, one or many messages out (grpc/grpc, doc/PROTOCOL-HTTP2.md).
import { constants } from "node:http2";
import { AppError } from "../../core/model/errors.ts";
import { type CallTimer, startCallTimer } from "./call-timer.ts";
import type { Dial } from "./dial.ts";
import {
  type Answer,
  type Call,
  cancel,
  causeOf,
  type GrpcMethod,
  resetOf,
  type Session,
  startCall,
  startSession,
} from "./grpc-call.ts";
import { authorityOf, connectSocket, endpointOf, type GrpcTarget, unreachable } from "./grpc-connect.ts";
import { readFrames } from "./grpc-frames.ts";
import { grpcStatus, statusOfHeaders, httpFault, statusOfReset } from "./grpc-status.ts";

export type { GrpcMethod } from "./grpc-call.ts";
export type { GrpcTarget } from "./grpc-connect.ts";

export interface GrpcOptions {
  /** Time for one call: connecting, asking and its whole answer. A stream may pause that long between two messages. */
  readonly deadlineMs: number;
  /** Largest single message that is accepted, default 16 MiB. */
  readonly maxMessageBytes?: number;
  /** Default: from this machine. */
  readonly dial?: Dial | undefined;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Instead of the connection's; for a stream: for all of it. */
  readonly deadlineMs?: number;
}

/**
 * Connects at the first call and again after the connection was lost; calls may run side by side.
 * Every call throws AppError endpoint-unreachable (no conversation came about, or it broke off) or rpc-failed
 * (the server, or a broken rule of the protocol, ended it); an aborted one throws the signal's reason.
 */
export interface GrpcConnection {
  readonly endpoint: string;
  unary(method: GrpcMethod, request: Uint8Array, options?: CallOptions): Promise<Uint8Array>;
  /** Leaving the loop early cancels the call. The sender is held back by a slow reader. */
  serverStream(method: GrpcMethod, request: Uint8Array, options?: CallOptions): AsyncIterable<Uint8Array>;
  /** Running calls fail with endpoint-unreachable, later ones with a TypeError. */
  close(): void;
}

/** Nothing is dialled before the first call. */
export function openGrpc(target: GrpcTarget, options: GrpcOptions): GrpcConnection {
  return new Connection(target, options);
}

class Connection implements GrpcConnection {
  readonly endpoint: string;
  readonly #target: GrpcTarget;
  readonly #options: GrpcOptions;
  readonly #closing = new AbortController();
  #session: Promise<Session> | null = null;

  constructor(target: GrpcTarget, options: GrpcOptions) {
    this.endpoint = endpointOf(target);
    this.#target = target;
    this.#options = options;
  }

  async unary(method: GrpcMethod, request: Uint8Array, options: CallOptions = {}): Promise<Uint8Array> {
    const deadlineMs = options.deadlineMs ?? this.#options.deadlineMs;
    const messages: Uint8Array[] = [];
    for await (const message of this.serverStream(method, request, { ...options, deadlineMs })) {
      messages.push(message);
      if (messages.length > 1) throw this.#failed(method, grpcStatus.internal, "more than one message");
    }
    const [message] = messages;
    if (!message) throw this.#failed(method, grpcStatus.internal, "no message");
    return message;
  }

  async *serverStream(
    method: GrpcMethod,
    request: Uint8Array,
    options: CallOptions = {},
  ): AsyncGenerator<Uint8Array> {
    if (this.#closing.signal.aborted) throw new TypeError("the connection was closed");
    const { deadlineMs = null, signal } = options;
    const timer = startCallTimer({ deadlineMs, idleMs: this.#options.deadlineMs }, () =>
      this.#failed(method, grpcStatus.deadlineExceeded, "no answer in time"),
    );
    const either = AbortSignal.any([timer.signal, this.#closing.signal, ...(signal ? [signal] : [])]);
    try {
      either.throwIfAborted();
      const session = await this.#connected(either, timer);
      yield* this.#answers(session, { method, request, signal: either, deadlineMs }, timer);
    } finally {
      timer.stop();
    }
  }

  close(): void {
    const session = this.#session;
    this.#closing.abort(unreachable(this.#target, new Error("closed by us")));
    this.#session = null;
    session?.then(
      ({ http2 }) => http2.destroy(),
      () => undefined,
    );
  }

  #failed(method: GrpcMethod, status: number, message: string, cause?: unknown): AppError<"rpc-failed"> {
    return new AppError("rpc-failed", { endpoint: this.endpoint, method, status, message }, { cause });
  }

  /** One dial for all who wait; one who gives up does not spoil it for the others. */
  async #connected(signal: AbortSignal, timer: CallTimer): Promise<Session> {
    const session = this.#session ?? this.#dial();
    try {
      return await abortable(session, signal);
    } catch (error) {
      if (error === timer.signal.reason) throw timedOut(this.#target, error);
      throw error;
    }
  }

  #dial(): Promise<Session> {
    // An old connection may end when a new one is long in use.
    const forget = () => {
      if (this.#session === session) this.#session = null;
    };
    const session = this.#connect(forget);
    this.#session = session;
    return session;
  }

  async #connect(forget: () => void): Promise<Session> {
    const deadline = AbortSignal.timeout(this.#options.deadlineMs);
    try {
      const signal = AbortSignal.any([deadline, this.#closing.signal]);
      const socket = await connectSocket(this.#target, signal, { dial: this.#options.dial });
      return startSession(socket, this.#target, forget);
    } catch (error) {
      forget();
      throw error === deadline.reason ? timedOut(this.#target, error) : error;
    }
  }

  async *#answers(session: Session, call: Call, timer: CallTimer): AsyncGenerator<Uint8Array> {
    const answer = this.#start(session, call);
    const { stream } = answer;
    const stop = () => cancel(stream, call.signal.reason);
    call.signal.addEventListener("abort", stop, { once: true });
    try {
      const limit = this.#options.maxMessageBytes ?? 2 ** 24;
      for await (const read of readFrames(timer.watch(answer.chunks()), limit)) {
        // A proxy's page is not read as messages.
        this.#expectGrpc(answer);
        if ("fault" in read) throw this.#failed(call.method, read.status, read.fault);
        yield read.message;
      }
      this.#judge(call, answer);
    } catch (error) {
      if (call.signal.aborted) throw call.signal.reason;
      throw error instanceof AppError ? error : this.#broken(session, { call, answer, error });
    } finally {
      call.signal.removeEventListener("abort", stop);
      cancel(stream);
    }
  }

  #start(session: Session, call: Call): Answer {
    try {
      return startCall(session.http2, call, authorityOf(this.#target));
    } catch (error) {
      // It ended between the dial and this call.
      throw unreachable(this.#target, session.broken() ?? error);
    }
  }

  #expectGrpc({ headers }: Pick<Answer, "headers">): void {
    const fault = httpFault(headers());
    if (fault !== null)
      throw unreachable(this.#target, Object.assign(new Error(fault), { code: "NOT_GRPC" }));
  }

  #judge({ method }: Call, { stream, headers, trailers }: Answer): void {
    const status = statusOfHeaders(trailers()) ?? statusOfHeaders(headers());
    if (status?.code === grpcStatus.ok) return;
    if (status) throw this.#failed(method, status.code, status.message);
    this.#expectGrpc({ headers });
    if (stream.rstCode !== undefined && stream.rstCode !== constants.NGHTTP2_NO_ERROR) {
      throw new Error("reset");
    }
    throw this.#failed(method, grpcStatus.unknown, "the answer ended without a status");
  }

  /** A reset stream is the server's word on this call; everything else is the connection's end. */
  #broken(
    session: Session,
    { call, answer, error }: { readonly call: Call; readonly answer: Answer; readonly error: unknown },
  ): AppError {
    const status = statusOfHeaders(answer.trailers()) ?? statusOfHeaders(answer.headers());
    if (status && status.code !== grpcStatus.ok)
      return this.#failed(call.method, status.code, status.message);
    const reset = resetOf(error, answer.stream);
    if (reset !== null && session.broken() === null && !session.http2.destroyed) {
      const { code, message } = statusOfReset(reset);
      return this.#failed(call.method, code, message, error);
    }
    return unreachable(this.#target, session.broken() ?? causeOf(error));
  }
}

function timedOut(target: GrpcTarget, cause: unknown): AppError<"endpoint-unreachable"> {
  return unreachable(
    target,
    Object.assign(new Error("no connection in time", { cause }), { code: "ETIMEDOUT" }),
  );
}

function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", stop));
  });
}
