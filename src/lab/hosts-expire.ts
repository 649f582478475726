// `lab expire` of several hosts: files everywhere first, then every pod, then every kubelet: as if all had been restarted in one night.
import { setTimeout as sleep } from "node:timers/promises";
import { type ExpireOptions, expireFiles, restartPods } from "./expire.ts";
import { hostsStatus } from "./hosts-status.ts";
import { type Lab, type LabHost, type LabNetwork, rootOf } from "./places.ts";
import { type LabProcess, processesOf, send, startPart } from "./processes.ts";

/** An API server waits for etcd for twenty seconds. */
const giveUpMs = 25_000;
/** For processes to start and to end on a busy machine. */
const slackMs = 10_000;

/** Resolves when the API servers have given up, or have been given the time to. */
export async function hostsExpire(lab: Lab, network: LabNetwork, options: ExpireOptions): Promise<void> {
  const masters = lab.hosts.filter(({ role }) => role !== "worker");
  expireFiles(
    lab.hosts.map((host) => rootOf(lab, host)),
    options,
  );
  if (network.kind === "files") return;
  await Promise.all(masters.map((host) => restartPods(lab, host, { isAlone: false })));
  await Promise.all(lab.hosts.map((host) => restartKubelet(lab, host)));
  const end = performance.now() + slackMs + giveUpMs * lab.pace;
  while (performance.now() < end) {
    const { apiServers } = await hostsStatus(lab, network);
    const isRunning = processesOf(lab).some(({ name }) => name === "kube-apiserver");
    if (apiServers.healthy === 0 && !isRunning) return;
    await sleep(200);
  }
}

/** In a room process 1 starts it again. */
export async function restartKubelet(lab: Lab, host: LabHost): Promise<void> {
  const old = kubeletsOf(lab, host);
  for (const one of old) send(one, "SIGTERM");
  const isSame = (one: LabProcess): boolean =>
    old.some(({ pid, start }) => pid === one.pid && start === one.start);
  while (kubeletsOf(lab, host).some(isSame)) await sleep(50);
  if (lab.network?.kind === "rooms") {
    const end = performance.now() + slackMs;
    while (kubeletsOf(lab, host).length === 0 && performance.now() < end) await sleep(50);
  } else await startPart(lab, host, "kubelet");
}

function kubeletsOf(lab: Lab, host: LabHost): readonly LabProcess[] {
  return processesOf(lab).filter((one) => one.host === host.name && one.name === "kubelet");
}
