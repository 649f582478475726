// `-f`: check, diagnose and the bare command over the nodes of a cluster file, and `init`, which writes one.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { resultOfCluster } from "../../src/app/check-cluster.ts";
import { type NodeOpener, gatherCluster, openCluster } from "../../src/app/cluster.ts";
import { readClusterFile } from "../../src/app/cluster-files.ts";
import { localNode } from "../../src/app/local-node.ts";
import { AppError } from "../../src/core/model/errors.ts";
import { closeSession, openSession } from "../../src/app/open-session.ts";
import { verifyCluster } from "../../src/app/verify-cluster.ts";
import { parseClusterFile } from "../../src/core/profile/cluster-file.ts";
import { mergeFacts } from "../../src/core/policy/merge-facts.ts";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder, unpackFixtures } from "../support/fixtures.ts";
import { layTkestackOver } from "../support/tkestack.ts";
import { snapshotTree } from "../support/tree.ts";

const now = Date.UTC(2026, 10, 22, 16);

interface Check {
  readonly kind: string;
  readonly perennial: {
    readonly cluster: string;
    readonly nodes: readonly string[];
    readonly worst: string;
    readonly exitCode: number;
  };
  readonly certificates: readonly Readonly<Record<string, unknown>>[];
  readonly findings: readonly {
    readonly code: string;
    readonly severity: string;
    readonly node: string;
    readonly params: Readonly<Record<string, unknown>>;
    readonly next: readonly string[];
  }[];
  readonly error?: { readonly code: string };
}

function clusterFile(folder: string, file: string, lines: readonly string[]): string {
  const path = join(folder, file);
  const [name] = file.split(".");
  writeFileSync(
    path,
    ["apiVersion: perennial/v1", "kind: Cluster", `name: ${name}`, "nodes:", ...lines, ""].join("\n"),
  );
  return path;
}

function master(name: string, root = join(unpackFixtures(), "kubeadm-ha-expired", name)): string {
  return `- {name: ${name}, root: ${root}}`;
}

async function json(...words: readonly string[]): Promise<Check> {
  const { out } = await runCli([...words, "-o", "json"], { now });
  const data: Check = JSON.parse(out);
  return data;
}

describe("check -f", () => {
  it("shows the rows of every node with its name, and repeats -f in every command", async () => {
    const path = clusterFile(
      freshFolder(),
      "prod.yaml",
      ["m1", "m2", "m3"].map((name) => master(name)),
    );
    const { code, out } = await runCli(["check", "-f", path], { now });
    expect(code).toBe(3);
    expect(out).toMatch(/^CERTIFICATE .* EXTERNALLY MANAGED {3}NODE$/m);
    for (const name of ["m1", "m2", "m3"])
      expect(out).toMatch(new RegExp(`^apiserver +Nov 01, 2025 .* ${name}$`, "m"));
    expect(out).toContain("m1/apiserver, ");
    expect(out).toContain(`perennial renew -f ${path}`);
    expect(out).toMatch(/on 3 nodes as of/);
  });

  it("gives kubeadm's rows of each node as check does of the node alone", async () => {
    const path = clusterFile(freshFolder(), "prod.yaml", [master("m1"), master("m2")]);
    const both = await json("check", "-f", path);
    const alone = await json("check", "--root", join(unpackFixtures(), "kubeadm-ha-expired/m1"));
    expect(both.perennial).toMatchObject({ cluster: "prod", nodes: ["m1", "m2"], worst: "critical" });
    expect(both.certificates.filter((_, index) => index % 2 === 0)).toEqual(alone.certificates);
    expect(both.findings.filter(({ node }) => node === "m1").map(({ code }) => code)).toEqual(
      alone.findings.map(({ code }) => code),
    );
  });

  it("reports a node that cannot be read, and all others", async () => {
    const folder = freshFolder();
    const hidden = join(folder, "hidden");
    mkdirSync(hidden);
    chmodSync(hidden, 0o000);
    const path = clusterFile(folder, "prod.yaml", [
      master("m1"),
      master("m2", hidden),
      // Nothing listens there.
      "- {name: w1, roles: [worker], ssh: 127.0.0.9:1}",
    ]);
    const { findings, certificates, perennial } = await json("check", "-f", path);
    expect(perennial.nodes).toEqual(["m1", "m2", "w1"]);
    expect(certificates).toHaveLength(10);
    const failed = findings.filter(({ code }) => code === "node-unreachable");
    expect(failed.map(({ node, severity }) => [node, severity])).toEqual([
      ["m2", "critical"],
      ["w1", "warning"],
    ]);
    expect(failed[0]?.params).toEqual({
      reach: "root",
      where: hidden,
      roles: ["control-plane", "etcd"],
      error: { code: "not-a-node", params: { root: hidden } },
    });
    expect(failed[1]?.params).toMatchObject({
      where: expect.stringContaining("127.0.0.9"),
      error: { code: "host-unreachable", params: { host: "w1", reason: "refused" } },
    });
    const { code, out } = await runCli(["check", "-f", path], { now, lang: "zh" });
    expect(code).toBe(3);
    expect(out).toMatch(/^严重 m2：无法到达或读取该节点（root .*计算多数派时视为缺席$/m);
  });

  it("says so when no node can be read", async () => {
    const path = clusterFile(freshFolder(), "gone.yaml", ["- {name: a, root: nowhere}"]);
    const { findings, certificates, perennial } = await json("check", "-f", path);
    expect([findings.map(({ code }) => code), certificates, perennial.exitCode]).toEqual([
      ["node-unreachable"],
      [],
      3,
    ]);
  });

  it("tells many nodes that cannot be read at once, with the way to the reason of each", async () => {
    const lines = [1, 2, 3, 4].map((index) => `- {name: w${index}, root: nowhere${index}, roles: [worker]}`);
    const path = clusterFile(freshFolder(), "gone.yaml", lines);
    const { out } = await runCli(["check", "-f", path], { now });
    expect(out.match(/^WARNING .*$/gm)).toEqual([
      expect.stringMatching(/^WARNING 4 nodes could not be reached or read \(w1: .*: w1, w2, w3, w4$/),
    ]);
    expect(out).toContain(`perennial check -o json -f ${path} | jq -r `);
    const { findings } = await json("check", "-f", path);
    expect(findings.map(({ node }) => node)).toEqual(["w1", "w2", "w3", "w4"]);
  });

  it("notices a tree that is another node's", async () => {
    const m2 = join(unpackFixtures(), "kubeadm-ha-expired/m2");
    const path = clusterFile(freshFolder(), "prod.yaml", [master("m1"), master("m3", m2)]);
    const [first] = (await json("check", "-f", path)).findings;
    expect(first).toMatchObject({
      node: "m3",
      params: { error: { code: "node-is-another", params: { node: "m3", found: "m2" } } },
    });
  });

  it("answers for every file of a folder, also beside one that is not in order; the worst is the exit code", async () => {
    const folder = freshFolder();
    clusterFile(folder, "a-well.yaml", [master("m1", join(unpackFixtures(), "kubeadm-valid/m1"))]);
    clusterFile(folder, "b-expired.yaml", [master("m1"), master("m2")]);
    writeFileSync(join(folder, "notes.txt"), "no cluster");
    const { out, code } = await runCli(["check", "-f", folder], { now });
    expect(code).toBe(3);
    expect(out.match(/^CLUSTER FILE .*$/gm)).toEqual([
      `CLUSTER FILE ${join(folder, "a-well.yaml")}`,
      `CLUSTER FILE ${join(folder, "b-expired.yaml")}`,
    ]);
    clusterFile(folder, "c-broken.yaml", ["- m1"]);
    const broken = await runCli(["check", "-f", folder, "-o", "json"], { now });
    const list: { readonly kind: string; readonly perennial: unknown; readonly clusters: readonly Check[] } =
      JSON.parse(broken.out);
    expect(broken.code).toBe(2);
    expect(list.kind).toBe("CertificateExpirationInfoList");
    expect(list.perennial).toMatchObject({ exitCode: 2 });
    expect(list.clusters.map((one) => one.error?.code ?? one.perennial.cluster)).toEqual([
      "a-well",
      "b-expired",
      "cluster-invalid",
    ]);
    expect(list.clusters[1]?.certificates).toEqual(
      (await json("check", "-f", join(folder, "b-expired.yaml"))).certificates,
    );
  });

  it.each([
    [],
    ["check"],
    ["verify"],
    ["diagnose"],
    ["plan"],
    ["renew", "--yes"],
    ["apply", "plan.json", "--yes"],
    ["resume"],
    ["rollback", "--yes"],
    ["runs", "list"],
    ["runs", "show"],
    ["runs", "report"],
    ["runs", "prune"],
  ])("refuses --root with every command over nodes, and says where it stands: %s %s %s", async (...words) => {
    const folder = freshFolder();
    const path = clusterFile(folder, "prod.yaml", [master("m1")]);
    const stateDir = words.length === 0 ? [] : ["--state-dir", join(folder, "state")];
    const asked = [...words, "-f", path, "--root", join(folder, "elsewhere"), ...stateDir];
    const { code, out, err } = await runCli(asked, { now });
    expect([code, out, err]).toEqual([2, "", expect.stringMatching(/^error: --root .*-f.* root: DIR/)]);
    expect(existsSync(join(folder, "state"))).toBe(false);
    const chinese = await runCli(asked, { now, lang: "zh" });
    expect([chinese.code, chinese.err]).toEqual([
      2,
      expect.stringMatching(/--root .*[\u4e00-\u9fff].* root: DIR/),
    ]);
  });

  it("refuses what would be said twice, a folder without clusters, and commands for one node", async () => {
    const folder = freshFolder();
    const path = clusterFile(folder, "prod.yaml", [master("m1")]);
    const said = await runCli(["check", "-f", path, "--profile", "kubeadm"], { now });
    expect([said.code, said.err]).toEqual([
      2,
      expect.stringContaining("--file and --profile exclude each other"),
    ]);
    const empty = await runCli(["check", "-f", freshFolder()], { now });
    expect([empty.code, empty.err]).toEqual([
      1,
      expect.stringContaining("there is no *.yaml in this folder"),
    ]);
    for (const command of ["inspect", "collect"]) {
      const { code, err } = await runCli([command, "-f", path, ...(command === "inspect" ? ["x"] : [])], {
        now,
      });
      expect([code, err]).toEqual([2, expect.stringContaining(`${command} works on one node`)]);
    }
  });
});

describe("other commands with -f", () => {
  it("diagnose tells node by node, with the logs of trees that are here", async () => {
    const path = clusterFile(freshFolder(), "prod.yaml", [master("m1"), "- {name: m2, address: 10.0.0.2}"]);
    const { code, out } = await runCli(["diagnose", "-f", path, "-o", "json"], { now });
    const data: {
      readonly kind: string;
      readonly nodes: readonly { readonly perennial: { readonly node: string } }[];
      readonly unreachable: readonly { readonly code: string; readonly node: string }[];
    } = JSON.parse(out);
    expect([code, data.kind]).toEqual([3, "ClusterDiagnoses"]);
    expect(data.nodes.map(({ perennial }) => perennial.node)).toEqual(["m1"]);
    expect(data.unreachable).toMatchObject([{ code: "node-unreachable", node: "m2" }]);
    const text = await runCli(["diagnose", "-f", path], { now });
    expect(text.out).toMatch(/^Node m1: [\s\S]*CONFIRMED a certificate has expired[\s\S]*^CRITICAL m2: /m);
  });

  it("the bare command is one screen for all nodes", async () => {
    const path = clusterFile(freshFolder(), "prod.yaml", [master("m1"), master("m2"), master("m3")]);
    const { code, out } = await runCli(["-f", path], { now });
    expect(code).toBe(3);
    expect(out).toMatch(/\(m1, m2, m3\)$/m);
    // Equal names on three nodes are three certificates.
    const [first = "", second = ""] = out.split("\n");
    const counted = /^(\d+) certificates are expired/.exec(first)?.[1];
    expect([Number(counted) > 30, /^ {2}(\d+) certificates expired/.exec(second)?.[1]]).toEqual([
      true,
      counted,
    ]);
    expect(out).toContain(`Next: perennial plan -f ${path}`);
  });
});

describe("plan -f", () => {
  it.each([
    ["one node of two", (): readonly string[] => [master("m1"), "- {name: m2, ssh: 127.0.0.9:1}"]],
    ["every node", (): readonly string[] => ["- {name: m2, ssh: 127.0.0.9:1}"]],
  ])("says why %s cannot be worked on, in words, with what helps", async (_, lines) => {
    const path = clusterFile(freshFolder(), "prod.yaml", lines());
    const { code, err } = await runCli(["plan", "-f", path], { now });
    expect(code).toBe(4);
    expect(err).toMatch(/^ {2}m2 cannot be reached: nothing listens there \(.*\)$/m);
    expect(err).toContain("hint: the same by hand: ssh -v m2 true\n");
    expect(err).toContain("--skip-unreachable");
  });

  it("and renew -f do without such a node when asked to, in the first run of a cluster, too", async () => {
    const roots = ["m1", "m2"].map((name) => fixture(`kubeadm-ha-expired/${name}`));
    const lines = [
      ...roots.map((root, index) => master(`m${index + 1}`, root)),
      "- {name: m3, ssh: 127.0.0.9:1}",
    ];
    const path = clusterFile(freshFolder(), "prod.yaml", lines);
    const state = ["--state-dir", join(freshFolder(), "state")];
    const words = ["renew", "apiserver", "--yes", "-f", path, "--skip-unreachable", ...state];
    const { code, out, err } = await runCli(words, { now });
    expect([code, err]).toEqual([0, ""]);
    expect(out).toContain("m3");
    const { certificates } = await json("check", "-f", path);
    const renewed = certificates.filter(
      ({ name, residualTime }) => name === "apiserver" && Number(residualTime) > 0,
    );
    expect(renewed).toHaveLength(2);
  });
});

describe("nodes that are recognised as different distributions", () => {
  let path = "";
  beforeAll(() => {
    const roots = [fixture("kubeadm-ha-expired/m1"), fixture("kubeadm-ha-expired/m2")] as const;
    layTkestackOver(roots[1], { cluster: "global" });
    path = clusterFile(freshFolder(), "mixed.yaml", [master("m1", roots[0]), master("m2", roots[1])]);
  });

  it.each(["check", "plan", "renew"])("are refused by %s, which says which node is what", async (command) => {
    const { code, err } = await runCli([command, "-f", path], { now });
    expect([code, err.split("\n")]).toEqual([
      1,
      [
        "error: the nodes of cluster mixed look like different distributions: kubeadm (m1); tkestack (m2)",
        "hint: say which it is with profile: in the cluster file (perennial profile list)",
        "",
      ],
    ]);
  });

  it("are refused by verify", async () => {
    const session = await openSession(await readClusterFile(path), {
      environment: {},
      allowLinksTo: [],
      live: null,
      isProbed: false,
      stateDirectory: join(freshFolder(), "state"),
    });
    // Nothing runs in the trees: without a way to processes they only have to look like nodes.
    const accesses = session.accesses.map((access) => ({ ...access, isDialled: true }));
    const request = { choice: { id: null, params: {} }, at: now, withinMs: 0, isReadOnly: true };
    const { signal } = new AbortController();
    await expect(verifyCluster({ ...session, accesses }, { ...request, signal })).rejects.toMatchObject({
      code: "profiles-differ",
      params: { cluster: "mixed", profiles: ["kubeadm (m1)", "tkestack (m2)"] },
    });
    await closeSession(session);
  });

  it("are one cluster once the file says what they are", async () => {
    const told = join(freshFolder(), "mixed.yaml");
    writeFileSync(told, readFileSync(path, "utf8").replace("nodes:", "profile: kubeadm\nnodes:"));
    const { code, err } = await runCli(["plan", "-f", told], { now });
    expect([code, err]).toEqual([0, ""]);
  });
});

/** Of a node on which no run was. */
const noState = { path: "/var/lib/perennial/clusters/c", read: async () => null, list: async () => [] };

describe("nodes of other machines", () => {
  it("are read through what the caller opens, once each, and closed as soon as they are read", async () => {
    const opened: string[] = [];
    const closed: string[] = [];
    const openSsh: NodeOpener = async ({ name }) => {
      if (name === "m3")
        throw new AppError("endpoint-unreachable", { endpoint: "m3", reason: "timeout", detail: "" });
      opened.push(name);
      const root = join(unpackFixtures(), "kubeadm-ha-expired", name);
      const node = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} });
      return {
        root: "/",
        openStore: (as) => node.openStore(as),
        state: () => noState,
        close: async () => void closed.push(name),
      };
    };
    const path = clusterFile(freshFolder(), "prod.yaml", ["- name: m1", "- name: m2", "- name: m3"]);
    const open = openCluster(await readClusterFile(path), { environment: {}, openSsh });
    const gathered = await gatherCluster(open, now);
    const result = await resultOfCluster(open, gathered, { at: now, withinMs: 0 });
    expect([opened.toSorted(), closed.toSorted()]).toEqual([
      ["m1", "m2"],
      ["m1", "m2"],
    ]);
    await open.close();
    expect(closed).toHaveLength(2);
    expect(gathered.facts?.inventory.nodes.map(({ node }) => node)).toEqual(["m1", "m2"]);
    expect(result.findings.filter(({ code }) => code === "node-unreachable")).toMatchObject([
      { node: "m3", params: { where: "m3", error: { code: "endpoint-unreachable" } } },
    ]);
  });

  it("leave no key bytes behind once their facts are made", async () => {
    const root = fixture("kubeadm-ha-expired/m1");
    const read: Uint8Array[] = [];
    const openSsh: NodeOpener = async () => ({
      root: "/",
      close: async () => {},
      state: () => noState,
      openStore: (name) => {
        const store = localNode({ root, stateDirectory: null, allowLinksTo: [], environment: {} }).openStore(
          name,
        );
        return {
          ...store,
          read: async (address, options) => {
            const found = await store.read(address, options);
            if (found.state === "present") read.push(found.bytes);
            return found;
          },
        };
      },
    });
    const cluster = parseClusterFile(
      "{apiVersion: perennial/v1, kind: Cluster, name: c, nodes: [{name: m1}]}",
      "/c.yaml",
    );
    const { facts } = await gatherCluster(openCluster(cluster, { environment: {}, openSsh }), now);
    expect(facts?.slots.get("m1/apiserver")?.key.state).toBe("present");
    expect(read.length).toBeGreaterThan(20);
    expect(read.every((bytes) => bytes.every((byte) => byte === 0))).toBe(true);
  });
});

describe("facts of several nodes", () => {
  it("are merged only when they belong together", async () => {
    const read = async (name: string, at = now) => {
      const line = `{apiVersion: perennial/v1, kind: Cluster, name: c, nodes: [${master(name).slice(2)}]}`;
      const open = openCluster(parseClusterFile(line, "/c.yaml"), { environment: {} });
      const { facts } = await gatherCluster(open, at);
      if (facts === null) throw new TypeError("nothing was read");
      return facts;
    };
    const [m1, m2, later] = [await read("m1"), await read("m2"), await read("m2", now + 1)];
    const merged = mergeFacts("prod", [m2, m1]);
    expect(merged.inventory.cluster).toBe("prod");
    expect(merged.inventory.nodes.map(({ node }) => node)).toEqual(["m2", "m1"]);
    expect(merged.slots.size).toBe(m1.slots.size + m2.slots.size);
    expect(merged.authorities.get("m1/ca")).toBe(m1.authorities.get("m1/ca"));
    expect(() => mergeFacts("prod", [m1, later])).toThrow(TypeError);
    expect(() => mergeFacts("prod", [m1, m1])).toThrow(TypeError);
    expect(() => mergeFacts("prod", [])).toThrow(TypeError);
  });
});

describe("two hundred nodes", () => {
  let path = "";

  beforeAll(() => {
    const folder = freshFolder();
    const names = Array.from({ length: 200 }, (_, index) => `w${index}`);
    const source = join(unpackFixtures(), "kubeadm-ha-expired/m1/etc/kubernetes/pki");
    for (const name of names) {
      const kubernetes = join(folder, name, "etc/kubernetes");
      mkdirSync(join(folder, name, "etc/kubernetes"), { recursive: true });
      execFileSync("cp", ["-a", source, kubernetes]);
      writeFileSync(join(folder, name, "etc/hostname"), `${name}\n`);
    }
    path = clusterFile(
      folder,
      "many.yaml",
      names.map((name) => `- {name: ${name}, root: ${name}}`),
    );
  }, 30_000);

  it("are read at once in bounded memory", async () => {
    const open = openCluster(await readClusterFile(path), { environment: {} });
    const before = process.memoryUsage.rss();
    const { facts, outcomes } = await gatherCluster(open, now);
    const grownBytes = process.memoryUsage.rss() - before;
    expect(outcomes.filter(({ state }) => state === "failed")).toEqual([]);
    expect(facts?.inventory.nodes).toHaveLength(200);
    expect(grownBytes).toBeLessThan(200 * 1024 * 1024);
  }, 30_000);

  it("are never more than 32 at a time", async () => {
    const cluster = await readClusterFile(path);
    const counts = { now: 0, most: 0 };
    const open = openCluster(cluster, { environment: {} });
    const nodes = open.nodes.map((access) => ({
      ...access,
      open: async () => {
        counts.now += 1;
        counts.most = Math.max(counts.most, counts.now);
        await new Promise((done) => void setImmediate(done));
        counts.now -= 1;
        throw new AppError("not-a-node", { root: "/" });
      },
    }));
    await gatherCluster({ ...open, nodes }, now);
    expect(counts.most).toBe(32);
  });
});

describe("init", () => {
  it("writes what m1's files say, each value with its source, and the result is a cluster file", async () => {
    const [root, folder] = [fixture("kubeadm-ha-expired/m1"), freshFolder()];
    const before = snapshotTree(root);
    const out = join(folder, "cluster.yaml");
    const done = await runCli(["init", "--root", root, "--out", out], { now });
    expect([done.code, done.err]).toEqual([0, ""]);
    expect(done.out).toBe(
      `Written: ${out} (nodes: m1).\n` +
        `No file here names another node. If there are others, remove it and name them: perennial init --node NAME=ADDRESS --worker NAME=ADDRESS --root ${root}\n` +
        `Next: look it over, then perennial check -f ${out}\n`,
    );
    const text = readFileSync(out, "utf8");
    expect(text).toContain(
      "  address: 192.0.2.11 # --advertise-address in /etc/kubernetes/manifests/kube-apiserver.yaml\n",
    );
    expect(text).toContain(
      "# API at https://lb.example.internal:6443 (server in /etc/kubernetes/admin.conf): a load balancer, or one of the nodes below\n",
    );
    expect(parseClusterFile(text, out)).toMatchObject({
      name: "kubernetes",
      nodes: [
        {
          name: "m1",
          address: "192.0.2.11",
          roles: ["control-plane", "etcd"],
          reach: { kind: "root", root },
        },
      ],
    });
    expect(snapshotTree(root)).toEqual(before);
    expect((await runCli(["check", "-f", out], { now })).code).toBe(3);
  });

  it("takes the other members from the manifest and further nodes from options", async () => {
    const out = join(freshFolder(), "cluster.yaml");
    const words = ["--node", "m2=10.9.9.2", "--worker", "w1=fd00::1"];
    const root = join(unpackFixtures(), "kubeadm-ha-expired/m3");
    const { code } = await runCli(["init", "--root", root, "--out", out, ...words], { now, lang: "zh" });
    expect(code).toBe(0);
    const text = readFileSync(out, "utf8");
    expect(text).toContain(
      "- name: m1 # /etc/kubernetes/manifests/etcd.yaml 中的 --initial-cluster\n  address: 192.0.2.11 # ",
    );
    const { nodes } = parseClusterFile(text, out);
    expect(nodes.map(({ name, address, roles, reach }) => [name, address, roles.join(), reach.kind])).toEqual(
      [
        ["m3", "192.0.2.13", "control-plane,etcd", "root"],
        ["m1", "192.0.2.11", "control-plane,etcd", "ssh"],
        ["m2", "10.9.9.2", "control-plane,etcd", "ssh"],
        ["w1", "fd00::1", "worker", "ssh"],
      ],
    );
  });

  it("overwrites nothing, not even through a link", async () => {
    const folder = freshFolder();
    const root = join(unpackFixtures(), "kubeadm-ha-expired/m1");
    const [out, link] = [join(folder, "cluster.yaml"), join(folder, "link.yaml")];
    writeFileSync(out, "mine\n");
    symlinkSync(join(folder, "elsewhere"), link);
    for (const path of [out, link]) {
      const { code, err } = await runCli(["init", "--root", root, "--out", path], { now });
      expect([code, err]).toEqual([4, expect.stringContaining(`${path} exists already`)]);
    }
    expect([readFileSync(out, "utf8"), existsSync(join(folder, "elsewhere"))]).toEqual(["mine\n", false]);
  });

  it("refuses names that are none, twice the same, or this node's own, and writes nothing then", async () => {
    const out = join(freshFolder(), "cluster.yaml");
    const root = join(unpackFixtures(), "kubeadm-ha-expired/m1");
    for (const words of [["m2"], ["m2=a b"], ["m2=10.0.0.2", "--worker", "m2=10.0.0.3"], ["m1=10.0.0.1"]]) {
      const { code } = await runCli(["init", "--root", root, "--out", out, "--node", ...words], { now });
      expect(code).toBe(2);
    }
    expect(existsSync(out)).toBe(false);
  });

  it("takes nothing from a hostile manifest that would change the meaning of the file", async () => {
    const root = fixture("kubeadm-ha-expired/m3");
    const manifest = join(root, "etc/kubernetes/manifests/etcd.yaml");
    const text = readFileSync(manifest, "utf8");
    const hostile = String.raw`- "--initial-cluster=m2\n  local: true=https://192.0.2.12:2380"`;
    writeFileSync(manifest, text.replace(/- --initial-cluster=.*$/m, hostile));
    const out = join(freshFolder(), "cluster.yaml");
    const { code, err } = await runCli(["init", "--root", root, "--out", out], { now });
    expect([code, err]).toEqual([
      2,
      expect.stringContaining(String.raw`nodes[1].name m2\x0a  local: true is no name`),
    ]);
    expect(existsSync(out)).toBe(false);
  });
});
