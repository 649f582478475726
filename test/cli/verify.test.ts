// `verify` against listeners of our own on free ports: served serials, the API written to, the sweep, what files alone cannot say.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { certificatePem, keyPem, makeLeaf } from "../../src/lab/lab-issuer.ts";
import { runCli } from "../support/cli.ts";
import { apiserverLeaf, authorityIn, controlPlane, day, edit, pki, today } from "../support/control-plane.ts";
import { freePorts, hasEtcd, startEtcd } from "../support/etcd-server.ts";

const open: { stop(): unknown }[] = [];
afterEach(async () => {
  for (const one of open.splice(0)) await one.stop();
});

interface Pem {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Asks for client certificates, as the API server does, and leaves it to the answer whether it had to be one. */
async function listen(
  pair: Pem,
  ca: Buffer,
  answer: Answer,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer({ ...pair, ca, requestCert: true, rejectUnauthorized: false }, answer);
  await new Promise<void>((done) => void server.listen(0, "127.0.0.1", done));
  open.push({
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return { port: (server.address() as AddressInfo).port, server };
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly who: string;
}

interface Cluster {
  readonly nodes?: readonly object[];
  readonly pods?: readonly object[];
  readonly log?: string;
  /** Pods (`NAMESPACE/NAME`) behind the one APIService there is; a number is what the list is answered with. */
  readonly backends?: readonly string[] | number;
  readonly writeStatus?: number;
}

function answers(cluster: Cluster, calls: Call[]): Answer {
  return (request, response) => {
    const { pathname } = new URL(request.url ?? "/", "https://x");
    const method = request.method ?? "";
    const who = String(
      (request.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } }).getPeerCertificate?.()
        .subject?.CN,
    );
    calls.push({ method, path: pathname, who });
    const send = (status: number, body: unknown): void => {
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    };
    if (pathname === "/readyz") return send(200, "ok");
    if (pathname === "/api/v1/nodes") return send(200, { metadata: {}, items: cluster.nodes ?? [] });
    if (pathname === "/api/v1/pods") return send(200, { metadata: {}, items: cluster.pods ?? [] });
    if (pathname === "/apis/apiregistration.k8s.io/v1/apiservices") return send(...apiServices(cluster));
    if (pathname === "/api/v1/namespaces/kube-system/endpoints/metrics-server")
      return send(200, { subsets: [{ notReadyAddresses: targets(cluster) }] });
    if (pathname.endsWith("/log")) return send(200, cluster.log ?? "");
    if (method === "POST") return send(cluster.writeStatus ?? 201, { message: "no room" });
    return send(200, {});
  };
}

function apiServices({ backends = 404 }: Cluster): readonly [number, object] {
  if (typeof backends === "number") return [backends, { message: "no" }];
  const service = { namespace: "kube-system", name: "metrics-server" };
  const items = [
    { metadata: { name: "v1." }, spec: {} },
    { metadata: { name: "v1beta1.metrics.k8s.io" }, spec: { service } },
  ];
  return [200, { metadata: {}, items }];
}

function targets({ backends = [] }: Cluster): readonly object[] {
  if (typeof backends === "number") return [];
  return backends.map((pod) => {
    const [namespace, name] = pod.split("/");
    return { ip: "10.0.0.1", targetRef: { kind: "Pod", namespace, name } };
  });
}

interface Running {
  readonly root: string;
  readonly calls: readonly Call[];
}

/** A node whose API server listens where its manifest says; of the other processes nothing listens. */
async function node(cluster: Cluster = {}, served?: (root: string) => Promise<Pem>): Promise<Running> {
  const root = await controlPlane();
  const calls: Call[] = [];
  const stored: Pem = {
    cert: readFileSync(pki(root, "apiserver.crt")),
    key: readFileSync(pki(root, "apiserver.key")),
  };
  const { port } = await listen(
    (await served?.(root)) ?? stored,
    readFileSync(pki(root, "ca.crt")),
    answers(cluster, calls),
  );
  const [client = 0, peer = 0, manager = 0, scheduler = 0, kubelet = 0, health = 0] = await freePorts(6);
  const manifests = "etc/kubernetes/manifests";
  edit(root, `${manifests}/kube-apiserver.yaml`, "secure-port=6443", `secure-port=${port}`);
  edit(
    root,
    `${manifests}/kube-controller-manager.yaml`,
    "--bind-address=127.0.0.1",
    `--bind-address=127.0.0.1\n    - --secure-port=${manager}`,
  );
  edit(
    root,
    `${manifests}/kube-scheduler.yaml`,
    "--bind-address=127.0.0.1",
    `--bind-address=127.0.0.1\n    - --secure-port=${scheduler}`,
  );
  edit(
    root,
    `${manifests}/etcd.yaml`,
    "https://127.0.0.1:2379,https://192.0.2.11:2379",
    `https://127.0.0.1:${client}`,
  );
  edit(
    root,
    `${manifests}/etcd.yaml`,
    "listen-peer-urls=https://192.0.2.11:2380",
    `listen-peer-urls=https://127.0.0.1:${peer}`,
  );
  mkdirSync(join(root, "var/lib/kubelet"), { recursive: true });
  writeFileSync(
    join(root, "var/lib/kubelet/config.yaml"),
    `apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\naddress: 127.0.0.1\nport: ${kubelet}\nhealthzPort: ${health}\n`,
  );
  return { root, calls };
}

interface Answered {
  readonly perennial: { readonly exitCode: number };
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly name: string;
    readonly message: string;
    readonly params: Readonly<Record<string, unknown>>;
  }[];
  readonly proofs: readonly {
    readonly kind: string;
    readonly subject: string;
    readonly outcome: string;
    readonly evidence: Readonly<Record<string, unknown>>;
  }[];
}

async function verified(root: string, ...words: readonly string[]): Promise<Answered> {
  const { out, code } = await runCli(["verify", "--root", root, "--probe", "-o", "json", ...words], {
    now: today,
  });
  const answer = JSON.parse(out) as Answered;
  expect(code).toBe(answer.perennial.exitCode);
  return answer;
}

function outcomesOf({ proofs }: Answered, kind: string): readonly string[] {
  return proofs.filter((proof) => proof.kind === kind).map(({ outcome }) => outcome);
}

describe("verify", () => {
  it("says that files prove nothing, and changes nothing", async () => {
    const root = await controlPlane();
    expect(await runCli(["verify", "--root", root], { now: today })).toMatchObject({
      code: 2,
      out: "",
      err: expect.stringMatching(
        /only files are named[^\n]*\nhint: .*: perennial verify --probe --root /,
      ) as string,
    });
  });

  it("compares what the API server serves with its file, and proves that it takes a write", async () => {
    const { root, calls } = await node();
    const answer = await verified(root);
    const served = answer.proofs.find(({ subject }) => /^kube-apiserver 127\.0\.0\.1:\d+$/.test(subject));
    expect(served).toMatchObject({ outcome: "proved", evidence: { code: "serves", isStored: true } });
    expect(outcomesOf(answer, "write")).toEqual(["proved"]);
    expect(calls.filter(({ method }) => method !== "GET").map(({ method, who }) => [method, who])).toEqual([
      ["POST", "kubernetes-admin"],
      ["DELETE", "kubernetes-admin"],
    ]);
    const names = calls.flatMap(({ method, path }) => (method === "DELETE" ? [path] : []));
    expect(names).toEqual([
      expect.stringMatching(/\/kube-system\/configmaps\/perennial-verify-[0-9a-f]{8}$/),
    ]);
    expect(answer.findings.map(({ code }) => code)).not.toContain("served-differs");
  });

  it("creates nothing with --read-only", async () => {
    const { root, calls } = await node();
    const answer = await verified(root, "--read-only");
    expect(answer.proofs.filter(({ kind }) => kind === "write")).toMatchObject([
      { outcome: "skipped", evidence: { code: "not-asked", because: "read-only" } },
    ]);
    expect(calls.filter(({ method }) => method !== "GET")).toEqual([]);
  });

  it("names a process that still serves the certificate of before: old in memory", async () => {
    const end = today + day;
    const { root } = await node({}, async (tree) => {
      const pair = await makeLeaf(authorityIn(tree, "ca"), "ECDSA-P256", { ...apiserverLeaf, notAfter: end });
      return { cert: Buffer.from(certificatePem(pair)), key: Buffer.from(keyPem(pair)) };
    });
    const answer = await verified(root);
    expect(answer.perennial.exitCode).toBe(3);
    const differs = answer.findings.find(({ code }) => code === "served-differs");
    expect(differs).toMatchObject({
      severity: "warning",
      params: { consumer: "kube-apiserver", path: "/etc/kubernetes/pki/apiserver.crt", notAfter: end },
    });
    // No runtime is below this root, so since when it runs is not known; that it listens is.
    expect(
      answer.findings.find(({ code, name }) => code === "process-unseen" && name === "kube-apiserver"),
    ).toMatchObject({
      severity: "info",
    });
  });

  it("tells listeners that are away and an API that refuses writes", async () => {
    const { root } = await node({ writeStatus: 507 });
    const answer = await verified(root);
    const away = answer.findings.filter(({ code }) => code === "endpoint-unreachable");
    expect(new Set(away.map(({ name }) => name))).toEqual(
      new Set(["kubelet", "etcd", "kube-controller-manager", "kube-scheduler"]),
    );
    expect(answer.findings.find(({ code }) => code === "api-not-writable")).toMatchObject({
      severity: "critical",
      params: { reason: "creating an object is answered with 507: no room" },
    });
    expect(answer.findings.find(({ code }) => code === "etcd-unwell")).toMatchObject({
      params: { problem: "no-status" },
    });
  });

  it("sweeps nodes, pods and the newest log lines, hostile ones made harmless", async () => {
    const { root } = await node({
      nodes: [
        {
          metadata: { name: "w1" },
          status: {
            conditions: [
              {
                type: "Ready",
                status: "Unknown",
                reason: "NodeStatusUnknown",
                lastTransitionTime: "2026-01-01T00:00:00Z",
              },
            ],
          },
        },
      ],
      pods: [
        {
          metadata: { namespace: "kube-system", name: "flannel" },
          spec: { nodeName: "w1" },
          status: {
            containerStatuses: [
              { name: "fl", restartCount: 9, state: { waiting: { reason: "CrashLoopBackOff" } } },
            ],
          },
        },
      ],
      log: "ok\n\u001b[31mE0101 reflector.go: Unauthorized\nfine\n",
    });
    const answer = await verified(root);
    const swept = answer.findings.filter(({ code }) => /^(node-|pod-|log-)/.test(code));
    expect(swept.map(({ code, severity, name }) => [code, severity, name])).toEqual([
      ["node-not-ready", "warning", "w1"],
      ["pod-crashing", "warning", "kube-system/flannel"],
      ["log-unauthorized", "warning", "kube-system/flannel"],
    ]);
    expect(swept[2]?.params).toMatchObject({ count: 1, container: "fl" });
    const { out } = await runCli(["verify", "--root", root, "--probe", "--lang", "zh"], {
      now: today,
      lang: "zh",
    });
    expect(out).not.toContain("\u001b");
    expect(out).toContain("验证项");
  });

  it("finds pods behind APIServices that run for a year, and no other old ones", async () => {
    const pod = (name: string, startedAt: number): object => ({
      metadata: { namespace: "kube-system", name },
      spec: { nodeName: "w1" },
      status: {
        containerStatuses: [
          { name: "c", state: { running: { startedAt: new Date(startedAt).toISOString() } } },
        ],
      },
    });
    const since = today - 365 * day;
    const { root } = await node({
      pods: [pod("metrics-old", since), pod("metrics-young", since + 1000), pod("dns-old", since)],
      backends: ["kube-system/metrics-old", "kube-system/metrics-young"],
    });
    const found = (await verified(root)).findings.filter(({ code }) => code === "api-backend-old");
    expect(found).toMatchObject([
      {
        severity: "warning",
        name: "kube-system/metrics-old",
        params: {
          pod: "kube-system/metrics-old",
          apiServices: ["v1beta1.metrics.k8s.io"],
          runsSince: since,
        },
      },
    ]);
  });

  it("says when APIServices could not be looked at; an API server without them is no reason", async () => {
    const incomplete = async (backends: number): Promise<readonly unknown[]> => {
      const { findings } = await verified((await node({ backends })).root);
      return findings.filter(({ code }) => code === "sweep-incomplete").map(({ params }) => params["what"]);
    };
    expect(await incomplete(403)).toEqual(["apiservices"]);
    expect(await incomplete(404)).toEqual([]);
  });

  it("prints the proofs for people", async () => {
    const { root } = await node();
    const { out } = await runCli(["verify", "--root", root, "--probe"], { now: today });
    expect(out).toMatch(/^kube-apiserver 127\.0\.0\.1:\d+ +proved +as on disk, serial [0-9a-f]+, until /m);
    expect(out).toMatch(/^object created and deleted +proved +the API accepts writes$/m);
    expect(out).toContain("nothing was changed but a test object, created and deleted again");
    expect(out).toMatch(/^\d+ proved on the running node, \d+ failed, \d+ not looked at$/m);
  });

  it.runIf(hasEtcd)("asks etcd with a certificate of its own making", async () => {
    const { root } = await node();
    const tls = {
      certificate: pki(root, "etcd/server.crt"),
      key: pki(root, "etcd/server.key"),
      ca: pki(root, "etcd/ca.crt"),
    };
    const ports = await freePorts(2);
    const manifest = "etc/kubernetes/manifests/etcd.yaml";
    const text = readFileSync(join(root, manifest), "utf8").replace(
      /(listen-client-urls=https:\/\/127\.0\.0\.1:)\d+/,
      `$1${ports[0]}`,
    );
    writeFileSync(join(root, manifest), text);
    const etcd = await startEtcd({ tls, ports });
    open.push({ stop: () => etcd.remove() });
    const answer = await verified(root);
    expect(outcomesOf(answer, "etcd")).toEqual(["proved"]);
  });
});
