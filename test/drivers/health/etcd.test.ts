// Against real etcd: what it answers is the oracle.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync, statSync } from "node:fs";
import { createServer, request as requestOf, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coldCopy } from "../../../src/drivers/health/etcd-cold-copy.ts";
import { askGateway } from "../../../src/drivers/health/etcd-gateway.ts";
import { snapshotTo } from "../../../src/drivers/health/etcd-snapshot.ts";
import { type Etcd, openEtcd } from "../../../src/drivers/health/etcd.ts";
import { createSnapshotFile } from "../../../src/drivers/health/snapshot-file.ts";
import type { GrpcTarget } from "../../../src/drivers/shared/grpc.ts";
import { certificatePem, type LabPair } from "../../../src/lab/lab-issuer.ts";
import {
  clientPair,
  etcdAuthority,
  etcdctl,
  type EtcdProcess,
  freePorts,
  hasEtcd,
  serverPair,
  startEtcd,
  type TlsPair,
  writeTls,
} from "../../support/etcd-server.ts";
import { faultOf } from "../../support/errors.ts";
import { freshFolder } from "../../support/fixtures.ts";
import { day, expired, now, valid } from "../../support/machine-time.ts";

async function using<T>(target: GrpcTarget, action: (etcd: Etcd) => Promise<T>): Promise<T> {
  const etcd = openEtcd(target, { deadlineMs: 5000 });
  try {
    return await action(etcd);
  } finally {
    etcd.close();
  }
}

const plain = (port: number) => ({ kind: "plain", host: "127.0.0.1", port }) as const;

describe.skipIf(!hasEtcd)("etcd with certificates", () => {
  const servers: EtcdProcess[] = [];
  const made = {} as { ca: LabPair; client: TlsPair; server: TlsPair; expiredServer: TlsPair };
  const warnings: string[] = [];
  const warned = (warning: Error) => warnings.push(warning.message);

  beforeAll(async () => {
    process.on("warning", warned);
    made.ca = await etcdAuthority({ notBefore: now - 3 * day, notAfter: now + 3 * day });
    made.client = await clientPair(made.ca, valid);
    made.server = await serverPair(made.ca, valid);
    made.expiredServer = await serverPair(made.ca, expired);
    servers.push(
      ...(await Promise.all([
        startEtcd({ tls: writeTls(made.ca, made.server) }),
        startEtcd({
          tls: writeTls(made.ca, made.expiredServer),
          more: ["--enable-grpc-gateway=false"],
        }),
        startEtcd({ tls: writeTls(made.ca, await serverPair(made.ca, valid, ["serverAuth"])) }),
      ])),
    );
  });

  afterAll(async () => {
    process.off("warning", warned);
    for (const server of servers) await server.remove();
  });

  type TlsTarget = Extract<GrpcTarget, { kind: "tls" }>;
  const target = (index = 0, more: Partial<TlsTarget> = {}): TlsTarget => ({
    kind: "tls",
    host: "127.0.0.1",
    port: servers[index]!.port,
    caPem: certificatePem(made.ca),
    certificatePem: made.client.certificatePem,
    keyPem: made.client.keyPem,
    ...more,
  });

  it("tells its status, members and alarms over gRPC", async () => {
    await using(target(), async (etcd) => {
      const { through, header, members } = await etcd.memberList();
      const [member] = members;
      expect([through, members.length]).toEqual(["grpc", 1]);
      expect(member).toMatchObject({
        name: "m1",
        clientUrls: [`https://127.0.0.1:${servers[0]!.port}`],
        isLearner: false,
      });
      expect(member?.peerUrls[0]).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
      const status = await etcd.status();
      expect(status).toMatchObject({
        through: "grpc",
        header: { clusterId: header.clusterId, memberId: member?.id },
        leader: member?.id,
        lag: 0n,
        errors: [],
        isLearner: false,
      });
      expect(status.version).toMatch(/^3\.\d+\.\d+$/);
      expect(status.raftTerm).toBe(status.header.raftTerm);
      expect(status.raftAppliedIndex).toBe(status.raftIndex);
      expect(status.dbSizeInUseBytes).toBeLessThanOrEqual(status.dbSizeBytes);
      expect(await etcd.alarms()).toEqual({ through: "grpc", alarms: [] });
      expect(await etcd.linearizableRead()).toEqual({ through: "grpc", wasPermitted: true });
    });
  });

  it("says the same as etcdctl", async () => {
    const { ca, certificate, key } = writeTls(made.ca, made.client);
    const access = ["--cacert", ca, "--cert", certificate, "--key", key];
    const endpoint = `https://127.0.0.1:${servers[0]!.port}`;
    const fields = etcdctl("--endpoints", endpoint, ...access, "endpoint", "status", "-w", "fields");
    const said = (name: string) => new RegExp(`"${name}" : "?([^"\n]+)`).exec(fields)?.[1];
    await using(target(), async (etcd) => {
      const status = await etcd.status();
      expect(said("ClusterID")).toBe(String(status.header.clusterId));
      expect(said("MemberID")).toBe(String(status.header.memberId));
      expect(said("Leader")).toBe(String(status.leader));
      expect(said("Version")).toBe(status.version);
      expect(said("DBSize")).toBe(String(status.dbSizeBytes));
      expect(said("RaftTerm")).toBe(String(status.raftTerm));
    });
  });

  it("tells the same through its gateway", async () => {
    await using(target(), async (etcd) => {
      const { through: _, ...status } = await etcd.status();
      const { readStatus } = await import("../../../src/drivers/health/etcd-answers.ts");
      const found = await askGateway(target(), { path: "/maintenance/status", body: {}, deadlineMs: 5000 });
      expect(found.prefix).toBe("/v3");
      expect(readStatus(found.answer)).toEqual(status);
    });
  });

  it("is asked by name with SNI, and by address without and without a warning", async () => {
    await using(target(0, { host: "localhost" }), async (etcd) => {
      expect((await etcd.status()).through).toBe("grpc");
    });
    expect(warnings.filter((text) => text.includes("ServerName"))).toEqual([]);
    const wrong = using(target(0, { serverName: "10.0.0.9" }), (etcd) => etcd.status());
    expect(await faultOf(wrong)).toEqual(["endpoint-unreachable", "server-name"]);
  });

  it("refuses an expired client certificate, one of another authority, and none at all", async () => {
    const old = await clientPair(made.ca, expired);
    const strangers = await etcdAuthority(valid);
    const foreign = await clientPair(strangers, valid);
    for (const { certificatePem: certificate, keyPem: key } of [old, foreign]) {
      const refused = using(target(0, { certificatePem: certificate, keyPem: key }), (etcd) => etcd.status());
      expect(await faultOf(refused)).toEqual(["endpoint-unreachable", "client-refused"]);
    }
    const { certificatePem: _, keyPem: __, ...bare } = target();
    expect(await faultOf(using(bare, (etcd) => etcd.status()))).toEqual([
      "endpoint-unreachable",
      "client-refused",
    ]);
    const other = using(target(0, { caPem: certificatePem(strangers) }), (etcd) => etcd.status());
    expect(await faultOf(other)).toEqual(["endpoint-unreachable", "server-untrusted"]);
  });

  it("says so when our own pair does not fit together", async () => {
    const misfit = using(target(0, { keyPem: made.server.keyPem }), (etcd) => etcd.status());
    expect(await faultOf(misfit)).toEqual(["endpoint-unreachable", "pair-unusable"]);
    const rubbish = using(target(0, { keyPem: "no key" }), (etcd) => etcd.status());
    expect(await faultOf(rubbish)).toEqual(["endpoint-unreachable", "pair-unusable"]);
  });

  it("with an expired server certificate is believed by its pinned key only", async () => {
    const { expiredServer, server } = made;
    expect(await faultOf(using(target(1), (etcd) => etcd.status()))).toEqual([
      "endpoint-unreachable",
      "server-expired",
    ]);
    for (const pin of [expiredServer.spkiSha256, `SHA256:${expiredServer.spkiSha256.toUpperCase()}`]) {
      const pinned = target(1, { pinnedSpkiSha256: [server.spkiSha256, pin] });
      expect(await using(pinned, (etcd) => etcd.status())).toMatchObject({ through: "grpc" });
      expect(await using(pinned, (etcd) => etcd.health())).toMatchObject({ isHealthy: true });
    }
    const other = target(1, { pinnedSpkiSha256: [server.spkiSha256] });
    const asks = [(etcd: Etcd) => etcd.status(), (etcd: Etcd) => etcd.health()] as const;
    for (const ask of asks) {
      expect(await faultOf(using<unknown>(other, ask))).toEqual(["endpoint-unreachable", "key-not-pinned"]);
    }
    const alsoValid = target(0, { pinnedSpkiSha256: [expiredServer.spkiSha256] });
    expect(await faultOf(using(alsoValid, (etcd) => etcd.status()))).toEqual([
      "endpoint-unreachable",
      "key-not-pinned",
    ]);
  });

  it("without a gateway answers over gRPC all the same", async () => {
    const pinned = target(1, { pinnedSpkiSha256: [made.expiredServer.spkiSha256] });
    const asked = askGateway(pinned, { path: "/maintenance/status", body: {}, deadlineMs: 5000 });
    expect(await faultOf(asked)).toEqual(["rpc-failed", 12, "no gateway (HTTP status 404)"]);
    await using(pinned, async (etcd) => {
      expect((await etcd.linearizableRead()).through).toBe("grpc");
    });
  });

  it("whose server certificate lacks clientAuth answers over gRPC, and 503 at the gateway", async () => {
    expect((await using(target(2), (etcd) => etcd.status())).through).toBe("grpc");
    const asked = askGateway(target(2), { path: "/maintenance/status", body: {}, deadlineMs: 10_000 });
    const [code, status] = (await faultOf(asked)) as readonly unknown[];
    expect([code, status]).toEqual(["rpc-failed", 14]);
  });

  it("gives a snapshot that etcdctl accepts, verified on the disk", async () => {
    const path = join(freshFolder(), "snapshot.db");
    const sink = await createSnapshotFile(path);
    const receipt = await using(target(), (etcd) => snapshotTo(etcd, sink));
    await sink.close();
    const bytes = readFileSync(path);
    expect(receipt).toEqual({
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      pageSizeBytes: 4096,
      revisionAtLeast: 1n,
    });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const status = JSON.parse(etcdctl("snapshot", "status", path, "-w", "json")) as { totalSize: number };
    expect(status.totalSize).toBe(bytes.length - 32);
    await expect(createSnapshotFile(path)).rejects.toMatchObject({
      code: "store-write-failed",
      params: { address: path, operation: "create", cause: "EEXIST" },
    });
  });
});

describe.skipIf(!hasEtcd)("etcd behind something that only speaks HTTP/1.1", () => {
  const held = {} as { etcd: EtcdProcess; proxy: Server };

  beforeAll(async () => {
    held.etcd = await startEtcd({
      more: ["--quota-backend-bytes", "65536", "--enable-v2", "--snapshot-count", "10"],
    });
    held.proxy = createServer((asked, answer) => {
      const { method, url, headers } = asked;
      const onward = requestOf(
        {
          host: "127.0.0.1",
          port: held.etcd.port,
          ...(method ? { method } : {}),
          ...(url ? { path: url } : {}),
          headers,
        },
        (got) => {
          answer.writeHead(got.statusCode ?? 502, got.headers);
          got.pipe(answer);
        },
      );
      asked.pipe(onward);
    }).listen(0, "127.0.0.1");
    await once(held.proxy, "listening");
  });

  afterAll(async () => {
    held.proxy.close();
    await held.etcd.remove();
  });

  const proxied = () => plain((held.proxy.address() as AddressInfo).port);
  const put = (key: string, value: string) =>
    etcdctl("--endpoints", `http://127.0.0.1:${held.etcd.port}`, "put", key, value);

  it("answers through the gateway and says so, with the same values", async () => {
    // Alarms go through raft and move its index, so the status is asked for first, with nothing in between.
    const ask = async (etcd: Etcd) => [
      await etcd.status(),
      await etcd.memberList(),
      await etcd.linearizableRead(),
    ];
    const direct = await using(plain(held.etcd.port), ask);
    const around = await using(proxied(), ask);
    expect(direct.map(({ through }) => through)).toEqual(["grpc", "grpc", "grpc"]);
    expect(around).toEqual(direct.map((answer) => ({ ...answer, through: "gateway /v3" })));
    expect(await using(proxied(), (etcd) => etcd.alarms())).toEqual({ through: "gateway /v3", alarms: [] });
    expect(await using(proxied(), (etcd) => etcd.health())).toEqual({
      through: "/health",
      isHealthy: true,
      reason: "",
      httpStatus: 200,
    });
    expect(await faultOf(using(proxied(), (etcd) => etcd.moveLeader(1n)))).toEqual([
      "endpoint-unreachable",
      "not-http2",
    ]);
  });

  it("out of space raises NOSPACE, seen both ways, while reads go on", async () => {
    expect(() => {
      for (let index = 0; index < 50; index += 1) put(`k${index}`, "x".repeat(8000));
    }).toThrow(/database space exceeded/);
    for (const target of [plain(held.etcd.port), proxied()]) {
      await using(target, async (etcd) => {
        const { header } = await etcd.memberList();
        expect((await etcd.alarms()).alarms).toEqual([{ memberId: header.memberId, kind: "NOSPACE" }]);
        expect((await etcd.linearizableRead()).wasPermitted).toBe(true);
        expect((await etcd.status()).errors).toEqual([`memberID:${header.memberId} alarm:NOSPACE `]);
        expect(await etcd.health()).toMatchObject({ isHealthy: false, httpStatus: 503 });
      });
    }
  });

  it("stopped, is copied file by file, with a word on v2 keys", async () => {
    await held.etcd.stop();
    const { dataDir } = held.etcd;
    const copy = await coldCopy(dataDir);
    expect(copy.missing).toEqual([]);
    expect(copy.v2Keys).toBe("none-in-raft-snapshot");
    expect(copy.files.find(({ name }) => name === "member/snap/db")).toEqual({
      path: join(dataDir, "member/snap/db"),
      name: "member/snap/db",
      sizeBytes: statSync(join(dataDir, "member/snap/db")).size,
    });
    const kinds = new Set(copy.files.map(({ name }) => name.replace(/[0-9a-f]{16}(-[0-9a-f]{16})?/, "N")));
    expect([...kinds]).toEqual(["member/snap/N.snap", "member/snap/db", "member/wal/N.wal"]);
    expect(await faultOf(using(plain(held.etcd.port), (etcd) => etcd.status()))).toEqual([
      "endpoint-unreachable",
      "refused",
    ]);
  });
});

describe.skipIf(!hasEtcd)("three members of etcd and a learner", () => {
  const servers: EtcdProcess[] = [];

  beforeAll(async () => {
    const ports = await freePorts(8);
    const pairs = [0, 1, 2, 3].map((index) => ports.slice(2 * index, 2 * index + 2));
    const peers = pairs.map(([, peer], index) => `m${index + 1}=http://127.0.0.1:${peer}`);
    const cluster = (count: number) => [
      `--initial-cluster=${peers.slice(0, count).join(",")}`,
      // Else members count as healthy only after five seconds.
      "--strict-reconfig-check=false",
    ];
    const start = (index: number, more: readonly string[]) =>
      startEtcd({ name: `m${index + 1}`, ports: pairs[index]!, more });
    servers.push(...(await Promise.all([0, 1, 2].map((index) => start(index, cluster(3))))));
    const endpoint = `http://127.0.0.1:${ports[0]}`;
    etcdctl("--endpoints", endpoint, "member", "add", "m4", "--learner", "--peer-urls", peers[3]!.slice(3));
    servers.push(await start(3, [...cluster(4), "--initial-cluster-state", "existing"]));
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.remove()));
  });

  it("are listed with ids, names and the learner, and lead one after the other", async () => {
    const statuses = await Promise.all(
      servers.map((server) => using(plain(server.port), (etcd) => etcd.status())),
    );
    expect(statuses.map(({ isLearner }) => isLearner)).toEqual([false, false, false, true]);
    const ids = statuses.map(({ header }) => header.memberId);
    const { members } = await using(plain(servers[1]!.port), (etcd) => etcd.memberList());
    const listed = members.toSorted((a, b) => a.name.localeCompare(b.name));
    expect(listed.map(({ id, name, isLearner }) => [id, name, isLearner])).toEqual([
      [ids[0], "m1", false],
      [ids[1], "m2", false],
      [ids[2], "m3", false],
      [ids[3], "m4", true],
    ]);
    const leader = ids.indexOf(statuses[0]!.leader);
    const other = (leader + 1) % 3;
    const notLeader = using(plain(servers[other]!.port), (etcd) => etcd.moveLeader(ids[leader]!));
    expect(await faultOf(notLeader)).toEqual(["rpc-failed", 9, "etcdserver: not leader"]);
    await using(plain(servers[leader]!.port), (etcd) => etcd.moveLeader(ids[other]!));
    const after = await using(plain(servers[other]!.port), (etcd) => etcd.status());
    expect(after.leader).toBe(ids[other]);
  });

  it("give no linearizable read from the learner, nor from what is left without a quorum, while status still answers", async () => {
    const learner = using(plain(servers[3]!.port), (etcd) => etcd.linearizableRead());
    expect(await faultOf(learner)).toEqual(["rpc-failed", 14, "etcdserver: rpc not supported for learner"]);
    await Promise.all([servers[0]!.stop(), servers[1]!.stop()]);
    const etcd = openEtcd(plain(servers[2]!.port), { deadlineMs: 1000 });
    const [code] = (await faultOf(etcd.linearizableRead())) as readonly unknown[];
    expect(code).toBe("rpc-failed");
    expect((await etcd.status()).through).toBe("grpc");
    etcd.close();
  });
});
