// English: distributions that are left alone, and what renews their certificates.
import type { OtherDistribution } from "../../../core/model/other-distribution.ts";

export interface DistributionText {
  readonly name: string;
  /** What renews. */
  readonly renews: string;
  /** What to do, most useful first. */
  readonly next: readonly string[];
}

const rancher = (program: string): readonly string[] => [
  `systemctl restart ${program}-server, or ${program} if that is the unit: what ends within 90 days (120 in newer versions) is renewed at the start`,
  `sooner: stop the service, ${program} certificate rotate, start it; servers first, then agents; kubeconfigs that were copied have to be copied again`,
];

export const otherDistributions: Readonly<Record<OtherDistribution, DistributionText>> = {
  openshift: {
    name: "OpenShift",
    renews: "its operators, by themselves",
    next: [
      "after an outage: oc get csr, approve what waits; see Recovering from expired control plane certificates in its documentation",
    ],
  },
  rke2: { name: "RKE2", renews: "RKE2 itself, when it starts", next: rancher("rke2") },
  k3s: { name: "k3s", renews: "k3s itself, when it starts", next: rancher("k3s") },
  rke: {
    name: "RKE",
    renews: "rke on the machine that has cluster.yml",
    next: ["rke cert rotate --config cluster.yml, where cluster.yml and its .rkestate are"],
  },
  microk8s: {
    name: "MicroK8s",
    renews: "MicroK8s, when it is told to",
    next: ["microk8s refresh-certs --check, then microk8s refresh-certs --cert server.crt"],
  },
  k0s: { name: "k0s", renews: "k0s itself", next: ["see certificates in the documentation of k0s"] },
  talos: {
    name: "Talos",
    renews: "Talos itself; people renew only their talosconfig and kubeconfig",
    next: ["talosctl kubeconfig for a new kubeconfig"],
  },
  kops: {
    name: "kOps",
    renews: "kOps, when a node starts anew",
    next: ["kops rolling-update cluster --force --yes, control planes one by one"],
  },
  "eks-anywhere-bottlerocket": {
    name: "EKS Anywhere on Bottlerocket",
    renews: "EKS Anywhere, which replaces nodes when the cluster is upgraded",
    next: ["see certificate rotation in the documentation of EKS Anywhere"],
  },
};
