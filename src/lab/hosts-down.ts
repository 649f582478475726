// `lab down` of several hosts: their processes, with them their namespaces; the link by its name; the files last.
import { spawnSync } from "node:child_process";
import { readFileSync, realpathSync, rmSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "../core/model/errors.ts";
import { type Lab, type LabNetwork, labFile, rootOf } from "./places.ts";
import { type LabProcess, processesOf, send } from "./processes.ts";

const patienceMs = 10_000;

/** How many processes were ended. @throws AppError `input-unreadable` when something of this machine is mounted below the lab */
export async function hostsDown(lab: Lab, { link }: LabNetwork): Promise<number> {
  const count = await killAll(lab);
  if (link !== null) await removeLink(link);
  refuseMounts(lab.directory);
  for (const host of lab.hosts) rmSync(rootOf(lab, host), { recursive: true, force: true });
  for (const name of ["ssh", "cluster.yaml", "balancer.log"]) {
    rmSync(join(lab.directory, name), { recursive: true, force: true });
  }
  rmSync(labFile(lab.directory), { force: true });
  return count;
}

/** SIGKILL until nothing is there any more: what the first took with it, the second need not look for. */
async function killAll(lab: Lab): Promise<number> {
  const ended = new Set<string>();
  const end = performance.now() + patienceMs;
  // Twice: a child that is just born does not carry the lab's id yet.
  for (let empty = 0; empty < 2 && performance.now() < end;) {
    const found = processesOf(lab);
    empty = found.length === 0 ? empty + 1 : 0;
    for (const one of found) {
      ended.add(keyOf(one));
      send(one, "SIGKILL");
    }
    await sleep(50);
  }
  return ended.size;
}

function keyOf({ pid, start }: LabProcess): string {
  return `${pid}/${start}`;
}

/** It goes with the namespace of its other end, a moment after the last process in there. */
async function removeLink(link: string): Promise<void> {
  const end = performance.now() + 2000;
  while (link in networkInterfaces() && performance.now() < end) await sleep(50);
  if (link in networkInterfaces()) spawnSync("ip", ["link", "del", link]);
}

/** A host's mounts are its own namespace's; should one ever be seen here, nothing below it may be removed. */
function refuseMounts(directory: string): void {
  const real = realpathSync(directory);
  const below = readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .map((line) => unescaped(line.split(" ")[4] ?? ""))
    .find((path) => path.startsWith(`${real}/`));
  if (below !== undefined) {
    const reason = `something is mounted below it: ${below}` as const;
    throw new AppError("input-unreadable", { path: directory, reason });
  }
}

/** proc_pid_mountinfo(5): white space and backslashes are octal there. */
function unescaped(path: string): string {
  return path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(parseInt(digits, 8)));
}
