// The lab that has a collected cluster's names, addresses and ports: what `planHosts` takes from a directory's name is here the nodes' own.
import { createHash, randomUUID } from "node:crypto";
import { isIP } from "node:net";
import { imageVersion } from "../../core/kubeconfig/manifest.ts";
import { labAddresses } from "../hosts-plan.ts";
import { runtimeSockets, usualPorts } from "../lab-node.ts";
import type { Lab, LabFront, LabHost } from "../places.ts";
import { addressesOf, containerOf, frontsOf, portsOf } from "./addresses.ts";
import type { CollectedHost } from "./read-facts.ts";

export interface RehearsalWish {
  /** Absolute. */
  readonly directory: string;
  readonly pace: number;
}

/** Last numbers of addresses in the lab's network. */
const gatewayNumber = 1;
const endpointNumber = 10;
const firstHost = 11;
const programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"] as const;
/** The kubelet before talks to docker when it is not told otherwise (dockershim, removed in 1.24). */
const firstWithoutDockershim = 24;
const usualSocket = "/run/containerd/containerd.sock";

export function planRehearsal({ directory, pace }: RehearsalWish, hosts: readonly CollectedHost[]): Lab {
  const digest = createHash("sha256").update(directory).digest();
  const at = labAddresses({ kind: "rooms", family: "ipv4" }, digest);
  const endpoint = at(endpointNumber);
  const isOld = hosts.some(isBefore124);
  const fronts = frontsOf(hosts).map(({ host, port }): LabFront =>
    isIP(host) > 0 ? { address: host, port, name: null } : { address: endpoint, port, name: host },
  );
  return {
    directory,
    id: randomUUID(),
    pace,
    runtime: "cri",
    assets: null,
    hosts: hosts.map((host, index) => labHost(host, at(firstHost + index), isOld)),
    network: {
      kind: "rooms",
      family: "ipv4",
      link: `pl${digest.toString("hex").slice(0, 8)}`,
      gateway: at(gatewayNumber),
      prefixLength: 24,
      endpoint,
      port: usualPorts.apiServer,
      fronts,
    },
  };
}

function labHost(host: CollectedHost, way: string, isOld: boolean): LabHost {
  const { config, flags } = host.kubelet;
  const told = flags.get("container-runtime-endpoint") ?? config?.containerRuntimeEndpoint;
  const socket = told?.replace(/^unix:(\/\/)?/, "") ?? (isOld ? runtimeSockets.docker : usualSocket);
  const present = programs.filter((name) => containerOf(host, name) !== null);
  const addresses = addressesOf(host);
  return {
    name: host.name,
    role: present.some((name) => name === "etcd" || name === "kube-apiserver") ? "control-plane" : "worker",
    address: addresses[0] ?? way,
    ports: portsOf(host),
    rehearsed: { way, addresses, socket, programs: present },
  };
}

function isBefore124(host: CollectedHost): boolean {
  const image = containerOf(host, "kube-apiserver")?.image;
  const version = image === undefined ? undefined : imageVersion(image);
  return version !== undefined && version.major === 1 && version.minor < firstWithoutDockershim;
}
