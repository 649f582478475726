// Manifests and kubeconfigs in kubeadm's words (cmd/kubeadm/app/phases/controlplane, app/util/kubeconfig).

export interface LabNode {
  readonly node: string;
  /** The node's own address. */
  readonly address: string;
  /** Host of the control plane's endpoint. */
  readonly endpoint: string;
  /** `1.20.2`. */
  readonly kubernetesVersion: string;
  /** Absolute path on the node. */
  readonly pkiDir: string;
}

export interface KubeconfigParts {
  readonly user: string;
  readonly server: string;
  readonly authorityPem: Uint8Array;
  /** Embedded bytes, or a path that both fields name. */
  readonly credential:
    | { readonly certificatePem: Uint8Array; readonly keyPem: Uint8Array }
    | { readonly path: string };
}

export function kubeconfigText({ user, server, authorityPem, credential }: KubeconfigParts): string {
  const lines =
    "path" in credential
      ? [`    client-certificate: ${credential.path}`, `    client-key: ${credential.path}`]
      : [
          `    client-certificate-data: ${base64(credential.certificatePem)}`,
          `    client-key-data: ${base64(credential.keyPem)}`,
        ];
  return `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${base64(authorityPem)}
    server: ${server}
  name: kubernetes
contexts:
- context:
    cluster: kubernetes
    user: ${user}
  name: ${user}@kubernetes
current-context: ${user}@kubernetes
kind: Config
preferences: {}
users:
- name: ${user}
  user:
${lines.join("\n")}
`;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** Texts of the four static pods by file name. */
export function manifestTexts(lab: LabNode): Readonly<Record<string, string>> {
  return {
    "etcd.yaml": podText("etcd", "registry.k8s.io/etcd:3.4.13-0", etcdFlags(lab), etcdMounts(lab)),
    "kube-apiserver.yaml": podText("kube-apiserver", image("kube-apiserver", lab), apiserverFlags(lab), {
      "k8s-certs": lab.pkiDir,
    }),
    "kube-controller-manager.yaml": podText(
      "kube-controller-manager",
      image("kube-controller-manager", lab),
      controllerManagerFlags(lab),
      { "k8s-certs": lab.pkiDir, kubeconfig: "/etc/kubernetes/controller-manager.conf" },
    ),
    "kube-scheduler.yaml": podText("kube-scheduler", image("kube-scheduler", lab), schedulerFlags(), {
      kubeconfig: "/etc/kubernetes/scheduler.conf",
    }),
  };
}

function image(name: string, { kubernetesVersion }: LabNode): string {
  return `registry.k8s.io/${name}:v${kubernetesVersion}`;
}

function etcdMounts({ pkiDir }: LabNode): Readonly<Record<string, string>> {
  return { "etcd-data": "/var/lib/etcd", "etcd-certs": `${pkiDir}/etcd` };
}

function podText(
  name: string,
  imageName: string,
  flags: readonly string[],
  mounts: Readonly<Record<string, string>>,
): string {
  const entries = Object.entries(mounts);
  return `apiVersion: v1
kind: Pod
metadata:
  creationTimestamp: null
  labels:
    component: ${name}
    tier: control-plane
  name: ${name}
  namespace: kube-system
spec:
  containers:
  - command:
    - ${name}
${flags.map((flag) => `    - --${flag}`).join("\n")}
    image: ${imageName}
    imagePullPolicy: IfNotPresent
    name: ${name}
    resources:
      requests:
        cpu: 100m
    volumeMounts:
${entries.map(([volume, path]) => `    - mountPath: ${path}\n      name: ${volume}`).join("\n")}
  hostNetwork: true
  priorityClassName: system-node-critical
  volumes:
${entries.map(([volume, path]) => `  - hostPath:\n      path: ${path}\n    name: ${volume}`).join("\n")}
status: {}
`;
}

function etcdFlags({ node, address, pkiDir }: LabNode): readonly string[] {
  return [
    `advertise-client-urls=https://${address}:2379`,
    `cert-file=${pkiDir}/etcd/server.crt`,
    "client-cert-auth=true",
    "data-dir=/var/lib/etcd",
    `initial-advertise-peer-urls=https://${address}:2380`,
    `initial-cluster=${node}=https://${address}:2380`,
    `key-file=${pkiDir}/etcd/server.key`,
    `listen-client-urls=https://127.0.0.1:2379,https://${address}:2379`,
    "listen-metrics-urls=http://127.0.0.1:2381",
    `listen-peer-urls=https://${address}:2380`,
    `name=${node}`,
    `peer-cert-file=${pkiDir}/etcd/peer.crt`,
    "peer-client-cert-auth=true",
    `peer-key-file=${pkiDir}/etcd/peer.key`,
    `peer-trusted-ca-file=${pkiDir}/etcd/ca.crt`,
    `trusted-ca-file=${pkiDir}/etcd/ca.crt`,
  ];
}

function apiserverFlags({ address, pkiDir }: LabNode): readonly string[] {
  return [
    `advertise-address=${address}`,
    "authorization-mode=Node,RBAC",
    `client-ca-file=${pkiDir}/ca.crt`,
    `etcd-cafile=${pkiDir}/etcd/ca.crt`,
    `etcd-certfile=${pkiDir}/apiserver-etcd-client.crt`,
    `etcd-keyfile=${pkiDir}/apiserver-etcd-client.key`,
    "etcd-servers=https://127.0.0.1:2379",
    `kubelet-client-certificate=${pkiDir}/apiserver-kubelet-client.crt`,
    `kubelet-client-key=${pkiDir}/apiserver-kubelet-client.key`,
    `proxy-client-cert-file=${pkiDir}/front-proxy-client.crt`,
    `proxy-client-key-file=${pkiDir}/front-proxy-client.key`,
    "requestheader-allowed-names=front-proxy-client",
    `requestheader-client-ca-file=${pkiDir}/front-proxy-ca.crt`,
    "secure-port=6443",
    `service-account-key-file=${pkiDir}/sa.pub`,
    `service-account-signing-key-file=${pkiDir}/sa.key`,
    "service-cluster-ip-range=10.96.0.0/12",
    `tls-cert-file=${pkiDir}/apiserver.crt`,
    `tls-private-key-file=${pkiDir}/apiserver.key`,
  ];
}

function controllerManagerFlags({ pkiDir }: LabNode): readonly string[] {
  return [
    "bind-address=127.0.0.1",
    `client-ca-file=${pkiDir}/ca.crt`,
    `cluster-signing-cert-file=${pkiDir}/ca.crt`,
    `cluster-signing-key-file=${pkiDir}/ca.key`,
    "kubeconfig=/etc/kubernetes/controller-manager.conf",
    "leader-elect=true",
    `root-ca-file=${pkiDir}/ca.crt`,
    `service-account-private-key-file=${pkiDir}/sa.key`,
  ];
}

function schedulerFlags(): readonly string[] {
  return ["bind-address=127.0.0.1", "kubeconfig=/etc/kubernetes/scheduler.conf", "leader-elect=true"];
}
