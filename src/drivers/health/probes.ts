// Looks at listeners: the certificate presented, and whether a process says that it is well. Sends nothing but a path.
import { createHash } from "node:crypto";
import {
  request as requestPlain,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from "node:http";
import { request as requestTls } from "node:https";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Duplex } from "node:stream";
import type { Endpoint, ServedFacts } from "../../core/model/live.ts";
import { AppError, isAppError } from "../../core/model/errors.ts";
import { type Certificate, parseCertificate } from "../../core/pki/certificate.ts";
import { sha256Hex } from "../../core/pki/fingerprints.ts";
import { formatName, parseName } from "../../core/pki/names.ts";
import type { Probes } from "../../engine/ports/live.ts";
import { type Dial, dialFailure, tlsOver } from "../shared/dial.ts";
import { errnoOf } from "../shared/directory-handles.ts";

const usualDeadlineMs = 3000;
/** Of the way through another host, before the look begins. */
const wayDeadlineMs = 15_000;
const bodyLimit = 4096;

export interface ProbesOptions {
  /** Of each look, ms; default 3000. A dial has 15 s of its own before it. */
  readonly deadlineMs?: number;
  /** The way to the listeners; default from this machine. */
  readonly dial?: Dial;
}

interface Way {
  readonly deadlineMs: number;
  readonly dial: Dial | undefined;
}

export function openProbes({ deadlineMs = usualDeadlineMs, dial }: ProbesOptions = {}): Probes {
  const way = { deadlineMs, dial };
  return {
    served: (endpoint, signal) => served(endpoint, way, signal),
    ailment: (endpoint, path, signal) => ailment({ endpoint, path }, way, signal),
  };
}

/**
 * A server that wants a client certificate shows its own first, and that is all that is wanted of it: with TLS 1.2 it breaks off
 * the handshake then, with TLS 1.3 only afterwards.
 */
async function served(
  { host, port, serverName }: Endpoint,
  { deadlineMs, dial }: Way,
  signal: AbortSignal | undefined,
): Promise<ServedFacts> {
  if (signal?.aborted === true) return { state: "unreachable", reason: "interrupted" };
  const options: ConnectionOptions = {
    // Any certificate is an answer here; what it has to be is compared by the caller.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2",
    ...(serverName === null ? {} : { servername: serverName }),
  };
  try {
    const stream = dial && (await reach(dial, { host, port }, signal));
    const deadline = AbortSignal.timeout(deadlineMs);
    const either = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
    return await shown(stream ? tlsOver(stream, options) : connect({ host, port, ...options }), {
      deadline,
      either,
    });
  } catch (error) {
    const isOver: boolean = signal?.aborted ?? false;
    if (isOver) return { state: "unreachable", reason: "interrupted" };
    if (!isAppError(error)) throw error;
    return { state: "unreachable", reason: failureText(error) };
  }
}

/**
 * Comes before the listener's own time begins: many channels opened at once over a slow link, or from a machine that is busy, are
 * no ailment of the listener. Rejects with what the dial rejects with; `endpoint-unreachable`, `timeout` once its own time is over.
 */
async function reach(
  dial: Dial,
  { host, port }: Pick<Endpoint, "host" | "port">,
  signal: AbortSignal | undefined,
): Promise<Duplex> {
  const late = AbortSignal.timeout(wayDeadlineMs);
  try {
    return await dial({ kind: "tcp", host, port }, AbortSignal.any([late, ...(signal ? [signal] : [])]));
  } catch (error) {
    if (!late.aborted) throw error;
    const params = { endpoint: `${host}:${port}`, reason: "timeout", detail: "timed out" } as const;
    throw new AppError("endpoint-unreachable", params, error instanceof Error ? { cause: error } : undefined);
  }
}

function shown(
  socket: TLSSocket,
  { deadline, either }: { readonly deadline: AbortSignal; readonly either: AbortSignal },
): Promise<ServedFacts> {
  return new Promise((resolve) => {
    // Of the whole handshake: a server that says a byte now and then is no answer either.
    either.addEventListener("abort", () => socket.destroy(new Error("interrupted")), { once: true });
    const end = (facts: ServedFacts): void => {
      socket.destroy();
      resolve(facts);
    };
    socket.once("secureConnect", () => end(factsOf(socket.getPeerX509Certificate()?.raw)));
    socket.once("error", (error) => {
      const leaf = socket.getPeerX509Certificate()?.raw;
      end(leaf ? factsOf(leaf) : { state: "unreachable", reason: failureText(error, deadline) });
    });
    socket.once("close", () => end({ state: "unreachable", reason: "ECONNRESET" }));
  });
}

function factsOf(der: Uint8Array | undefined): ServedFacts {
  if (der === undefined) return { state: "unreachable", reason: "no certificate is presented" };
  const leaf = leafOf(der);
  if (leaf === null) return { state: "unreachable", reason: "the certificate presented cannot be read" };
  return {
    state: "served",
    serialHex: leaf.serialHex,
    notAfter: leaf.notAfter,
    certificateSha256: sha256Hex(leaf.der),
    spkiSha256: createHash("sha256").update(leaf.spkiDer).digest("hex"),
    subject: formatName(parseName(leaf.subjectDer)),
  };
}

/** What a server presents is foreign bytes: OpenSSL may take what we do not. */
function leafOf(der: Uint8Array): Certificate | null {
  try {
    return parseCertificate(new Uint8Array(der));
  } catch (error) {
    if (!isAppError(error)) throw error;
    return null;
  }
}

async function ailment(
  { endpoint, path }: { readonly endpoint: Endpoint; readonly path: string },
  { deadlineMs, dial }: Way,
  signal: AbortSignal | undefined,
): Promise<string | null> {
  let deadline: AbortSignal | undefined;
  try {
    const stream = dial && (await reach(dial, endpoint, signal));
    deadline = AbortSignal.timeout(deadlineMs);
    const either = AbortSignal.any([deadline, ...(signal ? [signal] : [])]);
    const { status, body } = await get(stream && (async () => stream), endpoint, path, either);
    // Who asks anonymously and is turned away has been answered by a process that works.
    if (status === 200 || status === 401 || status === 403) return null;
    return `${path} is answered with ${status}${firstComplaint(body)}`;
  } catch (error) {
    return `${path} is not answered: ${failureText(error, deadline)}`;
  }
}

/** `/readyz` and `/healthz` list what they ask for: `[-]etcd failed: reason withheld`. */
function firstComplaint(body: string): string {
  const line = body.split("\n").find((text) => text.startsWith("[-]")) ?? body.split("\n")[0] ?? "";
  return line === "" ? "" : `: ${line.slice(0, 200)}`;
}

async function get(
  dial: Dial | undefined,
  { scheme, host, port }: Endpoint,
  path: string,
  signal: AbortSignal,
): Promise<Answer> {
  // Nothing is sent but the path, and the answer opens no door: the certificate may well have expired.
  const tls = { rejectUnauthorized: false };
  const options: RequestOptions = {
    host,
    port,
    path,
    signal,
    ...(await wayTo({ host, port }, { dial, tls, signal }, scheme)),
  };
  return exchange(scheme === "https" ? requestTls({ ...options, ...tls }) : requestPlain(options));
}

/** How one request gets its connection: its own, from this machine or through the dial. Rejects with what the dial rejects with. */
export async function wayTo(
  { host, port }: Pick<Endpoint, "host" | "port">,
  {
    dial,
    tls,
    signal,
  }: { readonly dial: Dial | undefined; readonly tls: ConnectionOptions; readonly signal: AbortSignal },
  scheme: Endpoint["scheme"] = "https",
): Promise<Pick<RequestOptions, "agent" | "createConnection">> {
  if (!dial) return { agent: false };
  const stream = await dial({ kind: "tcp", host, port }, signal);
  return { createConnection: () => (scheme === "https" ? tlsOver(stream, tls) : stream) };
}

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Sends the request; the body's beginning (`limit` characters) is kept, the rest is read and dropped. */
export function exchange(request: ClientRequest, body?: string, limit = bodyLimit): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request.once("error", reject);
    request.once("response", (answer: IncomingMessage) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        if (text.length < limit) text += chunk.slice(0, limit - text.length);
      });
      answer.once("end", () => resolve({ status: answer.statusCode ?? 0, body: text }));
      answer.once("error", reject);
    });
    request.end(body);
  });
}

/** Why a server did not answer, for people: the system's code, the deadline, or the words of the TLS library. */
export function failureText(error: unknown, deadline?: AbortSignal): string {
  if (deadline?.aborted === true) return "no answer in time";
  const undialled = dialFailure(error);
  if (undialled !== null) return undialled;
  return errnoOf(error) ?? (error instanceof Error ? error.message : "unknown");
}
