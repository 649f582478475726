// A server on node:http2 that answers gRPC calls as a test tells it, right or wrong.
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";

export interface FakeCall {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** The request's message, without its five bytes. */
  readonly request: Uint8Array;
}

export interface FakeServer {
  readonly port: number;
  readonly calls: readonly FakeCall[];
  readonly sessions: readonly ServerHttp2Session[];
  close(): Promise<void>;
}

/** `path` as `listen`: a unix socket; else a free port of 127.0.0.1. */
export async function startFakeServer(answer: (call: FakeCall) => void, path?: string): Promise<FakeServer> {
  const calls: FakeCall[] = [];
  const sessions: ServerHttp2Session[] = [];
  const server = createServer();
  server.on("session", (session) => {
    sessions.push(session);
    session.on("error", () => undefined);
  });
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => {
      const call = { stream, headers, request: Buffer.concat(chunks).subarray(5) };
      calls.push(call);
      answer(call);
    });
  });
  await new Promise<void>((resolve) => {
    if (path === undefined) server.listen(0, "127.0.0.1", resolve);
    else server.listen(path, resolve);
  });
  const close = () =>
    new Promise<void>((resolve) => {
      for (const session of sessions) session.destroy();
      server.close(() => resolve());
    });
  const port = path === undefined ? (server.address() as AddressInfo).port : 0;
  return { port, calls, sessions, close };
}

/** A message behind its five bytes. */
export function framed(message: Uint8Array | string, flag = 0): Buffer {
  const bytes = Buffer.from(message);
  const frame = Buffer.alloc(5 + bytes.length);
  frame[0] = flag;
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, 5);
  return frame;
}

/** Headers, these DATA chunks, then trailers. */
export function reply(
  stream: ServerHttp2Stream,
  chunks: readonly Uint8Array[],
  trailers: Readonly<Record<string, string>> = { "grpc-status": "0" },
): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
  stream.once("wantTrailers", () => stream.sendTrailers({ ...trailers }));
  for (const chunk of chunks) stream.write(chunk);
  stream.end();
}

/** Everything in one block of headers, without a body. */
export function replyHeadersOnly(stream: ServerHttp2Stream, headers: Readonly<Record<string, string>>): void {
  stream.respond({ ":status": 200, "content-type": "application/grpc", ...headers }, { endStream: true });
}
