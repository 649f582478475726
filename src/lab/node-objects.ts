// What the API server knows of nodes: a lease and a Node that the kubelet renews, and who is silent is not Ready.
// Source: kubernetes/pkg/kubelet (tryUpdateNodeStatus), pkg/controller/nodelifecycle (monitorNodeHealth).
import { type Credentials, askApi } from "./credentials.ts";
import type { LabHost } from "./places.ts";

export interface NodeReadiness {
  readonly name: string;
  /** Condition Ready: `True`, `False`, `Unknown`. */
  readonly ready: string;
}

interface NodeObject {
  readonly metadata: { readonly name: string };
  readonly status: { readonly conditions: readonly { readonly type: string; readonly status: string }[] };
}

interface LeaseObject {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly renewTime: string };
}

/** node-monitor-grace-period */
const graceMs = 40_000;
const nodesPath = "/api/v1/nodes";
const leasesPath = "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases";

/** The kubelet's lease and its Node. @throws Error in client-go's words */
export async function tellApi(host: LabHost, credentials: Credentials): Promise<void> {
  const { name } = host;
  await put(credentials, `${leasesPath}/${name}`, {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: "kube-node-lease" },
    spec: { holderIdentity: name, leaseDurationSeconds: 40, renewTime: microTime() },
  });
  await put(credentials, `${nodesPath}/${name}`, nodeObject(host, "True", "KubeletReady"));
}

function nodeObject({ name, address, role }: LabHost, ready: string, reason: string): object {
  const at = new Date().toISOString();
  const isMaster = role !== "worker";
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name,
      labels: {
        "kubernetes.io/hostname": name,
        ...(isMaster && {
          "node-role.kubernetes.io/control-plane": "",
          "node-role.kubernetes.io/master": "",
        }),
      },
    },
    status: {
      addresses: [
        { type: "InternalIP", address: address ?? "127.0.0.1" },
        { type: "Hostname", address: name },
      ],
      conditions: [{ type: "Ready", status: ready, reason, lastHeartbeatTime: at, lastTransitionTime: at }],
      nodeInfo: { kubeletVersion: "v1.20.2", containerRuntimeVersion: "perennial-lab://0.1.0" },
    },
  };
}

/**
 * One look at all nodes: whose lease was not renewed for the grace period becomes `Unknown`. Only what was seen counts: who has
 * just been started waits, whatever the leases' dates are. Rejects with an Error in client-go's words.
 */
export function openNodeMonitor(credentials: Credentials, pace: number): () => Promise<void> {
  const seen = new Map<string, { readonly renewTime: string; readonly at: number }>();
  return async () => {
    const leases = await list<LeaseObject>(credentials, leasesPath);
    const nodes = await list<NodeObject>(credentials, nodesPath);
    const now = performance.now();
    for (const node of nodes) {
      const { name } = node.metadata;
      const renewTime = leases.find(({ metadata }) => metadata.name === name)?.spec.renewTime ?? "";
      const last = seen.get(name);
      if (last?.renewTime !== renewTime) seen.set(name, { renewTime, at: now });
      else if (now - last.at > graceMs * pace && readyOf(node) === "True")
        await markSilent(credentials, node);
    }
  };
}

async function markSilent(credentials: Credentials, node: NodeObject): Promise<void> {
  const at = new Date().toISOString();
  const silent = {
    type: "Ready",
    status: "Unknown",
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
    lastTransitionTime: at,
  };
  const next = { ...node, status: { ...node.status, conditions: [silent] } };
  await put(credentials, `${nodesPath}/${node.metadata.name}`, next);
}

function readyOf({ status }: NodeObject): string {
  return status.conditions.find(({ type }) => type === "Ready")?.status ?? "Unknown";
}

/** @throws Error in client-go's words */
export async function readNodes(credentials: Credentials): Promise<readonly NodeReadiness[]> {
  const nodes = await list<NodeObject>(credentials, nodesPath);
  return nodes.map((node) => ({ name: node.metadata.name, ready: readyOf(node) }));
}

async function list<T>(credentials: Credentials, path: string): Promise<readonly T[]> {
  const { status, body } = await askApi(credentials, { method: "GET", path });
  if (status !== 200) throw refusal(status);
  return (JSON.parse(body) as { readonly items: readonly T[] }).items;
}

async function put(credentials: Credentials, path: string, body: object): Promise<void> {
  const { status } = await askApi(credentials, { method: "PUT", path, body });
  if (status >= 300) throw refusal(status);
}

function refusal(status: number): Error {
  return new Error(status === 401 ? "Unauthorized" : `the server answered with ${status}`);
}

/** meta/v1 MicroTime: six digits, no fewer. */
function microTime(): string {
  return new Date().toISOString().replace("Z", "000Z");
}
