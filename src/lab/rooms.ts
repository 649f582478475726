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
import { sharedFolders } from "./hosts-tree.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf } from "./places.ts";
import { environmentOf, spawned, wordsFor } from "./processes.ts";

/** Whether this machine and this user can have rooms. */
export function canHaveRooms(): boolean {
  if (process.getuid?.() !== 0) return false;
  if (["ip", "nsenter", "pivot_root", "ssh-keygen"].some((name) => inPath(name) === null)) return false;
  if (!existsSync(sshdPath)) return false;
  return spawnSync("unshare", [...roomWords, "--pid", "--fork", "true"]).status === 0;
}

export const sshdPath = "/usr/sbin/sshd";
const roomWords = ["--mount", "--net", "--uts", "--ipc"] as const;

function inPath(name: string): string | null {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/sbin", "/sbin"];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path)) ?? null;
}

/** The network's middle: a bridge, the way to this machine, and the balancer, in whose room they are. */
const switchScript = `
ip link set lo up
ip link add br0 type bridge mcast_snooping 0
ip addr add "$ENDPOINT" dev br0 $NODAD
ip link set br0 up
ip link add up0 type veth peer name "$LINK" netns "$MACHINE"
ip link set up0 master br0 up
nsenter --target "$MACHINE" --net ip addr add "$GATEWAY" dev "$LINK" $NODAD
nsenter --target "$MACHINE" --net ip link set "$LINK" up
echo ready
exec "$@"
`;

/** A host's way into the network and its file system; what needs its process space is done by `insideScript`. */
const roomScript = `
ip link add eth0 type veth peer name "$NAME" netns "$SWITCH"
nsenter --target "$SWITCH" --net ip link set "$NAME" master br0 up
ip link set lo up
ip addr add "$ADDRESS" dev eth0 $NODAD
ip link set eth0 up
mount --bind "$ROOT" "$ROOT"
for folder in ${sharedFolders.join(" ")}; do
  if [ -d "$ROOT/$folder" ] && ! [ -L "$ROOT/$folder" ]; then
    mount --rbind "/$folder" "$ROOT/$folder"
    mount -o remount,bind,ro "$ROOT/$folder"
  fi
done
mount --rbind /dev "$ROOT/dev"
for program in node etcd; do
  path=$NODE
  [ $program = node ] || path=$ETCD
  : >"$ROOT/lab/bin/$program"
  mount --bind "$path" "$ROOT/lab/bin/$program"
done
mount --bind "$PROGRAM" "$ROOT/lab/program"
exec unshare --pid --fork --kill-child -- /bin/sh -euc "$INSIDE"
`;

const insideScript = `
mount -t proc proc "$ROOT/proc"
cd "$ROOT"
pivot_root . lab/old
exec chroot . /bin/sh -euc "$INIT"
`;

/** Process 1 of a host: the little of systemd that is needed. It reaps what is orphaned while it waits. */
const initScript = `
umount -l /lab/old
echo "$NAME" >/proc/sys/kernel/hostname
unset INSIDE INIT ROOT SWITCH NODE ETCD PROGRAM ADDRESS NODAD
export HOME=/root
keep() {
  log=/var/log/$1.out
  shift
  while :; do
    "$@" </dev/null >>"$log" 2>&1 || :
    sleep 0.3
  done
}
keep sshd ${sshdPath} -D -e -f /etc/ssh/sshd_config &
keep runtime runtime "$SCRIPT" lab run runtime --dir /lab --host "$NAME" &
keep kubelet kubelet "$SCRIPT" lab run kubelet --dir /lab --host "$NAME" &
while :; do
  sleep 3600 &
  wait $!
done
`;

function common({ family, prefixLength }: LabNetwork, address: string): Readonly<Record<string, string>> {
  return { ADDRESS: `${address}/${prefixLength}`, NODAD: family === "ipv6" ? "nodad" : "" };
}

/** The balancer's process id, whose network namespace is the middle of all. @throws AppError `bounce-failed` */
export async function startSwitch(lab: Lab, network: LabNetwork): Promise<number> {
  const balancer: LabHost = { name: "lb", ports: lab.hosts[0]?.ports ?? noPorts };
  const words = wordsFor(lab, balancer, "balancer");
  const program = ["/bin/sh", "-euc", 'exec "$@" >/dev/null 2>&1', "sh", process.execPath, ...words];
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
  const script = realpathSync(process.argv[1] ?? "");
  const output = openSync(join(root, "var/log/host.out"), "a", 0o600);
  try {
    const child = spawn("unshare", [...roomWords, "--", "/bin/sh", "-euc", roomScript], {
      cwd: "/",
      detached: true,
      stdio: ["ignore", output, output],
      env: {
        ...environmentOf(lab, host),
        PATH: `/lab/bin:${pathWithSystem()}`,
        ...common(network, host.address ?? ""),
        NAME: host.name,
        ROOT: root,
        SWITCH: String(switchPid),
        NODE: process.execPath,
        ETCD: realpathSync(inPath("etcd") ?? "/bin/false"),
        PROGRAM: dirname(script),
        SCRIPT: join("/lab/program", basename(script)),
        INSIDE: insideScript,
        INIT: initScript,
      },
    });
    await spawned(child);
    child.unref();
    return child;
  } finally {
    closeSync(output);
  }
}
