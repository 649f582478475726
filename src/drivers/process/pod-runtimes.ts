// The container runtimes that may be on a node, in the order in which they are asked.
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Dial } from "../shared/dial.ts";
import { commandLineRuntime, type CommandLineName } from "./command-line-runtimes.ts";
import { criRuntime } from "./cri-runtime.ts";
import { runtimeNames, type PodRuntime, type RuntimeName } from "./pod-runtime.ts";
import type { RunCommand } from "./run-command.ts";

/** Where the CRI is served when the kubelet does not say. */
const usualCriSockets: readonly string[] = [
  "/run/containerd/containerd.sock",
  "/var/run/dockershim.sock",
  "/run/cri-dockerd.sock",
  "/var/run/crio/crio.sock",
];

export interface PodRuntimesOptions {
  readonly root: string;
  /** `containerRuntimeEndpoint`, `unix:///...` or a bare path; null when the kubelet does not say. */
  readonly endpoint: string | null;
  /** Only this one. */
  readonly only: RuntimeName | null;
  /** Instead of the usual sockets: of the CRI, of docker, of containerd (nerdctl, ctr). */
  readonly sockets: RuntimeSockets;
  readonly run: RunCommand;
  /** Path of a program, null when it is not installed. */
  readonly find: (name: string) => string | null;
  readonly pollMs: number;
  /** Whether a socket is there, and the way to it; default on this machine. */
  readonly isSocket?: (path: string) => boolean;
  readonly dial?: Dial;
}

export interface RuntimeSockets {
  readonly cri?: readonly string[];
  readonly docker?: string;
  readonly containerd?: string;
}

export interface PodRuntimes {
  readonly candidates: readonly PodRuntime[];
  /** What is not there, for an error. */
  readonly absent: readonly string[];
}

/**
 * Nothing is dialled here. A socket that the kubelet names and that is there is the only one: whatever else runs on the machine
 * (a cluster in containers, a colleague's rig) has pods of the same names, which are not ours to stop.
 */
export function findPodRuntimes(options: PodRuntimesOptions): PodRuntimes {
  const { find, run, pollMs } = options;
  const socketsOf = findSockets(options);
  const absent: string[] = [];
  const candidates = runtimeNames
    .filter((name) => options.only === null || options.only === name)
    .flatMap((name): PodRuntime[] => {
      const found = socketsOf[name];
      if (found.length === 0) absent.push(`${name}: no socket`);
      if (name === "cri") return found.map((socket) => criRuntime(socket, options.dial));
      const program = find(name);
      if (program === null) {
        absent.push(`${name}: not installed`);
        return [];
      }
      return found.map((socket) => commandLine(name, program, socket));
    });
  return { candidates, absent };

  function commandLine(name: CommandLineName, program: string, socket: string): PodRuntime {
    return commandLineRuntime(name, { program, socket, run, pollMs });
  }
}

/** Every path on a node that is asked for; its root is `/`. */
export function possibleSockets({
  endpoint,
  sockets,
}: Pick<PodRuntimesOptions, "endpoint" | "sockets">): readonly string[] {
  return distinct([
    ...(endpoint === null ? [] : socketsIn(endpoint)),
    ...(sockets.cri ?? usualCriSockets),
    sockets.containerd ?? "/run/containerd/containerd.sock",
    sockets.docker ?? "/var/run/docker.sock",
  ]);
}

function findSockets({
  root,
  endpoint,
  sockets,
  isSocket = isSocketHere,
}: PodRuntimesOptions): Record<RuntimeName, readonly string[]> {
  const inRoot = (path: string): string => (root === "/" ? path : join(root, path));
  const told = (endpoint === null ? [] : socketsIn(endpoint)).map(inRoot).filter(isSocket);
  const isTold = told.length > 0;
  const cri = isTold ? told : distinct(sockets.cri ?? usualCriSockets.map(inRoot)).filter(isSocket);
  const containerd = sockets.containerd ?? inRoot("/run/containerd/containerd.sock");
  const docker = sockets.docker ?? inRoot("/var/run/docker.sock");
  // What the kubelet talks to serves containerd's own interface on the same socket; dockershim and cri-dockerd stand before docker.
  const ofContainerd = isTold ? cri.filter((path) => /containerd/.test(path)) : [containerd].filter(isSocket);
  const isDockers = !isTold || cri.some((path) => /docker/.test(path));
  return {
    cri,
    crictl: cri,
    docker: isDockers ? [docker].filter(isSocket) : [],
    nerdctl: ofContainerd,
    ctr: ofContainerd,
  };
}

/** Windows pipes and TCP are not for a control-plane node. */
function socketsIn(endpoint: string): readonly string[] {
  const path = endpoint.replace(/^unix:(\/\/)?/, "");
  return path.startsWith("/") ? [path] : [];
}

function distinct(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)];
}

function isSocketHere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isSocket() === true;
}
