// Opens the socket below a gRPC connection: TLS with pinned keys, plain TCP, unix. INPUTS: the network. OUTPUTS: a handshake, no request.
import { createHash } from "node:crypto";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import { AppError, isAppError } from "../../core/model/errors.ts";
import type { EndpointFault } from "../../core/model/errors-servers.ts";
import { type Dial, tlsOver } from "./dial.ts";

/** Where a gRPC server listens, and who we are there. */
export type GrpcTarget =
  | {
      readonly kind: "tls";
      readonly host: string;
      readonly port: number;
      /** The name the server's certificate must bear, when it is not `host` (a tunnel); may be an address. */
      readonly serverName?: string;
      readonly certificatePem?: string | Uint8Array;
      readonly keyPem?: string | Uint8Array;
      /** Bundle of trust anchors. Without it: Node's own. */
      readonly caPem?: string | Uint8Array;
      /**
       * SHA-256 of the server's SubjectPublicKeyInfo, hex, with or without `SHA256:`. Given and not empty, they take the
       * place of names, chain and dates: an expired certificate with such a key is accepted, any other key is refused.
       */
      readonly pinnedSpkiSha256?: readonly string[];
    }
  | { readonly kind: "unix"; readonly path: string }
  | { readonly kind: "plain"; readonly host: string; readonly port: number };

type TlsTarget = Extract<GrpcTarget, { kind: "tls" }>;

/** As people write it: `https://10.0.0.1:2379`, `unix:///run/containerd/containerd.sock`. */
export function endpointOf(target: GrpcTarget): string {
  switch (target.kind) {
    case "unix":
      return `unix://${target.path}`;
    case "plain":
      return `http://${authorityOf(target)}`;
    case "tls":
      return `https://${authorityOf(target)}`;
  }
}

/** What stands in `:authority`. grpc-go refuses a path there, so a unix socket is `localhost`. */
export function authorityOf(target: GrpcTarget): string {
  if (target.kind === "unix") return "localhost";
  return `${isIP(target.host) === 6 ? `[${target.host}]` : target.host}:${target.port}`;
}

function tlsOptionsOf(target: TlsTarget): ConnectionOptions {
  const { serverName, certificatePem, keyPem, caPem } = target;
  const name = serverName ?? target.host;
  return {
    ...(certificatePem === undefined ? {} : { cert: Buffer.from(certificatePem) }),
    ...(keyPem === undefined ? {} : { key: Buffer.from(keyPem) }),
    ...(caPem === undefined ? {} : { ca: Buffer.from(caPem) }),
    // RFC 6066 section 3: an address is no server name.
    ...(isIP(name) === 0 ? { servername: name } : {}),
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    rejectUnauthorized: pinsOf(target) === null,
  };
}

function pinsOf({ pinnedSpkiSha256 = [] }: TlsTarget): ReadonlySet<string> | null {
  if (pinnedSpkiSha256.length === 0) return null;
  return new Set(pinnedSpkiSha256.map((pin) => pin.replace(/^sha256:/i, "").toLowerCase()));
}

/** Null when the server's key is one of the pinned ones, or none is pinned. */
function pinFault(target: TlsTarget, socket: TLSSocket): string | null {
  const pins = pinsOf(target);
  if (!pins) return null;
  const spki = socket.getPeerX509Certificate()?.publicKey.export({ type: "spki", format: "der" });
  if (!spki) return "no certificate";
  const found = createHash("sha256").update(spki).digest("hex");
  return pins.has(found) ? null : `SHA256:${found}`;
}

export interface ConnectOptions {
  /** Default `h2`. */
  readonly protocol?: "h2" | "http/1.1";
  /** Default: from this machine. */
  readonly dial?: Dial | undefined;
}

/**
 * A connected socket on which nothing was sent behind the handshake.
 * @throws AppError endpoint-unreachable, what the dial rejects with; the signal's reason when aborted
 */
export async function connectSocket(
  target: GrpcTarget,
  signal: AbortSignal,
  { protocol = "h2", dial }: ConnectOptions = {},
): Promise<Duplex> {
  signal.throwIfAborted();
  if (dial) return connectThrough(dial, target, { signal, protocol });
  const socket = startConnecting(target, protocol);
  try {
    await established(socket, target.kind === "tls" ? "secureConnect" : "connect", signal);
    if (target.kind === "tls") refuseOtherKeys(target, socket as TLSSocket);
    return socket;
  } catch (error) {
    socket.destroy();
    if (signal.aborted) throw signal.reason;
    throw error instanceof AppError ? error : unreachable(target, error);
  }
}

async function connectThrough(
  dial: Dial,
  target: GrpcTarget,
  { signal, protocol }: { readonly signal: AbortSignal; readonly protocol: string },
): Promise<Duplex> {
  const { kind } = target;
  const place = kind === "unix" ? target : { kind: "tcp" as const, host: target.host, port: target.port };
  const stream = await dial(place, signal).catch((error: unknown) => {
    if (signal.aborted) throw signal.reason;
    if (!isAppError(error, "endpoint-unreachable")) throw error;
    throw new AppError(error.code, { ...error.params, endpoint: endpointOf(target) }, { cause: error });
  });
  if (kind !== "tls") return stream;
  let secure: TLSSocket | null = null;
  try {
    secure = tlsOver(stream, { ...tlsOptionsOf(target), ALPNProtocols: [protocol] });
    await established(secure, "secureConnect", signal);
    refuseOtherKeys(target, secure);
    return secure;
  } catch (error) {
    secure?.destroy();
    stream.destroy();
    if (signal.aborted) throw signal.reason;
    throw error instanceof AppError ? error : unreachable(target, error);
  }
}

function startConnecting(target: GrpcTarget, protocol: string): Socket {
  switch (target.kind) {
    case "unix":
      return connectPlain({ path: target.path });
    case "plain":
      return connectPlain({ host: target.host, port: target.port });
    case "tls":
      return startTls(target, protocol);
  }
}

function startTls(target: TlsTarget, protocol: string): TLSSocket {
  try {
    return connectTls({
      ...tlsOptionsOf(target),
      host: target.host,
      port: target.port,
      ALPNProtocols: [protocol],
    });
  } catch (error) {
    // The pair or the bundle cannot be loaded: OpenSSL's word says which, never what is in them.
    throw unreachable(target, error);
  }
}

function established(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    const settle = (then: () => void) => {
      signal.removeEventListener("abort", stop);
      then();
    };
    signal.addEventListener("abort", stop, { once: true });
    socket.once(event, () => settle(resolve));
    socket.on("error", (error) => settle(() => reject(error)));
    socket.once("close", () => settle(() => reject(new Error("closed during the handshake"))));
  });
}

function refuseOtherKeys(target: TlsTarget, socket: TLSSocket): void {
  const fault = pinFault(target, socket);
  if (fault === null) return;
  throw new AppError("endpoint-unreachable", {
    endpoint: endpointOf(target),
    reason: "key-not-pinned",
    detail: fault,
  });
}

/** The system's error as one of ours. */
export function unreachable(target: GrpcTarget, cause: unknown): AppError<"endpoint-unreachable"> {
  const params = { endpoint: endpointOf(target), reason: faultOf(cause), detail: detailOf(cause) };
  return new AppError("endpoint-unreachable", params, { cause });
}

function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
}

function detailOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  // OpenSSL: `C0...:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../deps/...:SSL alert number 42`
  const alert = /error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(message)?.[1];
  return alert ?? (message === "" ? codeOf(error) : message.trim());
}

const faults: readonly (readonly [RegExp, EndpointFault])[] = [
  [/^ECONNREFUSED$/, "refused"],
  [/^(ENOENT|ENOTSOCK|EACCES|EPERM)$/, "no-socket"],
  [/^(ENOTFOUND|EAI_AGAIN|EAI_NODATA)$/, "no-such-host"],
  [/^(EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN)$/, "no-route"],
  [/^ETIMEDOUT$/, "timeout"],
  [/^CERT_HAS_EXPIRED$/, "server-expired"],
  [/^ERR_TLS_CERT_ALTNAME_INVALID$/, "server-name"],
  [
    /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_|HOSTNAME_)/,
    "server-untrusted",
  ],
  [
    /ALERT_(BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_\w+|UNKNOWN_CA|ACCESS_DENIED|HANDSHAKE_FAILURE)|ALERT_.*CERTIFICATE_REQUIRED/,
    "client-refused",
  ],
  [/ALERT_NO_APPLICATION_PROTOCOL|ERR_HTTP2_ERROR|ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET/, "not-http2"],
  [/^NOT_GRPC$/, "not-grpc"],
  [/^(ERR_OSSL_|ERR_CRYPTO_|ERR_SSL_\w*(MISMATCH|KEY_TOO_SMALL|MD_TOO_WEAK))/, "pair-unusable"],
];

function faultOf(error: unknown): EndpointFault {
  const code = codeOf(error);
  return faults.find(([pattern]) => pattern.test(code))?.[1] ?? "closed";
}
