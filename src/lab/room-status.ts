// A host with namespaces of its own is looked at from within: its loopback listeners cannot be reached from this machine, a
// unix socket in its tree can.
// OUTPUTS: run/lab-status.sock below the host's root
import { mkdirSync, rmSync } from "node:fs";
import { createServer, get } from "node:http";
import { join } from "node:path";
import { readCredentials } from "./credentials.ts";
import { type NodeReadiness, readNodes } from "./node-objects.ts";
import { type Lab, type LabHost, rootOf } from "./places.ts";
import { type HostStatus, statusOf } from "./status.ts";

export interface RoomStatus extends HostStatus {
  /** As the host's own API server lists them to admin.conf; null for a worker, and where it does not. */
  readonly nodes: readonly NodeReadiness[] | null;
}

/** Resolves when it listens. */
export async function serveStatus(lab: Lab, host: LabHost): Promise<void> {
  const socket = statusSocket(lab, host);
  mkdirSync(join(rootOf(lab, host), "run"), { recursive: true });
  rmSync(socket, { force: true });
  const server = createServer((_, response) => {
    void roomStatus(lab, host).then((status) => response.end(JSON.stringify(status)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(socket, resolve);
  });
}

function statusSocket(lab: Lab, host: LabHost): string {
  return join(rootOf(lab, host), "run/lab-status.sock");
}

export async function roomStatus(lab: Lab, host: LabHost): Promise<RoomStatus> {
  const [status, nodes] = await Promise.all([statusOf(lab, host), nodesOf(lab, host)]);
  return { ...status, nodes };
}

async function nodesOf(lab: Lab, host: LabHost): Promise<RoomStatus["nodes"]> {
  if (host.role === "worker") return null;
  const root = rootOf(lab, host);
  try {
    const admin = readCredentials(root, join(root, "etc/kubernetes/admin.conf"));
    // The host's own API server, whatever the balancer does.
    const server = new URL(
      readCredentials(root, join(root, "etc/kubernetes/controller-manager.conf")).server,
    );
    return await readNodes({ ...admin, server });
  } catch {
    // Whoever asks for the state of a broken cluster wants an answer.
    return null;
  }
}

/** null where nobody answers. */
export function askRoom(lab: Lab, host: LabHost): Promise<RoomStatus | null> {
  return new Promise((resolve) => {
    const ask = get(
      { socketPath: statusSocket(lab, host), path: "/", timeout: 8000, agent: false },
      (answer) => {
        let body = "";
        answer.setEncoding("utf8");
        answer.on("data", (chunk: string) => (body += chunk));
        answer.once("end", () => resolve(JSON.parse(body) as RoomStatus));
        answer.once("error", () => resolve(null));
      },
    );
    ask.once("timeout", () => ask.destroy());
    ask.once("error", () => resolve(null));
  });
}
