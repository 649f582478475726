// What a lab is made of: its file, its hosts, and where everything of a host lies.
// INPUTS, OUTPUTS: DIR/lab.json
import { existsSync, readFileSync, realpathSync, renameSync, writeFileSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, sep } from "node:path";
import { AppError } from "../core/model/errors.ts";
import { type LabPorts, type LabRuntime, runtimeSockets } from "./lab-node.ts";

export interface LabHost {
  readonly name: string;
  readonly ports: LabPorts;
  /** Absent for a host of 127.0.0.1. */
  readonly address?: string;
  /** Absent: control plane. */
  readonly role?: "control-plane" | "worker";
  /** `/` for those who live in the host's own namespaces; absent: the folder of its name. */
  readonly root?: string;
  /** Absent for a node of the lab's own making. */
  readonly rehearsed?: RehearsedHost;
}

/** What a node that was collected elsewhere brings along, beside its files. */
export interface RehearsedHost {
  /** Its address in the lab's network, for SSH; `address` is the collected one, which only the lab's hosts can reach. */
  readonly way: string;
  /** All addresses that its processes listen on. */
  readonly addresses: readonly string[];
  /** The container runtime's socket, on the node. */
  readonly socket: string;
  /** The static pods that it has, by program. */
  readonly programs: readonly string[];
}

/** What several hosts share. */
export interface LabNetwork {
  /** `rooms`: namespaces and sshd for each host; `loopback`: addresses of 127.0.0.0/8, no sshd; `files`: nothing runs, nothing is dialled. */
  readonly kind: "rooms" | "loopback" | "files";
  readonly family: "ipv4" | "ipv6";
  /** This machine's end of the lab's network; with `loopback` there is none. */
  readonly link: string | null;
  /** This machine's address in it. */
  readonly gateway: string;
  readonly prefixLength: number;
  /** Address of the balancer before all API servers. */
  readonly endpoint: string;
  readonly port: number;
  /** Of a rehearsal: where the cluster's own load balancers stood. */
  readonly fronts?: readonly LabFront[];
}

/** The balancer in the place of another. */
export interface LabFront {
  readonly address: string;
  readonly port: number;
  /** For /etc/hosts; null for one that is known by its address. */
  readonly name: string | null;
}

export interface Lab {
  /** Absolute. */
  readonly directory: string;
  /** Every process of this lab carries it in its environment: that is how it is known to be ours. */
  readonly id: string;
  /** Every waiting time is multiplied by it; 1 is Kubernetes' own pace. */
  readonly pace: number;
  /** What the kubelets talk to. */
  readonly runtime: LabRuntime;
  /** Folder of the real kube-apiserver, kube-controller-manager and kube-scheduler; null, or not there: stand-ins. */
  readonly assets: string | null;
  readonly hosts: readonly LabHost[];
  /** Absent for a lab of one host. */
  readonly network?: LabNetwork;
}

/** Name of the environment variable that holds the lab's id. */
export const labVariable = "PERENNIAL_LAB";

export function labFile(directory: string): string {
  return join(directory, "lab.json");
}

/** @throws AppError `input-unreadable` when the directory holds no lab */
export function readLab(directory: string): Lab {
  const path = labFile(directory);
  try {
    return { ...(JSON.parse(readFileSync(path, "utf8")) as Omit<Lab, "directory">), directory };
  } catch (cause) {
    const reason = cause instanceof Error && "code" in cause ? String(cause.code) : "not JSON";
    throw new AppError("input-unreadable", { path, reason }, { cause });
  }
}

/**
 * For whoever is outside of the hosts. Inside, a host reads that its root is `/`, and so it is there; whoever expired or removed that lab from outside would do
 * it to this machine.
 * @throws AppError `input-unreadable` when a host's root is not below the lab's directory
 */
export function readLabFromOutside(directory: string): Lab {
  const lab = readLab(directory);
  const path = labFile(directory);
  if (!Array.isArray(lab.hosts))
    throw new AppError("input-unreadable", { path, reason: "it describes no lab" });
  const elsewhere = lab.hosts.map((host) => rootOf(lab, host)).find((root) => !isBelow(root, directory));
  if (elsewhere === undefined) return lab;
  const reason = `a root outside of the lab's directory: ${elsewhere}` as const;
  throw new AppError("input-unreadable", { path, reason });
}

function isBelow(path: string, directory: string): boolean {
  // A link would lead whoever writes below it somewhere else.
  const way = relative(realOf(directory), realOf(path));
  return way !== "" && way !== ".." && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function realOf(path: string): string {
  return existsSync(path) ? realpathSync(path) : join(realOf(dirname(path)), basename(path));
}

export function writeLab({ directory, ...rest }: Lab): void {
  // Whoever asks for the status meanwhile reads the old one or the new one.
  const file = labFile(directory);
  writeFileSync(`${file}.new`, `${JSON.stringify(rest, null, 2)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
}

/** The directory that is `/` for the host. */
export function rootOf(lab: Lab, host: LabHost): string {
  return host.root ?? join(lab.directory, host.name);
}

/** Command lines to the runtimes of the lab, for a PATH. */
export function binOf(lab: Lab): string {
  return join(lab.directory, "bin");
}

/** @throws AppError `value-invalid` */
export function hostNamed(lab: Lab, name: string): LabHost {
  const host = lab.hosts.find((each) => each.name === name);
  if (host) return host;
  throw new AppError("name-unknown", { name, known: lab.hosts.map((each) => each.name) });
}

export function socketOf(lab: Lab, host: LabHost): string {
  return join(rootOf(lab, host), host.rehearsed?.socket ?? runtimeSockets[lab.runtime]);
}
