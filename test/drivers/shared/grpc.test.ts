// gRPC as a client, against servers that keep the rules and break them.
import { once } from "node:events";
import { constants, type ServerHttp2Stream } from "node:http2";
import { createServer as createTcp, type AddressInfo } from "node:net";
import { join } from "node:path";
import { createServer as createTls, type TLSSocket } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import {
  openGrpc,
  type GrpcConnection,
  type GrpcOptions,
  type GrpcTarget,
} from "../../../src/drivers/shared/grpc.ts";
import { certificatePem, makeAuthority } from "../../../src/lab/lab-issuer.ts";
import { pairOf, serverPair } from "../../support/etcd-server.ts";
import { faultOf } from "../../support/errors.ts";
import { freshFolder } from "../../support/fixtures.ts";
import {
  type FakeCall,
  type FakeServer,
  framed,
  reply,
  replyHeadersOnly,
  startFakeServer,
} from "../../support/h2-server.ts";
import { valid } from "../../support/machine-time.ts";

const method = "/test.Service/Call";
const nothing = new Uint8Array();
const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

async function serve(
  answer: (call: FakeCall) => void,
  options: Partial<GrpcOptions> = {},
): Promise<{ readonly server: FakeServer; readonly grpc: GrpcConnection }> {
  const server = await startFakeServer(answer);
  const target = { kind: "plain", host: "127.0.0.1", port: server.port } as const;
  const grpc = openGrpc(target, { deadlineMs: 5000, ...options });
  cleanUp.push(
    () => server.close(),
    () => grpc.close(),
  );
  return { server, grpc };
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void } {
  const kept: { resolve?: (value: T) => void } = {};
  const promise = new Promise<T>((resolve) => {
    kept.resolve = resolve;
  });
  return { promise, resolve: (value) => kept.resolve?.(value) };
}

async function collect(messages: AsyncIterable<Uint8Array>): Promise<readonly string[]> {
  const texts: string[] = [];
  for await (const message of messages) texts.push(Buffer.from(message).toString());
  return texts;
}

describe("one call", () => {
  it("sends a gRPC request and gives back the message", async () => {
    const { server, grpc } = await serve(({ stream }) => reply(stream, [framed("pong")]));
    expect(Buffer.from(await grpc.unary(method, Buffer.from("ping"))).toString()).toBe("pong");
    const { headers, request } = server.calls[0]!;
    expect(Buffer.from(request).toString()).toBe("ping");
    expect(headers).toMatchObject({
      ":method": "POST",
      ":path": method,
      ":scheme": "http",
      ":authority": `127.0.0.1:${server.port}`,
      "content-type": "application/grpc",
      te: "trailers",
      "grpc-timeout": "5000m",
    });
  });

  it("takes an empty message for a message", async () => {
    const { grpc } = await serve(({ stream }) => reply(stream, [framed("")]));
    expect(await grpc.unary(method, nothing)).toHaveLength(0);
  });

  it("uses one connection for many calls side by side", async () => {
    const { server, grpc } = await serve(({ stream, request }) => reply(stream, [framed(request)]));
    const words = ["a", "b", "c", "d"];
    const answers = await Promise.all(words.map((word) => grpc.unary(method, Buffer.from(word))));
    expect(answers.map((answer) => Buffer.from(answer).toString())).toEqual(words);
    expect(server.sessions).toHaveLength(1);
  });

  it("speaks over a unix socket, with an authority that grpc-go accepts", async () => {
    const path = join(freshFolder(), "s");
    const server = await startFakeServer(({ stream }) => reply(stream, [framed("pong")]), path);
    const grpc = openGrpc({ kind: "unix", path }, { deadlineMs: 5000 });
    cleanUp.push(
      () => server.close(),
      () => grpc.close(),
    );
    await grpc.unary(method, nothing);
    expect(server.calls[0]!.headers[":authority"]).toBe("localhost");
    expect(grpc.endpoint).toBe(`unix://${path}`);
  });

  it("reads messages that are split anywhere and several in one frame", async () => {
    const all = Buffer.concat(["one", "", "three"].map((text) => framed(text)));
    const { grpc } = await serve(({ stream, request }) => {
      const at = request[0]!;
      reply(stream, [all.subarray(0, at), all.subarray(at)]);
    });
    for (let at = 0; at <= all.length; at += 1) {
      expect(await collect(grpc.serverStream(method, Uint8Array.of(at)))).toEqual(["one", "", "three"]);
    }
    const { grpc: slow } = await serve(({ stream }) =>
      reply(
        stream,
        [...all].map((byte) => Uint8Array.of(byte)),
      ),
    );
    expect(await collect(slow.serverStream(method, nothing))).toEqual(["one", "", "three"]);
  });

  it("has no deadline in the header of a stream that is given none", async () => {
    const { server, grpc } = await serve(({ stream }) => reply(stream, []));
    await collect(grpc.serverStream(method, nothing));
    await collect(grpc.serverStream(method, nothing, { deadlineMs: 1e9 }));
    expect(server.calls.map(({ headers }) => headers["grpc-timeout"])).toEqual([undefined, "1000000S"]);
  });
});

describe("the server's refusal", () => {
  it("is read from headers alone, its message percent-decoded", async () => {
    const { grpc } = await serve(({ stream }) =>
      replyHeadersOnly(stream, { "grpc-status": "5", "grpc-message": "no %E5%AE%B9%E5%99%A8 100%" }),
    );
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["rpc-failed", 5, "no 容器 100%"]);
  });

  it("is read from trailers behind messages, which a stream has passed on by then", async () => {
    const { grpc } = await serve(({ stream }) =>
      reply(stream, [framed("half")], { "grpc-status": "14", "grpc-message": "etcdserver: no leader" }),
    );
    const seen: string[] = [];
    const reading = (async () => {
      for await (const message of grpc.serverStream(method, nothing))
        seen.push(Buffer.from(message).toString());
    })();
    expect(await faultOf(reading)).toEqual(["rpc-failed", 14, "etcdserver: no leader"]);
    expect(seen).toEqual(["half"]);
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["rpc-failed", 14, "etcdserver: no leader"]);
  });

  it("is UNKNOWN when its number is none", async () => {
    const { grpc } = await serve(({ stream }) => replyHeadersOnly(stream, { "grpc-status": "so-so" }));
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["rpc-failed", 2, ""]);
  });

  it.each([
    ["REFUSED_STREAM", constants.NGHTTP2_REFUSED_STREAM, 14],
    ["CANCEL", constants.NGHTTP2_CANCEL, 1],
    ["ENHANCE_YOUR_CALM", constants.NGHTTP2_ENHANCE_YOUR_CALM, 8],
    ["INADEQUATE_SECURITY", constants.NGHTTP2_INADEQUATE_SECURITY, 7],
    ["INTERNAL_ERROR", constants.NGHTTP2_INTERNAL_ERROR, 13],
  ])("is a reset stream with %s", async (_, code, status) => {
    const { grpc } = await serve(({ stream }) => stream.close(code));
    const message = `the server reset the stream with HTTP/2 code ${code}`;
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["rpc-failed", status, message]);
  });
});

describe("a broken answer", () => {
  const broken: readonly (readonly [string, (call: FakeCall) => void, readonly [number, string]])[] = [
    [
      "a compressed message",
      ({ stream }) => reply(stream, [framed("x", 1)]),
      [13, "a compressed message was not asked for"],
    ],
    [
      "a message cut off",
      ({ stream }) => reply(stream, [framed("xyz").subarray(0, 6)]),
      [13, "the answer ends inside a message"],
    ],
    ["no message", ({ stream }) => reply(stream, []), [13, "no message"]],
    [
      "two messages",
      ({ stream }) => reply(stream, [framed("a"), framed("b")]),
      [13, "more than one message"],
    ],
    ["no status", ({ stream }) => reply(stream, [framed("a")], {}), [2, "the answer ended without a status"]],
    [
      "a message beyond the limit",
      ({ stream }) => reply(stream, [framed(Buffer.alloc(101))]),
      [8, "a message of 101 bytes, more than 100"],
    ],
  ];

  it.each(broken)("with %s is an rpc-failed", async (_, answer, [status, message]) => {
    const { grpc } = await serve(answer, { maxMessageBytes: 100 });
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["rpc-failed", status, message]);
  });

  it("is refused by its announced size before the bytes have come", async () => {
    const { grpc } = await serve(
      ({ stream }) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(Buffer.from("00ffffffff", "hex"));
      },
      { maxMessageBytes: 100 },
    );
    expect(await faultOf(grpc.unary(method, nothing))).toEqual([
      "rpc-failed",
      8,
      "a message of 4294967295 bytes, more than 100",
    ]);
  });

  it("of a web server is no gRPC", async () => {
    const page = await serve(({ stream }) => {
      stream.respond({ ":status": 404, "content-type": "text/html" });
      stream.end("<html>not here</html>");
    });
    expect(await faultOf(page.grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "not-grpc"]);
    const json = await serve(({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/json" });
      stream.end("{}");
    });
    expect(await faultOf(json.grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "not-grpc"]);
  });
});

describe("time", () => {
  it("ends a call that gets no answer, and tells the server", async () => {
    const reset = deferred<number>();
    const { grpc } = await serve(({ stream }) => {
      stream.once("close", () => reset.resolve(stream.rstCode ?? -1));
    });
    expect(await faultOf(grpc.unary(method, nothing, { deadlineMs: 100 }))).toEqual([
      "rpc-failed",
      4,
      "no answer in time",
    ]);
    expect(await reset.promise).toBe(constants.NGHTTP2_CANCEL);
  });

  it("ends a stream that pauses too long, not one whose reader does", async () => {
    const { grpc } = await serve(
      ({ stream, request }) => {
        if (request.length === 0) {
          reply(stream, [framed("a"), framed("b")]);
          return;
        }
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(framed("a"));
      },
      { deadlineMs: 1000 },
    );
    const seen: string[] = [];
    for await (const message of grpc.serverStream(method, nothing)) {
      seen.push(Buffer.from(message).toString());
      await new Promise((resolve) => {
        setTimeout(resolve, 1200);
      });
    }
    expect(seen).toEqual(["a", "b"]);
    expect(await faultOf(collect(grpc.serverStream(method, Buffer.from("pause"))))).toEqual([
      "rpc-failed",
      4,
      "no answer in time",
    ]);
  });

  it("ends a dial to one who accepts and says nothing", async () => {
    const server = createTcp((socket) => socket.on("error", () => undefined)).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const grpc = openGrpc({ kind: "tls", host: "127.0.0.1", port }, { deadlineMs: 100 });
    cleanUp.push(
      () => server.close(),
      () => grpc.close(),
    );
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "timeout"]);
  });

  it("is up when the caller says so: before, while connecting, while waiting", async () => {
    const { grpc } = await serve(() => undefined);
    const reason = new Error("changed my mind");
    expect(await faultOf(grpc.unary(method, nothing, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const connecting = new AbortController();
    const first = faultOf(grpc.unary(method, nothing, { signal: connecting.signal }));
    connecting.abort(reason);
    expect(await first).toBe(reason);
    const waiting = new AbortController();
    const { server, grpc: other } = await serve(() => waiting.abort(reason));
    expect(await faultOf(other.unary(method, nothing, { signal: waiting.signal }))).toBe(reason);
    expect(server.calls).toHaveLength(1);
  });

  it("one who gives up does not spoil the dial for another", async () => {
    const { grpc } = await serve(({ stream }) => reply(stream, [framed("x")]));
    const impatient = new AbortController();
    const both = [grpc.unary(method, nothing, { signal: impatient.signal }), grpc.unary(method, nothing)];
    impatient.abort(new Error("gone"));
    const [first, second] = await Promise.allSettled(both);
    expect([first!.status, second!.status]).toEqual(["rejected", "fulfilled"]);
  });
});

describe("the connection", () => {
  it("is refused where nobody listens, on a port and on a path", async () => {
    const { server, grpc } = await serve(() => undefined);
    await server.close();
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "refused"]);
    const nowhere = openGrpc({ kind: "unix", path: join(freshFolder(), "none") }, { deadlineMs: 1000 });
    expect(await faultOf(nowhere.unary(method, nothing))).toEqual(["endpoint-unreachable", "no-socket"]);
  });

  it("is made anew after it was lost in the middle of a call", async () => {
    const state = { lose: true };
    const { server, grpc } = await serve(({ stream }) => {
      if (state.lose) stream.session?.destroy();
      else reply(stream, [framed("x")]);
    });
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "closed"]);
    state.lose = false;
    expect(await faultOf(grpc.unary(method, nothing))).toEqual({ resolved: Buffer.from("x") });
    expect(server.sessions).toHaveLength(2);
  });

  it("is made anew after GOAWAY, which lets the running call end", async () => {
    const held: ServerHttp2Stream[] = [];
    const arrived = deferred<void>();
    const { server, grpc } = await serve(({ stream, request }) => {
      if (request.length === 0) {
        reply(stream, [framed("x")]);
        return;
      }
      held.push(stream);
      stream.session?.goaway(constants.NGHTTP2_NO_ERROR);
      arrived.resolve();
    });
    const running = grpc.unary(method, Buffer.from("hold me"));
    await arrived.promise;
    const usesAnother = async () => {
      await grpc.unary(method, nothing);
      return server.sessions.length;
    };
    await expect.poll(usesAnother).toBe(2);
    // The first connection ends while the second is in use, and takes nothing with it.
    const ended = once(server.sessions[0]!, "close");
    reply(held[0]!, [framed("late")]);
    expect(Buffer.from(await running).toString()).toBe("late");
    await ended;
    for (let count = 0; count < 3; count += 1) expect(await usesAnother()).toBe(2);
  });

  it("ended by GOAWAY with an error is no conversation", async () => {
    const { grpc } = await serve(({ stream }) => {
      stream.session?.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, 0);
      stream.session?.destroy();
    });
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "closed"]);
  });

  it("to a server of another protocol is named so", async () => {
    const server = createTcp((socket) => {
      socket.on("error", () => undefined);
      socket.end("HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n");
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const grpc = openGrpc({ kind: "plain", host: "127.0.0.1", port }, { deadlineMs: 2000 });
    cleanUp.push(
      () => server.close(),
      () => grpc.close(),
    );
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "not-http2"]);
  });

  it("closed by us ends running calls and takes no more", async () => {
    const { grpc } = await serve(() => grpc.close());
    expect(await faultOf(grpc.unary(method, nothing))).toEqual(["endpoint-unreachable", "closed"]);
    expect(await faultOf(grpc.unary(method, nothing))).toBeInstanceOf(TypeError);
  });

  it("holds a fast sender back while the reader is slow, and cancels when the reader leaves", async () => {
    const sent = { bytes: 0 };
    const closed = deferred<number>();
    const { grpc } = await serve(({ stream }) => {
      stream.respond({ ":status": 200, "content-type": "application/grpc" });
      stream.once("close", () => closed.resolve(stream.rstCode ?? -1));
      const piece = framed(Buffer.alloc(64 * 1024));
      const more = () => {
        while (!stream.destroyed && sent.bytes < 2 ** 28) {
          sent.bytes += piece.length;
          if (!stream.write(piece)) return;
        }
      };
      stream.on("drain", more);
      more();
    });
    for await (const message of grpc.serverStream(method, nothing)) {
      expect(message).toHaveLength(64 * 1024);
      break;
    }
    expect(await closed.promise).toBe(constants.NGHTTP2_CANCEL);
    expect(sent.bytes).toBeLessThan(2 ** 23);
  });
});

describe("TLS", () => {
  /** Notes the server name that was asked for and every byte that came behind the handshake. */
  async function listen() {
    const authority = await makeAuthority("ca", "ECDSA-P256", valid);
    const pair = await serverPair(authority, valid);
    const seen = { names: [] as unknown[], bytes: 0, protocols: [] as unknown[] };
    const ended = deferred<void>();
    const server = createTls({
      cert: Buffer.from(pair.certificatePem),
      key: Buffer.from(pair.keyPem),
      ALPNProtocols: ["h2"],
    });
    server.on("secureConnection", (socket: TLSSocket & { readonly servername?: unknown }) => {
      seen.names.push(socket.servername);
      seen.protocols.push(socket.alpnProtocol);
      socket.on("error", () => undefined);
      socket.on("close", () => ended.resolve());
      socket.on("data", (chunk: Buffer) => {
        seen.bytes += chunk.length;
        socket.destroy();
      });
    });
    // We may be gone before the server has seen the end of the handshake.
    server.on("tlsClientError", () => ended.resolve());
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanUp.push(() => server.close());
    const { port } = server.address() as AddressInfo;
    const caPem = certificatePem(authority);
    return { port, caPem, pin: pair.spkiSha256, seen, ended: ended.promise, authority };
  }

  async function call(target: GrpcTarget): Promise<unknown> {
    const grpc = openGrpc(target, { deadlineMs: 5000 });
    try {
      return await faultOf(grpc.unary(method, nothing));
    } finally {
      grpc.close();
    }
  }

  it("sends not a byte to a server with another key than the pinned one, however good its certificate", async () => {
    const { port, caPem, authority, seen, ended } = await listen();
    const pinnedSpkiSha256 = [pairOf(authority).spkiSha256];
    const target = { kind: "tls", host: "127.0.0.1", port, caPem, pinnedSpkiSha256 } as const;
    expect(await call(target)).toEqual(["endpoint-unreachable", "key-not-pinned"]);
    await ended;
    expect(seen.bytes).toBe(0);
  });

  it("believes the pinned key without any authority and under any name", async () => {
    const { port, pin, seen, ended } = await listen();
    const target = {
      kind: "tls",
      host: "127.0.0.1",
      port,
      serverName: "other",
      pinnedSpkiSha256: [pin],
    } as const;
    expect(await call(target)).toEqual(["endpoint-unreachable", "closed"]);
    await ended;
    expect(seen.bytes).toBeGreaterThan(0);
    expect(seen.names).toEqual(["other"]);
  });

  it("asks for a name, never for an address, and trusts no stranger without pin or bundle", async () => {
    const { port, caPem, seen } = await listen();
    await call({ kind: "tls", host: "127.0.0.1", port, caPem });
    await call({ kind: "tls", host: "localhost", port, caPem });
    await call({ kind: "tls", host: "127.0.0.1", port, serverName: "localhost", caPem });
    expect(seen.names).toEqual([false, "localhost", "localhost"]);
    expect(seen.protocols).toEqual(["h2", "h2", "h2"]);
    const unknown = { kind: "tls", host: "127.0.0.1", port, pinnedSpkiSha256: [] } as const;
    expect(await call(unknown)).toEqual(["endpoint-unreachable", "server-untrusted"]);
  });
});
