// 中文：同一类结果合并成一条。
import { flags } from "../../flags.ts";
import { sudoCommand } from "../../tool-command.ts";
import { shellQuote } from "../../shell.ts";
import { formatDayIso as day, spanZh } from "../../time.ts";
import type { ManyMessages, Tool } from "../types.ts";
import { isForbidden, toolOfOneNode, waysOn } from "../way-on.ts";
import { reasonOf } from "./findings-clusters.ts";
import { obstacles, onEach } from "./obstacles.ts";

const asks = "（先显示计划，确认后才执行）";
const dayMs = 86_400_000;
const defaultWithinMs = 30 * dayMs;

function days(instants: readonly number[]): string {
  const [first, last] = [Math.min(...instants), Math.max(...instants)];
  return day(first) === day(last) ? `${day(first)} ` : `${day(first)} 至 ${day(last)} 之间`;
}

/** 同一天时括号说明相距多久。 */
function distance(instants: readonly number[], at: number): string {
  const [first, last] = [Math.min(...instants), Math.max(...instants)];
  if (day(first) !== day(last)) return "";
  return first < at ? `（${spanZh(at - first)}前）` : `（${spanZh(first - at)}后）`;
}

function distinct(values: readonly string[]): string {
  return [...new Set(values)].join("、");
}

function quoted(paths: readonly string[]): string {
  return [...new Set(paths)].map(shellQuote).join(" ");
}

function targets(views: readonly { readonly target: string }[]): string {
  return [...new Set(views.map(({ target }) => target))].join(" ");
}

function clock(views: readonly { readonly at: number }[]): number {
  return views[0]?.at ?? 0;
}

function restore(tool: Tool): readonly string[] {
  return [
    `重新生成（有旧证书则照旧证书）：${tool("renew")}`,
    `从备份中找回；以往运行替换掉的文件见：${tool("runs list")}`,
  ];
}

export const findingsMany: ManyMessages = {
  "certificate-expired": (views, tool) => {
    const ends = views.map(({ params }) => params.notAfter);
    return {
      sentence: `${views.length} 个证书已于 ${days(ends)}过期${distance(ends, clock(views))}`,
      next: waysOn(views, [`${tool("renew")}${asks}`], { lines: obstacles, tool }),
    };
  },
  "certificate-expiring": (views, tool) => {
    const ends = views.map(({ params }) => params.notAfter);
    const withinMs = Math.max(...views.map(({ params }) => params.withinMs));
    const within = withinMs === defaultWithinMs ? "" : ` ${flags.within} ${Math.ceil(withinMs / dayMs)}d`;
    return {
      sentence: `${views.length} 个证书将于 ${days(ends)}到期${distance(ends, clock(views))}`,
      next: views.every(({ severity }) => severity === "info")
        ? ["kubelet 会在此之前自动续期"]
        : waysOn(views, [`${tool(`renew${within}`)}${asks}`], { lines: obstacles, tool }),
    };
  },
  "certificate-not-yet-valid": (views, tool) => ({
    sentence: `${views.length} 个证书的生效时间（${days(views.map(({ params }) => params.notBefore)).trim()}）晚于本节点时钟`,
    next: ["先核对时钟：date -u；chronyc tracking（或 timedatectl）", `时钟无误则续期：${tool("renew")}`],
  }),
  "outlives-authority": (views) => ({
    sentence: `${views.length} 个证书的到期时间晚于其 CA（${distinct(views.map(({ params }) => `${params.authority}：${day(params.authorityNotAfter)}`))}），CA 到期后即失效`,
    next: ["以 CA 的到期时间为准，并在此之前更新 CA"],
  }),
  "certificate-missing": (views, tool) => ({
    sentence: `${views.length} 个证书文件不存在`,
    next: waysOn(views, restore(tool), { lines: obstacles, tool }),
  }),
  "kubeconfig-missing": (views, tool) => ({
    sentence: `${views.length} 个 kubeconfig 文件不存在`,
    next: waysOn(views, restore(tool), { lines: obstacles, tool }),
  }),
  // sa 密钥对永不续期：各自说明。
  "key-missing": (views, tool) =>
    views.some(({ name }) => name === "sa")
      ? null
      : {
          sentence: `${views.length} 个私钥不存在，对应的证书无法使用`,
          next: [...restore(tool).slice(0, 1), `或用新私钥续期：${tool(`renew ${targets(views)}`)}`],
        },
  "object-unreadable": (views, tool) =>
    views.every(({ params }) => isForbidden(params.reason))
      ? {
          sentence: `${views.length} 个文件无法读取，请用 root（sudo）执行`,
          next: [`请用 root 执行（集群文件中的节点用 sudo: true）：${sudoCommand(tool("check"))}`],
        }
      : {
          sentence: `${views.length} 个文件存在但无法读取（${distinct(views.map(({ params }) => params.reason))}）`,
          next: [
            `ls -l ${quoted(views.map(({ params }) => params.path))}；请用 root 执行；若是 I/O 错误请看 dmesg`,
            `然后重新检查：${tool("check")}`,
          ],
        },
  "key-does-not-match": (views, tool) => ({
    sentence: `${views.length} 个证书与各自的私钥不匹配，TLS 握手必然失败`,
    next: [
      `若备份中有配套的一半，先恢复：${tool("runs list")}`,
      `否则重新生成：${tool(`renew ${targets(views)}`)}`,
    ],
  }),
  "wrong-issuer": (views, tool) => ({
    sentence: `${views.length} 个证书不是由本节点的 CA（${distinct(views.map(({ params }) => params.authority))}）签发`,
    next: [
      "与其他控制平面节点对比 CA（sha256sum）：本节点的 CA 可能装错了",
      `若本节点的 CA 正确：${tool(`renew ${targets(views)}`)}`,
    ],
  }),
  "certificate-anomaly": (views, tool) => ({
    sentence: `${views.length} 个证书不符合 RFC 5280（${distinct(views.map(({ params }) => params.anomaly))}）`,
    next: [`新版本组件可能拒绝它们；续期后即符合规范：${tool(`renew ${targets(views)}`)}`],
  }),
  "replica-differs": (views, tool) => ({
    sentence: `${views.length} 个副本与原件中的证书不同（使用它们就是在用旧证书）`,
    next: [`更新副本：${tool("renew")}`],
  }),
  "mode-too-open": (views, tool) => ({
    sentence: `${views.length} 个文件可被 root 以外的用户读取`,
    next: [...new Set(views.map(({ params }) => params.atMost))].map(
      (mode) =>
        `${onEach(tool)}chmod ${mode} ${quoted(views.filter(({ params }) => params.atMost === mode).map(({ params }) => params.path))}`,
    ),
  }),
  "owner-unexpected": (views, tool) => ({
    sentence: `${views.length} 个文件的属主不是 root（${distinct(views.map(({ params }) => `uid ${params.uid}，gid ${params.gid}`))}）`,
    next: [
      `${onEach(tool)}先确认是谁（getent passwd UID）；若无人需要：chown root:root ${quoted(views.map(({ params }) => params.path))}`,
    ],
  }),
  "left-over-temporary": (views, tool) => ({
    sentence: `${views.length} 个文件是中断的运行留下的临时文件，其中可能有私钥`,
    next: [
      `用 ${tool("runs list")} 查看是否有未完成的运行：resume 或 rollback 会清除它们`,
      `若没有未完成的运行，${onEach(tool)}rm ${quoted(views.map(({ params }) => params.path))}`,
    ],
  }),
  "holds-system-masters": (views) => ({
    sentence: `${views.length} 个证书属于 system:masters（拥有全部权限，任何 RBAC 规则都无法收回）`,
    next: ["仅允许 root 读取；给他人发放单独的 kubeconfig，不要复制这些文件"],
  }),
  "externally-managed": (views, tool) => ({
    sentence: `${views.length} 个 CA 的私钥不在节点上，由它们签发的证书须在私钥所在处续期`,
    next: [
      `到期前后：${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)}，在私钥所在处签发请求，再执行 ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      `或在执行 ${tool("renew")} 期间临时放入 CA 私钥，完成后移走`,
    ],
  }),
  // 节点不多时各自说明原因。
  "node-unreachable": (views, tool) => {
    const [first] = views;
    if (first === undefined || views.length <= 3) return null;
    return {
      sentence: `${views.length} 个节点无法到达或读取（${first.node}：${reasonOf(first)}）；它们的证书状况不明，任何计划都无法续期`,
      next: [
        `各自的原因：${tool("check -o json")} | jq -r '.findings[] | select(.code == "node-unreachable") | .message'`,
        `然后再次执行：${tool("check")}`,
      ],
    };
  },
};
