// The tiny cluster as it runs: kubelet, etcd, API server and scheduler, and a plan that restarts and proves them.
import type { Endpoint, HealthCheck } from "../../src/core/model/live.ts";
import type { BounceStep, EtcdAccess, ServedDemand } from "../../src/core/model/live-step.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { MemoryLive } from "./memory-live.ts";
import { MemoryWorld, sha256, startOfTime } from "./memory-world.ts";
import { certificateAt } from "./tiny-checks.ts";
import { address, installTinyCluster, paths, planFor, sealed } from "./tiny-cluster.ts";

export const consumers = ["kubelet", "etcd", "kube-apiserver", "kube-scheduler"] as const;
export type Consumer = (typeof consumers)[number];

/** A node that runs, the plan to renew it, and its tree of before. */
export interface LiveScene {
  readonly world: MemoryWorld;
  readonly live: MemoryLive;
  readonly plan: Plan;
  readonly before: Record<string, string>;
}

/** All certificates ended a day ago, unless they are looked at ten days before. */
export function liveScene({ expired = true }: { readonly expired?: boolean } = {}): LiveScene {
  const world = new MemoryWorld();
  if (!expired) world.now = startOfTime - 10 * 86_400_000;
  installTinyCluster(world);
  const live = startTinyNode(world);
  return { world, live, plan: livePlanFor(world), before: world.tree() };
}

/** etcd reads its files at every handshake, the others at their start. */
export function startTinyNode(world: MemoryWorld): MemoryLive {
  const live = new MemoryLive(world, [
    { name: "kubelet", returns: false, files: [paths.node], port: null, healthPort: 10248 },
    { name: "etcd", returns: true, files: [paths.etcdServer], port: 2379 },
    {
      name: "kube-apiserver",
      returns: true,
      files: [paths.apiserver, paths.kubeletClient],
      port: 6443,
      needs: ["etcd"],
    },
    { name: "kube-scheduler", returns: true, files: [paths.admin], port: null, healthPort: 10259 },
  ]);
  live.behaviour("etcd").reloadsAfterMs = 0;
  world.live = live;
  return live;
}

function endpoint(port: number): Endpoint {
  return { scheme: "https", host: "127.0.0.1", port, serverName: null };
}

const http = (port: number): HealthCheck => ({ form: "http", endpoint: endpoint(port), path: "/readyz" });

const health: Readonly<Record<Consumer, HealthCheck>> = {
  kubelet: http(10248),
  etcd: { form: "etcd" },
  "kube-apiserver": http(6443),
  "kube-scheduler": http(10259),
};

export const demands: Readonly<Record<Consumer, readonly ServedDemand[]>> = {
  kubelet: [],
  etcd: [{ id: "m1/etcd/127.0.0.1:2379", endpoint: endpoint(2379), slot: "m1/etcd-server", sha256: null }],
  "kube-apiserver": [
    { id: "m1/kube-apiserver/127.0.0.1:6443", endpoint: endpoint(6443), slot: "m1/apiserver", sha256: null },
  ],
  "kube-scheduler": [],
};

export function accessOf(world: MemoryWorld): EtcdAccess {
  return {
    endpoints: [endpoint(2379)],
    authorityCertificate: address(paths.etcdCa),
    authorityKey: address(paths.etcdCaKey),
    client: null,
    commonName: "kube-etcd-healthcheck-client",
    server: "m1/etcd-server",
    serverKeys: [sha256(certificateAt(world, paths.etcdServer).spkiDer)],
  };
}

export function bounceOf(world: MemoryWorld, consumer: Consumer): BounceStep {
  const reloads = consumer === "etcd";
  return {
    kind: "bounce",
    id: `m1/bounce/${consumer}`,
    consumer,
    when: reloads ? "if-needed" : "always",
    graceSeconds: 30,
    reloadSeconds: reloads ? 5 : 0,
    timeoutSeconds: 90,
    health: health[consumer],
    demands: demands[consumer],
    access: reloads ? accessOf(world) : null,
  };
}

/** The tiny plan between a snapshot and the proof from what runs. */
export function livePlanFor(world: MemoryWorld): Plan {
  const { digest: _, ...plan } = planFor(world);
  const access = accessOf(world);
  const at = (steps: Plan["phases"][number]["nodes"][number]["steps"]) => [{ node: "m1", steps }];
  return sealed({
    ...plan,
    phases: [
      {
        id: "snapshot",
        nodes: at([{ kind: "snapshot", id: "m1/snapshot/etcd", access, dataDirectory: "/var/lib/etcd" }]),
      },
      ...plan.phases,
      { id: "restart", nodes: at(consumers.map((consumer) => bounceOf(world, consumer))) },
      {
        id: "prove-live",
        nodes: at([
          {
            kind: "prove-live",
            id: "m1/prove-live",
            demands: consumers.flatMap((consumer) => demands[consumer]),
            access,
            health: consumers.map((consumer) => ({ consumer, check: health[consumer] })),
            api: { kubeconfig: address(paths.admin), user: "kubernetes-admin", endpoint: endpoint(6443) },
          },
        ]),
      },
    ],
  });
}
