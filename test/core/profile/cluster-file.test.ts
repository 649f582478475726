// cluster.yaml: what is read from it, and every fault with its line.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ClusterFault, ClusterNode } from "../../../src/core/model/cluster.ts";
import { AppError } from "../../../src/core/model/errors.ts";
import { parseClusterFile } from "../../../src/core/profile/cluster-file.ts";
import { renderError } from "../../../src/report/error-text.ts";

const path = "/home/ops/clusters/prod.yaml";

const head = ["apiVersion: perennial/v1", "kind: Cluster", "name: prod"];

function nodesOf(...lines: readonly string[]): readonly ClusterNode[] {
  return parseClusterFile([...head, "nodes:", ...lines].join("\n"), path).nodes;
}

function faultsOf(text: string): readonly ClusterFault[] {
  try {
    parseClusterFile(text, path);
  } catch (error) {
    if (error instanceof AppError && error.code === "cluster-invalid")
      return (error as AppError<"cluster-invalid">).params.faults;
    throw error;
  }
  return [];
}

/** `LINE AT FAULT`. */
function shortFaults(...lines: readonly string[]): readonly string[] {
  return faultsOf(lines.join("\n")).map(({ line, at, fault }) => `${line} ${at} ${fault}`);
}

const byDefault = {
  kind: "ssh",
  user: null,
  port: null,
  identityFile: null,
  jump: null,
  sshConfig: null,
  sudo: false,
};

describe("a cluster file", () => {
  it("gives every key its default", () => {
    expect(parseClusterFile([...head, "nodes:", "- name: m1"].join("\n"), path)).toEqual({
      name: "prod",
      profile: null,
      params: {},
      nodes: [
        {
          name: "m1",
          address: null,
          roles: ["control-plane", "etcd"],
          reach: { ...byDefault, host: "m1" },
        },
      ],
    });
  });

  it("reaches a node at its address unless a host is named", () => {
    const [a, b, c] = nodesOf(
      "- {name: a, address: 10.0.0.1}",
      "- {name: b, address: 10.0.0.2, ssh: {host: bastion-b}}",
      "- {name: c, address: fd00::3, ssh: {port: 2222}}",
    );
    expect([a, b, c].map((node) => (node?.reach.kind === "ssh" ? node.reach.host : null))).toEqual([
      "10.0.0.1",
      "bastion-b",
      "fd00::3",
    ]);
  });

  it("takes profile, parameters and the defaults of ssh, which a node overrides", () => {
    const cluster = parseClusterFile(
      [
        ...head,
        "profile: kubeadm",
        "set: {pkiDir: /data/pki, depth: 007}",
        "ssh: {config: ssh_config, user: ops, port: 2200, identityFile: ~/.ssh/id, jump: me@bastion, sudo: yes}",
        "nodes:",
        "- name: a",
        "- name: b",
        "  ssh: {user: root, identityFile: keys/b, sudo: no}",
        "- name: c",
        "  ssh: admin@10.0.0.3:22",
      ].join("\n"),
      path,
    );
    const usual = {
      ...byDefault,
      user: "ops",
      port: 2200,
      identityFile: "~/.ssh/id",
      jump: "me@bastion",
      sshConfig: "/home/ops/clusters/ssh_config",
      sudo: true,
    };
    expect(cluster.profile).toBe("kubeadm");
    expect(cluster.params).toEqual({ pkiDir: "/data/pki", depth: "007" });
    expect(cluster.nodes.map(({ reach }) => reach)).toEqual([
      { ...usual, host: "a" },
      { ...usual, host: "b", user: "root", identityFile: "/home/ops/clusters/keys/b", sudo: false },
      { ...usual, host: "10.0.0.3", user: "admin", port: 22 },
    ]);
  });

  it.each([
    ["10.0.0.3", { host: "10.0.0.3" }],
    ["ops@h", { user: "ops", host: "h" }],
    ["h:22", { host: "h", port: 22 }],
    ["fd00::9", { host: "fd00::9" }],
    ["ops@[fd00::9]:2222", { user: "ops", host: "fd00::9", port: 2222 }],
    ["me@example.com@h", { user: "me@example.com", host: "h" }], // a login of a directory service,
  ])("reads ssh: %s", (text, expected) => {
    expect(nodesOf(`- {name: a, ssh: "${text}"}`)[0]?.reach).toEqual({ ...byDefault, ...expected });
  });

  it("resolves paths from its own folder", () => {
    const roots = ["m1", "./m2", "../m3", "/abs/../m4", "../../../../m5"];
    const read = nodesOf(...roots.map((root, index) => `- {name: n${index}, root: ${root}}`));
    expect(read.map(({ reach }) => reach)).toEqual(
      ["/home/ops/clusters/m1", "/home/ops/clusters/m2", "/home/ops/m3", "/m4", "/m5"].map((root) => ({
        kind: "root",
        root,
      })),
    );
  });

  it("takes one node as this machine, and each role once", () => {
    const [node] = nodesOf("- name: w1", "  local: true", "  roles: [worker, worker]");
    expect(node).toEqual({ name: "w1", address: null, roles: ["worker"], reach: { kind: "local" } });
  });
});

describe("a fault of a cluster file", () => {
  it("is told together with all others, by line", () => {
    expect(
      shortFaults(
        "apiVersion: perennial/v2",
        "kind: Cluster",
        "nodess: 1",
        "profile: rke",
        "set: {a: [1]}",
        "ssh: {port: 0, hosts: x}",
        "nodes:",
        "- name: m1",
        "  root: x",
        "  local: true",
        "- name: m1",
        '  ssh: "-oProxyCommand=x@h:99999"',
        "- local: false",
        "  roles: [master]",
      ),
    ).toEqual([
      "1 apiVersion not-one-of",
      "1 name missing",
      "3 nodess unknown-key",
      "4 profile not-one-of",
      "5 set.a not-text",
      "6 ssh.hosts unknown-key",
      "6 ssh.port not-a-port",
      "9 nodes[0] several-reaches",
      "11 nodes[1].name duplicate",
      "12 nodes[1].ssh not-a-user",
      "12 nodes[1].ssh not-a-port",
      "13 nodes[2].name missing",
      "13 nodes[2].local not-true",
      "14 nodes[2].roles[0] not-one-of",
    ]);
  });

  it.each([
    ["", ["1  empty"]],
    ["# nothing\n", ["1  empty"]],
    ["- a", ["1  not-a-mapping"]],
    ["a: b: c", ["1  not-yaml"]],
    [[...head, "nodes: []"].join("\n"), ["4 nodes empty"]],
    [[...head, "nodes: m1"].join("\n"), ["4 nodes not-a-list"]],
    [head.join("\n"), ["1 nodes missing"]],
    [[...head, "nodes:", "- m1"].join("\n"), ["5 nodes[0] not-a-mapping"]],
    [[...head, "nodes:", "- {name: ''}"].join("\n"), ["5 nodes[0].name empty"]],
    [[...head, "nodes:", "- {name: a/b}"].join("\n"), ["5 nodes[0].name not-a-name"]],
    [[...head, "nodes:", "- {name: a, roles: []}"].join("\n"), ["5 nodes[0].roles empty"]],
    [[...head, "nodes:", "- {name: a, address: a b}"].join("\n"), ["5 nodes[0].address not-a-host"]],
    [
      [...head, "nodes:", "- {name: a, ssh: {sudo: maybe}}"].join("\n"),
      ["5 nodes[0].ssh.sudo not-a-boolean"],
    ],
    [[...head, "nodes:", "- {name: a, ssh: {jump: -x}}"].join("\n"), ["5 nodes[0].ssh.jump not-a-jump"]],
    [[...head, "nodes:", "- {name: a, ssh: {config: x}}"].join("\n"), ["5 nodes[0].ssh.config unknown-key"]],
    [[...head, "nodes:", "- {name: a}", "---", "a: b"].join("\n"), ["7  several-documents"]],
  ])("%j", (text, expected) => {
    expect(shortFaults(text)).toEqual(expected);
  });

  it("is two nodes that are one: by name, address, tree or login; and two that are this machine", () => {
    expect(
      shortFaults(
        ...head,
        "nodes:",
        "- {name: a, address: 10.0.0.1, root: t}",
        "- {name: b, address: 10.0.0.1, root: ./t}",
        "- {name: c, ssh: h}",
        "- {name: d, ssh: {host: h}}",
        "- {name: e, ssh: h:23}",
        "- {name: f, local: true}",
        "- {name: g, local: true}",
      ),
    ).toEqual([
      "6 nodes[1].address duplicate",
      "6 nodes[1].root duplicate",
      "8 nodes[3].ssh duplicate",
      "11 nodes[6].local second-local",
    ]);
  });

  it("names its line and key in both languages", () => {
    const error = new AppError("cluster-invalid", {
      path,
      faults: faultsOf([...head, "nodes:", "- {name: a, rol: 1}"].join("\n")),
    });
    expect(renderError(error, "en").error).toBe(
      `${path} does not describe a cluster:\n  line 5: nodes[0].rol is no key that is known here: name, address, roles, local, root, ssh`,
    );
    expect(renderError(error, "zh").error).toBe(
      `${path} 没有正确描述一个集群：\n  第 5 行：nodes[0].rol 不是此处可用的键，可用：name、address、roles、local、root、ssh`,
    );
  });

  it("is found whatever the value is: every hostile host, user and jump is refused, and never taken for an option", () => {
    fc.assert(
      fc.property(fc.constantFrom("host", "user", "jump"), fc.string({ unit: "binary" }), (key, rest) => {
        const value = `-${rest}`;
        const text = [...head, "nodes:", `- {name: a, ssh: {${key}: ${JSON.stringify(value)}}}`].join("\n");
        expect(faultsOf(text).length).toBeGreaterThan(0);
      }),
      { numRuns: 100 },
    );
  });

  it("is an AppError for any text, and a line of the text", () => {
    const line = fc.oneof(
      fc.constantFrom(
        ...head,
        "nodes:",
        "- name: a",
        "  local: true",
        "  root: x",
        "  roles: [worker]",
        "  ssh: {user: x}",
        "ssh: {port: 22}",
        "  name: ~",
        "name:",
        "set: {a: b}",
        "- ",
        "&a [*a]",
      ),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
        const text = lines.join("\n");
        for (const fault of faultsOf(text)) {
          expect(fault.line).toBeGreaterThanOrEqual(1);
          expect(fault.line).toBeLessThanOrEqual(text.split("\n").length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it("of one changed field is that field's, at its line", () => {
    const broken = {
      "name: a": ["name: a b", "nodes[0].name"],
      "address: 10.0.0.1": ["address: -x", "nodes[0].address"],
      "port: 22": ["port: 65536", "nodes[0].ssh.port"],
      "user: ops": ["user: -l", "nodes[0].ssh.user"],
      "sudo: true": ["sudo: 1", "nodes[0].ssh.sudo"],
    } as const;
    const good = [
      "- name: a",
      "  address: 10.0.0.1",
      "  ssh:",
      "    port: 22",
      "    user: ops",
      "    sudo: true",
    ];
    fc.assert(
      fc.property(fc.subarray(Object.keys(broken) as (keyof typeof broken)[]), (keys) => {
        const lines = [...head, "nodes:", ...good].map((text) => {
          const key = keys.find((one) => text.endsWith(one));
          return key === undefined ? text : text.replace(key, broken[key][0]);
        });
        const found = faultsOf(lines.join("\n")).map(({ line, at }) => `${line} ${at}`);
        const expected = keys
          .map((key) => `${lines.findIndex((text) => text.endsWith(broken[key][0])) + 1} ${broken[key][1]}`)
          .toSorted();
        expect(found.toSorted()).toEqual(expected);
      }),
    );
  });
});
