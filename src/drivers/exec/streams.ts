// Sockets that lead to a host's listeners: waiting for one, and its name in messages.
import type { Socket } from "node:net";
import type { GrpcTarget } from "../shared/grpc-connect.ts";
import type { StreamTarget } from "../shared/host.ts";

const connectMs = 10_000;

/** The target as messages name it. */
export function plainTarget(target: StreamTarget): GrpcTarget {
  return target.kind === "unix" ? target : { kind: "plain", host: target.host, port: target.port };
}

/** Resolves once connected; else the socket is destroyed and the system's error thrown. */
export function connected(socket: Socket, signal: AbortSignal | undefined): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      socket.off("error", fail);
      then();
    };
    const fail = (error: Error): void => {
      socket.destroy();
      settle(() => reject(error));
    };
    const onAbort = (): void => fail(signal?.reason as Error);
    const timer = setTimeout(
      () => fail(Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" })),
      connectMs,
    );
    signal?.addEventListener("abort", onAbort, { once: true });
    socket.once("error", fail);
    socket.once("connect", () => settle(() => resolve(socket)));
    if (signal?.aborted) onAbort();
  });
}
