// What must be equal on all nodes: authorities and the service account pair, also in the middle of a rollover.
import { copyFileSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { checkResult } from "../../../src/app/check.ts";
import { gather } from "../../../src/app/gather.ts";
import { mergeFacts } from "../../../src/core/policy/merge-facts.ts";
import { choice, nodeAt } from "../../support/control-plane.ts";
import { fixture } from "../../support/fixtures.ts";

const at = Date.UTC(2026, 10, 22);
const names = ["m1", "m2", "m3"] as const;
const pki = "etc/kubernetes/pki";

async function differences(
  change: (roots: readonly string[], stranger: string) => void,
  codes: readonly string[] = ["authority-differs-between-nodes", "service-account-pair-differs"],
): Promise<readonly unknown[]> {
  const roots = names.map((name) => fixture(`kubeadm-ha-expired/${name}`));
  change(roots, join(fixture("kubeadm-ecdsa-expired/m1"), pki));
  const parts = await Promise.all(roots.map(async (root) => (await gather(nodeAt(root), choice, at)).facts));
  const { findings } = checkResult(mergeFacts("prod", parts), { withinMs: 0, root: "/" });
  return findings
    .filter(({ code }) => codes.includes(code))
    .map(({ code, node, name, severity, params }) => [code, node, name, severity, params]);
}

describe("nodes of one cluster", () => {
  it("agree when they are made by kubeadm", async () => {
    expect(await differences(() => {})).toEqual([]);
  });

  it("tell the one whose front-proxy CA and etcd CA are others, and who agrees", async () => {
    const found = await differences(([, m2 = ""], stranger) => {
      for (const file of ["front-proxy-ca.crt", "front-proxy-ca.key"])
        copyFileSync(join(stranger, file), join(m2, pki, file));
    });
    const path = "/etc/kubernetes/pki/front-proxy-ca.crt";
    expect(found).toEqual([
      ["authority-differs-between-nodes", "m2", "front-proxy-ca", "critical", { path, others: ["m1", "m3"] }],
    ]);
  });

  it("tell the one that signs tokens with another key", async () => {
    const found = await differences(([, , m3 = ""], stranger) => {
      for (const file of ["sa.pub", "sa.key"]) copyFileSync(join(stranger, file), join(m3, pki, file));
    });
    expect(found).toEqual([
      ["service-account-pair-differs", "m3", "sa", "critical", { path: "/etc/kubernetes/pki/sa.pub" }],
    ]);
  });

  it("may sign with two keys as long as each believes both", async () => {
    const bundles = (roots: readonly string[], stranger: string, how: readonly number[]): void => {
      const other = readFileSync(join(stranger, "ca.crt"), "utf8");
      for (const index of how) {
        const file = join(roots[index] ?? "", pki, "ca.crt");
        writeFileSync(file, `${readFileSync(file, "utf8")}${other}`);
      }
      copyFileSync(join(stranger, "ca.key"), join(roots[0] ?? "", pki, "ca.key"));
    };
    expect(await differences((roots, stranger) => bundles(roots, stranger, [0, 1, 2]))).toEqual([]);
    // m3 was forgotten: what m1 signs is refused there.
    const half = await differences((roots, stranger) => bundles(roots, stranger, [0, 1]));
    expect(half).toMatchObject([
      ["authority-differs-between-nodes", "m1", "ca", "critical", { others: ["m2", "m3"] }],
    ]);
  });

  it("that have no key of a CA are told only where none of the others has it", async () => {
    const without = (nodes: readonly string[]) => (roots: readonly string[]) =>
      roots
        .filter((_, index) => nodes.includes(names[index] ?? ""))
        .forEach((root) => rmSync(join(root, pki, "ca.key")));
    expect(await differences(without(["m1", "m2"]), ["externally-managed"])).toEqual([]);
    expect(await differences(without(["m1", "m2", "m3"]), ["externally-managed"])).toEqual(
      names.map((name) => ["externally-managed", name, "ca", "info", { authority: "ca" }]),
    );
  });
});
