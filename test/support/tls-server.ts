// TLS servers on free ports of 127.0.0.1, with certificates of our own making.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import { type AddressInfo, createServer, type Server } from "node:net";
import { join } from "node:path";
import type { Endpoint } from "../../src/core/model/live.ts";
import { certificatePem, keyPem, type LabPair, makeLeaf } from "../../src/lab/lab-issuer.ts";
import { freshFolder } from "./fixtures.ts";

const closers: (() => Promise<unknown>)[] = [];

/** Ends all servers of this process. */
export async function closeServers(): Promise<void> {
  for (const close of closers.splice(0)) await close();
}

export function servingPair(
  authority: LabPair,
  validity: { readonly notBefore: number; readonly notAfter: number },
): Promise<LabPair> {
  return makeLeaf(authority, "ECDSA-P256", {
    ...validity,
    commonName: "kube-apiserver",
    usages: ["serverAuth"],
    sans: [{ kind: "ip", value: "127.0.0.1" }],
  });
}

/** `pair`: null when `options` have certificate and key. */
export async function https(
  pair: LabPair | null,
  answer: RequestListener,
  options: ServerOptions = {},
): Promise<Endpoint> {
  const identity = pair && { cert: Buffer.from(certificatePem(pair)), key: Buffer.from(keyPem(pair)) };
  return listen(createHttpsServer({ ...identity, ...options }, answer), "https");
}

export function http(answer: RequestListener): Promise<Endpoint> {
  return listen(createHttpServer(answer), "http");
}

/** Takes connections and says nothing, or `byte` again and again. */
export function silent(byte?: string): Promise<Endpoint> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    if (byte === undefined) return;
    const timer = setInterval(() => socket.write(byte), 50);
    socket.once("close", () => clearInterval(timer));
  });
  return listen(server, "https");
}

async function listen(server: Server, scheme: Endpoint["scheme"]): Promise<Endpoint> {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, "close");
  });
  return { scheme, host: "127.0.0.1", port: (server.address() as AddressInfo).port, serverName: null };
}

/** OpenSSL's server, which demands a client certificate inside the handshake, as Go's does. */
export async function mutualTls(
  pair: LabPair,
  version: "tls1_2" | "tls1_3",
  port: number,
): Promise<Endpoint> {
  const folder = freshFolder();
  const write = (name: string, bytes: Uint8Array): string => {
    writeFileSync(join(folder, name), bytes, { mode: 0o600 });
    return join(folder, name);
  };
  const files = ["-cert", write("c.pem", certificatePem(pair)), "-key", write("k.pem", keyPem(pair))];
  const words = ["s_server", `-${version}`, "-Verify", "1", "-verify_return_error", ...files];
  const child = spawn("openssl", [...words, "-accept", `127.0.0.1:${port}`], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  closers.push(() => end(child));
  for await (const chunk of child.stdout as AsyncIterable<Buffer>)
    if (chunk.toString().includes("ACCEPT")) break;
  return { scheme: "https", host: "127.0.0.1", port, serverName: null };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
