// 中文：时间类结果，以及缺失、不可读、损坏。
import { flags } from "../../flags.ts";
import { sudoCommand } from "../../tool-command.ts";
import { shellQuote } from "../../shell.ts";
import { formatDateIso as date, spanZh } from "../../time.ts";
import type { findingsTime as english } from "../en/findings-time.ts";
import { kubeadmPhase } from "../kubeadm-phase.ts";
import type { Tool } from "../types.ts";
import { asideCommand, isForbidden, waysOn } from "../way-on.ts";
import { obstacles } from "./obstacles.ts";

interface Lost {
  /** Decides whether kubeadm can make it anew. */
  readonly name: string;
  /** As `renew` takes it: among several nodes with the node's name. */
  readonly target: string;
  readonly tool: Tool;
}

function restore({ name, target, tool }: Lost): readonly string[] {
  const phase = kubeadmPhase(name);
  const backup = `从备份中找回；以往运行替换掉的文件见：${tool("runs list")}`;
  return phase === null ? [backup] : [`重新生成（有旧证书则照旧证书）：${tool(`renew ${target}`)}`, backup];
}

function remake(path: string, lost: Lost): readonly string[] {
  const [first = "", ...others] = restore(lost);
  if (kubeadmPhase(lost.name) === null) return [first, ...others];
  return [
    `重新生成（有旧证书则照旧证书）：${asideCommand(path)}，再执行 ${lost.tool(`renew ${lost.target}`)}`,
    ...others,
  ];
}

function sameKeyAuthority(path: string): readonly string[] {
  return [
    "先不要续期它签发的证书：CA 失效时，它签发的一切都会被拒绝；须在 CA 之后再续期",
    `用原私钥、原名称重新生成 CA：openssl x509 -in ${shellQuote(path)} -days 3650 -signkey CA.key -out ca.new（CA.key 为其私钥）`,
    "把这同一个文件装到所有控制平面节点，并更新每个 kubeconfig 的 certificate-authority-data，然后重启 etcd、kube-apiserver、kube-controller-manager、kube-scheduler 与各节点 kubelet",
  ];
}

const pairOfOthers =
  "或从其他控制平面节点复制 sa.key 与 sa.pub；切勿重新生成这对密钥：集群中所有 token 都会失效";

export const findingsTime: typeof english = {
  "certificate-expired": {
    sentence: ({ params, at }) =>
      `证书已于 ${date(params.notAfter)} 过期（${spanZh(at - params.notAfter)}前），对端会拒绝它`,
    next: (view) =>
      waysOn([view], [`${view.tool(`renew ${view.target}`)}（先显示计划，确认后才执行）`], {
        lines: obstacles,
        tool: view.tool,
      }),
  },
  "certificate-expiring": {
    sentence: ({ params, at }) =>
      `证书将于 ${date(params.notAfter)} 过期，还剩 ${spanZh(params.notAfter - at)}（阈值 ${spanZh(params.withinMs)}）`,
    next: (view) =>
      waysOn([view], [view.tool(`renew ${view.target}`)], { lines: obstacles, tool: view.tool }),
  },
  "certificate-not-yet-valid": {
    sentence: ({ params, at }) =>
      `证书从 ${date(params.notBefore)} 才开始生效，比本节点时钟晚 ${spanZh(params.notBefore - at)}`,
    next: ({ target, tool }) => [
      "先核对时钟：date -u；chronyc tracking（或 timedatectl）",
      `时钟无误则续期：${tool(`renew ${target}`)}`,
    ],
  },
  "authority-expired": {
    sentence: ({ params, at, name }) =>
      `CA ${name} 已于 ${date(params.notAfter)} 过期（${spanZh(at - params.notAfter)}前），它签发的证书全部被拒绝`,
    next: ({ path }) => sameKeyAuthority(path),
  },
  "authority-expiring": {
    sentence: ({ params, at, name }) =>
      `CA ${name} 将于 ${date(params.notAfter)} 过期，还剩 ${spanZh(params.notAfter - at)}（阈值 ${spanZh(params.withinMs)}），它签发的证书都不能晚于这一天`,
    next: ({ path }) => ["请在到期前安排维护窗口", ...sameKeyAuthority(path).slice(1)],
  },
  "authority-not-yet-valid": {
    sentence: ({ params, at, name }) =>
      `CA ${name} 从 ${date(params.notBefore)} 才开始生效，比本节点时钟晚 ${spanZh(params.notBefore - at)}`,
    next: () => [
      "先核对时钟：date -u；chronyc tracking（或 timedatectl）",
      "时钟无误则说明装错了 CA：在各控制平面节点上用 sha256sum 对比",
    ],
  },
  "outlives-authority": {
    sentence: ({ params }) =>
      `证书到期时间 ${date(params.notAfter)} 晚于 CA ${params.authority}（${date(params.authorityNotAfter)}），CA 到期后它即失效`,
    next: ({ params }) => [
      `以 ${date(params.authorityNotAfter)} 为实际到期时间，并在此之前更新 CA ${params.authority}`,
    ],
  },
  "certificate-missing": {
    sentence: ({ path }) => `证书文件 ${path} 不存在`,
    next: (view) => waysOn([view], restore(view), { lines: obstacles, tool: view.tool }),
  },
  "key-missing": {
    sentence: ({ params, name }) =>
      name === "sa"
        ? `service account 密钥 ${params.path} 不存在，apiserver 下次将无法启动`
        : `私钥 ${params.path} 不存在，对应的证书无法使用`,
    next: ({ target, tool, name }) => [
      ...restore({ name, target, tool }).slice(0, 1),
      name === "sa" ? pairOfOthers : `或用新私钥续期：${tool(`renew ${target}`)}`,
    ],
  },
  "kubeconfig-missing": {
    sentence: ({ path }) => `kubeconfig 文件 ${path} 不存在`,
    next: (view) => waysOn([view], restore(view), { lines: obstacles, tool: view.tool }),
  },
  "authority-missing": {
    sentence: ({ path, name }) => `CA 证书文件 ${path} 不存在，无法校验或续期由 ${name} 签发的证书`,
    next: ({ path, name, tool }) => [
      ...(name === "front-proxy-ca"
        ? [
            `${tool(`renew ${flags.recreateAuthority} front-proxy-ca`)} 会用本节点上的旧文件恢复；没有旧文件时会说明如何重新生成`,
          ]
        : []),
      `从其他控制平面节点复制：scp OTHER:${shellQuote(path)} ${shellQuote(path)}；或从备份恢复`,
      ...(name === "front-proxy-ca" ? [] : ["不要新建 CA：整个集群的证书都依赖原来的 CA"]),
    ],
  },
  "object-unreadable": {
    sentence: ({ params }) => `${params.path} 存在但无法读取：${params.reason}`,
    next: ({ params, tool }) =>
      isForbidden(params.reason)
        ? [`请用 root 执行（集群文件中的节点用 sudo: true）：${sudoCommand(tool("check"))}`]
        : [
            `ls -l ${shellQuote(params.path)}；请用 root 执行；若是 I/O 错误请看 dmesg`,
            `然后重新检查：${tool("check")}`,
          ],
  },
  "link-dangling": {
    sentence: ({ params }) => `${params.path} 是指向 ${params.target} 的链接，而目标不存在`,
    next: ({ params }) => [
      `查看现状：ls -l ${shellQuote(params.path)} 以及目标所在目录`,
      "让链接指向最新的文件（ln -sfn TARGET LINK），或从备份恢复目标文件",
    ],
  },
  "certificate-broken": {
    sentence: ({ params }) => `${params.path} 中没有可解析的证书：${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `查看内容：${tool(`inspect ${shellQuote(params.path)}`)}`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "file-truncated": {
    sentence: ({ params }) => `${params.path} 不完整（${params.bytes} 字节）：写入中断或磁盘已满`,
    next: ({ params, name, target, tool }) => [
      `检查磁盘空间：df -h ${shellQuote(params.path)}`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "key-broken": {
    sentence: ({ params, name }) =>
      `${params.path} 中没有可解析的${name === "sa" ? "密钥" : "私钥"}：${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `从备份恢复；查看内容：${tool(`inspect ${shellQuote(params.path)}`)}`,
      name === "sa" ? pairOfOthers : `或用新私钥续期：${tool(`renew ${target}`)}`,
    ],
  },
  "key-encrypted": {
    sentence: ({ params }) => `私钥 ${params.path} 已加密（${params.format}），Kubernetes 组件都无法加载`,
    next: ({ params }) => [
      `用口令解密：openssl pkey -in ${shellQuote(params.path)} -out ${shellQuote(`${params.path}.plain`)}；chmod 0600 后用 mv 覆盖原文件`,
    ],
  },
  "kubeconfig-broken": {
    sentence: ({ params }) => `无法解析 kubeconfig 文件 ${params.path}：${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `看 kubectl 如何解析它：kubectl config view --kubeconfig ${shellQuote(params.path)}`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "manifest-broken": {
    sentence: ({ params }) =>
      `无法解析静态 Pod 清单 ${params.path}：${params.reason}；其证书路径按 kubeadm 默认值处理`,
    next: ({ params }) => [
      `修正该文件（kubelet 同样会忽略它）：journalctl -u kubelet | grep -i manifest；kubectl apply --dry-run=client -f ${shellQuote(params.path)}`,
    ],
  },
  "kubelet-config-broken": {
    sentence: ({ params }) =>
      `无法解析 kubelet 配置 ${params.path}：${params.reason}；其证书路径按默认值处理`,
    next: ({ params }) => [`修正 ${params.path}；否则 kubelet 无法启动：journalctl -u kubelet -n 50`],
  },
};
