// `lab status`: what runs of a lab, and whether it says that it is well.
// INPUTS: /proc, the listeners of the lab
import { get as getPlain } from "node:http";
import { get as getTls } from "node:https";
import { inUrl, nearOf } from "./lab-node.ts";
import { type Lab, type LabHost, rootOf } from "./places.ts";
import { type LabProcess, processesOf } from "./processes.ts";

export interface PartStatus {
  readonly name: string;
  /** Where it listens. */
  readonly url: string;
  /** null for a part that does not run. */
  readonly pid: number | null;
  /** null for one that is well, else what it answers. */
  readonly ailment: string | null;
}

export interface HostStatus {
  readonly name: string;
  readonly root: string;
  readonly parts: readonly PartStatus[];
}

export async function labStatus(lab: Lab): Promise<readonly HostStatus[]> {
  return Promise.all(lab.hosts.map((host) => statusOf(lab, host)));
}

export async function statusOf(lab: Lab, host: LabHost): Promise<HostStatus> {
  const running = processesOf(lab).filter((one) => one.host === host.name);
  const { ports, address = "127.0.0.1" } = host;
  const near = inUrl(nearOf(address));
  const kubelet = part(running, "kubelet", `http://${near}:${ports.kubeletHealth}/healthz`);
  if (host.role === "worker") return { name: host.name, root: rootOf(lab, host), parts: [await kubelet] };
  const isThere = ({ name }: PartStatus): boolean =>
    name === "kubelet" || (host.rehearsed?.programs.includes(name) ?? true);
  const parts = await Promise.all([
    kubelet,
    part(running, "etcd", `http://${near}:${ports.etcdMetrics}/health`),
    part(running, "kube-apiserver", `https://${inUrl(address)}:${ports.apiServer}/readyz`),
    part(running, "kube-controller-manager", `https://127.0.0.1:${ports.controllerManager}/healthz`),
    part(running, "kube-scheduler", `https://127.0.0.1:${ports.scheduler}/healthz`),
  ]);
  return { name: host.name, root: rootOf(lab, host), parts: parts.filter(isThere) };
}

/** Port 0: it has no listener that tells its health without a certificate. */
async function part(running: readonly LabProcess[], name: string, url: string): Promise<PartStatus> {
  const pid = running.find((one) => one.name === name)?.pid ?? null;
  if (pid !== null && new URL(url).port === "0") return { name, url, pid, ailment: null };
  return { name, url, pid, ailment: pid === null ? "does not run" : await ailmentOf(url) };
}

function ailmentOf(url: string): Promise<string | null> {
  return new Promise((resolve) => {
    const options = { agent: false, timeout: 3000 };
    const answered = (answer: { readonly statusCode?: number | undefined; resume(): unknown }): void => {
      answer.resume();
      resolve(answer.statusCode === 200 ? null : `answers ${answer.statusCode ?? 0}`);
    };
    const ask = url.startsWith("https:")
      ? getTls(url, { ...options, rejectUnauthorized: false }, answered)
      : getPlain(url, options, answered);
    ask.once("timeout", () => ask.destroy(new Error("no answer in time")));
    ask.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}
