// The certificates that a listener shows in its handshake, as they come. INPUTS: the network. OUTPUTS: a handshake, no request.
import { isIP } from "node:net";
import { connect, type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import { AppError } from "../../core/model/errors.ts";
import type { Endpoint } from "../../core/model/live.ts";
import { unreachable } from "../shared/grpc-connect.ts";

const usualDeadlineMs = 5000;
/** Longer than any chain of a cluster; a listener may show what it likes. */
const mostCertificates = 20;

/**
 * DER of the leaf and of what was sent to lead upwards from it, in that order. A server that wants a client certificate shows its own
 * first, and that is all that is wanted of it. `serverName`: asked for by SNI (RFC 6066), default the host when it is a name.
 * @throws AppError endpoint-unreachable
 */
export async function servedChain(
  { host, port, serverName }: Pick<Endpoint, "host" | "port" | "serverName">,
  { deadlineMs = usualDeadlineMs }: { readonly deadlineMs?: number } = {},
): Promise<readonly Uint8Array[]> {
  const name = serverName ?? (isIP(host) === 0 ? host : null);
  const socket = connect({
    host,
    port,
    // Any certificate is an answer here. No anchors of Node's own: they would be added to the chain as if they had been sent.
    rejectUnauthorized: false,
    ca: [],
    minVersion: "TLSv1",
    ciphers: "DEFAULT@SECLEVEL=0",
    ...(name === null ? {} : { servername: name }),
  });
  const timer = setTimeout(
    () => socket.destroy(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })),
    deadlineMs,
  );
  try {
    return await shown(socket);
  } catch (error) {
    const { code, params } = unreachable({ kind: "tls", host, port }, error);
    const isPlain = /^ERR_SSL_(WRONG_VERSION|PACKET)/.test((error as NodeJS.ErrnoException).code ?? "");
    throw new AppError(code, isPlain ? { ...params, reason: "not-tls" } : params, { cause: error });
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

function shown(socket: TLSSocket): Promise<readonly Uint8Array[]> {
  return new Promise((resolve, reject) => {
    const end = (error: Error): void => {
      const chain = chainOf(socket);
      if (chain.length > 0) resolve(chain);
      else reject(error);
    };
    socket.once("secureConnect", () => end(new Error("no certificate is presented")));
    // With TLS 1.2 the handshake is broken off when the client has no certificate; the server has shown its own by then.
    socket.once("error", end);
    socket.once("close", () => end(new Error("closed during the handshake")));
  });
}

function chainOf(socket: TLSSocket): readonly Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
  // Who has no issuer there is said to have issued himself.
  for (let last; next?.raw !== undefined && next !== last && chain.length < mostCertificates;) {
    chain.push(new Uint8Array(next.raw));
    [last, next] = [next, next.issuerCertificate];
  }
  return chain;
}
