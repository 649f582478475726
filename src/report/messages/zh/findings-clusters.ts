// 中文：关于集群各节点的结果。
import type { ErrorCode, ErrorParams } from "../../../core/model/errors.ts";
import type { findingsClusters as english } from "../en/findings-clusters.ts";
import { shellQuote } from "../../shell.ts";
import type { FindingView, Tool } from "../types.ts";
import { errors } from "./errors.ts";

function said<C extends ErrorCode>(code: C, params: ErrorParams[C]): string {
  return errors[code].sentence(params);
}

/** Why a node was not reached. */
export function reasonOf({ params: { error } }: FindingView<"node-unreachable">): string {
  return said(error.code, error.params);
}

function helps<C extends ErrorCode>(code: C, params: ErrorParams[C], tool: Tool): readonly string[] {
  return errors[code].hint(params, tool);
}

export const findingsClusters: typeof english = {
  "node-unreachable": {
    sentence: ({ params: { reach, where, roles, error } }) =>
      `无法到达或读取该节点（${reach === "local" ? "本机" : `${reach} ${where}`}）：${said(error.code, error.params)}；它的证书状况不明，任何计划都无法续期` +
      (roles.includes("etcd") ? "；作为 etcd 成员，计算多数派时视为缺席" : ""),
    next: ({ params: { reach, where, error }, tool }) => [
      ...(reach === "root"
        ? [`查看其中内容：ls ${shellQuote(`${where}/etc/kubernetes`)}；其位置由集群文件中的 root: 指定`]
        : helps(error.code, error.params, tool)),
      `然后再次执行：${tool("check")}`,
    ],
  },
};
