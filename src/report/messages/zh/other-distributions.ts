// 中文：不作处理的发行版，以及由谁续期其证书。
import type { otherDistributions as english } from "../en/other-distributions.ts";

const rancher = (program: string): readonly string[] => [
  `重启 ${program}-server（或名为 ${program} 的服务）：90 天内（较新版本为 120 天）到期的证书会在启动时续期`,
  `提前续期：停止服务，执行 ${program} certificate rotate，再启动；先 server 后 agent；复制出去的 kubeconfig 须重新复制`,
];

export const otherDistributions: typeof english = {
  openshift: {
    name: "OpenShift",
    renews: "它的 operator 自动续期",
    next: [
      "停机之后：oc get csr，批准等待中的请求；见其文档 Recovering from expired control plane certificates",
    ],
  },
  rke2: { name: "RKE2", renews: "RKE2 在启动时自行续期", next: rancher("rke2") },
  k3s: { name: "k3s", renews: "k3s 在启动时自行续期", next: rancher("k3s") },
  rke: {
    name: "RKE",
    renews: "由保存 cluster.yml 的机器上的 rke 续期",
    next: ["在 cluster.yml 与 .rkestate 所在处执行 rke cert rotate --config cluster.yml"],
  },
  microk8s: {
    name: "MicroK8s",
    renews: "由 MicroK8s 按命令续期",
    next: ["microk8s refresh-certs --check，然后 microk8s refresh-certs --cert server.crt"],
  },
  k0s: { name: "k0s", renews: "k0s 自行续期", next: ["见 k0s 文档中关于证书的章节"] },
  talos: {
    name: "Talos",
    renews: "Talos 自行续期；只有 talosconfig 与 kubeconfig 须由人更新",
    next: ["talosctl kubeconfig 取得新的 kubeconfig"],
  },
  kops: {
    name: "kOps",
    renews: "kOps 在节点重新创建时签发",
    next: ["kops rolling-update cluster --force --yes，控制平面逐个进行"],
  },
  "eks-anywhere-bottlerocket": {
    name: "EKS Anywhere（Bottlerocket）",
    renews: "EKS Anywhere 在升级集群、替换节点时续期",
    next: ["见 EKS Anywhere 文档中关于证书轮换的章节"],
  },
};
