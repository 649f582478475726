// How etcd is dialled when certificates have expired: a client for one hour, signed in memory, or the stored one.
import { describe, expect, it } from "vitest";
import type { EtcdAccess } from "../../src/core/model/live-step.ts";
import { withEtcd } from "../../src/engine/etcd-target.ts";
import type { EtcdTarget } from "../../src/engine/ports/live.ts";
import { deriveRun } from "../../src/engine/derive-run.ts";
import { createContext, type RunContext } from "../../src/engine/run-context.ts";
import { encodeEntry, firstSum } from "../../src/engine/read-journal.ts";
import { firstCertificate } from "../support/memory-live.ts";
import { MemoryWorld, startOfTime } from "../support/memory-world.ts";
import { address, installTinyCluster, paths, planFor } from "../support/tiny-cluster.ts";
import { accessOf } from "../support/tiny-live.ts";

const day = 86_400_000;

function setUp(): { readonly world: MemoryWorld; readonly context: RunContext; readonly access: EtcdAccess } {
  const world = new MemoryWorld();
  installTinyCluster(world);
  const { ports } = world.spawn();
  const actor = ports.processes.self();
  const body = { type: "run-started", run: "r", planDigest: "", actor, ticket: null, reason: null } as const;
  const { entry } = encodeEntry({ seq: 1, at: world.now, token: 1, body }, firstSum);
  const journal = { append: async () => {}, entries: () => [entry], view: () => deriveRun([entry]) };
  const lock = { token: 1, fence: async () => {}, release: async () => {} } as never;
  const context = createContext(ports, {}, { plan: planFor(world), run: "r", lock, journal });
  return { world, context, access: accessOf(world) };
}

/** The target as it was while it was used, and the bytes of its key afterwards. */
async function targetOf(context: RunContext, access: EtcdAccess) {
  const kept: EtcdTarget[] = [];
  const leaf = await withEtcd(context, access, async (target) => {
    kept.push(target);
    return target.identity === null ? null : firstCertificate(target.identity.certificatePem);
  });
  return { leaf, target: kept[0]! };
}

describe("a way to etcd", () => {
  it("has a client certificate for one hour, signed by the authority that fits the key, and forgets the key", async () => {
    const { context, access } = setUp();
    const { leaf, target } = await targetOf(context, access);
    expect([leaf?.notBefore, leaf?.notAfter]).toEqual([startOfTime - 300_000, startOfTime + 3_600_000]);
    expect(target.serverKeys).toEqual(access.serverKeys);
    expect(target.identity?.keyPem.every((byte) => byte === 0)).toBe(true);
  });

  it("forgets the key also when what is asked of etcd fails", async () => {
    const { context, access } = setUp();
    const keys: Uint8Array[] = [];
    const failing = withEtcd(context, access, async ({ identity }) => {
      keys.push(identity!.keyPem);
      throw new Error("no");
    });
    await expect(failing).rejects.toThrow("no");
    expect(keys[0]?.every((byte) => byte === 0)).toBe(true);
  });

  it("exists when the authority itself has expired: etcd is the one to judge", async () => {
    const { world, context, access } = setUp();
    world.now = startOfTime + 3000 * day;
    const { leaf } = await targetOf(context, access);
    expect(leaf?.notAfter).toBe(world.now + 300_000);
  });

  it("uses the stored client where there is no key to sign with, and none where nothing is stored", async () => {
    const { context, access } = setUp();
    const stored = { certificate: address(paths.kubeletClient), key: address(paths.kubeletClientKey) };
    const { leaf } = await targetOf(context, { ...access, authorityKey: null, client: stored });
    expect(leaf?.serialHex).toBe("0d");
    expect((await targetOf(context, { ...access, authorityKey: null })).leaf).toBeNull();
  });

  it("uses the stored client when the certificate that fits the key may not sign", async () => {
    const { context, access } = setUp();
    const stored = { certificate: address(paths.kubeletClient), key: address(paths.kubeletClientKey) };
    const [authorityCertificate, authorityKey] = [stored.certificate, stored.key];
    const { leaf } = await targetOf(context, {
      ...access,
      authorityCertificate,
      authorityKey,
      client: stored,
    });
    expect(leaf?.serialHex).toBe("0d");
  });

  it("uses the stored client when no certificate of the bundle fits the key", async () => {
    const { context, access } = setUp();
    const { leaf } = await targetOf(context, { ...access, authorityKey: address(paths.caKey), client: null });
    // The bundle holds the cluster's authority too.
    expect(leaf).not.toBeNull();
    const alone = { ...access, authorityCertificate: address(paths.ca) };
    expect((await targetOf(context, alone)).leaf).toBeNull();
  });
});
