// 中文：按名称续期会被拒绝时，可行的办法。
import type { ObstacleLines } from "../en/obstacles.ts";

export const obstacles: ObstacleLines = {
  observed: () => ["本工具只查看、不写入该证书，由签发它的程序续期"],
  "no-original": () => ["本节点上没有它的原件：请在签发它的地方重新签发，或从该文件中删除该用户"],
  "original-unreadable": ({ original }) => [
    `先恢复 ${original}（应为其原件，办法见该文件自己的检查结果），副本随后跟随更新`,
  ],
  "authority-elsewhere": ({ authority }, tool) => [
    `根证书 ${authority} 的私钥不在本节点：用 kubeadm certs generate-csr 生成签名请求，在保存该私钥的地方签发`,
    `或把该私钥临时放到本节点，执行 ${tool("renew")}，完成后再移走`,
  ],
  "kubelet-elsewhere": ({ authority }) => [
    `根证书 ${authority} 的私钥不在本节点：在有该私钥的节点上执行 kubeadm kubeconfig user --org system:nodes --client-name system:node:NAME > kubelet.conf（kubeadm 1.22 之前为 kubeadm alpha kubeconfig user）`,
    "用该文件替换本节点的 /etc/kubernetes/kubelet.conf（权限 0600），再执行 systemctl restart kubelet：kubelet 会自行申请证书",
  ],
  "authority-not-usable": ({ authority }, tool) => [
    `根证书 ${authority} 目前无法签发：原因见 ${tool("check")} 中该根证书的检查结果；先处理它，再续期本证书`,
  ],
  "key-encrypted": () => ["先按私钥自己的检查结果解密私钥，再续期"],
};
