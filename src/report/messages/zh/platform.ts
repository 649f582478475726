// 中文：集群之上的平台、它自行做的事，以及须手工处理的事。
import type { Notice } from "../../../core/model/notice.ts";
import type { MessagesOf, RefusalMessages } from "../types.ts";
import { shellQuote } from "../../shell.ts";
import type { manual as englishManual, platformFindings as english } from "../en/platform.ts";

const names = { tkestack: "TKEStack" } as const;

const roles = {
  global: "它的 global 集群（平台自身运行于其中）",
  standalone: "它创建的独立集群",
  unknown: "它的集群（没有文件说明平台如何称呼它）",
} as const;

export const platformFindings: typeof english = {
  "platform-recognised": {
    sentence: ({ params: { platform, role, cluster } }) =>
      `由 ${names[platform]} 创建：${roles[role]}${cluster === null ? "" : `，${cluster.source} 中称为 ${cluster.name}`}；平台自身也会续期，并保存着只在 API 中的副本`,
    next: ({ params: { role } }) => [
      ...(role === "standalone"
        ? []
        : ["global 集群的 ConfigMap tke/certs 中存有私钥：谁能读取该处的 ConfigMap，谁就能读取 etcd"]),
      "续期哪些、不动哪些、哪些须手工处理，见 docs/profiles/tkestack.zh.md",
    ],
  },
  "platform-left-alone": {
    sentence: ({ params: { platform, why } }) =>
      why.code === "no-marks"
        ? `本节点上没有 ${names[platform]} 的任何痕迹：集群是导入的，或与该平台无关；不作处理`
        : `${why.version === null ? `${why.path ?? ""} 由 1.2.5 之前的 ${names[platform]} 写出` : `${names[platform]} ${why.version} 早于 1.2.5`}：其证书保存方式未知，不作处理`,
    next: ({ params: { why }, tool }) =>
      why.code === "no-marks"
        ? [`若由 kubeadm 创建：${tool("check --profile kubeadm")}`]
        : [
            `若平台此后已升级：${tool("check --set tkeVersion=VERSION")}，填写现在的版本`,
            `只续期 kubeadm 的文件：${tool("plan --profile kubeadm")}`,
          ],
  },
  "token-kubeconfig-left": {
    sentence: ({ params: { path, platform } }) =>
      `${path} 是 ${names[platform]} 的 token kubeconfig：不随证书到期，保持不动`,
    next: ({ params: { path } }) => [
      `不要用 admin.conf 覆盖 ${path}；其 token 与 /etc/kubernetes/known_tokens.csv 中的相同，没有期限`,
    ],
  },
};

export const platformNotices: Pick<MessagesOf<Notice>, "platform-renews" | "token-kubeconfig-left"> = {
  "platform-renews": (n) =>
    `${names[n.platform]} 自身也会续期（EnsureRenewCerts，到期前 30 天起，经 SSH 执行 kubeadm），并在${n.cluster === null ? "集群" : `集群 ${n.cluster} `}更新时保存凭据：完成之前请勿更新、扩缩容或升级该集群`,
  "token-kubeconfig-left": (n) =>
    `${n.paths.join("、")}：${names[n.platform]} 的 token kubeconfig，保持不动；不要用 admin.conf 覆盖`,
};

export const platformRefusals: Pick<RefusalMessages, "platform-too-old" | "platform-not-here"> = {
  "platform-too-old": {
    sentence: (r) =>
      r.detail === ""
        ? `${r.address} 由 1.2.5 之前的 TKEStack 写出：其证书保存方式未知，不作处理`
        : `TKEStack ${r.detail} 早于 1.2.5：其证书保存方式未知，不作处理`,
    next: (_, tool) => [
      `若平台此后已升级，请指明：${tool("plan --set tkeVersion=VERSION")}`,
      `只续期 kubeadm 的文件：${tool("plan --profile kubeadm")}`,
    ],
  },
  "platform-not-here": {
    sentence: () => "本节点上没有 TKEStack 的任何痕迹：集群是导入的，或是别的集群；不作处理",
    next: (_, tool) => [`若由 kubeadm 创建：${tool("plan --profile kubeadm")}`],
  },
};

export const manual: typeof englishManual = {
  heading: "运行成功之后，请按以下顺序手工处理（这些副本只在 API 中，本工具尚不写入）：",
  step: "手工",
  title: (object, { certificate, key }, slot) => `${object} 的 ${certificate} 与 ${key}：${slot} 的副本`,
  where: ({ store, role, node, files }) =>
    store === "cluster-credential" && role !== "global"
      ? `在 global 集群的 master 节点上执行；先把 ${node} 的 ${shellQuote(files.certificate)} 与 ${shellQuote(files.key)} 复制过去（权限 0600），并让 crt 与 key 指向它们`
      : `在 ${node} 上，于权限 0700 的目录中执行`,
  stop: ({ store, oldSerialHex }) =>
    [
      `找不到该对象${store === "config-map" ? "（说明不是 global 集群：跳过此步）" : ""}`,
      `先显示的序列号既不是 ${oldSerialHex === null ? "被替换证书的序列号" : oldSerialHex.toUpperCase()}（被替换的证书），也不等于随后显示的序列号（表示已完成）：主体为 kube-apiserver-etcd-client 的是另一 master 的副本，可以继续；主体为其他名称的（TKEStack 1.3.0 起自行签发，有效期 100 年）跳过此步`,
      "replace 提示 Conflict：期间有人修改过，请重做此步",
    ].join("；"),
  expected: ({ store }) =>
    store === "config-map"
      ? "最后显示的序列号与第二次显示的相同；挂载它的所有 Pod 均已重启，API 在前"
      : "最后显示的序列号与第二次显示的相同；TKEStack 1.3.0 起在下次更新集群时也会自行写入",
  undo: ({ store }) =>
    `去掉 resourceVersion 后执行 kubectl replace -f ${store === "config-map" ? "certs" : "clustercredentials"}.bak.yaml；该文件含私钥，一切正常后请删除`,
  stopLabel: "停止条件",
  expectedLabel: "预期",
  undoLabel: "撤销",
  left: (objects, report) => `以下副本仍是旧证书：${objects}。命令见上面的计划，以及：${report}`,
};
