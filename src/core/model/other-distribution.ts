// Distributions whose nodes are recognised so that they can be left alone: something else renews their certificates.

export type OtherDistribution =
  | "openshift"
  | "rke2"
  | "k3s"
  | "rke"
  | "microk8s"
  | "k0s"
  | "talos"
  | "kops"
  /** kubeadm runs in it, but the system keeps nothing where it is mounted elsewhere. */
  | "eks-anywhere-bottlerocket";
