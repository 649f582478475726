// A kube-apiserver as far as certificates are concerned: loads, reloads, refuses and dies as 1.20 does.
//
//   files ──▶ etcd within 20 s, or "context deadline exceeded" and exit 1 ──▶ serves; its files are looked at once a minute
// INPUTS: the files its flags name. OUTPUTS: a listener; objects below /registry in etcd
import { readFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { type Server, createServer } from "node:https";
import { isIPv6 } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket, createSecureContext } from "node:tls";
import { isAppError } from "../core/model/errors.ts";
import { type EtcdStore, openStore } from "./etcd-store.ts";
import { type Flags, needed, readFlags } from "./flags.ts";
import { klog } from "./klog.ts";
import { listening } from "./listening.ts";
import type { Lab } from "./places.ts";
import { makeSelfSigned } from "./self-signed.ts";

/** storagebackend: the time for the first conversation with etcd. */
const etcdPatienceMs = 20_000;
const etcdRetryMs = 1000;
/** dynamiccertificates: FileRefreshDuration. */
const reloadMs = 60_000;

export async function runApiServer(lab: Lab, words: readonly string[]): Promise<void> {
  const flags = readFlags(words);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  klog("I", "server.go:632", "external host was not specified, using 127.0.0.1");
  const loopback = await makeSelfSigned("apiserver-loopback-client", ["apiserver-loopback-client"]);
  const serving = readServing(flags);
  const store = openStore(flags);
  await untilEtcd(store, flags, lab.pace);
  const server = createServer(
    { ...serving, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      void answer(store, request).then(({ status, body }) => {
        response.writeHead(status, { "content-type": "application/json" }).end(body);
      });
    },
  );
  // What the API server shows to itself is made at its start, kept in memory and never renewed (k/k#86552).
  server.addContext("apiserver-loopback-client", createSecureContext({ ...loopback, ca: serving.ca }));
  server.on("tlsClientError", (error) =>
    klog("I", "log.go:181", `http: TLS handshake error: ${error.message}`),
  );
  await listening(server, flags.get("bind-address") ?? everywhere(flags), needed(flags, "secure-port"));
  klog("I", "secure_serving.go:197", `Serving securely on port ${needed(flags, "secure-port")}`);
  await reloadForever(server, flags, { serving, pace: lab.pace });
}

function everywhere(flags: Flags): string {
  return isIPv6(flags.get("advertise-address") ?? "") ? "::" : "0.0.0.0";
}

interface Serving {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

function readServing(flags: Flags): Serving {
  const read = (name: string): string => readFileSync(needed(flags, name), "utf8");
  return { cert: read("tls-cert-file"), key: read("tls-private-key-file"), ca: read("client-ca-file") };
}

/** The process ends when etcd does not let it in, or is not to be trusted. */
async function untilEtcd(store: EtcdStore, flags: Flags, pace: number): Promise<void> {
  const end = performance.now() + etcdPatienceMs * pace;
  for (;;) {
    try {
      return await store.ping();
    } catch (error) {
      if (!isAppError(error)) throw error;
      klog("W", "clientconn.go:1223", complaintOf(error, needed(flags, "etcd-servers")));
    }
    if (performance.now() >= end) {
      process.stderr.write("Error: context deadline exceeded\n");
      process.exit(1);
    }
    await sleep(etcdRetryMs * pace);
  }
}

function complaintOf(error: unknown, endpoint: string): string {
  const reason = isAppError(error, "endpoint-unreachable") ? goReason(error.params) : String(error);
  return (
    `grpc: addrConn.createTransport failed to connect to {${endpoint}  <nil> 0 <nil>}. ` +
    `Err :connection error: desc = "transport: ${reason}". Reconnecting...`
  );
}

function goReason({ reason, detail }: { readonly reason: string; readonly detail: string }): string {
  switch (reason) {
    case "server-expired":
      return "authentication handshake failed: x509: certificate has expired or is not yet valid";
    case "server-untrusted":
      return "authentication handshake failed: x509: certificate signed by unknown authority";
    case "client-refused":
      return "authentication handshake failed: remote error: tls: bad certificate";
    case "refused":
      return "Error while dialing dial tcp: connect: connection refused";
    default:
      return detail;
  }
}

/** A pair that does not match is left alone until both files do. */
async function reloadForever(
  server: Server,
  flags: Flags,
  { serving, pace }: { readonly serving: Serving; readonly pace: number },
): Promise<never> {
  let current = serving;
  for (;;) {
    await sleep(reloadMs * pace);
    try {
      const next = readServing(flags);
      if (next.cert === current.cert && next.key === current.key && next.ca === current.ca) continue;
      createSecureContext(next);
      server.setSecureContext(next);
      current = next;
      klog("I", "tlsconfig.go:178", "loaded serving cert");
    } catch (error) {
      klog("E", "dynamic_serving_content.go:119", error instanceof Error ? error.message : String(error));
    }
  }
}

interface Reply {
  readonly status: number;
  readonly body: string;
}

async function answer(store: EtcdStore, request: IncomingMessage): Promise<Reply> {
  const { pathname } = new URL(request.url ?? "/", "https://localhost");
  try {
    if (/^\/(livez|readyz|healthz)$/.test(pathname)) return await health(store);
    const { socket } = request;
    if (!(socket instanceof TLSSocket) || !socket.authorized) return unauthorized(socket);
    return await onObject(store, request, pathname);
  } catch (error) {
    if (!isAppError(error)) throw error;
    return statusObject(500, "InternalError", `etcdserver: ${error.code}`);
  }
}

async function health(store: EtcdStore): Promise<Reply> {
  try {
    await store.ping();
    return { status: 200, body: "ok" };
  } catch (error) {
    if (!isAppError(error)) throw error;
    return { status: 500, body: "[+]ping ok\n[-]etcd failed: reason withheld\n" };
  }
}

/** Who shows a certificate that does not hold is not even anonymous. */
function unauthorized(socket: unknown): Reply {
  const shown = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (shown === undefined) return statusObject(403, "Forbidden", 'User "system:anonymous" cannot do that');
  const reason = socket instanceof TLSSocket ? String(socket.authorizationError) : "";
  klog("E", "authentication.go:53", `Unable to authenticate the request due to an error: ${wordsOf(reason)}`);
  return statusObject(401, "Unauthorized", "Unauthorized");
}

function wordsOf(reason: string): string {
  return reason === "CERT_HAS_EXPIRED"
    ? "x509: certificate has expired or is not yet valid"
    : `x509: ${reason}`;
}

/** `/api/v1/nodes`, `/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases` */
const collection = /^\/(api\/v1|apis\/[^/]+\/[^/]+)(\/namespaces\/[^/]+)?\/[a-z]+$/;

function listObject(items: readonly string[]): string {
  return `{"kind":"List","apiVersion":"v1","metadata":{},"items":[${items.join(",")}]}`;
}

/** POST to a collection, GET of one; GET, PUT (made when it is not there) and DELETE of an object. */
async function onObject(store: EtcdStore, request: IncomingMessage, path: string): Promise<Reply> {
  if (!/^\/apis?\//.test(path))
    return statusObject(404, "NotFound", "the server could not find the requested resource");
  const body = await bodyOf(request);
  const key = `/registry${request.method === "POST" ? `${path}/${nameIn(body)}` : path}`;
  const missing = statusObject(404, "NotFound", `"${path}" not found`);
  switch (request.method) {
    case "POST":
      if ((await store.get(key)) !== null)
        return statusObject(409, "AlreadyExists", `"${key}" already exists`);
      await store.put(key, body);
      return { status: 201, body };
    case "PUT":
      await store.put(key, body);
      return { status: 200, body };
    case "GET": {
      if (collection.test(path)) return { status: 200, body: listObject(await store.list(key)) };
      const found = await store.get(key);
      return found === null ? missing : { status: 200, body: found };
    }
    case "DELETE":
      return (await store.delete(key)) ? statusObject(200, "", "") : missing;
    case undefined:
    default:
      return statusObject(405, "MethodNotAllowed", "the server does not allow this method");
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array));
  return Buffer.concat(chunks).toString();
}

function nameIn(body: string): string {
  const object: unknown = JSON.parse(body);
  const metadata: unknown =
    typeof object === "object" && object !== null && "metadata" in object ? object.metadata : {};
  return typeof metadata === "object" && metadata !== null && "name" in metadata ? String(metadata.name) : "";
}

/** meta/v1 Status. */
function statusObject(status: number, reason: string, message: string): Reply {
  const isDone = status < 300;
  const object = {
    kind: "Status",
    apiVersion: "v1",
    status: isDone ? "Success" : "Failure",
    reason,
    message,
    code: status,
  };
  return { status, body: JSON.stringify(object) };
}
