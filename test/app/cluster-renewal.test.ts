// Three masters as trees of files: one plan, one run, one rollback over all of them.
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { applyToCluster, type ClusterSession, planCluster } from "../../src/app/cluster-renewal.ts";
import { resumeCluster, rollbackCluster } from "../../src/app/cluster-runs.ts";
import { localAccess } from "../../src/app/node-access.ts";
import type { ClusterNode } from "../../src/core/model/cluster.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { acquireLock } from "../../src/engine/lock.ts";
import { systemProcesses } from "../../src/drivers/shared/processes.ts";
import { systemClock } from "../../src/drivers/shared/world.ts";
import { fixture } from "../support/fixtures.ts";
import { renewRequest } from "../support/renew-request.ts";
import { snapshotTree } from "../support/tree.ts";

const names = ["m1", "m2", "m3"] as const;
const choice = { id: null, params: {} };

interface Scene {
  readonly session: ClusterSession;
  readonly roots: readonly string[];
}

function setUp(environment: Readonly<Record<string, string>> = {}): Scene {
  const roots = names.map((name) => fixture(`kubeadm-ha-expired/${name}`));
  const nodes = names.map((name, index): ClusterNode => {
    const reach = { kind: "root" as const, root: roots[index] ?? "" };
    return { name, address: null, roles: ["control-plane", "etcd"], reach };
  });
  const accesses = nodes.map((node) =>
    localAccess(node, { environment, allowLinksTo: [], live: null }, { isProbed: false }),
  );
  const stateDirectory = join(mkdtempSync(join(tmpdir(), "perennial-operator-")), "state");
  const cluster = { name: "prod", profile: null, params: {}, nodes };
  return { roots, session: { cluster, accesses, stateDirectory, environment } };
}

function plan({ session }: Scene): Promise<Plan> {
  return planCluster(session, choice, {
    // Ten RSA keys per node take their time.
    request: { ...renewRequest, keyAlgorithm: "ECDSA-P256" },
    // New certificates begin with the machine's clock.
    at: Date.now(),
    acceptOutage: false,
    skipsUnreachable: false,
  });
}

/** Without what the tool keeps for itself. */
function trees({ roots }: Scene): readonly unknown[] {
  return roots.map((root) => snapshotTree(root));
}

describe("a plan for three masters", () => {
  it("stages everything everywhere before the first node is touched, then goes node by node", async () => {
    const made = await plan(setUp());
    expect(made.refusals).toEqual([]);
    expect(made.nodes).toMatchObject({ members: [], acceptOutage: false });
    const order = made.phases.map(({ id, nodes }) => [id, nodes.map(({ node }) => node)]);
    expect(order.slice(0, 3)).toEqual([
      ["back-up", names],
      ["issue", names],
      ["stage", names],
    ]);
    const last = made.phases.filter(({ id }) => id === "roll" || id === "swap" || id === "prove");
    expect(last.flatMap(({ nodes }) => nodes.map(({ node }) => node))).toEqual(
      last.length === 1 ? names : [...names, ...names],
    );
  });

  it("has one digest, whoever is asked first", async () => {
    const scene = setUp();
    const [first, second] = [await plan(scene), await plan(scene)];
    expect(second.digest).toBe(first.digest);
  });
});

describe("a run over three masters", () => {
  it("renews all of them, keeps old keys on their nodes, copies the journal, and is taken back to equality", async () => {
    const scene = setUp();
    const before = trees(scene);
    const made = await plan(scene);
    const result = await applyToCluster(scene.session, made, {});
    expect(result).toMatchObject({ outcome: "succeeded", error: null });
    expect((await plan(scene)).phases).toEqual([]);
    for (const [index, root] of scene.roots.entries()) {
      const kept = Object.keys(snapshotTree(root, [])).filter((path) =>
        path.includes(`clusters/prod/runs/${result.run}`),
      );
      expect(kept.some((path) => path.endsWith("journal.jsonl"))).toBe(true);
      const foreign = names.filter((_, other) => other !== index);
      for (const name of foreign) expect(kept.filter((path) => path.includes(`before/${name}/`))).toEqual([]);
    }
    const own = Object.keys(snapshotTree(scene.session.stateDirectory));
    expect(own.filter((path) => path.includes("/before/"))).toEqual([]);
    const undone = await rollbackCluster(scene.session, "last", { acceptExpired: true });
    expect(undone).toMatchObject({ outcome: "rolled-back", error: null });
    expect(trees(scene)).toEqual(before);
  });

  it("is kept out by a lock on any node, and leaves no claim behind on the others", async () => {
    const scene = setUp();
    const made = await plan(scene);
    const [, second] = scene.session.accesses;
    const state = second!.state("");
    const ports = { processes: systemProcesses(), clock: systemClock, failpoints: { hit: () => {} } };
    const held = await acquireLock({ ...ports, state }, { what: "renew" });
    await expect(applyToCluster(scene.session, made, {})).rejects.toMatchObject({
      code: "locked",
      params: { path: `${state.path}/lock`, node: "m2" },
    });
    await held.release();
    expect(await applyToCluster(scene.session, made, {})).toMatchObject({ outcome: "succeeded" });
  });

  it("refuses on every node before it writes on any when one cannot be written", async () => {
    const scene = setUp();
    const made = await plan(scene);
    const before = trees(scene);
    const broken = { ...made, guards: made.guards };
    const { chmodSync } = await import("node:fs");
    chmodSync(join(scene.roots[2] ?? "", "etc/kubernetes/pki/apiserver.crt"), 0o600);
    await expect(applyToCluster(scene.session, broken, {})).rejects.toMatchObject({ code: "plan-stale" });
    chmodSync(join(scene.roots[2] ?? "", "etc/kubernetes/pki/apiserver.crt"), 0o644);
    expect(trees(scene)).toEqual(before);
  });

  it("is not resumed as a run of another cluster", async () => {
    const scene = setUp();
    await applyToCluster(scene.session, await plan(scene), {});
    const other = { ...scene.session, cluster: { ...scene.session.cluster, name: "other" } };
    await expect(rollbackCluster(other, "last", { acceptExpired: true })).rejects.toMatchObject({
      code: "plan-invalid",
    });
    expect(await resumeCluster(scene.session, null, {})).toBeNull();
  });
});
