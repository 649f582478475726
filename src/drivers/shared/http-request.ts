// One small HTTP/1.1 request over a socket opened with the rules of gRPC targets (pins, names, addresses, unix sockets).
import { request, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "../../core/model/errors.ts";
import type { Dial } from "./dial.ts";
import { authorityOf, connectSocket, type GrpcTarget, unreachable } from "./grpc-connect.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly dial?: Dial | undefined;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

const limitBytes = 2 ** 20;

/** Redirects are not followed. @throws AppError endpoint-unreachable; the signal's reason when aborted */
export async function requestHttp(target: GrpcTarget, options: HttpRequest): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(options.deadlineMs);
  const signal = AbortSignal.any([deadline, ...(options.signal ? [options.signal] : [])]);
  try {
    const socket = await connectSocket(target, signal, { protocol: "http/1.1", dial: options.dial });
    try {
      return await exchange(() => socket, { ...options, signal }, authorityOf(target));
    } finally {
      socket.destroy();
    }
  } catch (error) {
    if (options.signal?.aborted) throw options.signal.reason;
    const late = deadline.aborted
      ? Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })
      : error;
    throw late instanceof AppError ? late : unreachable(target, late);
  }
}

function exchange(createConnection: () => Duplex, options: HttpRequest, host: string): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const { method, path, body = "", signal } = options;
    const headers = { host, "user-agent": "perennial", "content-length": Buffer.byteLength(body) };
    const asked = request({ method, path, headers, createConnection, ...(signal ? { signal } : {}) });
    asked.once("response", (answer) => {
      readBody(answer).then(resolve, reject);
    });
    asked.once("error", reject);
    asked.end(body);
  });
}

async function readBody(answer: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > limitBytes) throw new Error(`an answer of more than ${limitBytes} bytes`);
  }
  return { status: answer.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") };
}
