// etcd on hosts of its own: what is found there and on the masters, in which order a plan goes, who signs.
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { checkResult } from "../../src/app/check.ts";
import { applyToCluster, type ClusterSession, planCluster } from "../../src/app/cluster-renewal.ts";
import { rollbackCluster } from "../../src/app/cluster-runs.ts";
import { gather } from "../../src/app/gather.ts";
import { localNode } from "../../src/app/local-node.ts";
import { localAccess } from "../../src/app/node-access.ts";
import type { CheckResult } from "../../src/core/model/check.ts";
import type { ClusterNode } from "../../src/core/model/cluster.ts";
import type { IssueStep } from "../../src/core/model/making-step.ts";
import type { Plan } from "../../src/core/model/plan.ts";
import { buildPlan } from "../../src/core/plan/build.ts";
import { allSteps } from "../../src/core/plan/steps.ts";
import { mergeFacts } from "../../src/core/policy/merge-facts.ts";
import { etcdHost, etcdServers, masterWithout } from "../support/external-etcd.ts";
import { seen } from "../support/live-facts.ts";
import { renewRequest } from "../support/renew-request.ts";
import { snapshotTree } from "../support/tree.ts";

const choice = { id: null, params: {} };
/** Everything ends twelve days later: it is due, and nothing has expired. */
const before = Date.parse("2025-10-20T00:00:00Z");

async function checkOf(root: string): Promise<CheckResult> {
  const local = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
  const { facts } = await gather(local, choice, before);
  return checkResult(facts, { withinMs: 0, root });
}

describe("a host with etcd alone", () => {
  it("has etcd's certificates and CA, and misses nothing of a master", async () => {
    const result = await checkOf(etcdHost("m1"));
    expect(result.nodes).toEqual(["m1"]);
    expect(result.certificates.map(({ name }) => name)).toEqual([
      "etcd-healthcheck-client",
      "etcd-peer",
      "etcd-server",
    ]);
    expect(result.authorities.map(({ name, externallyManaged }) => [name, externallyManaged])).toEqual([
      ["etcd-ca", false],
    ]);
    expect(result.findings.filter(({ severity }) => severity !== "info")).toEqual([]);
  });

  it("is a master that lost its manifests when the rest of one is there", async () => {
    const { rmSync } = await import("node:fs");
    const { fixture } = await import("../support/fixtures.ts");
    const root = fixture("kubeadm-ha-expired/m1");
    for (const name of ["kube-apiserver", "kube-controller-manager", "kube-scheduler"])
      rmSync(join(root, `etc/kubernetes/manifests/${name}.yaml`));
    const names = (await checkOf(root)).certificates.map(({ name }) => name);
    expect(names).toContain("apiserver");
    expect(names).toContain("admin.conf");
  });
});

describe("a master whose etcd is elsewhere", () => {
  it("has the client pair of another's CA, which is no row of kubeadm's", async () => {
    const result = await checkOf(masterWithout("cp1"));
    const row = result.certificates.find(({ name }) => name === "apiserver-etcd-client");
    expect(row).toMatchObject({ isKubeadm: false, externallyManaged: true, management: "renew" });
    expect(
      result.findings.filter(
        ({ severity, code }) => severity !== "info" && code !== "common-name-unexpected",
      ),
    ).toEqual([]);
    expect(result.findings.find(({ code }) => code === "external-etcd")?.params).toEqual({
      source: etcdServers,
    });
  });
});

interface Scene {
  readonly session: ClusterSession;
  readonly roots: ReadonlyMap<string, string>;
}

/** The master stands first in the file. */
function setUp(names: readonly string[] = ["cp1", "m1", "m2", "m3"]): Scene {
  const roots = new Map(
    names.map((name) => [
      name,
      name === "m1" || name === "m2" || name === "m3" ? etcdHost(name) : masterWithout(name),
    ]),
  );
  const nodes = [...roots].map(([name, root]): ClusterNode => {
    const roles = name.startsWith("m") ? (["etcd"] as const) : (["control-plane"] as const);
    return { name, address: null, roles, reach: { kind: "root", root } };
  });
  const options = { environment: {}, allowLinksTo: [], live: null };
  const accesses = nodes.map((node) => localAccess(node, options, { isProbed: false }));
  const stateDirectory = join(mkdtempSync(join(tmpdir(), "perennial-operator-")), "state");
  const cluster = { name: "prod", profile: null, params: {}, nodes };
  return { roots, session: { cluster, accesses, stateDirectory, environment: {} } };
}

const request = { ...renewRequest, keyAlgorithm: "ECDSA-P256" };

function plan({ session }: Scene): Promise<Plan> {
  const options = { at: Date.now(), acceptOutage: false, skipsUnreachable: false };
  return planCluster(session, choice, { request, ...options });
}

describe("a plan over hosts of etcd and masters", () => {
  it("signs everything of etcd with the key that is on one of its hosts, the API servers' clients too", async () => {
    const made = await plan(setUp());
    expect(made.refusals).toEqual([]);
    const keys = allSteps(made).flatMap((step) =>
      step.kind === "issue" && step.authority === "etcd-ca" ? [[step.slot, step.authorityKey]] : [],
    );
    const key = "file:m1:/etc/kubernetes/pki/etcd/ca.key";
    expect(keys).toContainEqual(["cp1/apiserver-etcd-client", key]);
    expect(keys).toContainEqual(["m3/etcd-peer", key]);
    expect(new Set(keys.map(([, signer]) => signer))).toEqual(new Set([key]));
    expect(made.notices.map(({ code }) => code)).not.toContain("etcd-not-in-plan");
  });

  it("is carried out and taken back to equality, and what it made belongs to its CA", async () => {
    const scene = setUp();
    const trees = (): readonly unknown[] => [...scene.roots.values()].map((root) => snapshotTree(root));
    const original = trees();
    expect(await applyToCluster(scene.session, await plan(scene), {})).toMatchObject({
      outcome: "succeeded",
      error: null,
    });
    const file = (node: string, path: string): string =>
      join(scene.roots.get(node) ?? "", "etc/kubernetes/pki", path);
    for (const [node, path] of [
      ["cp1", "apiserver-etcd-client.crt"],
      ["m2", "etcd/server.crt"],
    ] as const)
      execFileSync("openssl", ["verify", "-CAfile", file("m3", "etcd/ca.crt"), file(node, path)]);
    expect(await rollbackCluster(scene.session, "last", { acceptExpired: true })).toMatchObject({
      outcome: "rolled-back",
    });
    expect(trees()).toEqual(original);
  });

  it("leaves the client pair out where no node has the CA's key, and says what of etcd it cannot see", async () => {
    const made = await plan(setUp(["cp1"]));
    expect(made.decisions.find(({ slot }) => slot === "cp1/apiserver-etcd-client")).toEqual({
      slot: "cp1/apiserver-etcd-client",
      action: "keep",
      reasons: [{ code: "externally-managed", authority: "etcd-ca" }],
    });
    expect(made.notices).toContainEqual({ code: "etcd-not-in-plan", servers: etcdServers.split(",") });
  });
});

describe("running hosts of etcd and masters", () => {
  const made = {} as { plan: Plan };

  beforeAll(async () => {
    const { roots } = setUp();
    const all = await Promise.all([...roots.values()].map((root) => seen(root, before)));
    const facts = mergeFacts(
      "prod",
      all.map((each) => each.facts),
    );
    made.plan = buildPlan(facts, request, {
      toolVersion: "1.2.3",
      root: "/",
      many: {
        live: all.map(({ live }) => live),
        takesSnapshot: true,
        members: [],
        acceptOutage: false,
        unreachable: [],
        skipsUnreachable: false,
      },
    });
  });

  it("are gated by the members on the hosts of etcd, each asked with a certificate signed by the key of one", () => {
    const { refusals, nodes } = made.plan;
    expect(refusals).toEqual([]);
    expect(nodes?.order).toBe("rolling");
    expect(nodes?.members.map(({ node, access }) => [node, access.authorityKey])).toEqual(
      ["m1", "m2", "m3"].map((node) => [node, "file:m1:/etc/kubernetes/pki/etcd/ca.key"]),
    );
  });

  it("go etcd first, the API servers behind all of it, gates around each node", () => {
    const rolls = made.plan.phases.filter(({ id }) => id === "roll");
    expect(rolls.map(({ nodes }) => nodes.map(({ node }) => node))).toEqual([["m1", "m2", "m3"], ["cp1"]]);
    for (const { steps } of rolls.flatMap(({ nodes }) => nodes))
      expect([steps[0]?.kind, steps.at(-1)?.kind]).toEqual(["gate", "gate"]);
    const [snapshot] = made.plan.phases;
    expect([snapshot?.id, snapshot?.nodes.map(({ node }) => node)]).toEqual(["snapshot", ["m1"]]);
    const issues = allSteps(made.plan).filter((step): step is IssueStep => step.kind === "issue");
    expect(issues.map(({ slot }) => slot)).toContain("cp1/apiserver-etcd-client");
  });
});
