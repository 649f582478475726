// kube-controller-manager and kube-scheduler as far as certificates are concerned: a kubeconfig read once, a lease renewed or lost.
// INPUTS: the files its flags name. OUTPUTS: a listener; a lease at the API server
import { X509Certificate } from "node:crypto";
import { createServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { type Credentials, askApi, readCredentials } from "./credentials.ts";
import { needed, readFlags } from "./flags.ts";
import { klog } from "./klog.ts";
import { listening } from "./listening.ts";
import { openNodeMonitor } from "./node-objects.ts";
import { type Lab, type LabHost, rootOf } from "./places.ts";
import { makeSelfSigned } from "./self-signed.ts";

export interface LeaderOptions {
  readonly name: string;
  readonly words: readonly string[];
}

/** client-go leaderelection: RetryPeriod and RenewDeadline. */
const retryMs = 2000;
const renewDeadlineMs = 10_000;
/** Node lifecycle controller: NodeMonitorPeriod. */
const nodeMonitorMs = 5000;
/** However hurried the lab is: each question is a handshake, and six processes that ask without a pause take a small machine a core. */
const shortestRetryMs = 1000;

export async function runLeader(lab: Lab, host: LabHost, { name, words }: LeaderOptions): Promise<void> {
  const flags = readFlags(words);
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => process.exit(0));
  const credentials = readCredentials(rootOf(lab, host), needed(flags, "kubeconfig"));
  const pair = await makeSelfSigned("localhost", ["localhost", "127.0.0.1"]);
  const server = createServer({ ...pair }, (request, response) => {
    const isHealth = request.url === "/healthz";
    response.writeHead(isHealth ? 200 : 403).end(isHealth ? "ok" : "Forbidden");
  });
  const port = flags.get("secure-port") ?? (name === "kube-scheduler" ? "10259" : "10257");
  await listening(server, flags.get("bind-address"), port);
  klog("I", "leaderelection.go:243", `attempting to acquire leader lease kube-system/${name}...`);
  await lead(name, host, { credentials, pace: lab.pace });
}

/** Who held the lease and cannot renew it ends, and starts again as a follower. */
async function lead(
  name: string,
  host: LabHost,
  { credentials, pace }: { readonly credentials: Credentials; readonly pace: number },
): Promise<never> {
  const waitMs = Math.max(retryMs * pace, shortestRetryMs);
  const deadlineMs = Math.max(renewDeadlineMs * pace, 2 * waitMs);
  let renewedAt: number | null = null;
  let lookedAt = -Infinity;
  const lookAtNodes = openNodeMonitor(credentials, pace);
  for (;;) {
    const failure = await renew(name, host, credentials);
    if (failure === null) {
      if (renewedAt === null)
        klog("I", "leaderelection.go:253", `successfully acquired lease kube-system/${name}`);
      renewedAt = performance.now();
      if (name === "kube-controller-manager" && renewedAt - lookedAt >= nodeMonitorMs * pace) {
        lookedAt = renewedAt;
        await lookAtNodes().catch(complain);
      }
    } else {
      klog("E", "leaderelection.go:325", `error retrieving resource lock kube-system/${name}: ${failure}`);
      if (renewedAt !== null && performance.now() - renewedAt > deadlineMs) {
        klog("F", "controllermanager.go:293", "leaderelection lost");
        process.exit(255);
      }
    }
    await sleep(waitMs);
  }
}

function complain(error: unknown): void {
  klog("E", "node_lifecycle_controller.go:1014", error instanceof Error ? error.message : String(error));
}

/** null when the lease is ours. */
async function renew(name: string, host: LabHost, credentials: Credentials): Promise<string | null> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/${name}`;
  const body = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "kube-system" },
    spec: {
      holderIdentity: `${host.name}_${process.pid}`,
      renewTime: new Date().toISOString(),
      // For whoever asks which certificate is in use.
      holderSerial: new X509Certificate(credentials.cert).serialNumber,
    },
  };
  try {
    const { status } = await askApi(credentials, { method: "PUT", path, body });
    if (status < 300) return null;
    return status === 401 ? "Unauthorized" : `the server answered with ${status}`;
  } catch (error) {
    return `Get "${credentials.server.origin}${path}": ${error instanceof Error ? error.message : String(error)}`;
  }
}
