// An etcd begins with its members seeing each other. Collected certificates may have ended, and manifests of members that joined later
// name a cluster that is there: so the members are founded by us, with the names and URLs of theirs and certificates of nobody's, in a
// network of their own; what starts afterwards finds its data and looks at nothing but that.
// OUTPUTS: each member's data directory; processes that are gone when it resolves
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { hostPathOf } from "../../core/kubeconfig/manifest.ts";
import { AppError } from "../../core/model/errors.ts";
import { collectedWays } from "../collected-ways.ts";
import { type Lab, rootOf } from "../places.ts";
import { environmentOf, spawned, wordsFor } from "../processes.ts";
import { containerOf, flagOf, podOf } from "./addresses.ts";
import type { CollectedHost } from "./read-facts.ts";

export interface Member {
  readonly host: string;
  readonly name: string;
  /** On this machine. */
  readonly dataDirectory: string;
  readonly peerUrl: string;
  readonly clientUrl: string;
}

const patienceMs = 30_000;
const firstClientPort = 21_000;

export function membersOf(lab: Lab, hosts: readonly CollectedHost[]): readonly Member[] {
  return hosts.flatMap((host) => {
    const [container, pod] = [containerOf(host, "etcd"), podOf(host, "etcd")];
    const place = lab.hosts.find(({ name }) => name === host.name);
    const peerUrl = flagOf(container, "initial-advertise-peer-urls")?.split(",")[0];
    if (!container || !pod || !place || peerUrl === undefined) return [];
    const name = flagOf(container, "name") ?? "default";
    const inPod = flagOf(container, "data-dir") ?? `/${name}.etcd`;
    const dataDirectory = join(rootOf(lab, place), hostPathOf(pod, inPod, container.name));
    const clientUrl = flagOf(container, "advertise-client-urls")?.split(",")[0] ?? "http://localhost:2379";
    return [{ host: host.name, name, dataDirectory, peerUrl, clientUrl }];
  });
}

/** Runs `founder` in a network namespace that has all the members' addresses. @throws AppError `bounce-failed` */
export async function foundEtcd(lab: Lab, members: readonly Member[]): Promise<void> {
  if (members.length === 0) return;
  const [first] = lab.hosts;
  if (!first) throw new TypeError("a lab has hosts");
  const own = lab.hosts.flatMap(({ rehearsed }) => rehearsed?.addresses ?? []);
  const script = `ip link set lo up\n${collectedWays(lab, { own, device: "lo" })}exec "$@"`;
  const program = [process.execPath, ...wordsFor(lab, first, "founder"), "--", JSON.stringify(members)];
  const child = spawn("unshare", ["--net", "--", "/bin/sh", "-euc", script, "sh", ...program], {
    cwd: "/",
    stdio: ["ignore", "ignore", "pipe"],
    env: { ...environmentOf(lab, first), PATH: `${process.env["PATH"] ?? ""}:/usr/sbin:/sbin:/usr/bin:/bin` },
  });
  const said: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => said.push(line));
  const [code]: readonly unknown[] = await once(child, "close");
  if (code === 0) return;
  const reason = said.at(-1) ?? "";
  throw new AppError("bounce-failed", { consumer: "etcd", stage: "health", where: "etcd", reason });
}

/** Resolves when every member has been heard and is gone. @throws Error with etcd's last words */
export async function runFounder(members: readonly Member[]): Promise<void> {
  const cluster = members.map(({ name, peerUrl }) => `${name}=${peerUrl}`).join(",");
  const children = members.map((member, index) =>
    startMember(member, { cluster, port: firstClientPort + index }),
  );
  try {
    await Promise.all(children.map(untilServing));
  } finally {
    await Promise.all(children.map(end));
  }
  for (const { dataDirectory } of members) {
    // What --peer-auto-tls has left.
    rmSync(join(dataDirectory, "fixtures"), { recursive: true, force: true });
    if (!existsSync(join(dataDirectory, "member"))) throw new Error(`no data in ${dataDirectory}`);
  }
}

function startMember(
  { name, dataDirectory, peerUrl, clientUrl }: Member,
  { cluster, port }: { readonly cluster: string; readonly port: number },
): ChildProcess {
  mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
  const local = `http://127.0.0.1:${port}`;
  const words = [
    `--name=${name}`,
    `--data-dir=${dataDirectory}`,
    `--initial-cluster=${cluster}`,
    `--initial-advertise-peer-urls=${peerUrl}`,
    `--listen-peer-urls=${peerUrl}`,
    `--advertise-client-urls=${clientUrl}`,
    `--listen-client-urls=${local}`,
    ...(peerUrl.startsWith("https:") ? ["--peer-auto-tls"] : []),
  ];
  return spawn("etcd", words, { stdio: ["ignore", "ignore", "pipe"] });
}

async function untilServing(child: ChildProcess): Promise<void> {
  await spawned(child);
  const { stderr } = child;
  if (!stderr) throw new TypeError("etcd speaks to nobody");
  let last = "";
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`etcd has no leader: ${last}`)), patienceMs);
    const settle = (action: () => void): void => {
      clearTimeout(timer);
      action();
    };
    child.once("exit", () => settle(() => reject(new Error(`etcd ended: ${last}`))));
    createInterface({ input: stderr }).on("line", (line) => {
      last = line;
      if (line.includes("ready to serve client requests")) settle(resolve);
    });
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  await gone;
}
