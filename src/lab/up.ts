// `lab up`: a control plane that really runs, in one directory of this machine, on free ports of 127.0.0.1.
// OUTPUTS: DIR (made, or empty); the processes of its hosts
import { randomUUID } from "node:crypto";
import { mkdirSync, readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../core/model/errors.ts";
import { makeControlPlane } from "./control-plane.ts";
import { freePorts } from "./free-ports.ts";
import { writeConsoles } from "./consoles.ts";
import type { LabRuntime } from "./lab-node.ts";
import { type HostStatus, statusOf } from "./status.ts";
import { type Lab, type LabHost, rootOf, socketOf, writeLab } from "./places.ts";
import { startPart } from "./processes.ts";

export interface UpOptions {
  /** Absolute. */
  readonly directory: string;
  /** Default 1. */
  readonly pace?: number;
  /** As kubeadm spells it; default `RSA-2048`. */
  readonly keySpec?: string;
  /** Default `cri`. */
  readonly runtime?: LabRuntime;
  /** Folder of the real programs; default null: stand-ins. */
  readonly assets?: string | null;
}

const dayMs = 86_400_000;
const startMs = 60_000;
/** sun_path of unix(7) holds 108 bytes, the last one zero. */
const longestSocket = 107;
const tooDeep = "a shorter path: a socket below it has at most 107 bytes";

/** Resolves when everything is well. @throws AppError `value-invalid` when the directory is not empty or too deep, `bounce-failed` */
export async function labUp({
  directory,
  pace = 1,
  keySpec = "RSA-2048",
  runtime = "cri",
  assets = null,
}: UpOptions): Promise<Lab> {
  const host: LabHost = { name: "m1", ports: await freePorts() };
  const lab: Lab = { directory, id: randomUUID(), pace, runtime, assets, hosts: [host] };
  makeEmpty(lab, host);
  writeLab(lab);
  writeConsoles(lab, host);
  await makeHost(lab, host, keySpec);
  await startHost(lab, host);
  return lab;
}

/** Makes the lab's directory. `host` has the longest name. @throws AppError `value-invalid` */
export function makeEmpty(lab: Lab, host: LabHost): void {
  const { directory } = lab;
  const refuse = (expected: "a new or empty directory" | typeof tooDeep): never => {
    throw new AppError("value-invalid", { what: "directory", value: directory, expected });
  };
  if (Buffer.byteLength(socketOf(lab, host)) > longestSocket) refuse(tooDeep);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (readdirSync(directory).length > 0) refuse("a new or empty directory");
}

/** Leafs of this day; authorities old enough for leafs that ended a year ago. */
async function makeHost(lab: Lab, host: LabHost, keySpec: string): Promise<void> {
  const root = rootOf(lab, host);
  const now = Math.floor(Date.now() / 1000) * 1000;
  await makeControlPlane({
    directory: root,
    node: host.name,
    address: "127.0.0.1",
    endpoint: "127.0.0.1",
    ports: host.ports,
    runtime: lab.runtime,
    keySpec,
    issuedAt: now - 60_000,
    caIssuedAt: now - 1000 * dayMs,
  });
  for (const folder of ["var/lib/etcd", "var/log/pods", "proc"]) {
    mkdirSync(join(root, folder), { recursive: true, mode: folder === "var/lib/etcd" ? 0o700 : 0o755 });
  }
  // When this machine came up; the host's processes are beside it, and none of the others.
  symlinkSync("/proc/stat", join(root, "proc/stat"));
}

async function startHost(lab: Lab, host: LabHost): Promise<void> {
  await startPart(lab, host, "runtime");
  await startPart(lab, host, "kubelet");
  await untilWell(() => statusOf(lab, host));
}

/** @throws AppError `bounce-failed` after a minute */
async function untilWell(look: () => Promise<HostStatus>): Promise<void> {
  const end = performance.now() + startMs;
  for (;;) {
    const status = await look();
    const sick = status.parts.find(({ ailment }) => ailment !== null);
    if (sick === undefined) return;
    if (performance.now() >= end) throw failure(status);
    await sleep(100);
  }
}

function failure({ parts }: HostStatus): AppError<"bounce-failed"> {
  const sick = parts.find(({ ailment }) => ailment !== null);
  const consumer = sick?.name ?? "";
  return new AppError("bounce-failed", {
    consumer,
    stage: "health",
    where: consumer,
    reason: sick?.ailment ?? "",
  });
}
