// Manifests and the kubelet's files in kubeadm's words (cmd/kubeadm/app/phases/controlplane, phases/kubelet).
import { type LabNode, type LabRuntime, inUrl, nearOf, runtimeSockets, usualPorts } from "./lab-node.ts";

/** Texts of the four static pods by file name. */
export function manifestTexts(lab: LabNode): Readonly<Record<string, string>> {
  const { address, ports, pkiDir } = lab;
  const near = nearOf(address);
  return {
    "etcd.yaml": podText({
      name: "etcd",
      image: `registry.k8s.io/etcd:${lab.etcdVersion}`,
      flags: etcdFlags(lab),
      mounts: { "etcd-data": "/var/lib/etcd", "etcd-certs": `${pkiDir}/etcd` },
      probes: [{ kind: "liveness", host: near, port: ports.etcdMetrics, path: "/health", scheme: "HTTP" }],
    }),
    "kube-apiserver.yaml": podText({
      name: "kube-apiserver",
      image: image("kube-apiserver", lab),
      flags: apiserverFlags(lab),
      mounts: { "k8s-certs": pkiDir },
      probes: [
        { kind: "liveness", host: address, port: ports.apiServer, path: "/livez", scheme: "HTTPS" },
        { kind: "readiness", host: address, port: ports.apiServer, path: "/readyz", scheme: "HTTPS" },
      ],
    }),
    "kube-controller-manager.yaml": podText({
      name: "kube-controller-manager",
      image: image("kube-controller-manager", lab),
      flags: controllerManagerFlags(lab),
      mounts: { "k8s-certs": pkiDir, kubeconfig: "/etc/kubernetes/controller-manager.conf" },
      probes: [healthz(ports.controllerManager)],
    }),
    "kube-scheduler.yaml": podText({
      name: "kube-scheduler",
      image: image("kube-scheduler", lab),
      flags: schedulerFlags(lab),
      mounts: { kubeconfig: "/etc/kubernetes/scheduler.conf" },
      probes: [healthz(ports.scheduler)],
    }),
  };
}

/** `/var/lib/kubelet/config.yaml` as kubeadm writes it, with what differs from the kubelet's defaults on a node of the lab. */
export function kubeletConfigText({ pkiDir, ports, address }: LabNode): string {
  return `address: ${address}
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
  x509:
    clientCAFile: ${pkiDir}/ca.crt
clusterDomain: cluster.local
fileCheckFrequency: 1s
healthzBindAddress: ${nearOf(address)}
healthzPort: ${ports.kubeletHealth}
kind: KubeletConfiguration
port: ${ports.kubelet}
rotateCertificates: true
staticPodPath: /etc/kubernetes/manifests
`;
}

/** `/var/lib/kubelet/kubeadm-flags.env`. */
export function kubeletFlagsText(runtime: LabRuntime): string {
  const words =
    runtime === "docker"
      ? "--network-plugin=cni --pod-infra-container-image=registry.k8s.io/pause:3.2"
      : `--container-runtime=remote --container-runtime-endpoint=unix://${runtimeSockets.cri}`;
  return `KUBELET_KUBEADM_ARGS="${words}"\n`;
}

function image(name: string, { kubernetesVersion }: LabNode): string {
  return `registry.k8s.io/${name}:v${kubernetesVersion}`;
}

interface ProbeText {
  readonly kind: "liveness" | "readiness";
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly scheme: "HTTP" | "HTTPS";
}

function healthz(port: number): ProbeText {
  return { kind: "liveness", host: "127.0.0.1", port, path: "/healthz", scheme: "HTTPS" };
}

interface PodText {
  readonly name: string;
  readonly image: string;
  readonly flags: readonly string[];
  readonly mounts: Readonly<Record<string, string>>;
  readonly probes: readonly ProbeText[];
}

function podText({ name, image: imageName, flags, mounts, probes }: PodText): string {
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
${probes.map(probeText).join("")}    name: ${name}
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

function probeText({ kind, host, port, path, scheme }: ProbeText): string {
  return `    ${kind}Probe:
      failureThreshold: 8
      httpGet:
        host: ${host}
        path: ${path}
        port: ${port}
        scheme: ${scheme}
      periodSeconds: 10
      timeoutSeconds: 15
`;
}

function etcdFlags({ node, address, pkiDir, ports, members }: LabNode): readonly string[] {
  const client = (host: string): string => `https://${inUrl(host)}:${ports.etcd}`;
  const peer = `https://${inUrl(address)}:${ports.etcdPeer}`;
  const cluster = members.map((one) => `${one.node}=https://${inUrl(one.address)}:${one.peerPort}`);
  return [
    `advertise-client-urls=${client(address)}`,
    `cert-file=${pkiDir}/etcd/server.crt`,
    "client-cert-auth=true",
    "data-dir=/var/lib/etcd",
    `initial-advertise-peer-urls=${peer}`,
    `initial-cluster=${cluster.join(",")}`,
    `key-file=${pkiDir}/etcd/server.key`,
    `listen-client-urls=${[...new Set([nearOf(address), address])].map(client).join(",")}`,
    `listen-metrics-urls=http://${inUrl(nearOf(address))}:${ports.etcdMetrics}`,
    `listen-peer-urls=${peer}`,
    `name=${node}`,
    `peer-cert-file=${pkiDir}/etcd/peer.crt`,
    "peer-client-cert-auth=true",
    `peer-key-file=${pkiDir}/etcd/peer.key`,
    `peer-trusted-ca-file=${pkiDir}/etcd/ca.crt`,
    `trusted-ca-file=${pkiDir}/etcd/ca.crt`,
  ];
}

function apiserverFlags({ address, pkiDir, ports }: LabNode): readonly string[] {
  return [
    `advertise-address=${address}`,
    "authorization-mode=Node,RBAC",
    ...(isLoopback(address) ? [`bind-address=${address}`] : []),
    `client-ca-file=${pkiDir}/ca.crt`,
    `etcd-cafile=${pkiDir}/etcd/ca.crt`,
    `etcd-certfile=${pkiDir}/apiserver-etcd-client.crt`,
    `etcd-keyfile=${pkiDir}/apiserver-etcd-client.key`,
    `etcd-servers=https://${inUrl(nearOf(address))}:${ports.etcd}`,
    `kubelet-client-certificate=${pkiDir}/apiserver-kubelet-client.crt`,
    `kubelet-client-key=${pkiDir}/apiserver-kubelet-client.key`,
    `proxy-client-cert-file=${pkiDir}/front-proxy-client.crt`,
    `proxy-client-key-file=${pkiDir}/front-proxy-client.key`,
    "requestheader-allowed-names=front-proxy-client",
    `requestheader-client-ca-file=${pkiDir}/front-proxy-ca.crt`,
    "requestheader-extra-headers-prefix=X-Remote-Extra-",
    "requestheader-group-headers=X-Remote-Group",
    "requestheader-username-headers=X-Remote-User",
    `secure-port=${ports.apiServer}`,
    "service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `service-account-key-file=${pkiDir}/sa.pub`,
    `service-account-signing-key-file=${pkiDir}/sa.key`,
    "service-cluster-ip-range=10.96.0.0/12",
    `tls-cert-file=${pkiDir}/apiserver.crt`,
    `tls-private-key-file=${pkiDir}/apiserver.key`,
  ];
}

/** A node of the lab must not be reachable from elsewhere; kubeadm's own listens everywhere. */
function isLoopback(address: string): boolean {
  return address.startsWith("127.");
}

function controllerManagerFlags({ pkiDir, ports, kubernetesVersion }: LabNode): readonly string[] {
  return [
    "bind-address=127.0.0.1",
    `client-ca-file=${pkiDir}/ca.crt`,
    `cluster-signing-cert-file=${pkiDir}/ca.crt`,
    `cluster-signing-key-file=${pkiDir}/ca.key`,
    "kubeconfig=/etc/kubernetes/controller-manager.conf",
    "leader-elect=true",
    ...plainPort(kubernetesVersion),
    `root-ca-file=${pkiDir}/ca.crt`,
    ...securePort(ports.controllerManager, usualPorts.controllerManager),
    `service-account-private-key-file=${pkiDir}/sa.key`,
  ];
}

function schedulerFlags({ ports, kubernetesVersion }: LabNode): readonly string[] {
  return [
    "bind-address=127.0.0.1",
    "kubeconfig=/etc/kubernetes/scheduler.conf",
    "leader-elect=true",
    ...plainPort(kubernetesVersion),
    ...securePort(ports.scheduler, usualPorts.scheduler),
  ];
}

/** The listener without TLS, which was there up to 1.23 and is shut by kubeadm. */
function plainPort(version: string): readonly string[] {
  return Number(version.split(".")[1]) < 24 ? ["port=0"] : [];
}

/** kubeadm does not write the default. */
function securePort(port: number, usual: number): readonly string[] {
  return port === usual ? [] : [`secure-port=${port}`];
}
