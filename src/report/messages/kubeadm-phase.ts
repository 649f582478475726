// The kubeadm command that makes one certificate or kubeconfig anew: what to run when there is nothing left to renew.

const certificates: ReadonlySet<string> = new Set([
  "apiserver",
  "apiserver-etcd-client",
  "apiserver-kubelet-client",
  "etcd-healthcheck-client",
  "etcd-peer",
  "etcd-server",
  "front-proxy-client",
]);
const kubeconfigs: ReadonlySet<string> = new Set([
  "admin",
  "controller-manager",
  "kubelet",
  "scheduler",
  "super-admin",
]);

/** Source: cmd/kubeadm/app/cmd/phases/init/{certs,kubeconfig}.go. null for names kubeadm does not make. */
export function kubeadmPhase(name: string): string | null {
  if (certificates.has(name)) return `kubeadm init phase certs ${name} --config kubeadm.yaml`;
  const base = name.replace(/\.conf$/, "");
  return base !== name && kubeconfigs.has(base)
    ? `kubeadm init phase kubeconfig ${base} --config kubeadm.yaml`
    : null;
}
