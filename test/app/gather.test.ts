// Gathering looks at a node once: one store, every file read once, and what was read before the node's name was known has that name.
import { describe, expect, it } from "vitest";
import { gather } from "../../src/app/gather.ts";
import type { LocalNode } from "../../src/app/local-node.ts";
import { choice, controlPlane, nodeAt, today } from "../support/control-plane.ts";

interface Counted extends LocalNode {
  readonly opened: string[];
  readonly read: string[];
  readonly closed: string[];
}

function counted(local: LocalNode): Counted {
  const [opened, read, closed]: [string[], string[], string[]] = [[], [], []];
  return {
    ...local,
    opened,
    read,
    closed,
    openStore(node) {
      opened.push(node);
      const store = local.openStore(node);
      return {
        ...store,
        read(address, options) {
          read.push(address.path);
          return store.read(address, options);
        },
        close() {
          closed.push(node);
          store.close();
        },
      };
    },
  };
}

describe("gathering", () => {
  it("opens the node's files once, reads each once and closes them", async () => {
    const local = counted(nodeAt(await controlPlane()));
    await gather(local, choice, today);
    expect(local.opened).toHaveLength(1);
    expect(local.closed).toEqual(local.opened);
    expect(local.read).toContain("/etc/kubernetes/manifests/etcd.yaml");
    expect(local.read.toSorted()).toEqual([...new Set(local.read)].toSorted());
  });

  it("gives everything the node's own name, what it was found out from included", async () => {
    const { facts, inventory } = await gather(nodeAt(await controlPlane()), choice, today);
    expect(inventory.nodes.map(({ node }) => node)).toEqual(["m1"]);
    const objects = [...facts.slots.values(), ...facts.authorities.values()].flatMap((slot) => slot.objects);
    expect(objects.map(({ address }) => address.path)).toContain("/etc/kubernetes/pki/ca.crt");
    expect(new Set(objects.map(({ address }) => address.node))).toEqual(new Set(["m1"]));
  });
});
