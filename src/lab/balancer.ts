// The load balancer before the API servers: bytes to the next one that takes a connection, as HAProxy in mode tcp.
import { type Socket, connect, createServer } from "node:net";
import { listening } from "./listening.ts";
import type { Lab, LabHost } from "./places.ts";

const patienceMs = 2000;

/** Resolves when it listens. @throws TypeError for a lab of one host, which has none */
export async function runBalancer({ hosts, network }: Lab): Promise<void> {
  if (!network) throw new TypeError("a lab of one host has no balancer");
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  const targets = hosts.filter(({ role }) => role !== "worker");
  let turn = 0;
  const server = createServer((socket) => {
    turn = (turn + 1) % targets.length;
    socket.on("error", () => socket.destroy());
    forward(socket, [...targets.slice(turn), ...targets.slice(0, turn)]);
  });
  await listening(server, network.endpoint, String(network.port));
  const others = (network.fronts ?? []).filter(
    ({ address, port }) => address !== network.endpoint || port !== network.port,
  );
  for (const { address, port } of others) {
    const more = createServer((socket) => void server.emit("connection", socket));
    await listening(more, address, String(port));
  }
}

function forward(socket: Socket, [target, ...others]: readonly LabHost[]): void {
  if (!target || socket.destroyed) {
    socket.destroy();
    return;
  }
  const way = connect({ host: target.address ?? "127.0.0.1", port: target.ports.apiServer });
  const next = (): void => {
    way.destroy();
    forward(socket, others);
  };
  way.setTimeout(patienceMs, next);
  way.once("error", next);
  way.once("connect", () => {
    way.setTimeout(0);
    way.removeListener("error", next);
    way.on("error", () => socket.destroy());
    socket.once("close", () => way.destroy());
    way.once("close", () => socket.destroy());
    way.pipe(socket);
    socket.pipe(way);
  });
}
