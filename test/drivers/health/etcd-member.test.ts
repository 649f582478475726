// The engine's etcd port against real etcd: endpoints in order, snapshots into files, copies of what a stopped member leaves.
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isAppError } from "../../../src/core/model/errors.ts";
import { openEtcdMember, readDeadlineMs } from "../../../src/drivers/health/etcd-member.ts";
import type { EtcdTarget } from "../../../src/engine/ports/live.ts";
import type { LabPair } from "../../../src/lab/lab-issuer.ts";
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
import { freshFolder } from "../../support/fixtures.ts";
import { day, expired, now, valid } from "../../support/machine-time.ts";

const member = openEtcdMember("/");

const hashOf = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");
const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  try {
    return { resolved: await promise };
  } catch (error) {
    return isAppError(error) ? error.code : error;
  }
}

describe.skipIf(!hasEtcd)("an etcd member whose server certificate has expired", () => {
  const made = {} as { ca: LabPair; server: TlsPair; client: TlsPair; etcd: EtcdProcess };

  beforeAll(async () => {
    made.ca = await etcdAuthority({ notBefore: now - 9 * day, notAfter: now + 9 * day });
    made.server = await serverPair(made.ca, expired);
    made.client = await clientPair(made.ca, valid);
    made.etcd = await startEtcd({ tls: writeTls(made.ca, made.server) });
  });

  afterAll(() => made.etcd.remove());

  const at = (port: number) => ({ scheme: "https", host: "127.0.0.1", port, serverName: null }) as const;
  const target = (more: Partial<EtcdTarget> = {}): EtcdTarget => ({
    endpoints: [at(made.etcd.port)],
    identity: made.client,
    serverKeys: [made.server.spkiSha256],
    ...more,
  });

  it("is well for who knows its key", async () => {
    expect(await member.ailment(target())).toBeNull();
  });

  it("is not for who knows another, has no certificate, or one that has expired", async () => {
    expect(await member.ailment(target({ serverKeys: ["00".repeat(32)] }))).toEqual(expect.any(String));
    expect(await member.ailment(target({ serverKeys: [] }))).toEqual(expect.any(String));
    expect(await member.ailment(target({ identity: null }))).toEqual(expect.any(String));
    const old = await clientPair(made.ca, expired);
    expect(await member.ailment(target({ identity: old }))).toEqual(expect.any(String));
  });

  it("is asked at the next endpoint when one does not answer", async () => {
    const [nobody = 0] = await freePorts(1);
    expect(await member.ailment(target({ endpoints: [at(nobody), at(made.etcd.port)] }))).toBeNull();
    expect(
      await codeOf(member.snapshot(target({ endpoints: [at(nobody)] }), join(freshFolder(), "s.db"))),
    ).toBe("endpoint-unreachable");
    expect(await codeOf(member.snapshot(target({ endpoints: [] }), join(freshFolder(), "s.db")))).toBe(
      "endpoint-unreachable",
    );
  });

  it("is not waited for at an endpoint that takes connections and says nothing; what asks twice waits once", async () => {
    const taken: Socket[] = [];
    const silent = createServer((socket) => void taken.push(socket));
    await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
    const { port } = silent.address() as AddressInfo;
    const elapsed = async (endpoints: EtcdTarget["endpoints"]) => {
      const since = performance.now();
      const ailment = await member.ailment(target({ endpoints }));
      return { ailment, ms: performance.now() - since };
    };
    try {
      const answered = await elapsed([at(port), at(made.etcd.port)]);
      expect(answered.ailment).toBeNull();
      expect(answered.ms).toBeLessThan(readDeadlineMs);
      const mute = await elapsed([at(port), at(port)]);
      expect(mute.ailment).toEqual(expect.any(String));
      expect(mute.ms).toBeGreaterThan(readDeadlineMs - 100);
      expect(mute.ms).toBeLessThan(2 * readDeadlineMs);
    } finally {
      for (const socket of taken) socket.destroy();
      silent.close();
    }
  });

  it("gives a snapshot that etcd itself takes for one, in a file of 0600, also a second time", async () => {
    const file = join(freshFolder(), "etcd-snapshot.db");
    for (const _ of [1, 2]) {
      const saved = await member.snapshot(target(), file);
      expect(saved).toEqual({ bytes: statSync(file).size, sha256: hashOf(file), hasV2Data: false });
      expect(modeOf(file)).toBe("600");
      const status = JSON.parse(etcdctl("snapshot", "status", file, "-w", "json")) as Record<string, number>;
      expect(status["totalSize"]).toBeGreaterThan(1000);
    }
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  it("that fails to give a second one leaves the first", async () => {
    const folder = freshFolder();
    const file = join(folder, "etcd-snapshot.db");
    const { sha256 } = await member.snapshot(target(), file);
    writeFileSync(`${file}.new`, "cut off");
    expect(await codeOf(member.snapshot(target({ identity: null }), file))).not.toHaveProperty("resolved");
    expect([readdirSync(folder), hashOf(file)]).toEqual([["etcd-snapshot.db"], sha256]);
  });

  it("does not write where there is no folder, and says so", async () => {
    expect(await codeOf(member.snapshot(target(), join(freshFolder(), "no", "s.db")))).toBe(
      "store-write-failed",
    );
  });

  it("is left alone when the signal is aborted", async () => {
    const folder = freshFolder();
    const signal = AbortSignal.abort("SIGTERM");
    expect(await codeOf(member.snapshot(target(), join(folder, "s.db"), signal))).toBe("SIGTERM");
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(!hasEtcd)("the data of a stopped member", () => {
  const made = {} as { etcd: EtcdProcess };

  beforeAll(async () => {
    made.etcd = await startEtcd();
    etcdctl("--endpoints", `http://127.0.0.1:${made.etcd.port}`, "put", "color", "green");
    await made.etcd.stop();
  });

  afterAll(() => made.etcd.remove());

  it("is copied file by file, 0600 in folders of 0700, and etcd starts with it", async () => {
    const folder = join(freshFolder(), "etcd-data");
    const saved = await member.coldCopy(made.etcd.dataDir, folder);
    const db = join(folder, "member/snap/db");
    expect(hashOf(db)).toBe(hashOf(join(made.etcd.dataDir, "member/snap/db")));
    expect([modeOf(db), modeOf(join(folder, "member")), modeOf(folder)]).toEqual(["600", "700", "700"]);
    expect(saved.bytes).toBeGreaterThan(1000);
    const copy = await startEtcd({ more: [`--data-dir=${folder}`, "--force-new-cluster"] });
    try {
      const endpoint = `http://127.0.0.1:${copy.port}`;
      expect(etcdctl("--endpoints", endpoint, "get", "color", "--print-value-only").trim()).toBe("green");
    } finally {
      await copy.remove();
    }
  });

  it("is copied anew in the place of an older copy, below the node's root", async () => {
    const root = freshFolder();
    const folder = join(freshFolder(), "etcd-data");
    mkdirSync(join(folder, "left"), { recursive: true });
    mkdirSync(join(root, "var/lib"), { recursive: true });
    renameSync(made.etcd.dataDir, join(root, "var/lib/etcd"));
    try {
      const first = await openEtcdMember(root).coldCopy("/var/lib/etcd", folder);
      const second = await openEtcdMember(root).coldCopy("/var/lib/etcd", folder);
      expect(second).toEqual(first);
      expect(readdirSync(folder)).toEqual(["member"]);
      expect(existsSync(`${folder}.new`)).toBe(false);
    } finally {
      renameSync(join(root, "var/lib/etcd"), made.etcd.dataDir);
    }
  });

  it("that is not whole is refused, and an older copy stays", async () => {
    const data = freshFolder();
    const folder = join(freshFolder(), "etcd-data");
    await member.coldCopy(made.etcd.dataDir, folder);
    mkdirSync(join(data, "member/snap"), { recursive: true });
    expect(await codeOf(member.coldCopy(data, folder))).toBe("snapshot-failed");
    expect(existsSync(join(folder, "member/snap/db"))).toBe(true);
    rmSync(data, { recursive: true });
    expect(await codeOf(member.coldCopy(data, folder))).not.toHaveProperty("resolved");
  });
});
