// The way to a listener, when it is not the network of this machine: through a host that is reached by SSH.
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { EndpointFault } from "../../core/model/errors-servers.ts";
import { isAppError, wordsOf } from "../../core/model/errors.ts";
import type { Host, StreamTarget } from "./host.ts";

/** Resolves with a connected stream; rejects with `endpoint-unreachable`, what the host rejects with, or the signal's reason. */
export type Dial = (target: StreamTarget, signal: AbortSignal) => Promise<Duplex>;

/** Dials from a host. Who gives up does not wait for a login that is under way; what comes too late is closed. */
export function dialThrough(host: Host): Dial {
  return (target, signal) =>
    new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) {
        stop();
        return;
      }
      signal.addEventListener("abort", stop, { once: true });
      host
        .connect(target, signal)
        .then((stream) => (signal.aborted ? void stream.destroy() : resolve(stream)), reject)
        .finally(() => signal.removeEventListener("abort", stop));
    });
}

/** TLS on a stream that is connected; the two end together. Throws OpenSSL's error for a pair or bundle that cannot be loaded. */
export function tlsOver(stream: Duplex, options: ConnectionOptions): TLSSocket {
  const secure = connect({ ...options, socket: stream });
  stream.on("error", (error) => secure.destroy(error));
  secure.once("close", () => stream.destroy());
  return secure;
}

/** The system's codes, as a direct connection would have shown them. */
const codes: Partial<Readonly<Record<EndpointFault, string>>> = {
  refused: "ECONNREFUSED",
  "no-socket": "ENOENT",
  "no-such-host": "ENOTFOUND",
  "no-route": "EHOSTUNREACH",
  timeout: "ETIMEDOUT",
};

/** Why a dial failed, in the words of a direct connection; null for an error that is not about dialling. */
export function dialFailure(error: unknown): string | null {
  if (isAppError(error, "endpoint-unreachable")) return codes[error.params.reason] ?? wordsOf(error);
  return isAppError(error) ? wordsOf(error) : null;
}
