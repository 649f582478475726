// A running node behind a real sshd: everything it runs listens on loopback only, as this machine's sshd sees it.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openRemoteLive } from "../../src/app/remote-live.ts";
import { accessThrough, openSshAccess } from "../../src/app/ssh-access.ts";
import type { ClusterNode } from "../../src/core/model/cluster.ts";
import type { Endpoint, LiveInventory } from "../../src/core/model/live.ts";
import { openSshHost } from "../../src/drivers/exec/open-ssh-host.ts";
import { openEtcdMember } from "../../src/drivers/health/etcd-member.ts";
import { openProbes } from "../../src/drivers/health/probes.ts";
import { dialThrough } from "../../src/drivers/shared/dial.ts";
import type { Host, StreamTarget } from "../../src/drivers/shared/host.ts";
import { openRemoteProcesses } from "../../src/drivers/process/open-remote-processes.ts";
import { systemProcesses } from "../../src/drivers/shared/processes.ts";
import type { EtcdTarget, Live } from "../../src/engine/ports/live.ts";
import { serveGrpc } from "../../src/lab/cri-server.ts";
import { type Container, containerList, containerStatus, sandboxList } from "../../src/lab/cri-messages.ts";
import { encodeMessage, decodeMessage } from "../../src/drivers/shared/protobuf.ts";
import { certificatePem, keyPem, type LabPair, makeAuthority, makeLeaf } from "../../src/lab/lab-issuer.ts";
import {
  clientPair,
  etcdAuthority,
  etcdctl,
  type EtcdProcess,
  freePorts,
  hasEtcd,
  serverPair,
  startEtcd,
  type TlsFiles,
  type TlsPair,
  writeTls,
} from "../support/etcd-server.ts";
import { codeOf } from "../support/failures.ts";
import { freshFolder } from "../support/fixtures.ts";
import { openLocalShell } from "../support/local-shell.ts";
import { day, expired, now, valid, years } from "../support/machine-time.ts";
import { hasSshd, startSshd, type Sshd } from "../support/sshd.ts";
import { closeServers, http, https, mutualTls, servingPair, silent } from "../support/tls-server.ts";

const empty: LiveInventory = { node: "m2", processes: [], etcd: null, runtimeEndpoint: null };
const node: ClusterNode = {
  name: "m2",
  address: null,
  roles: ["control-plane"],
  reach: {
    kind: "ssh",
    host: "node",
    user: null,
    port: null,
    identityFile: null,
    jump: null,
    sshConfig: null,
    sudo: false,
  },
};

describe.skipIf(!hasSshd)("a running node behind SSH", () => {
  /** Sockets need a short path. */
  const runtimeFolder = mkdtempSync(join(tmpdir(), "r-"));
  const state = join(runtimeFolder, "state");
  const made = {} as { sshd: Sshd; host: Host; live: Live };
  /** Every stream that was opened through the tunnel. */
  const dialled: StreamTarget[] = [];

  beforeAll(async () => {
    made.sshd = await startSshd();
    const { reach } = node;
    if (reach.kind !== "ssh") throw new TypeError("not SSH");
    const host = openSshHost({ name: "m2", reach, sshConfig: made.sshd.config, runtimeFolder });
    const connect: Host["connect"] = (target, signal) => {
      dialled.push(target);
      return host.connect(target, signal);
    };
    made.host = { ...host, connect };
    made.live = openRemoteLive(made.host, { runtime: null, commands: {} }, empty, {
      stateDirectory: state,
      runs: state,
    });
    // The first look must not pay for the login.
    await made.host.sh(":");
  });
  afterAll(async () => {
    await made.host.close();
    await made.sshd.stop();
    rmSync(runtimeFolder, { recursive: true, force: true });
  });

  describe.skipIf(!hasEtcd)("etcd with TLS, whose certificate has expired", () => {
    const etcd = {} as { server: TlsPair; client: TlsPair; process: EtcdProcess };
    beforeAll(async () => {
      const ca = await etcdAuthority({ notBefore: now - 9 * day, notAfter: now + 9 * day });
      etcd.server = await serverPair(ca, expired);
      etcd.client = await clientPair(ca, valid);
      etcd.process = await startEtcd({ tls: writeTls(ca, etcd.server) });
    });
    afterAll(() => etcd.process.remove());

    const target = (more: Partial<EtcdTarget> = {}): EtcdTarget => ({
      endpoints: [{ scheme: "https", host: "127.0.0.1", port: etcd.process.port, serverName: null }],
      identity: etcd.client,
      serverKeys: [etcd.server.spkiSha256],
      ...more,
    });

    it("is read, linearizably too, by who knows its key, and by nobody else", async () => {
      dialled.length = 0;
      expect(await made.live.etcd.ailment(target())).toBeNull();
      expect(dialled).toEqual([{ kind: "tcp", host: "127.0.0.1", port: etcd.process.port }]);
      expect(await made.live.etcd.reading(target())).toMatchObject({ members: [{ name: "m1" }] });
      const wrong = target({ serverKeys: ["00".repeat(32)] });
      const direct = openEtcdMember("/");
      expect(await made.live.etcd.ailment(wrong)).toBe(await direct.ailment(wrong));
      expect(await made.live.etcd.ailment(target({ identity: null }))).toEqual(expect.any(String));
    });

    it("says where nobody listens what a direct look says, and is asked at the next endpoint", async () => {
      const [port = 0] = await freePorts(1);
      const nobody = { scheme: "https", host: "127.0.0.1", port, serverName: null } as const;
      const file = join(freshFolder(), "s.db");
      await expect(made.live.etcd.snapshot(target({ endpoints: [nobody] }), file)).rejects.toMatchObject({
        code: "endpoint-unreachable",
        params: { endpoint: `https://127.0.0.1:${port}`, reason: "refused" },
      });
      expect(await made.live.etcd.ailment(target({ endpoints: [nobody, ...target().endpoints] }))).toBeNull();
    });

    it("streams its snapshot into a file here that etcd takes for one", async () => {
      const file = join(freshFolder(), "etcd-snapshot.db");
      const saved = await made.live.etcd.snapshot(target(), file);
      expect(saved).toMatchObject({ bytes: statSync(file).size, hasV2Data: false });
      expect(statSync(file).mode & 0o777).toBe(0o600);
      const status = JSON.parse(etcdctl("snapshot", "status", file, "-w", "json")) as Record<string, number>;
      expect(status["totalSize"]).toBeGreaterThan(1000);
    });

    it("that is stopped is copied on the node, byte for byte what a local copy is", async () => {
      await etcd.process.stop();
      const { dataDir } = etcd.process;
      const folder = "/elsewhere/var/lib/perennial/clusters/c/runs/r1/etcd-data";
      const direct = await openEtcdMember("/").coldCopy(dataDir, join(freshFolder(), "etcd-data"));
      for (const _ of [1, 2]) expect(await made.live.etcd.coldCopy(dataDir, folder)).toEqual(direct);
      const files = (await made.live.etcd.copied?.(folder, direct.sha256)) ?? [];
      expect(files.map(({ name }) => name)).toContain("member/snap/db");
      const there = join(state, "runs/r1/etcd-data");
      const db = join(there, "member/snap/db");
      expect(readFileSync(db).equals(readFileSync(join(dataDir, "member/snap/db")))).toBe(true);
      const modes = [db, join(there, "member/wal"), there, state].map((path) => statSync(path).mode & 0o777);
      expect(modes).toEqual([0o600, 0o700, 0o700, 0o700]);
      expect(existsSync(`${there}.new`)).toBe(false);
    });

    it("that is not whole is refused, and the older copy stays", async () => {
      const data = freshFolder();
      mkdirSync(join(data, "member/snap"), { recursive: true });
      const folder = "/var/lib/perennial/runs/r1/etcd-data";
      await expect(made.live.etcd.coldCopy(data, folder)).rejects.toMatchObject({
        code: "snapshot-failed",
        params: { step: folder, reason: `member/snap/db, member/wal is missing in ${data}` },
      });
      expect(existsSync(join(state, "runs/r1/etcd-data/member/snap/db"))).toBe(true);
      await expect(made.live.etcd.coldCopy(data, "/var/lib/x")).rejects.toBeInstanceOf(TypeError);
    });
  });

  describe.skipIf(!hasEtcd)("three members with TLS", () => {
    const members: EtcdProcess[] = [];
    const pair = {} as { server: TlsPair; client: TlsPair; files: TlsFiles };
    beforeAll(async () => {
      const ca = await etcdAuthority(years);
      pair.server = await serverPair(ca, valid);
      pair.client = await clientPair(ca, valid);
      pair.files = writeTls(ca, pair.server);
      const ports = await freePorts(6);
      const cluster = [0, 1, 2]
        .map((index) => `m${index + 1}=http://127.0.0.1:${ports[index + 3]}`)
        .join(",");
      members.push(
        ...(await Promise.all(
          [0, 1, 2].map((index) =>
            startEtcd({
              name: `m${index + 1}`,
              tls: pair.files,
              ports: [ports[index] ?? 0, ports[index + 3] ?? 0],
              more: [`--initial-cluster=${cluster}`],
            }),
          ),
        )),
      );
    });
    afterAll(async () => {
      for (const member of members) await member.remove();
    });

    const target = (index: number): EtcdTarget => ({
      endpoints: [{ scheme: "https", host: "127.0.0.1", port: members[index]?.port ?? 0, serverName: null }],
      identity: pair.client,
      serverKeys: [pair.server.spkiSha256],
    });

    it("hand leadership over", async () => {
      const read = async (index: number) => {
        const answer = await made.live.etcd.reading(target(index));
        if ("unreachable" in answer) throw new Error(answer.unreachable);
        return answer;
      };
      const readings = await Promise.all([0, 1, 2].map(read));
      const ids = readings.map(({ memberId }) => memberId);
      const leader = ids.indexOf(readings[0]?.leaderId ?? "");
      const other = (leader + 1) % 3;
      expect(await codeOf(made.live.etcd.moveLeader(target(other), ids[leader] ?? ""))).toBe("rpc-failed");
      await made.live.etcd.moveLeader(target(leader), ids[other] ?? "");
      await expect.poll(async () => (await read(leader)).leaderId).toBe(ids[other]);
    });
  });

  describe("listeners", () => {
    const pairs = {} as { ca: LabPair; expired: LabPair; valid: LabPair; admin: LabPair };
    beforeAll(async () => {
      pairs.ca = await makeAuthority("kubernetes", "ECDSA-P256", years);
      pairs.expired = await servingPair(pairs.ca, expired);
      pairs.valid = await servingPair(pairs.ca, valid);
      const admin = { ...valid, commonName: "kubernetes-admin", usages: ["clientAuth"] };
      pairs.admin = await makeLeaf(pairs.ca, "ECDSA-P256", admin);
    });
    afterAll(closeServers);

    it("show the same certificate as to a direct look, and the same words where there is none", async () => {
      const direct = openProbes();
      const [free = 0, one = 0, two = 0] = await freePorts(3);
      const endpoints: readonly Endpoint[] = [
        await https(pairs.expired, (_, answer) => void answer.end("ok")),
        await mutualTls(pairs.valid, "tls1_2", one),
        await mutualTls(pairs.valid, "tls1_3", two),
        { scheme: "https", host: "127.0.0.1", port: free, serverName: null },
      ];
      for (const endpoint of endpoints) {
        dialled.length = 0;
        expect(await made.live.probes.served(endpoint)).toEqual(await direct.served(endpoint));
        expect(dialled).toEqual([{ kind: "tcp", host: "127.0.0.1", port: endpoint.port }]);
      }
    });

    it("are well or not as they are to a direct look", async () => {
      const direct = openProbes();
      const [free = 0] = await freePorts(1);
      const endpoints: readonly Endpoint[] = [
        await https(pairs.expired, (_, answer) => void answer.writeHead(200).end("ok")),
        await https(pairs.valid, (_, answer) => void answer.writeHead(500).end("[-]etcd failed\n")),
        await http((_, answer) => void answer.writeHead(401).end()),
        { scheme: "http", host: "127.0.0.1", port: free, serverName: null },
      ];
      const ends = [
        null,
        "/readyz is answered with 500: [-]etcd failed",
        null,
        "/readyz is not answered: ECONNREFUSED",
      ];
      for (const [index, endpoint] of endpoints.entries()) {
        expect(await made.live.probes.ailment(endpoint, "/readyz")).toBe(ends[index]);
        expect(await direct.ailment(endpoint, "/readyz")).toBe(ends[index]);
      }
    });

    it("that say nothing are not waited for longer than the deadline", async () => {
      const quick = openProbes({ deadlineMs: 300, dial: dialThrough(made.host) });
      expect(await quick.served(await silent())).toEqual({
        state: "unreachable",
        reason: "no answer in time",
      });
      expect(await quick.ailment(await silent(), "/x")).toBe("/x is not answered: no answer in time");
      const aborted = AbortSignal.abort("SIGTERM");
      expect(await made.live.probes.served(await silent(), aborted)).toEqual({
        state: "unreachable",
        reason: "interrupted",
      });
    });

    it("are written to as the administrator, when the authority is the kubeconfig's", async () => {
      const asked: string[] = [];
      const endpoint = await https(
        pairs.valid,
        (request, answer) => {
          asked.push(request.method ?? "");
          answer.writeHead(request.method === "POST" ? 201 : 200).end("{}");
        },
        { requestCert: true, rejectUnauthorized: false },
      );
      const proof = { user: "kubernetes-admin", endpoint, name: "perennial-proof-x" };
      const other = await makeAuthority("kubernetes", "ECDSA-P256", years);
      const write = (authority: LabPair) =>
        made.live.api.writeFailure({ ...proof, kubeconfig: kubeconfig(authority, pairs.admin) });
      expect(await write(other)).toMatch(/certificate/);
      expect(asked).toEqual([]);
      expect(await write(pairs.ca)).toBeNull();
      expect(asked).toEqual(["POST", "DELETE"]);
    });
  });

  it("has containers that its runtime tells of, over the socket there", async () => {
    const socket = join(runtimeFolder, "containerd.sock");
    const stopped: string[] = [];
    await serveGrpc(socket, fakeRuntime(stopped));
    const processes = openRemoteProcesses({
      host: made.host,
      consumers: [{ name: "etcd", manifest: "/nowhere/etcd.yaml" }],
      runtimeEndpoint: `unix://${socket}`,
      workFolder: join(state, "processes"),
      runtime: "cri",
      pollMs: 20,
    });
    dialled.length = 0;
    expect(await processes.look("etcd")).toEqual({
      consumer: "etcd",
      through: `cri unix://${socket}`,
      instances: [{ id: "c1", state: "running", startedAt: 2000, image: "etcd:3.5", pid: 4711 }],
    });
    expect(dialled).toContainEqual({ kind: "unix", path: socket });
    expect(await processes.stop("etcd", { graceSeconds: 7 })).toEqual(["c1"]);
    expect(stopped).toEqual(["StopContainer c1", "StopPodSandbox s1"]);
    expect((await processes.look("etcd")).instances).toEqual([]);
  });

  it("is one node of a cluster: its name, its clock, its files and its state", async () => {
    const options = { environment: {}, allowLinksTo: [], live: { runtime: null } };
    const ssh = { sshConfig: made.sshd.config, runtimeFolder };
    const access = openSshAccess(node, { ...options, ssh });
    try {
      expect(access.readable.root).toBe("/");
      expect(access.readable.nodeName).toBe("m2");
      const clock = await access.clock();
      expect(Math.abs(clock?.offsetMs ?? 1e9)).toBeLessThanOrEqual((clock?.uncertaintyMs ?? 0) + 5);
      const store = access.openStore();
      const file = join(freshFolder(), "a.conf");
      expect(await store.read({ store: "file", node: "m2", path: file })).toMatchObject({ state: "absent" });
      store.close();
      expect(access.state("clusters/c").path).toBe("/var/lib/perennial/clusters/c");
      expect(await access.live(empty, {})).not.toBeNull();
      const files = openSshAccess(node, { ...options, live: null, ssh });
      expect(await files.live(empty, {})).toBeNull();
      await files.close();
    } finally {
      await access.close();
    }
  });
});

describe("the holder of a lock on a node", () => {
  it("is looked up on that node, which knows its own processes", async () => {
    // A shell of this machine that says it is another one.
    const host = openLocalShell({ tamper: (script, input) => [script.replace("$(uname -n)", "m9"), input] });
    const access = accessThrough(host, node, { environment: {}, allowLinksTo: [], live: null });
    const self = systemProcesses({}).self();
    expect(await access.lifeOf?.({ ...self, host: "m9" })).toBe("alive");
    expect(await access.lifeOf?.({ ...self, host: "m9", processStart: "1" })).toBe("dead");
    expect(await access.lifeOf?.({ ...self, host: "laptop" })).toBe("unknown");
    await access.close();
  });
});

function kubeconfig(authority: LabPair, admin: LabPair): Uint8Array {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  const text = `apiVersion: v1
kind: Config
clusters:
- name: kubernetes
  cluster: {certificate-authority-data: ${base64(certificatePem(authority))}, server: "https://lb:6443"}
contexts:
- name: k
  context: {cluster: kubernetes, user: kubernetes-admin}
current-context: k
users:
- name: kubernetes-admin
  user: {client-certificate-data: ${base64(certificatePem(admin))}, client-key-data: ${base64(keyPem(admin))}}
`;
  return new TextEncoder().encode(text);
}

/** One etcd pod; what is stopped or removed is gone. */
function fakeRuntime(stopped: string[]): Parameters<typeof serveGrpc>[1] {
  const labels = {
    "io.kubernetes.container.name": "etcd",
    "io.kubernetes.pod.name": "etcd-m2",
    "io.kubernetes.pod.namespace": "kube-system",
    "io.kubernetes.pod.uid": "u1",
  };
  const common = {
    attempt: 0,
    createdAt: 1000,
    labels,
    annotations: { "kubernetes.io/config.source": "file" },
  };
  const container: Container = {
    ...common,
    id: "c1",
    sandboxId: "s1",
    name: "etcd",
    image: "etcd:3.5",
    command: [],
    state: "running",
    startedAt: 2000,
    finishedAt: 0,
    exitCode: 0,
    pid: 4711,
    logPath: "",
  };
  const sandbox = {
    ...common,
    id: "s1",
    name: "etcd-m2",
    namespace: "kube-system",
    uid: "u1",
    isReady: true,
    logDirectory: "",
  };
  const isGone = (): boolean => stopped.length > 1;
  const note = (method: string, request: Uint8Array): Uint8Array => {
    stopped.push(`${method} ${decodeMessage(request).text(1)}`);
    return new Uint8Array();
  };
  return (path, request) => {
    const method = path.slice(path.lastIndexOf("/") + 1);
    switch (method) {
      case "Version":
        return Promise.resolve(encodeMessage([[1, "bytes", "v1"]]));
      case "ListContainers":
        return Promise.resolve(containerList(isGone() ? [] : [container]));
      case "ListPodSandbox":
        return Promise.resolve(sandboxList(isGone() ? [] : [sandbox]));
      case "ContainerStatus":
        return Promise.resolve(containerStatus(container));
      case "StopContainer":
      case "StopPodSandbox":
        return Promise.resolve(note(method, request));
      default:
        return undefined;
    }
  };
}
