// `lab up --like FACTS`: a collected cluster stands up again, with its own names, addresses, paths and dates, and keys of nobody's.
// INPUTS: FACTS. OUTPUTS: DIR (made, or empty); processes, namespaces and one link of this machine unless only files are wanted
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../../core/model/errors.ts";
import { openCri } from "../cri-client.ts";
import { restartKubelet } from "../hosts-expire.ts";
import { writeClusterFile, writeSsh } from "../hosts-ssh.ts";
import { hostsStatus, isAllWell } from "../hosts-status.ts";
import { furnish } from "../hosts-tree.ts";
import { startRooms } from "../hosts-up.ts";
import { firstLifeMark } from "../kubelet.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf, socketOf, writeLab } from "../places.ts";
import { canHaveRooms } from "../rooms.ts";
import { makeEmpty } from "../up.ts";
import { foundEtcd, membersOf } from "./found-etcd.ts";
import type { MadeUp } from "../../core/model/made-up.ts";
import { makeMaterials } from "./materials.ts";
import { planRehearsal } from "./plan-rehearsal.ts";
import { type CollectedHost, readCollectedHosts } from "./read-facts.ts";
import { type TreeReport, writeLinks, writeTree } from "./write-tree.ts";

export interface RehearseOptions {
  /** Absolute. */
  readonly directory: string;
  /** Texts of `perennial collect`, and folders of them. */
  readonly facts: readonly string[];
  readonly pace: number;
  /** Nothing is started; then it needs neither root nor etcd. */
  readonly isFilesOnly: boolean;
  /** ms since the epoch. */
  readonly now: number;
}

export interface Rehearsal {
  readonly lab: Lab;
  readonly madeUp: readonly MadeUp[];
}

const settleMs = 30_000;
const pollMs = 200;

/** @throws AppError `facts-damaged`, `input-unreadable`, `not-a-node`, `value-invalid`, `bounce-failed` */
export async function rehearseUp(options: RehearseOptions): Promise<Rehearsal> {
  const { facts, isFilesOnly, now } = options;
  if (!isFilesOnly && !canHaveRooms()) {
    const expected = "root, namespaces, iproute2 and sshd" as const;
    throw new AppError("value-invalid", { what: "--like", value: facts[0] ?? "", expected });
  }
  const hosts = await readCollectedHosts(facts, now);
  const planned = planRehearsal(options, hosts);
  const lab = isFilesOnly ? withoutRooms(planned) : planned;
  const [longest] = lab.hosts.toSorted((a, b) => socketOf(lab, b).length - socketOf(lab, a).length);
  if (!longest || !lab.network) throw new TypeError("a rehearsal has nodes");
  makeEmpty(lab, longest);
  writeLab(lab);
  const trees = await writeTrees(lab, hosts);
  if (isFilesOnly) finishFiles(lab, trees);
  else await start(lab, lab.network, { hosts, trees });
  return { lab, madeUp: [...trees.values()].flatMap(({ madeUp }) => madeUp) };
}

/** Folders of this machine: `cluster.yaml` names them, nothing runs. */
function withoutRooms(lab: Lab): Lab {
  return lab.network ? { ...lab, network: { ...lab.network, kind: "files", link: null } } : lab;
}

type Trees = ReadonlyMap<string, TreeReport>;

async function writeTrees(lab: Lab, hosts: readonly CollectedHost[]): Promise<Trees> {
  const materials = await makeMaterials(hosts);
  return new Map(hosts.map((host) => [host.name, writeTree(rootOf(lab, place(lab, host)), host, materials)]));
}

function place(lab: Lab, { name }: CollectedHost): LabHost {
  const found = lab.hosts.find((host) => host.name === name);
  if (!found) throw new TypeError(`${name} is not in the lab`);
  return found;
}

function finishFiles(lab: Lab, trees: Trees): void {
  for (const host of lab.hosts) writeLinks(rootOf(lab, host), trees.get(host.name)?.links ?? []);
  writeClusterFile(lab);
}

async function start(
  lab: Lab,
  network: LabNetwork,
  { hosts, trees }: { readonly hosts: readonly CollectedHost[]; readonly trees: Trees },
): Promise<void> {
  await foundEtcd(lab, membersOf(lab, hosts));
  for (const host of lab.hosts) furnishRehearsed(lab, host);
  writeSsh(lab);
  writeClusterFile(lab);
  for (const host of lab.hosts) writeLinks(rootOf(lab, host), trees.get(host.name)?.links ?? []);
  await startRooms(lab, network);
  await untilStarted(lab);
  for (const host of lab.hosts) rmSync(join(rootOf(lab, host), firstLifeMark));
  await Promise.all(lab.hosts.map((host) => restartKubelet(lab, host)));
  await untilSettled(lab, network);
}

function furnishRehearsed(lab: Lab, host: LabHost): void {
  const root = rootOf(lab, host);
  furnish(lab, host);
  symlinkSync("../run", join(root, "var/run"));
  writeFileSync(join(root, firstLifeMark), "");
  mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
}

/** Every static pod has been started once, whatever became of it. */
async function untilStarted(lab: Lab): Promise<void> {
  const end = performance.now() + settleMs;
  for (const host of lab.hosts) {
    const wanted = host.rehearsed?.programs.length ?? 0;
    while (performance.now() < end && (await containersOf(lab, host)) < wanted) await sleep(pollMs);
  }
}

async function containersOf(lab: Lab, host: LabHost): Promise<number> {
  const cri = openCri(socketOf(lab, host));
  try {
    return (await cri.containers()).length;
  } catch {
    // Its runtime is being started.
    return 0;
  } finally {
    cri.close();
  }
}

/** All is well, or what cannot be has been given the time to say so: an API server waits for etcd for twenty seconds. */
async function untilSettled(lab: Lab, network: LabNetwork): Promise<void> {
  const end = performance.now() + 5000 + 25_000 * lab.pace;
  while (performance.now() < end && !isAllWell(await hostsStatus(lab, network))) await sleep(pollMs);
}
