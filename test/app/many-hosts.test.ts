// Many hosts: few questions to each, few of them at a time, and nothing of what was read is left in memory but the facts.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { gatherCluster, type NodeOpener, openCluster } from "../../src/app/cluster.ts";
import { gather } from "../../src/app/gather.ts";
import { nodesAtOnce } from "../../src/app/in-parallel.ts";
import { AppError } from "../../src/core/model/errors.ts";
import type { Cluster } from "../../src/core/model/cluster.ts";
import { openFileStore } from "../../src/drivers/store/files.ts";
import { openRemoteFileStore } from "../../src/drivers/store/remote-files.ts";
import { choice, today } from "../support/control-plane.ts";
import { fixture } from "../support/fixtures.ts";
import { openLocalShell } from "../support/local-shell.ts";

const count = 40;

/** A control plane that says nowhere what it is called. */
let tree: string;
beforeAll(() => {
  tree = fixture("kubeadm-ha-expired/m1");
  for (const name of ["manifests/etcd.yaml", "kubelet.conf"]) rmSync(join(tree, "etc/kubernetes", name));
});

function clusterOf(names: readonly string[]): Cluster {
  const reach = {
    kind: "ssh",
    user: null,
    port: null,
    identityFile: null,
    jump: null,
    sshConfig: null,
    sudo: false,
  } as const;
  return {
    name: "many",
    profile: "kubeadm",
    params: {},
    nodes: names.map((name) => ({
      name,
      address: null,
      roles: ["control-plane"],
      reach: { ...reach, host: name },
    })),
  };
}

/** What was handed out and not overwritten since, by node; who is open; the most of both at any time. */
class Watch {
  readonly handed = new Map<string, Uint8Array[]>();
  readonly open = new Set<string>();
  mostOpen = 0;
  mostHeld = 0;

  holders(): number {
    return [...this.handed.values()].filter((all) => all.some((bytes) => bytes.some((byte) => byte !== 0)))
      .length;
  }

  opener(isBroken: (name: string) => boolean = () => false): NodeOpener {
    return async ({ name }) => {
      if (isBroken(name)) throw new AppError("host-lost", { host: name, reason: "test" });
      this.open.add(name);
      this.mostOpen = Math.max(this.mostOpen, this.open.size);
      this.mostHeld = Math.max(this.mostHeld, this.holders());
      return {
        root: "/",
        isFar: true,
        openStore: (node) => {
          const store = openFileStore({ root: tree, node });
          return {
            ...store,
            read: async (address, options) => {
              const found = await store.read(address, options);
              if (found.state === "present")
                this.handed.set(name, [...(this.handed.get(name) ?? []), found.bytes]);
              return found;
            },
          };
        },
        state: (path) => ({ path, read: async () => null, list: async () => [] }),
        close: async () => {
          this.open.delete(name);
        },
      };
    };
  }
}

const names = Array.from({ length: count }, (_, index) => `n${index}`);

describe("forty hosts", () => {
  it("are read thirty-two at a time, left as soon as they were read, and leave nothing but facts", async () => {
    const watch = new Watch();
    const open = openCluster(clusterOf(names), { environment: {}, openSsh: watch.opener() });
    const { outcomes, facts } = await gatherCluster(open, today);
    expect(outcomes.map(({ node, state }) => [node.name, state])).toEqual(
      names.map((name) => [name, "read"]),
    );
    expect(facts?.inventory.nodes).toHaveLength(count);
    expect([watch.mostOpen, nodesAtOnce]).toEqual([32, 32]);
    expect(watch.open.size).toBe(0);
    expect(watch.mostHeld).toBeLessThanOrEqual(nodesAtOnce);
    expect(watch.handed.size).toBe(count);
    expect(watch.holders()).toBe(0);
    await open.close();
  });

  it("of which some cannot be reached are told one by one, and the others are read and left", async () => {
    const watch = new Watch();
    const isBroken = (name: string): boolean => Number(name.slice(1)) % 4 === 0;
    const open = openCluster(clusterOf(names), { environment: {}, openSsh: watch.opener(isBroken) });
    const { outcomes } = await gatherCluster(open, today);
    expect(outcomes.map(({ state }) => state)).toEqual(
      names.map((name) => (isBroken(name) ? "failed" : "read")),
    );
    expect(watch.open.size).toBe(0);
    await open.close();
  });
});

describe("a host behind a shell", () => {
  const host = openLocalShell();
  afterAll(() => host.close());

  it("is asked twice, and what comes of it is what a local look finds", async () => {
    const node = {
      root: "/",
      nodeName: "n1",
      openStore: (name: string) => ({
        ...openRemoteFileStore({ host, root: tree, node: name }),
        close: () => {},
      }),
    };
    const far = await gather({ ...node, isFar: true }, choice, today);
    expect(host.scripts).toHaveLength(2);
    const local = { ...node, openStore: (name: string) => openFileStore({ root: tree, node: name }) };
    expect(far).toEqual(await gather(local, choice, today));
  });
});
