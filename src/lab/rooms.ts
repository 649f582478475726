// A room is a host with a file system, processes, addresses and a name of its own: namespaces that end with their processes, so
// that nothing is left when those are ended.
//
//   this machine ──LINK──up0┐
//                    br0 in the balancer's room ──m1──eth0 of m1
//                           └──────────────────────m2──eth0 of m2
// OUTPUTS: processes, namespaces, one link of this machine
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, realpathSync } from "node:fs";
import { basename, delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { AppError } from "../core/model/errors.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf } from "./places.ts";
import { environmentOf, ownScript, spawned, wordsFor } from "./processes.ts";
import { collectedWays, frontsNotIn } from "./collected-ways.ts";
import { insideScript, roomScript, sshdPath, switchScript } from "./room-scripts.ts";

/** Whether this machine and this user can have rooms. */
export function canHaveRooms(): boolean {
  if (process.getuid?.() !== 0) return false;
  if (["ip", "nsenter", "pivot_root", "ssh-keygen"].some((name) => inPath(name) === null)) return false;
  if (!existsSync(sshdPath)) return false;
  const trial = "ip link add br0 type bridge && ip link add eth0 type veth peer name eth1";
  const words = [...roomWords, "--pid", "--fork", "--mount-proc", "/bin/sh", "-c", trial];
  return spawnSync("unshare", words, { env: { PATH: pathWithSystem() } }).status === 0;
}

/** RestartSec of kubeadm's unit. */
const restartSeconds = 10;
const roomWords = ["--mount", "--net", "--uts", "--ipc"] as const;

function inPath(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

function common({ family, prefixLength }: LabNetwork, address: string): Readonly<Record<string, string>> {
  return { ADDRESS: `${address}/${prefixLength}`, NODAD: family === "ipv6" ? "nodad" : "" };
}

/** The balancer's process id, whose network namespace is the middle of all. @throws AppError `bounce-failed` */
export async function startSwitch(lab: Lab, network: LabNetwork): Promise<number> {
  const balancer: LabHost = { name: "lb", ports: lab.hosts[0]?.ports ?? noPorts };
  const words = wordsFor(lab, balancer, "balancer");
  const program = ["/bin/sh", "-euc", 'exec "$@" >>"$LOG" 2>&1', "balancer", process.execPath, ...words];
  const child = spawn("unshare", ["--net", "--", "/bin/sh", "-euc", switchScript, "sh", ...program], {
    cwd: "/",
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...environmentOf(lab, balancer),
      PATH: pathWithSystem(),
      ...common(network, network.gateway),
      ENDPOINT: `${network.endpoint}/${network.prefixLength}`,
      GATEWAY: `${network.gateway}/${network.prefixLength}`,
      COLLECTED: collectedWays(lab, { own: frontsNotIn(network), device: "br0" }),
      LOG: join(lab.directory, "balancer.log"),
      LINK: network.link ?? "",
      MACHINE: String(process.pid),
    },
  });
  await spawned(child);
  await readyLine(child);
  child.unref();
  return child.pid ?? 0;
}

const noPorts: LabHost["ports"] = {
  etcd: 0,
  etcdPeer: 0,
  etcdMetrics: 0,
  apiServer: 0,
  controllerManager: 0,
  scheduler: 0,
  kubelet: 0,
  kubeletHealth: 0,
};

async function readyLine({ stdout, stderr }: ChildProcess): Promise<void> {
  if (!stdout || !stderr) return;
  const complaint: string[] = [];
  createInterface({ input: stderr }).on("line", (line) => complaint.push(line));
  for await (const line of createInterface({ input: stdout })) {
    if (line !== "ready") continue;
    stdout.destroy();
    stderr.destroy();
    return;
  }
  throw new AppError("bounce-failed", {
    consumer: "network",
    stage: "return",
    where: "network",
    reason: complaint.at(-1) ?? "",
  });
}

function pathWithSystem(): string {
  return `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin`;
}

/** Starts a host; what its first process says goes to var/log/host.out below its root. */
export async function startRoom(
  lab: Lab,
  host: LabHost,
  { network, switchPid }: { readonly network: LabNetwork; readonly switchPid: number },
): Promise<ChildProcess> {
  const root = rootOf(lab, host);
  const script = ownScript();
  const output = openSync(join(root, "var/log/host.out"), "a", 0o600);
  try {
    const child = spawn("unshare", [...roomWords, "--", "/bin/sh", "-euc", roomScript], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", output, output],
      env: {
        ...environmentOf(lab, host),
        PATH: `/lab/bin:${pathWithSystem()}`,
        ...common(network, host.rehearsed?.way ?? host.address ?? ""),
        COLLECTED: collectedWays(lab, { own: host.rehearsed?.addresses ?? [], device: "eth0" }),
        NAME: host.name,
        // An interface's name has at most 15 bytes.
        PORT: `h${lab.hosts.indexOf(host)}`,
        ROOT: root,
        SWITCH: String(switchPid),
        NODE: process.execPath,
        ETCD: realpathSync(inPath("etcd") ?? "/bin/false"),
        PROGRAM: dirname(script),
        SCRIPT: join("/lab/program", basename(script)),
        RESTART: String(restartSeconds * lab.pace),
        INSIDE: insideScript,
      },
    });
    await spawned(child);
    child.unref();
    return child;
  } finally {
    closeSync(output);
  }
}
