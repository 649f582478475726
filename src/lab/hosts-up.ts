// `lab up --hosts N`: control planes with one etcd and workers; with namespaces each in a room of its own, else on 127.0.0.0/8.
// OUTPUTS: DIR (made, or empty); processes; with namespaces one link of this machine
import { AppError } from "../core/model/errors.ts";
import { planHosts } from "./hosts-plan.ts";
import { writeClusterFile, writeSsh } from "./hosts-ssh.ts";
import { type HostView, type HostsStatus, hostsStatus, isAllWell } from "./hosts-status.ts";
import { makeHosts } from "./hosts-tree.ts";
import { type Lab, type LabNetwork, writeLab } from "./places.ts";
import { startPart } from "./processes.ts";
import { canHaveRooms, startRoom, startSwitch } from "./rooms.ts";
import { makeEmpty } from "./up.ts";
import { setTimeout as sleep } from "node:timers/promises";

export interface HostsUpOptions {
  /** Absolute. */
  readonly directory: string;
  readonly pace: number;
  readonly keySpec: string;
  readonly hosts: number;
  readonly workers: number;
  readonly family: LabNetwork["family"];
  /** An etcd that reads its certificates once. */
  readonly hasOldEtcd: boolean;
  /** No namespaces even where they can be had. */
  readonly isLoopback: boolean;
}

const startMs = 90_000;
const pollMs = 400;

/** Resolves when everything is well. @throws AppError `value-invalid` when the directory is not empty or too deep, `bounce-failed` */
export async function hostsUp(options: HostsUpOptions): Promise<Lab> {
  const kind = !options.isLoopback && canHaveRooms() ? "rooms" : "loopback";
  if (kind === "loopback" && options.family === "ipv6") {
    throw new AppError("value-invalid", {
      what: "--ipv6",
      value: "127.0.0.0/8",
      expected: "root, namespaces, iproute2 and sshd",
    });
  }
  const lab = await planHosts({ ...options, kind });
  const { hosts, network } = lab;
  const [longest] = hosts.toSorted((a, b) => b.name.length - a.name.length);
  if (!network || !longest) throw new TypeError("a lab has hosts");
  makeEmpty(lab, longest);
  writeLab(lab);
  const etcdVersion = options.hasOldEtcd ? "3.1.18" : null;
  await makeHosts(lab, network, { keySpec: options.keySpec, etcdVersion });
  if (kind === "rooms") writeSsh(lab);
  writeClusterFile(lab);
  await (kind === "rooms" ? startRooms(lab, network) : startOnLoopback(lab));
  await untilAllWell(lab, network);
  return lab;
}

/** @throws AppError `bounce-failed` when the network cannot be made */
export async function startRooms(lab: Lab, network: LabNetwork): Promise<void> {
  const switchPid = await startSwitch(lab, network);
  await Promise.all(lab.hosts.map((host) => startRoom(lab, host, { network, switchPid })));
}

async function startOnLoopback(lab: Lab): Promise<void> {
  const [first] = lab.hosts;
  if (first) await startPart(lab, first, "balancer");
  for (const host of lab.hosts) {
    await startPart(lab, host, "runtime");
    await startPart(lab, host, "kubelet");
  }
}

async function untilAllWell(lab: Lab, network: LabNetwork): Promise<void> {
  const end = performance.now() + startMs;
  for (;;) {
    const status = await hostsStatus(lab, network);
    if (isAllWell(status)) return;
    if (performance.now() >= end) throw failure(status);
    await sleep(pollMs);
  }
}

function failure({ hosts }: HostsStatus): AppError<"bounce-failed"> {
  const sick = hosts.find(({ parts }) => parts.some(({ ailment }) => ailment !== null) || parts.length === 0);
  const { where, reason } = ailmentOf(sick ?? hosts.find(({ ready }) => ready !== "True"));
  return new AppError("bounce-failed", { consumer: where, stage: "health", where, reason });
}

function ailmentOf(host: HostView | undefined): { readonly where: string; readonly reason: string } {
  const part = host?.parts.find(({ ailment }) => ailment !== null);
  const where = [host?.name, part?.name].filter((word) => word !== undefined).join(" ");
  return { where, reason: part?.ailment ?? (host?.parts.length === 0 ? "does not run" : "not Ready") };
}
