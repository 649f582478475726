// etcd as it was and as it should not be: old versions, refusals, broken snapshots, told by servers of our own.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { jsonReader, readAlarms, readMembers, readStatus } from "../../../src/drivers/health/etcd-answers.ts";
import { coldCopy } from "../../../src/drivers/health/etcd-cold-copy.ts";
import {
  type SnapshotSink,
  snapshotTo,
  verifiedSnapshot,
} from "../../../src/drivers/health/etcd-snapshot.ts";
import { type Etcd, openEtcd } from "../../../src/drivers/health/etcd.ts";
import { createSnapshotFile } from "../../../src/drivers/health/snapshot-file.ts";
import { encodeMessage, type ProtoField } from "../../../src/drivers/shared/protobuf.ts";
import { etcdctl, hasEtcd, startEtcd } from "../../support/etcd-server.ts";
import { freshFolder } from "../../support/fixtures.ts";
import { framed, reply, replyHeadersOnly, startFakeServer } from "../../support/h2-server.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

/** Each method's answer: messages, or headers that refuse. */
type Answers = Readonly<Record<string, readonly Uint8Array[] | Readonly<Record<string, string>>>>;

async function fakeEtcd(
  answers: Answers,
): Promise<{ readonly etcd: Etcd; readonly requests: Map<string, Uint8Array> }> {
  const requests = new Map<string, Uint8Array>();
  const server = await startFakeServer(({ stream, headers, request }) => {
    const method = headers[":path"]?.split("/").at(-1) ?? "";
    requests.set(method, request);
    const answer = answers[method] ?? { "grpc-status": "12", "grpc-message": `unknown method ${method}` };
    if (Array.isArray(answer))
      reply(
        stream,
        (answer as readonly Uint8Array[]).map((message) => framed(message)),
      );
    else replyHeadersOnly(stream, answer as Readonly<Record<string, string>>);
  });
  const etcd = openEtcd({ kind: "plain", host: "127.0.0.1", port: server.port }, { deadlineMs: 5000 });
  cleanUp.push(
    () => server.close(),
    () => etcd.close(),
  );
  return { etcd, requests };
}

/** What speaks HTTP/1.1 only. */
async function webEtcd(answer: RequestListener): Promise<Etcd> {
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const etcd = openEtcd({ kind: "plain", host: "127.0.0.1", port }, { deadlineMs: 5000 });
  cleanUp.push(
    () => server.close(),
    () => etcd.close(),
  );
  return etcd;
}

const header: ProtoField = [
  1,
  "bytes",
  encodeMessage([
    [1, "varint", 2n ** 64n - 1n],
    [2, "varint", 7],
    [3, "varint", 42],
    [4, "varint", 3],
  ]),
];

/** StatusResponse of 3.1 to 3.3: nothing behind field 6. */
function oldStatus(version: string, more: readonly ProtoField[] = []): Uint8Array {
  return encodeMessage([
    header,
    [2, "bytes", version],
    [3, "varint", 4096],
    [4, "varint", 7],
    [5, "varint", 9000],
    [6, "varint", 3],
    ...more,
  ]);
}

async function paramsOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: await promise };
  } catch (error) {
    return isAppError(error) ? [error.code, error.params] : error;
  }
}

describe("etcd before 3.4", () => {
  it.each(["3.1.18", "3.2.24", "3.3.10"])(
    "%s does not tell what was applied, and no lag is made up",
    async (version) => {
      const { etcd } = await fakeEtcd({ Status: [oldStatus(version)] });
      expect(await etcd.status()).toEqual({
        through: "grpc",
        header: { clusterId: 2n ** 64n - 1n, memberId: 7n, revision: 42n, raftTerm: 3n },
        version,
        dbSizeBytes: 4096n,
        leader: 7n,
        raftIndex: 9000n,
        raftTerm: 3n,
        raftAppliedIndex: "not-before-3.4",
        lag: "not-before-3.4",
        errors: "not-before-3.4",
        dbSizeInUseBytes: "not-before-3.4",
        isLearner: "not-before-3.4",
      });
    },
  );

  it.each(["3.4.0", "3.5.9", "3.6.1", "3.10.0", "4.0.0"])(
    "%s tells it, and a field left out is zero",
    async (version) => {
      const { etcd } = await fakeEtcd({ Status: [oldStatus(version)] });
      expect(await etcd.status()).toMatchObject({
        raftAppliedIndex: 0n,
        lag: 9000n,
        errors: [],
        isLearner: false,
      });
    },
  );

  it("of a vendor's numbering is believed when it does tell, and an index that was overtaken is no lag", async () => {
    const { etcd } = await fakeEtcd({ Status: [oldStatus("vendor-7", [[7, "varint", 9001]])] });
    expect(await etcd.status()).toMatchObject({ raftAppliedIndex: 9001n, lag: 0n });
  });

  it("has no learners, no names of unstarted members, and alarms of its time", async () => {
    const member = encodeMessage([
      [1, "varint", 2n ** 63n],
      [3, "bytes", "https://10.0.0.1:2380"],
      [3, "bytes", "https://10.0.0.2:2380"],
    ]);
    const alarm = (kind: number) =>
      encodeMessage([
        [1, "varint", 7],
        [2, "varint", kind],
      ]);
    const { etcd } = await fakeEtcd({
      MemberList: [encodeMessage([header, [2, "bytes", member]])],
      Alarm: [
        encodeMessage([header, [2, "bytes", alarm(1)], [2, "bytes", alarm(2)], [2, "bytes", alarm(9)]]),
      ],
    });
    expect((await etcd.memberList()).members).toEqual([
      {
        id: 2n ** 63n,
        name: "",
        peerUrls: ["https://10.0.0.1:2380", "https://10.0.0.2:2380"],
        clientUrls: [],
        isLearner: false,
      },
    ]);
    expect((await etcd.alarms()).alarms.map(({ kind }) => kind)).toEqual(["NOSPACE", "CORRUPT", "9"]);
  });

  it("has no MoveLeader before 3.3", async () => {
    const { etcd } = await fakeEtcd({});
    expect(await paramsOf(etcd.moveLeader(5n))).toEqual([
      "etcd-not-supported",
      { endpoint: etcd.endpoint, what: "MoveLeader", since: "3.3" },
    ]);
  });
});

describe("a question", () => {
  it("is exactly what the proto file says", async () => {
    const empty = encodeMessage([header]);
    const { etcd, requests } = await fakeEtcd({ Range: [empty], Alarm: [empty], MoveLeader: [empty] });
    await etcd.linearizableRead();
    await etcd.alarms();
    await etcd.moveLeader(2n ** 64n - 1n);
    const hex = (method: string) => Buffer.from(requests.get(method)!).toString("hex");
    expect(hex("Range")).toBe(`0a06${Buffer.from("health").toString("hex")}4801`);
    expect(hex("Alarm")).toBe("");
    expect(hex("MoveLeader")).toBe("08ffffffffffffffffff01");
  });

  it.each(["etcdserver: permission denied", "etcdserver: user name is empty"])(
    "that lacks rights (%s) has gone through the quorum all the same",
    async (message) => {
      const { etcd } = await fakeEtcd({ Range: { "grpc-status": "7", "grpc-message": message } });
      expect(await etcd.linearizableRead()).toEqual({ through: "grpc", wasPermitted: false });
    },
  );

  it("without a leader fails with etcd's words, and no gateway is asked", async () => {
    const { etcd } = await fakeEtcd({
      Range: { "grpc-status": "14", "grpc-message": "etcdserver: no leader" },
    });
    expect(await paramsOf(etcd.linearizableRead())).toEqual([
      "rpc-failed",
      {
        endpoint: etcd.endpoint,
        method: "/etcdserverpb.KV/Range",
        status: 14,
        message: "etcdserver: no leader",
      },
    ]);
  });

  it("answered with rubbish is an error, not an empty answer", async () => {
    const { etcd } = await fakeEtcd({ Status: [Buffer.from("12ff", "hex")] });
    expect(await paramsOf(etcd.status())).toEqual(["protobuf-malformed", { reason: "cut off", offset: 1 }]);
  });
});

describe("the gateway's JSON", () => {
  it("keeps 64 bits, in texts and in numbers, and has zeros for what is left out", () => {
    const status = readStatus(
      jsonReader({
        header: { cluster_id: "18446744073709551615", member_id: "9223372036854775809", raft_term: "2" },
        version: "3.3.10",
        dbSize: "24576",
        leader: "9223372036854775809",
        raftIndex: 12,
      }),
    );
    expect(status).toMatchObject({
      header: {
        clusterId: 18446744073709551615n,
        memberId: 9223372036854775809n,
        revision: 0n,
        raftTerm: 2n,
      },
      dbSizeBytes: 24576n,
      leader: 9223372036854775809n,
      raftIndex: 12n,
      raftTerm: 0n,
      raftAppliedIndex: "not-before-3.4",
    });
    expect(readMembers(jsonReader({ members: [{ ID: "1", name: "m1", isLearner: true }] }))).toEqual([
      { id: 1n, name: "m1", peerUrls: [], clientUrls: [], isLearner: true },
    ]);
    expect(readAlarms(jsonReader({ alarms: [{ memberID: "1", alarm: "CORRUPT" }] }))).toEqual([
      { memberId: 1n, kind: "CORRUPT" },
    ]);
    for (const nothing of [null, 7, "x", [], { members: null }, { members: 7 }]) {
      expect(readMembers(jsonReader(nothing)).length).toBeLessThanOrEqual(1);
    }
  });

  it.each(["/v3beta", "/v3alpha"])("is found below %s", async (prefix) => {
    const asked: string[] = [];
    const etcd = await webEtcd((request, answer) => {
      asked.push(`${request.method} ${request.url}`);
      answer.statusCode = request.url?.startsWith(`${prefix}/`) ? 200 : 404;
      answer.end(
        request.url?.startsWith(`${prefix}/`) ? '{"version":"3.1.18","leader":"7"}' : "404 page not found\n",
      );
    });
    expect(await etcd.status()).toMatchObject({
      through: `gateway ${prefix}`,
      version: "3.1.18",
      leader: 7n,
    });
    expect(asked[0]).toBe("POST /v3/maintenance/status");
    expect(asked.at(-1)).toBe(`POST ${prefix}/maintenance/status`);
  });

  it.each([
    [
      500,
      '{"error":"etcdserver: permission denied","code":7}',
      { wasPermitted: false, through: "gateway /v3" },
    ],
    [200, '{"count":"0"}', { wasPermitted: true, through: "gateway /v3" }],
  ])("with HTTP status %s and %s is an answer to the read", async (status, body, expected) => {
    const etcd = await webEtcd((_, answer) => {
      answer.statusCode = status;
      answer.end(body);
    });
    expect(await etcd.linearizableRead()).toEqual(expected);
  });

  it("that is none leaves the first way's error, with the second's as its cause; health is simply false", async () => {
    const etcd = await webEtcd((_, answer) => {
      answer.statusCode = 502;
      answer.end("<html>");
    });
    await expect(etcd.status()).rejects.toMatchObject({
      code: "endpoint-unreachable",
      params: { reason: "not-http2" },
      cause: { code: "rpc-failed", params: { status: 2, message: "HTTP status 502" } },
    });
    expect(await etcd.health()).toEqual({
      through: "/health",
      isHealthy: false,
      reason: "",
      httpStatus: 502,
    });
  });
});

/** The first pages of a bbolt file, made by the rules of bbolt's db.go, with a good trailer. */
function boltFile(change: (page: Buffer) => void = () => undefined): Buffer {
  const pages = Buffer.alloc(4 * 4096);
  pages.writeUInt32LE(0xed0cdaed, 16);
  pages.writeUInt32LE(2, 20);
  pages.writeUInt32LE(4096, 24);
  pages.writeBigUInt64LE(4n, 56);
  change(pages);
  let sum = 0xcbf29ce484222325n;
  for (const byte of pages.subarray(16, 72)) sum = BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n);
  pages.writeBigUInt64LE(sum, 72);
  return pages;
}

function withTrailer(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes, createHash("sha256").update(bytes).digest()]);
}

/** SnapshotResponse: remaining_bytes 2, blob 3; the trailer in a message of its own, as etcd sends it. */
function snapshotMessages(bytes: Buffer): readonly Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += 1000) pieces.push(bytes.subarray(at, at + 1000));
  return pieces.map((piece) => encodeMessage([[3, "bytes", piece]]));
}

function memorySink(
  change: (bytes: Buffer) => Buffer = (bytes) => bytes,
): SnapshotSink & { readonly written: Buffer[] } {
  const written: Buffer[] = [];
  return {
    name: "memory",
    written,
    write: (bytes) => {
      written.push(Buffer.from(bytes));
      return Promise.resolve();
    },
    sync: () => Promise.resolve(),
    async *readBack() {
      yield change(Buffer.concat(written));
    },
  };
}

describe("a snapshot", () => {
  it("arrives whole and is described; the revision is the member's word just before", async () => {
    const bytes = withTrailer(boltFile());
    const { etcd } = await fakeEtcd({ Snapshot: snapshotMessages(bytes), Status: [oldStatus("3.1.18")] });
    const sink = memorySink();
    expect(await snapshotTo(etcd, sink)).toEqual({
      sizeBytes: bytes.length,
      sha256: createHash("sha256").update(bytes).digest("hex"),
      pageSizeBytes: 4096,
      revisionAtLeast: 42n,
    });
    expect(Buffer.concat(sink.written).equals(bytes)).toBe(true);
  });

  it("is taken as well from a member that does not tell its status", async () => {
    const { etcd } = await fakeEtcd({ Snapshot: snapshotMessages(withTrailer(boltFile())) });
    expect((await snapshotTo(etcd, memorySink())).revisionAtLeast).toBeNull();
  });

  const flipped = (bytes: Buffer, at: number) => {
    const copy = Buffer.from(bytes);
    copy[at] = copy[at]! ^ 1;
    return copy;
  };
  const good = withTrailer(boltFile());
  const damages: readonly (readonly [string, Buffer, string, string])[] = [
    ["one bit of the content", flipped(good, 9000), "hash-differs", `${good.length} bytes`],
    ["one bit of the trailer", flipped(good, good.length - 1), "hash-differs", `${good.length} bytes`],
    ["the trailer missing", good.subarray(0, -32), "hash-differs", `${good.length - 32} bytes`],
    ["nothing at all", Buffer.alloc(0), "too-short", "0 bytes"],
    ["a good trailer of too little", withTrailer(Buffer.alloc(79)), "too-short", "111 bytes"],
    [
      "another kind of file",
      withTrailer(boltFile((page) => page.writeUInt32LE(1, 16))),
      "not-bbolt",
      "no bbolt magic",
    ],
    [
      "another version",
      withTrailer(boltFile((page) => page.writeUInt32LE(3, 20))),
      "not-bbolt",
      "bbolt version 3",
    ],
    [
      "a wild page size",
      withTrailer(boltFile((page) => page.writeUInt32LE(4097, 24))),
      "not-bbolt",
      "page size 4097",
    ],
    ["a damaged first page", withTrailer(flipped(boltFile(), 60)), "not-bbolt", "checksum of the first page"],
    ["pages missing", withTrailer(boltFile().subarray(0, 8192)), "not-bbolt", "8192 bytes instead of 16384"],
  ];

  it.each(damages)("with %s is refused", async (_, bytes, reason, detail) => {
    const { etcd } = await fakeEtcd({ Snapshot: snapshotMessages(bytes) });
    const expected = ["snapshot-damaged", { source: etcd.endpoint, reason, detail }];
    expect(await paramsOf(snapshotTo(etcd, memorySink()))).toEqual(expected);
  });

  it("is checked however it is cut into pieces", async () => {
    async function* cut(size: number) {
      for (let at = 0; at < good.length; at += size) yield good.subarray(at, at + size);
    }
    for (const size of [31, 32, 33, 4096, good.length - 1, good.length]) {
      const pieces: Uint8Array[] = [];
      for await (const piece of verifiedSnapshot(cut(size), "here")) pieces.push(piece);
      expect(Buffer.concat(pieces).equals(good)).toBe(true);
    }
  });

  it("that a disk gives back differently is refused, even when it is a good one", async () => {
    const { etcd } = await fakeEtcd({ Snapshot: snapshotMessages(good) });
    const other = withTrailer(boltFile((page) => page.writeUInt8(1, 5000)));
    expect(
      await paramsOf(
        snapshotTo(
          etcd,
          memorySink(() => other),
        ),
      ),
    ).toMatchObject(["snapshot-damaged", { source: "memory", reason: "read-back-differs" }]);
    expect(
      await paramsOf(
        snapshotTo(
          etcd,
          memorySink((bytes) => flipped(bytes, 100)),
        ),
      ),
    ).toMatchObject(["snapshot-damaged", { source: "memory", reason: "hash-differs" }]);
  });

  it("that breaks off is the server's error", async () => {
    const server = await startFakeServer(({ stream }) =>
      reply(
        stream,
        snapshotMessages(good)
          .slice(0, 3)
          .map((message) => framed(message)),
        {
          "grpc-status": "14",
          "grpc-message": "transport is closing",
        },
      ),
    );
    const etcd = openEtcd({ kind: "plain", host: "127.0.0.1", port: server.port }, { deadlineMs: 5000 });
    cleanUp.push(
      () => server.close(),
      () => etcd.close(),
    );
    const read = (async () => {
      for await (const piece of etcd.snapshot()) expect(piece.length).toBe(1000);
    })();
    expect(await paramsOf(read)).toMatchObject([
      "rpc-failed",
      { status: 14, message: "transport is closing" },
    ]);
  });

  it("in a file is read back from the disk, not from memory", async () => {
    const { etcd } = await fakeEtcd({ Snapshot: snapshotMessages(good) });
    const path = join(freshFolder(), "s.db");
    const sink = await createSnapshotFile(path);
    cleanUp.push(() => sink.close());
    const lying = {
      ...sink,
      sync: async () => {
        await sink.sync();
        writeFileSync(path, flipped(good, 9000));
      },
    };
    expect(await paramsOf(snapshotTo(etcd, lying))).toMatchObject([
      "snapshot-damaged",
      { source: path, reason: "hash-differs" },
    ]);
  });
});

describe("a cold copy", () => {
  function dataDir(files: Readonly<Record<string, string | Uint8Array>>): string {
    const folder = freshFolder();
    for (const [name, bytes] of Object.entries(files)) {
      mkdirSync(join(folder, name, ".."), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    return folder;
  }

  const raftSnapshot = (store: unknown) =>
    encodeMessage([
      [1, "varint", 1],
      [2, "bytes", encodeMessage([[1, "bytes", JSON.stringify(store)]])],
    ]);
  const v2Store = (users: unknown) => ({
    Root: { Path: "/", Children: { "0": { Children: { members: {} } }, "1": users } },
  });

  it("names db, raft snapshots and the write-ahead log, and nothing else", async () => {
    const folder = dataDir({
      "member/snap/db": "db",
      "member/snap/0000000000000001-0000000000000002.snap": "x",
      "member/snap/0000000000000001-0000000000000003.snap.broken": "x",
      "member/snap/db.tmp.123": "x",
      "member/wal/0000000000000000-0000000000000000.wal": "wal",
      "member/wal/0.tmp": "x",
    });
    const { files, missing } = await coldCopy(folder);
    expect(files.map(({ name, sizeBytes }) => [name, sizeBytes])).toEqual([
      ["member/snap/0000000000000001-0000000000000002.snap", 1],
      ["member/snap/db", 2],
      ["member/wal/0000000000000000-0000000000000000.wal", 3],
    ]);
    expect(missing).toEqual([]);
    expect(files.map(({ path }) => readFileSync(path).length)).toEqual([1, 2, 3]);
  });

  it("follows a log that lives elsewhere", async () => {
    const folder = dataDir({ "member/snap/db": "db" });
    const walDir = dataDir({ "0000000000000000-0000000000000000.wal": "wal" });
    const { files, missing } = await coldCopy(folder, { walDir });
    expect([files.at(-1), missing]).toEqual([
      {
        path: join(walDir, "0000000000000000-0000000000000000.wal"),
        name: "member/wal/0000000000000000-0000000000000000.wal",
        sizeBytes: 3,
      },
      [],
    ]);
  });

  it("says what is missing, and fails where there is nothing to look at", async () => {
    expect((await coldCopy(dataDir({ "member/other": "" }))).missing).toEqual([
      "member/snap/db",
      "member/wal",
    ]);
    const nowhere = join(freshFolder(), "none");
    expect(await paramsOf(coldCopy(nowhere))).toEqual([
      "store-unreadable",
      { address: nowhere, reason: "cold copy", cause: "ENOENT" },
    ]);
  });

  it.each([
    ["present", raftSnapshot(v2Store({ Children: { "coreos.com": {} } }))],
    ["none-in-raft-snapshot", raftSnapshot(v2Store({ Children: {} }))],
    ["none-in-raft-snapshot", raftSnapshot(v2Store({ Children: null }))],
    ["unknown", raftSnapshot({ other: 1 })],
    ["unknown", Buffer.from("torn")],
  ])("has v2 keys %s by the newest raft snapshot", async (expected, newest) => {
    const folder = dataDir({
      "member/snap/0000000000000001-0000000000000009.snap": raftSnapshot(v2Store({ Children: { old: {} } })),
      "member/snap/0000000000000001-000000000000000a.snap": newest,
    });
    expect((await coldCopy(folder)).v2Keys).toBe(expected);
  });

  it("of one without a raft snapshot knows nothing of v2 keys", async () => {
    expect((await coldCopy(dataDir({ "member/snap/db": "db" }))).v2Keys).toBe("unknown");
  });

  it.skipIf(!hasEtcd)("of a real etcd with v2 keys notices them", async () => {
    const etcd = await startEtcd({ more: ["--enable-v2", "--snapshot-count", "3"] });
    try {
      const url = `http://127.0.0.1:${etcd.port}`;
      await fetch(`${url}/v2/keys/coreos.com/network/config`, {
        method: "PUT",
        body: new URLSearchParams({ value: "{}" }),
      });
      for (const value of ["1", "2", "3", "4", "5"]) etcdctl("--endpoints", url, "put", "k", value);
      await etcd.stop();
      expect((await coldCopy(etcd.dataDir)).v2Keys).toBe("present");
    } finally {
      await etcd.remove();
    }
  });
});
