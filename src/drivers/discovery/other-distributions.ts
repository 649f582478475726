// Discovery of nodes that kubeadm does not manage: which distribution it is, by files that only it writes.
import type { OtherDistribution } from "../../core/model/other-distribution.ts";
import type { NodeView } from "../../engine/ports/node-view.ts";

/** Folders and files of a distribution's own, on its servers and on its agents. Source of each: docs/profiles/README.md. */
const signs: readonly (readonly [OtherDistribution, readonly string[]])[] = [
  ["openshift", ["/etc/kubernetes/static-pod-resources", "/etc/machine-config-daemon"]],
  ["rke2", ["/var/lib/rancher/rke2/server/tls", "/var/lib/rancher/rke2/agent", "/etc/rancher/rke2"]],
  ["k3s", ["/var/lib/rancher/k3s/server/tls", "/var/lib/rancher/k3s/agent", "/etc/rancher/k3s"]],
  ["rke", ["/etc/kubernetes/ssl/kube-ca.pem"]],
  ["microk8s", ["/var/snap/microk8s/current/certs"]],
  ["k0s", ["/var/lib/k0s/pki", "/etc/k0s/k0s.yaml"]],
  ["talos", ["/system/secrets/kubernetes", "/system/secrets/kubelet"]],
  ["kops", ["/etc/kubernetes/manifests/kube-apiserver.manifest", "/opt/kops/conf/kube_env.yaml"]],
  ["eks-anywhere-bottlerocket", ["/var/lib/kubeadm/pki"]],
];

export interface FoundDistribution {
  readonly distribution: OtherDistribution;
  /** What it was recognised by. */
  readonly path: string;
}

/** The first that fits; null when none does. */
export async function otherDistribution(view: NodeView): Promise<FoundDistribution | null> {
  for (const [distribution, paths] of signs)
    for (const path of paths) if ((await view.read(path)).state !== "absent") return { distribution, path };
  return null;
}
