// `lab status` of several hosts: each looked at where it can be seen, and what they are together.
import { roomStatus, askRoom, type RoomStatus } from "./room-status.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf } from "./places.ts";
import type { PartStatus } from "./status.ts";

export interface HostView {
  readonly name: string;
  readonly role: "control-plane" | "worker";
  readonly address: string;
  readonly root: string;
  /** Empty for a host that does not answer. */
  readonly parts: readonly PartStatus[];
  /** Condition Ready of its Node; null when no API server says it. */
  readonly ready: string | null;
}

export interface HostsStatus {
  readonly kind: LabNetwork["kind"];
  readonly endpoint: string;
  /** `healthy` members say that they can read with a quorum. */
  readonly etcd: { readonly members: number; readonly healthy: number; readonly hasQuorum: boolean };
  readonly apiServers: { readonly count: number; readonly healthy: number };
  /** `ready` is null when no API server answers. */
  readonly workers: { readonly count: number; readonly ready: number | null };
  readonly hosts: readonly HostView[];
}

export async function hostsStatus(lab: Lab, network: LabNetwork): Promise<HostsStatus> {
  const seen = await Promise.all(lab.hosts.map((host) => look(lab, host)));
  const nodes = seen.find((one) => one !== null && one.nodes !== null)?.nodes ?? null;
  const hosts = lab.hosts.map((host, index): HostView => ({
    name: host.name,
    role: host.role ?? "control-plane",
    address: host.address ?? "",
    root: rootOf(lab, host),
    parts: seen[index]?.parts ?? [],
    ready: nodes?.find(({ name }) => name === host.name)?.ready ?? null,
  }));
  const masters = hosts.filter(({ role }) => role === "control-plane");
  const workers = hosts.filter(({ role }) => role === "worker");
  const etcd = masters.filter((host) => isWell(host, "etcd")).length;
  return {
    kind: network.kind,
    endpoint: network.endpoint,
    // A member that is well has just read with a quorum.
    etcd: { members: masters.length, healthy: etcd, hasQuorum: etcd > 0 },
    apiServers: {
      count: masters.length,
      healthy: masters.filter((host) => isWell(host, "kube-apiserver")).length,
    },
    workers: {
      count: workers.length,
      ready: nodes === null ? null : workers.filter(({ ready }) => ready === "True").length,
    },
    hosts,
  };
}

function look(lab: Lab, host: LabHost): Promise<RoomStatus | null> {
  switch (lab.network?.kind) {
    case "rooms":
      return askRoom(lab, host);
    case "files":
      // Its addresses are, from here, those of the real nodes.
      return Promise.resolve(null);
    case "loopback":
    case undefined:
      return roomStatus(lab, host);
  }
}

function isWell({ parts }: HostView, name: string): boolean {
  return parts.some((part) => part.name === name && part.ailment === null);
}

/** Everything runs and every node is Ready. */
export function isAllWell({ hosts }: HostsStatus): boolean {
  return hosts.every(
    ({ parts, ready }) =>
      ready === "True" && parts.length > 0 && parts.every(({ ailment }) => ailment === null),
  );
}
