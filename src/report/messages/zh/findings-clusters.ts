// 中文：关于集群各节点的结果。
import type { findingsClusters as english } from "../en/findings-clusters.ts";
import { shellQuote } from "../../shell.ts";
import { say } from "../../say.ts";
import { helpAgainst, saidError } from "../said-error.ts";
import { standingZh } from "../quorum.ts";
import type { FindingView } from "../types.ts";
import { diagnoseThere } from "../way-on.ts";
import { errors } from "./errors.ts";

/** Why a node was not reached. */
export function reasonOf({ params: { error } }: FindingView<"node-unreachable">): string {
  return saidError(error, errors);
}

export const findingsClusters: typeof english = {
  "node-unreachable": {
    sentence: ({ params: { reach, where, roles, error } }) =>
      `无法到达或读取该节点（${reach === "local" ? "本机" : `${reach} ${where}`}）：${saidError(error, errors)}；它的证书状况不明，任何计划都无法续期` +
      (roles.includes("etcd") ? "；作为 etcd 成员，计算多数派时视为缺席" : ""),
    next: ({ params: { reach, where, error }, tool }) => [
      ...(reach === "root"
        ? [`查看其中内容：ls ${shellQuote(`${where}/etc/kubernetes`)}；其位置由集群文件中的 root: 指定`]
        : helpAgainst(error, { errors, tool })),
      `然后再次执行：${tool("check")}`,
    ],
  },
  "authority-differs-between-nodes": {
    sentence: ({ params: { path, others } }) =>
      `${path} 与 ${others.join("、")} 上的 CA 不同：一方签发的证书会被另一方拒绝`,
    next: ({ params: { path, others } }) => [
      `在所有节点上比较：openssl x509 -in ${shellQuote(path)} -noout -fingerprint -sha256`,
      `若 ${others.join("、")} 上的是对的：从那里复制该 CA 及其私钥，再续期本节点上由它签发的证书`,
    ],
  },
  "etcd-cluster-unwell": {
    sentence: ({ params: { objections } }) =>
      `etcd 各成员没有组成一个健康的集群：${objections.map((one) => say(one, standingZh)).join("；")}`,
    next: ({ tool }) => [
      "查看各成员的状态：etcdctl endpoint status --cluster -w table；etcdctl member list -w table",
      `在各节点上分析其日志：${diagnoseThere(tool) ?? tool("diagnose")}`,
    ],
  },
};
