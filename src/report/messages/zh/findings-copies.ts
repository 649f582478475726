// 中文：副本、文件与权限类结果。
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso as date, formatDayIso as day } from "../../time.ts";
import type { findingsCopies as english } from "../en/findings-copies.ts";
import { onEach } from "./obstacles.ts";
import { toolOfOneNode } from "../way-on.ts";

export const findingsCopies: typeof english = {
  "replica-differs": {
    sentence: ({ params, node }) =>
      `副本中的证书 ${day(params.notAfter)} 到期，原件 ${params.original.replace(`${node}/`, "")} 的证书 ${day(params.originalNotAfter)} 到期；使用该副本就是在用${params.notAfter < params.originalNotAfter ? "旧" : "另一个"}证书`,
    next: ({ target, tool }) => [`更新副本：${tool(`renew ${target}`)}`],
  },
  "copy-of-nothing": {
    sentence: ({ params, path }) =>
      `${path} 中有 ${params.subject} 的客户端证书，但找不到对应的原件，没有机制更新它`,
    next: ({ path }) => [
      `若仍需要，请在签发它的地方重新签发；若不需要，请从 ${shellQuote(path)} 中删除该用户`,
    ],
  },
  "service-account-pair-differs": {
    sentence: ({ params }) =>
      `service account 密钥 ${params.path} 与另一半或其他节点不一致；一个 apiserver 签发的 token 会被另一个拒绝`,
    next: ({ params }) => [
      `在所有控制平面节点上对比：sha256sum ${shellQuote(params.path)}；从 token 可用的节点复制 sa.key 与 sa.pub`,
      "切勿重新生成这对密钥：集群中所有 token 都会失效",
    ],
  },
  "kubelet-embedded": {
    sentence: ({ params }) =>
      `${params.path} 直接内嵌了 kubelet 证书，kubelet 的自动轮换不会更新它（kubeadm 1.17 之前的做法）`,
    next: ({ target, tool }) => [
      `过期后：${tool(`renew ${target}`)}；然后在节点上执行：systemctl restart kubelet`,
      "彻底解决：client-certificate 与 client-key 改为 /var/lib/kubelet/pki/kubelet-client-current.pem",
    ],
  },
  "mode-too-open": {
    sentence: ({ params }) =>
      `${params.path} 的权限为 ${params.mode}，最多应为 ${params.atMost}；其他用户可以读取其内容`,
    next: ({ params }) => [`chmod ${params.atMost} ${shellQuote(params.path)}`],
  },
  "owner-unexpected": {
    sentence: ({ params }) => `${params.path} 属于 uid ${params.uid}、gid ${params.gid}，而不是 root`,
    next: ({ params }) => [
      `先确认是谁（getent passwd ${params.uid}）；若无人需要：chown root:root ${shellQuote(params.path)}`,
    ],
  },
  "link-leaves-tree": {
    sentence: ({ params }) => `${params.path} 指向受管目录之外的 ${params.target}，不会写入`,
    next: ({ params, target, tool }) => [
      `若确实如此设计：${tool(`renew ${target} ${flags.allowLinksTo} ${shellQuote(params.target)}`)}`,
    ],
  },
  "left-over-temporary": {
    sentence: ({ params }) => `${params.path} 是某次中断的运行留下的临时文件，其中可能有私钥`,
    next: ({ params, tool }) => [
      `用 ${tool("runs list")} 查看是否有未完成的运行：resume 或 rollback 会清除它`,
      `若没有未完成的运行：rm ${shellQuote(params.path)}`,
    ],
  },
  "name-not-utf8": {
    sentence: ({ params }) =>
      `文件名 ${params.path} 不是 UTF-8（相应字节以 \\xNN 表示），该文件未被读取，也不会被写入`,
    next: ({ params }) => [
      `改成普通文件名：ls -b ${shellQuote(params.path.replace(/\/[^/]*$/, ""))} 可显示其字节，mv -i 时用 *.crt 之类的通配符指定它`,
    ],
  },
  "holds-system-masters": {
    sentence: ({ params }) =>
      `${params.subject} 属于 system:masters，有效期至 ${date(params.notAfter)}：拥有全部权限，任何 RBAC 规则都无法收回`,
    next: ({ path }) => [`仅允许 root 读取 ${path}；给他人发放单独的 kubeconfig，不要复制此文件`],
  },
  "externally-managed": {
    sentence: ({ params }) => `CA ${params.authority} 的私钥不在本节点，由它签发的证书须在私钥所在处续期`,
    next: ({ name, tool }) => [
      `到期前后：${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)}，在 ${name} 私钥所在处签发请求，再执行 ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      `或在执行 ${tool("renew")} 期间临时放入 CA 私钥，完成后移走`,
    ],
  },
  "external-etcd": {
    sentence: ({ params }) => `etcd 不在本节点运行（${params.source}）：本次结果不含其证书`,
    next: ({ tool }) => [`请在 etcd 主机上同样执行 ${tool("check")}`],
  },
  "credential-without-certificate": {
    sentence: ({ params }) =>
      params.kind === "no credential"
        ? `${params.path} 中没有任何登录凭据：这里没有可续期的内容`
        : `${params.path} 使用 ${params.kind} 登录，而非证书：这里没有可续期的内容`,
    next: ({ params }) => [
      params.kind === "no credential"
        ? "若确需使用该文件，请从备份恢复，或重新生成"
        : `若 ${params.kind} 自身会到期，请在签发处关注`,
    ],
  },
};
