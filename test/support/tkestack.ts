// What TKEStack leaves on a node that kubeadm has set up: laid over a tree of the fixtures.
// After tkestack/tke pkg/platform/provider/baremetal at v1.3.0: phases/kubeconfig, cluster/manifests.go, constants/constants.go.
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

export interface TkestackOptions {
  /** `global`, or the name of a standalone cluster. */
  readonly cluster: string;
  /** The configuration as platforms before 1.2.5 write it on the first master. */
  readonly isOld?: boolean;
}

const kubeconfigs = ["admin.conf", "controller-manager.conf", "scheduler.conf", "kubelet.conf"];

export function layTkestackOver(root: string, { cluster, isOld = false }: TkestackOptions): void {
  const put = (path: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), mode);
  };
  for (const name of kubeconfigs) {
    const path = join(root, "etc/kubernetes", name);
    // kubeadm's clusterName is the platform's name of the cluster.
    writeFileSync(
      path,
      readFileSync(path, "utf8")
        .replaceAll(/^( *(?:- )?name: )kubernetes$/gm, `$1${cluster}`)
        .replaceAll(/^( *cluster: )kubernetes$/gm, `$1${cluster}`),
    );
  }
  put("etc/sysctl.d/99-tke.conf", "net.ipv4.ip_forward = 1\n");
  put("etc/modules-load.d/tke.conf", "br_netfilter\n");
  put("etc/kubernetes/known_tokens.csv", "0ujsswThIGTUYm2K8FjOOfXtY1K,admin,admin,system:masters\n");
  put("root/.kube/config", tokenKubeconfig(cluster), 0o600);
  put("etc/kubernetes/kubeadm-config.yaml", kubeadmConfig(cluster, isOld));
}

function tokenKubeconfig(cluster: string): string {
  return `apiVersion: v1
clusters:
- cluster:
    server: https://127.0.0.1:6443
  name: ${cluster}
contexts:
- context:
    cluster: ${cluster}
    user: kubernetes-admin
  name: kubernetes-admin@${cluster}
current-context: kubernetes-admin@${cluster}
kind: Config
preferences: {}
users:
- name: kubernetes-admin
  user:
    token: 0ujsswThIGTUYm2K8FjOOfXtY1K
`;
}

function kubeadmConfig(cluster: string, isOld: boolean): string {
  const proxy =
    "---\napiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: ipvs\n";
  return `apiVersion: kubeadm.k8s.io/v1beta2
kind: InitConfiguration
bootstrapTokens:
  - token: abcdef.0123456789abcdef
    description: "TKE kubeadm bootstrap token"
    ttl: "0"
---
apiVersion: kubeadm.k8s.io/v1beta2
kind: ClusterConfiguration
clusterName: ${cluster}
${isOld ? "" : proxy}`;
}
