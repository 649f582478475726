// Nodes that kubeadm does not manage: named, left alone, and told what renews them.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { otherDistributions } from "../../src/report/messages/en/other-distributions.ts";
import { runCli } from "../support/cli.ts";
import { fixture, freshFolder } from "../support/fixtures.ts";

/** One file of each, as it is found on a server or an agent. */
const trees = {
  openshift: "etc/kubernetes/static-pod-resources/kube-apiserver-pod-7/kube-apiserver-pod.yaml",
  rke2: "var/lib/rancher/rke2/server/tls/server-ca.crt",
  k3s: "var/lib/rancher/k3s/agent/kubelet.kubeconfig",
  rke: "etc/kubernetes/ssl/kube-ca.pem",
  microk8s: "var/snap/microk8s/current/certs/ca.crt",
  k0s: "var/lib/k0s/pki/ca.crt",
  talos: "system/secrets/kubernetes/kube-apiserver/ca.crt",
  kops: "etc/kubernetes/manifests/kube-apiserver.manifest",
  "eks-anywhere-bottlerocket": "var/lib/kubeadm/pki/ca.crt",
} as const satisfies Record<keyof typeof otherDistributions, string>;

function put(root: string, path: string): string {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), "");
  return root;
}

describe("a node of another distribution", () => {
  for (const [id, path] of Object.entries(trees) as [keyof typeof trees, string][]) {
    it(`is left alone: ${id}`, async () => {
      const root = put(freshFolder(), path);
      for (const command of ["check", "plan"]) {
        const { code, err, out } = await runCli([command, "--root", root]);
        expect([code, out]).toEqual([1, ""]);
        expect(err).toContain(`is a node of ${otherDistributions[id].name} (`);
        expect(err).toContain("it is left alone");
        expect(err).toContain(otherDistributions[id].next[0]);
      }
      const { err } = await runCli(["check", "--root", root], { lang: "zh" });
      expect(err).toContain("不由 kubeadm 管理");
    });
  }

  it("is not kubeadm's for a kubelet.conf, which OpenShift has too", async () => {
    const root = put(put(freshFolder(), trees.openshift), "etc/kubernetes/kubelet.conf");
    expect((await runCli(["check", "--root", root])).err).toContain("is a node of OpenShift");
  });

  it("is kubeadm's when kubeadm's own CA is there, whatever was left behind, and when the operator says so", async () => {
    const root = put(fixture("kubeadm-ecdsa-expired/m1"), trees.k3s);
    const { out } = await runCli(["check", "--root", root, "-o", "json"]);
    expect(JSON.parse(out)).toMatchObject({ perennial: { profile: "kubeadm" } });
    const agent = put(freshFolder(), trees.k3s);
    const { err } = await runCli(["check", "--root", agent, "--profile", "kubeadm"]);
    expect(err).not.toContain("k3s");
  });

  it("that nobody knows is no node, as before", async () => {
    const { code, err } = await runCli(["check", "--root", freshFolder()]);
    expect(code).toBe(1);
    expect(err).toContain("does not look like a control-plane node");
  });
});
