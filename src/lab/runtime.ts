// The container runtime of a host: CRI over a unix socket, a process of this machine for each container.
//
//   created ──StartContainer──▶ running ──exit, StopContainer──▶ exited ──RemoveContainer──▶ gone
import { type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeMessage, encodeMessage, type ProtoMessage } from "../drivers/shared/protobuf.ts";
import { startContainer } from "./container-process.ts";
import { serveStatus } from "./room-status.ts";
import {
  type Container,
  type Labels,
  type Sandbox,
  containerList,
  containerStatus,
  entriesIn,
  sandboxList,
} from "./cri-messages.ts";
import { serveGrpc } from "./cri-server.ts";
import { dockerSocket } from "./lab-node.ts";
import { type Lab, type LabHost, rootOf, socketOf } from "./places.ts";
import { endProcesses } from "./processes.ts";

interface State {
  readonly sandboxes: Map<string, Sandbox>;
  readonly containers: Map<string, Container>;
  readonly children: Map<string, ChildProcess>;
}

type Method = (request: ProtoMessage) => Promise<Uint8Array>;

const nothing = new Uint8Array();

/** Resolves when it listens; the process then lives for its server. */
export async function runRuntime(lab: Lab, host: LabHost): Promise<void> {
  const state: State = { sandboxes: new Map(), containers: new Map(), children: new Map() };
  const methods = { ...sandboxMethods(state), ...containerMethods(state, lab, host), Version: version };
  if (host.root === "/") await startRoom(lab, host);
  const socket = socketOf(lab, host);
  const answer = (path: string, request: Uint8Array): Promise<Uint8Array> | undefined => {
    const [, name = ""] = /^\/runtime\.v1\.RuntimeService\/(\w+)$/.exec(path) ?? [];
    return new Map<string, Method>(Object.entries(methods)).get(name)?.(decodeMessage(request));
  };
  // Our docker speaks the CRI there; whoever wants docker's own interface finds its command line.
  const sockets = [socket, ...(lab.runtime === "docker" ? [join(rootOf(lab, host), dockerSocket)] : [])];
  for (const path of sockets) {
    mkdirSync(dirname(path), { recursive: true });
    await serveGrpc(path, answer);
  }
}

/** Containers of a runtime that was killed hold the ports of their successors. */
async function startRoom(lab: Lab, host: LabHost): Promise<void> {
  await endProcesses(lab, ({ name }) => /^(etcd|kube-.*)$/.test(name));
  await serveStatus(lab, host);
}

async function version(): Promise<Uint8Array> {
  return encodeMessage([
    [1, "bytes", "0.1.0"],
    [2, "bytes", "perennial-lab"],
    [3, "bytes", "v1.0.0"],
    [4, "bytes", "v1"],
  ]);
}

function newId(): string {
  return randomBytes(32).toString("hex");
}

function idReply(id: string): Uint8Array {
  return encodeMessage([[1, "bytes", id]]);
}

/** The label selector of a filter: every given label must be there. */
function selects(selector: Labels, labels: Labels): boolean {
  return Object.entries(selector).every(([name, value]) => labels[name] === value);
}

function sandboxMethods(state: State): Readonly<Record<string, Method>> {
  const { sandboxes, containers } = state;
  const inside = (id: string): readonly Container[] =>
    [...containers.values()].filter(({ sandboxId }) => sandboxId === id);
  const stop = async (id: string): Promise<void> => {
    const found = sandboxes.get(id);
    // First, so that nothing is started in it meanwhile.
    if (found) sandboxes.set(id, { ...found, isReady: false });
    await Promise.all(inside(id).map((one) => stopContainer(state, one.id, 0)));
  };
  return {
    RunPodSandbox: async (request) => {
      const config = request.message(1);
      const metadata = config?.message(1);
      const id = newId();
      sandboxes.set(id, {
        id,
        name: metadata?.text(1) ?? "",
        uid: metadata?.text(2) ?? "",
        namespace: metadata?.text(3) ?? "",
        attempt: Number(metadata?.uint(4) ?? 0n),
        isReady: true,
        createdAt: Date.now(),
        logDirectory: config?.text(3) ?? "",
        labels: entriesIn(config ?? null, 6),
        annotations: entriesIn(config ?? null, 7),
      });
      return idReply(id);
    },
    ListPodSandbox: async (request) => {
      const selector = entriesIn(request.message(1), 3);
      return sandboxList([...sandboxes.values()].filter(({ labels }) => selects(selector, labels)));
    },
    StopPodSandbox: async (request) => {
      await stop(request.text(1));
      return nothing;
    },
    RemovePodSandbox: async (request) => {
      const id = request.text(1);
      await stop(id);
      for (const one of inside(id)) containers.delete(one.id);
      sandboxes.delete(id);
      return nothing;
    },
  };
}

function containerMethods(state: State, lab: Lab, host: LabHost): Readonly<Record<string, Method>> {
  const { containers } = state;
  return {
    CreateContainer: async (request) => {
      const one = readConfig(request);
      containers.set(one.id, one);
      return idReply(one.id);
    },
    StartContainer: async (request) => {
      start(state, lab, host, request.text(1));
      return nothing;
    },
    ListContainers: async (request) => {
      const selector = entriesIn(request.message(1), 4);
      return containerList([...containers.values()].filter(({ labels }) => selects(selector, labels)));
    },
    ContainerStatus: async (request) => containerStatus(known(state, request.text(1))),
    StopContainer: async (request) => {
      await stopContainer(state, request.text(1), Number(request.int(2)));
      return nothing;
    },
    RemoveContainer: async (request) => {
      await stopContainer(state, request.text(1), 0);
      containers.delete(request.text(1));
      return nothing;
    },
  };
}

/** CreateContainerRequest. */
function readConfig(request: ProtoMessage): Container {
  const config = request.message(2);
  const metadata = config?.message(1);
  return {
    id: newId(),
    sandboxId: request.text(1),
    name: metadata?.text(1) ?? "",
    attempt: Number(metadata?.uint(2) ?? 0n),
    image: config?.message(2)?.text(1) ?? "",
    command: [...(config?.texts(3) ?? []), ...(config?.texts(4) ?? [])],
    state: "created",
    createdAt: Date.now(),
    startedAt: 0,
    finishedAt: 0,
    exitCode: 0,
    pid: 0,
    labels: entriesIn(config ?? null, 9),
    annotations: entriesIn(config ?? null, 10),
    logPath: config?.text(11) ?? "",
  };
}

function known({ containers }: State, id: string): Container {
  const found = containers.get(id);
  if (found) return found;
  throw new Error(`container ${id}: not found`);
}

function start(state: State, lab: Lab, host: LabHost, id: string): void {
  const { containers, children, sandboxes } = state;
  const one = known(state, id);
  const sandbox = sandboxes.get(one.sandboxId);
  if (sandbox?.isReady !== true) throw new Error(`sandbox container ${one.sandboxId} is not running`);
  const log = join(sandbox.logDirectory, one.logPath);
  const child = startContainer(lab, host, { command: one.command, image: one.image, log });
  const ended = (exitCode: number): void => {
    children.delete(id);
    const now = containers.get(id);
    if (now) containers.set(id, { ...now, state: "exited", finishedAt: Date.now(), exitCode, pid: 0 });
  };
  child.once("error", () => ended(128));
  child.once("exit", (code, signal) => ended(code ?? (signal === "SIGKILL" ? 137 : 143)));
  children.set(id, child);
  containers.set(id, { ...one, state: "running", startedAt: Date.now(), pid: child.pid ?? 0 });
}

/** What is not there, or not running, is stopped. */
async function stopContainer({ children }: State, id: string, graceSeconds: number): Promise<void> {
  const child = children.get(id);
  if (!child) return;
  const gone = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  if (graceSeconds > 0) {
    child.kill("SIGTERM");
    await Promise.race([gone, sleep(graceSeconds * 1000, undefined, { ref: false })]);
  }
  child.kill("SIGKILL");
  await gone;
}
