// 中文：按名称续期会被拒绝时，可行的办法。
import { flags } from "../../flags.ts";
import type { ObstacleLines } from "../en/obstacles.ts";
import type { Tool } from "../types.ts";
import { isOfCluster, toolOfOneNode } from "../way-on.ts";

/** 写在只能在单个节点上执行的命令之前。 */
export function onEach(tool: Tool): string {
  return isOfCluster(tool) ? "在各节点上：" : "";
}

export const obstacles: ObstacleLines = {
  observed: () => ["本工具只查看、不写入该证书，由签发它的程序续期"],
  "no-original": () => ["本节点上没有它的原件：请在签发它的地方重新签发，或从该文件中删除该用户"],
  "original-unreadable": ({ original }) => [
    `先恢复 ${original}（应为其原件，办法见该文件自己的检查结果），副本随后跟随更新`,
  ],
  "authority-elsewhere": ({ authority }, tool) => [
    `CA ${authority} 的私钥不在本节点。${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)} 生成签名请求，在保存该私钥的地方签发，再执行 ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
    `或把该私钥临时放到本节点，执行 ${tool("renew")}，完成后再移走`,
  ],
  "kubelet-elsewhere": ({ authority }) => [
    `CA ${authority} 的私钥不在本节点：在有该私钥的节点上执行 kubeadm kubeconfig user --org system:nodes --client-name system:node:NAME > kubelet.conf（kubeadm 1.22 之前为 kubeadm alpha kubeconfig user）`,
    "用该文件替换本节点的 /etc/kubernetes/kubelet.conf（权限 0600），再在节点上执行 systemctl restart kubelet：kubelet 会自行申请证书",
  ],
  "authority-not-usable": ({ authority }, tool) => [
    `CA ${authority} 目前无法签发：原因见 ${tool("check")} 中该 CA 的检查结果；先处理它，再续期本证书`,
  ],
  "authority-recreatable": ({ authority }, tool) => [
    `CA ${authority} 缺失，可用本节点上的旧文件恢复或重新生成：${tool(`renew ${flags.recreateAuthority} ${authority}`)}（先显示计划并询问）`,
  ],
  "not-read": () => ["它或其 CA 的私钥无法读取：请用 root（sudo）执行，再续期"],
  "key-encrypted": () => ["先按私钥自己的检查结果解密私钥，再续期"],
};
