// 中文：cluster.yaml 与到达各节点方式的错误。
import type { ClusterFault, ClusterFaultCode } from "../../../core/model/cluster.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import type { errorsClusters as english } from "../en/errors-clusters.ts";

/** `a, b` 写作 `a、b`。 */
function list(words: string): string {
  return words.replaceAll(", ", "、");
}

const faults: { readonly [C in ClusterFaultCode]: (fault: ClusterFault) => string } = {
  "not-yaml": ({ detail }) => `不是有效的 YAML：${detail}`,
  "several-documents": () => "此处开始了第二个文档；一个文件只描述一个集群",
  "unknown-key": ({ detail }) => `不是此处可用的键，可用：${list(detail)}`,
  missing: () => "缺失",
  empty: () => "为空",
  "not-text": () => "不是文本",
  "not-a-list": () => "不是列表",
  "not-a-mapping": () => "不是键值映射",
  "not-a-boolean": () => "既不是 true 也不是 false",
  "not-one-of": ({ value, detail }) => `${value} 不是可用值，可用：${list(detail)}`,
  "not-a-name": ({ value }) => `${value} 不是名称：只能有字母、数字、点、短横线和下划线`,
  "not-a-host": ({ value }) => `${value} 既不是主机名也不是地址`,
  "not-a-port": ({ value }) => `${value} 不是端口：应为 1 到 65535`,
  "not-a-user": ({ value }) => `${value} 不是用户名`,
  "not-a-jump": ({ value }) => `${value} 不是跳板机：[USER@]HOST[:PORT]，多个以逗号分隔`,
  "not-a-path": ({ value }) => `${value} 不是路径`,
  "not-true": () => "只能为 true；若该节点不是本机，请删去此键",
  "several-reaches": ({ value }) => `写了不止一种到达方式：${list(value)}`,
  duplicate: ({ value, detail }) => `${value} 已属于另一个节点（第 ${detail} 行）`,
  "second-local": ({ value }) => `${value === "" ? "" : `${value} `}不能也是本机：只有一个节点可以是 local`,
};

function faultLine(fault: ClusterFault): string {
  const where = fault.at === "" ? "" : `${fault.at} `;
  return `  第 ${fault.line} 行：${where}${faults[fault.fault](fault)}`;
}

export const errorsClusters: typeof english = {
  "cluster-invalid": {
    sentence: (p) => [`${p.path} 没有正确描述一个集群：`, ...p.faults.map(faultLine)].join("\n"),
    hint: () => ["docs/cluster-file.zh.md 说明每个键；perennial init 会为所在节点写出一个文件"],
  },
  "reach-unsupported": {
    sentence: (p) => `节点 ${p.node} 的到达方式是 ${p.reach}，此命令无法使用`,
    hint: () => ["在该节点上运行 perennial，或把它的文件拿到本机，并在集群文件中写明 root: DIR"],
  },
  "node-is-another": {
    sentence: (p) => `以节点 ${p.node} 的名义到达的机器自称为 ${p.found}`,
    hint: () => ["改正集群文件中该节点的名称或到达方式：名称以 kubectl get nodes 为准"],
  },
  "profiles-differ": {
    sentence: (p) => `集群 ${p.cluster} 的节点被识别为不同的发行版：${p.profiles.join("；")}`,
    hint: () => ["在集群文件中用 profile: 指明（perennial profile list 列出可用值）"],
  },
  "file-exists": {
    sentence: (p) => `${p.path} 已存在，不会覆盖`,
    hint: (p) => [`查看它：cat ${shellQuote(p.path)}；或写到另一个文件：${flags.out} FILE`],
  },
};
