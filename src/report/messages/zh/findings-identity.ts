// 中文：密钥对、签发者与身份类结果。
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { findingsIdentity as english } from "../en/findings-identity.ts";

function short(hash: string): string {
  return hash.slice(0, 16);
}

function orNone(values: readonly string[]): string {
  return values.length === 0 ? "无" : values.join("、");
}

export const findingsIdentity: typeof english = {
  "key-does-not-match": {
    sentence: ({ params }) =>
      `证书与私钥不匹配（证书公钥 ${short(params.certificateSpki)}，私钥对应公钥 ${short(params.keySpki)}），TLS 握手必然失败`,
    next: ({ target, tool }) => [
      `若备份中有配套的一半，先恢复：${tool("runs list")}`,
      `否则重新生成一对：${tool(`renew ${target}`)}`,
    ],
  },
  "authority-key-does-not-match": {
    sentence: ({ params, name }) =>
      `CA ${name} 与其私钥不匹配（证书公钥 ${short(params.certificateSpki)}，私钥对应公钥 ${short(params.keySpki)}），无法签发证书`,
    next: ({ path }) => [
      `先判断哪一半正确：在各控制平面节点执行 sha256sum ${shellQuote(path)}；签发了现有集群证书的那个 CA 才是正确的`,
      "从其他控制平面节点或备份复制正确的一对；不要新建 CA",
    ],
  },
  "wrong-issuer": {
    sentence: ({ params }) =>
      params.sameName
        ? `证书不是由本节点的 CA ${params.authority} 签发，而是由同名的另一个 CA（${params.issuer}）签发`
        : `证书不是由 CA ${params.authority} 签发，而是由 ${params.issuer} 签发`,
    next: ({ params, target, tool }) => [
      `与其他控制平面节点对比 CA ${params.authority}（sha256sum）：本节点的 CA 可能装错了`,
      `若本节点的 CA 正确：${tool(`renew ${target}`)}`,
    ],
  },
  "common-name-unexpected": {
    sentence: ({ params }) => `CN 为 ${params.found}，应为 ${params.expected.join(" 或 ")}`,
    next: ({ path, name }) => [
      `这是另一个身份，可能是从别的节点或位置复制来的，先看归属：openssl x509 -in ${shellQuote(path)} -noout -subject`,
      `从备份恢复本节点的 ${name}；续期只会保留错误的名称`,
    ],
  },
  "organization-unexpected": {
    sentence: ({ params }) =>
      `O 为 ${orNone(params.found)}，应为 ${params.expected.map((value) => (value === "" ? "无" : value)).join(" 或 ")}；RBAC 按 O 授权`,
    next: ({ name }) => [
      "查看该组织的权限：kubectl get clusterrolebindings -o wide | grep ORGANIZATION",
      `若 ${name} 的请求返回 Forbidden，请按应有的 O 重新生成；续期会保留现有的 O`,
    ],
  },
  "san-missing": {
    sentence: ({ params }) =>
      `证书缺少 ${params.missing.map((san) => `${san.kind.toUpperCase()}:${san.value}（来自 ${san.source}）`).join("、")}，用该名称访问的客户端会拒绝它`,
    next: ({ params, target, tool }) => [
      tool(
        `renew ${target} ${params.missing.map((san) => `${flags.addSan} ${target === "apiserver" ? "" : `${target}=`}${shellQuote(san.value)}`).join(" ")}`,
      ),
    ],
  },
  "usage-missing": {
    sentence: ({ params }) => `证书缺少扩展密钥用途 ${params.missing.join("、")}，对端会拒绝它承担该角色`,
    next: ({ name }) => [`续期会保留现有用途；请从备份恢复正确的 ${name}，或用 kubeadm init phase 重新生成`],
  },
  "usage-unexpected": {
    sentence: ({ params }) => `证书多出扩展密钥用途 ${params.unexpected.join("、")}，其角色并不需要`,
    next: () => ["不影响运行；请查明由谁签发，下次重新生成时去掉"],
  },
  "is-authority": {
    sentence: () => "此处应为叶子证书，实际却是 CA 证书；持有其私钥者可以签发任意身份",
    next: ({ path, name }) => [
      `查看详情：openssl x509 -in ${shellQuote(path)} -noout -subject -issuer -ext basicConstraints`,
      `从备份恢复 ${name}，或用 kubeadm init phase 重新生成`,
    ],
  },
  "authority-is-leaf": {
    sentence: ({ name }) => `${name} 不是 CA 证书（basic constraints），由它签发的证书都不被接受`,
    next: ({ path }) => [
      `从其他控制平面节点或备份复制 ${path}；对比：openssl x509 -in ${shellQuote(path)} -noout -subject -ext basicConstraints`,
    ],
  },
  "more-than-one-certificate": {
    sentence: ({ params, path }) => `${path} 中有 ${params.count} 个证书；1.24 之前的 kubeadm 遇到会中止`,
    next: ({ tool, target }) => [
      `续期只替换叶子证书，保留其余证书：${tool(`renew ${target}`)}；使用 1.24 之前的 kubeadm 时请先移除其余证书`,
    ],
  },
  "leaf-not-first": {
    sentence: ({ params, path }) =>
      `叶子证书是 ${path} 中的第 ${params.position} 个；服务端只发送第一个，握手会失败`,
    next: ({ path }) => [
      `把叶子证书放在最前，中间证书随后：先 cp -p ${shellQuote(path)} ${shellQuote(`${path}.bak`)}，再编辑`,
    ],
  },
  "authority-bundle": {
    sentence: ({ params, path }) =>
      params.signing === null
        ? `${path} 中有 ${params.count} 个 CA 证书，没有一个与 CA 私钥匹配`
        : `${path} 中有 ${params.count} 个 CA 证书，负责签发的是第 ${params.signing} 个`,
    next: () => [
      "若 kube-controller-manager 的 --cluster-signing-cert-file 含多个证书，它将无法启动：在其下次重启前，让该参数指向只含签发证书的文件",
    ],
  },
  "certificate-anomaly": {
    sentence: ({ params }) => `证书不符合 RFC 5280：${params.anomaly}`,
    next: ({ target, tool }) => [`新版本组件可能拒绝它；续期后即符合规范：${tool(`renew ${target}`)}`],
  },
  "kubeconfig-authority-differs": {
    sentence: ({ params, path }) =>
      `${path} 中集群 ${params.cluster} 的 certificate-authority-data 与本节点的 CA ${params.authority} 不一致，客户端无法信任 apiserver`,
    next: ({ params, path }) => [
      `先与其他控制平面节点对比；若是该文件过时：kubectl config set-cluster ${shellQuote(params.cluster)} --kubeconfig ${shellQuote(path)} --embed-certs --certificate-authority CA.crt（CA.crt 为 CA ${params.authority}）`,
    ],
  },
};
