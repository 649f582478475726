// The kubelet of a host, and systemd around it: one process that stays, and the kubelet in it that dies and is tried again.
//
//   load (configuration, client certificate) ──fails──▶ dead ──RestartSec──▶ load
//     └─▶ listens on 10250 and 10248, runs the manifests, tells the API server that it lives
// INPUTS  below the host's root: etc/kubernetes/kubelet.conf, var/lib/kubelet, the manifests
// OUTPUTS below the host's root: var/lib/kubelet/pki/kubelet.{crt,key}, var/log/messages, proc; containers through the CRI
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer as createPlain } from "node:http";
import { createServer as createTls } from "node:https";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TLSSocket } from "node:tls";
import {
  type KubeletConfig,
  parseKubeletConfig,
  parseKubeletFlags,
} from "../core/kubeconfig/kubelet-config.ts";
import { type Credentials, isValidNow, readCredentials } from "./credentials.ts";
import { openCri } from "./cri-client.ts";
import { type Log, systemLog } from "./klog.ts";
import { runtimeSockets, usualPorts } from "./lab-node.ts";
import { listening } from "./listening.ts";
import { tellApi } from "./node-objects.ts";
import { type Lab, type LabHost, rootOf } from "./places.ts";
import { makeSelfSigned } from "./self-signed.ts";
import { openPods } from "./static-pods.ts";

/** RestartSec of kubeadm's unit. */
const restartMs = 10_000;
/** nodeStatusUpdateFrequency, and the wait after a first failure, which doubles up to seven seconds (kubelet, tryRegisterWithAPIServer). */
const heartbeatMs = 10_000;
const retryMs = 200;
const longestRetryMs = 7000;
const syncMs = 1000;
/** Below the host's root. */
export const firstLifeMark = "lab/first-life";

export async function runKubelet(lab: Lab, host: LabHost): Promise<void> {
  const root = rootOf(lab, host);
  const log = systemLog(join(root, "var/log/messages"), host.name, "kubelet");
  showInProc(root);
  for (;;) {
    try {
      return await live(lab, host, log);
    } catch (error) {
      log(
        "F",
        "server.go:269",
        `failed to run Kubelet: ${error instanceof Error ? error.message : String(error)}`,
      );
      // Where there is a process 1, it does what systemd would.
      if (root === "/") process.exit(1);
      await sleep(restartMs * lab.pace);
    }
  }
}

/** The process space of the host holds its kubelet: that is what is looked at below a root, not this machine's own. */
function showInProc(root: string): void {
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  // A host with a process space of its own has it there already.
  if (root === "/") return;
  const proc = join(root, "proc");
  const own = join(proc, String(process.pid));
  mkdirSync(proc, { recursive: true });
  rmSync(own, { force: true });
  symlinkSync(`/proc/${process.pid}`, own);
  process.once("exit", () => rmSync(own, { force: true }));
}

/** Rejects when the kubelet cannot start; once it lives it goes on for as long as its process. */
async function live(lab: Lab, host: LabHost, log: Log): Promise<void> {
  const root = rootOf(lab, host);
  const { config, socket } = readSettings(root, host);
  const credentials = isFirstLife(root, host) ? null : clientCredentials(root);
  await listen(root, host, config);
  const sync = openPods({
    folder: join(root, config.staticPodPath ?? "/etc/kubernetes/manifests"),
    node: host.name,
    cri: openCri(join(root, socket)),
    pace: lab.pace,
    log,
  });
  log("I", "kubelet.go:1842", "Starting kubelet main sync loop.");
  void forever(syncMs * lab.pace, sync, (error) => log("E", "kubelet.go:2183", String(error)));
  if (credentials !== null) void report(lab, host, { credentials, log });
}

interface Settings {
  readonly config: KubeletConfig;
  readonly socket: string;
}

/** Of a collected node's files none has to be there: then it is the kubelet's defaults. */
function readSettings(root: string, { rehearsed }: LabHost): Settings {
  const path = join(root, "var/lib/kubelet/config.yaml");
  if (rehearsed) {
    const bytes = readOrNull(path);
    return { config: bytes === null ? {} : parseKubeletConfig(Buffer.from(bytes)), socket: rehearsed.socket };
  }
  const flags = parseKubeletFlags(readFileSync(join(root, "var/lib/kubelet/kubeadm-flags.env"), "utf8"));
  const endpoint = flags.get("container-runtime-endpoint") ?? runtimeSockets.docker;
  return { config: parseKubeletConfig(readFileSync(path)), socket: endpoint.replace(/^unix:\/\//, "") };
}

/**
 * The kubelet of a collected node started its pods when its certificate was still valid; so does this one, once, whatever its
 * certificate is. `lab up` takes the mark away and starts it again.
 */
function isFirstLife(root: string, { rehearsed }: LabHost): boolean {
  return rehearsed !== undefined && existsSync(join(root, firstLifeMark));
}

async function report(
  { pace }: Lab,
  host: LabHost,
  { credentials, log }: { readonly credentials: () => Credentials; readonly log: Log },
): Promise<never> {
  let retry = retryMs;
  for (;;) {
    try {
      await tellApi(host, credentials());
      retry = retryMs;
      await sleep(heartbeatMs * pace);
    } catch (error) {
      log("E", "controller.go:144", `failed to ensure lease exists, error: ${messageOf(error)}`);
      await sleep(retry * pace);
      retry = Math.min(retry * 2, longestRetryMs);
    }
  }
}

async function forever(
  ms: number,
  work: () => Promise<void>,
  complain: (error: unknown) => void,
): Promise<never> {
  for (;;) {
    await work().catch(complain);
    await sleep(ms);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * The kubeconfig's pair must be valid, or there is nothing to start with but a bootstrap kubeconfig, which kubeadm removes
 * (pkg/kubelet/certificate/bootstrap, LoadClientConfig); a valid rotated pair is preferred to it.
 */
function clientCredentials(root: string): () => Credentials {
  const path = join(root, "etc/kubernetes/kubelet.conf");
  const embedded = readCredentials(root, path);
  if (!isValidNow(embedded)) {
    const bootstrap = "/etc/kubernetes/bootstrap-kubelet.conf";
    throw new Error(`unable to load bootstrap kubeconfig: stat ${bootstrap}: no such file or directory`);
  }
  return () => {
    const rotated = readOrNull(join(root, "var/lib/kubelet/pki/kubelet-client-current.pem"));
    const isUsed = rotated !== null && isValidNow({ cert: rotated });
    return isUsed ? { ...embedded, cert: rotated, key: rotated } : embedded;
  };
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

async function listen(root: string, host: LabHost, config: KubeletConfig): Promise<void> {
  const { cert, key } = await servingPair(root, host, config);
  const clientCa = config.clientCaFile === undefined ? null : readOrNull(join(root, config.clientCaFile));
  const own = createTls(
    { cert, key, requestCert: true, rejectUnauthorized: false, ...(clientCa && { ca: clientCa }) },
    (request, response) => {
      const isKnown = request.socket instanceof TLSSocket && request.socket.authorized;
      response.writeHead(isKnown ? 200 : 401).end(isKnown ? "ok" : "Unauthorized");
    },
  );
  const health = createPlain((request, response) => {
    response.writeHead(request.url === "/healthz" ? 200 : 404).end("ok");
  });
  await listening(own, config.address ?? "0.0.0.0", config.port ?? String(usualPorts.kubelet));
  await listening(health, config.healthzBindAddress, config.healthzPort ?? String(usualPorts.kubeletHealth));
}

/** Made once, and never again while the files are there, expired or not. */
async function servingPair(
  root: string,
  host: LabHost,
  config: KubeletConfig,
): Promise<{ cert: string; key: string }> {
  const folder = join(root, "var/lib/kubelet/pki");
  const certificate =
    config.tlsCertFile === undefined ? join(folder, "kubelet.crt") : join(root, config.tlsCertFile);
  const keyFile =
    config.tlsPrivateKeyFile === undefined
      ? join(folder, "kubelet.key")
      : join(root, config.tlsPrivateKeyFile);
  const [cert, key] = [readOrNull(certificate), readOrNull(keyFile)];
  if (cert !== null && key !== null) return { cert, key };
  const made = await makeSelfSigned(host.name, [host.name]);
  // A collected node has the files that it had.
  if (host.rehearsed) return made;
  writeFileSync(keyFile, made.key, { mode: 0o600 });
  writeFileSync(certificate, made.cert, { mode: 0o644 });
  return made;
}
