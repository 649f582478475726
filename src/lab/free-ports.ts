// Ports of 127.0.0.1 that were free a moment ago.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { LabPorts } from "./lab-node.ts";

/** All different. */
export async function freePorts(): Promise<LabPorts> {
  const servers = Array.from({ length: 8 }, () => createServer().listen(0, "127.0.0.1"));
  await Promise.all(servers.map((server) => once(server, "listening")));
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map((server) => {
      server.close();
      return once(server, "close");
    }),
  );
  const [etcd = 0, etcdPeer = 0, etcdMetrics = 0, apiServer = 0, ...rest] = ports;
  const [controllerManager = 0, scheduler = 0, kubelet = 0, kubeletHealth = 0] = rest;
  return {
    etcd,
    etcdPeer,
    etcdMetrics,
    apiServer,
    controllerManager,
    scheduler,
    kubelet,
    kubeletHealth,
  };
}
