// A gRPC server on a unix socket, just enough for one call in and one message out (grpc/grpc, doc/PROTOCOL-HTTP2.md).
import { rmSync } from "node:fs";
import { createServer, type ServerHttp2Stream } from "node:http2";
import { encodeFrame } from "../drivers/shared/grpc-frames.ts";
import { grpcStatus } from "../drivers/shared/grpc-status.ts";

/** Undefined for a method that is not known. An Error's message is what the caller reads. */
export type Answer = (method: string, request: Uint8Array) => Promise<Uint8Array> | undefined;

/** Resolves when it listens. */
export async function serveGrpc(socket: string, answer: Answer): Promise<void> {
  rmSync(socket, { force: true });
  const server = createServer();
  server.on("session", (session) => session.on("error", () => {}));
  server.on("stream", (stream, headers) => {
    const chunks: Buffer[] = [];
    // Whoever asked may have gone.
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.once("end", () => {
      void respond(stream, answer(headers[":path"] ?? "", Buffer.concat(chunks).subarray(5)));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
}

async function respond(stream: ServerHttp2Stream, answer: Promise<Uint8Array> | undefined): Promise<void> {
  if (answer === undefined) return fail(stream, grpcStatus.unimplemented, "unknown method");
  try {
    const message = await answer;
    if (stream.destroyed) return;
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.once("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(encodeFrame(message));
  } catch (error) {
    fail(stream, grpcStatus.internal, error instanceof Error ? error.message : String(error));
  }
}

function fail(stream: ServerHttp2Stream, status: number, message: string): void {
  if (stream.destroyed) return;
  const headers = {
    ":status": 200,
    "content-type": "application/grpc",
    "grpc-status": String(status),
    "grpc-message": encodeURIComponent(message),
  };
  stream.respond(headers, { endStream: true });
}
