// 中文：计划为何被拒绝，以及如何继续。
import type { Refusal } from "../../../core/model/refusal.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { kubeadmPhase } from "../kubeadm-phase.ts";
import { asideCommand, installCommand, toolOfOneNode } from "../way-on.ts";
import { platformRefusals } from "./platform.ts";
import { refusalsNodes } from "./refusals-nodes.ts";
import type { RefusalMessages, Tool } from "../types.ts";
import { onEach } from "./obstacles.ts";

function restore(slot: string, tool: Tool): readonly string[] {
  const phase = kubeadmPhase(slot.slice(slot.indexOf("/") + 1));
  const backup = `从备份恢复；${tool("runs list")} 可查看以往运行保留的文件`;
  return phase === null ? [backup] : [backup, `或重新生成：${phase}`];
}

/** `at`：与时钟矛盾的时刻。 */
function setTheClock(at: string): readonly string[] {
  return [
    "用 date -u 查看本节点的时间，并与手表及其他节点上的 date -u 对照",
    `先校准时钟再续期：chronyc makestep、timedatectl set-ntp true，或 date -u -s TIME（晚于 ${at}）；然后重新执行命令`,
    `只有当 date -u 确实正确时（文件从别处复制而来，或时钟曾经偏快），才加上 ${flags.acceptClock} 重新执行`,
  ];
}

const renewAuthorityFirst = (tool: Tool): readonly string[] => [
  `先更新 CA：${tool("check")} 中该 CA 的结果给出了步骤；之后再执行本命令`,
];

/** `m1/apiserver, m1/admin.conf` 中的名称。 */
function namesOf(slots: string): string {
  return slots
    .split(", ")
    .map((slot) => shellQuote(slot.slice(slot.indexOf("/") + 1)))
    .join(" ");
}

const signAgain = (r: Refusal, tool: Tool): readonly string[] => [
  "请按请求原样签发，保留主体与扩展（openssl x509 -req -copy_extensions copyall）；见 docs/operations/external-ca.zh.md",
  `用新的签发结果替换这一个，然后：${installCommand(r.address, tool)}`,
];

/** `found`：旧 CA 的路径，私钥在它旁边。 */
function bringBack(address: string, found: string): readonly string[] {
  const path = address.replace(/^file:[^:]*:/, "");
  const key = (crt: string): string => crt.replace(/\.[^./]+$/, ".key");
  const elsewhere = `从其他控制平面节点复制（连同私钥）：scp OTHER:${shellQuote(path)} ${shellQuote(path)}；或从备份恢复`;
  if (found === "") return [elsewhere];
  return [
    `此处有旧文件：cp -p ${shellQuote(found)} ${shellQuote(path)} && cp -p ${shellQuote(key(found))} ${shellQuote(key(path))}`,
    `或${elsewhere}`,
  ];
}

function notRecreatable(address: string, detail: string): string {
  if (detail === "there") return `CA ${address} 存在；只有缺失的 CA 才会重新生成`;
  if (detail === "key-there") return `CA ${address} 缺失，但私钥仍在；生成新的一对会覆盖它`;
  return `CA ${address} 绝不会重新生成：集群中的所有证书都依赖它`;
}

function notStartable(why: string): string {
  if (why === "unit-masked") return "它的 systemd 单元被屏蔽（masked），停止后无法再启动";
  if (why === "ambiguous") return "有多个同名进程在 Pod 之外运行，无法确定哪个属于本节点";
  if (why === "launch-unreadable")
    return "没有 systemd 单元负责启动它，其启动方式也读不到：一旦停止就无法恢复";
  return "它未在运行，没有 systemd 单元负责启动它，也不知道它是怎样启动的";
}

export const refusals: RefusalMessages = {
  ...platformRefusals,
  "process-not-startable": {
    sentence: (r) => notStartable(r.detail),
    next: (r, tool) => [
      `请指明启动方式：给本命令加上 ${flags.process} ${r.address}.start=命令（还可加 .stop=、.status=）；见 docs/operations/master-is-dead.zh.md`,
      r.detail === "unit-masked"
        ? `或执行 systemctl unmask ${r.address} 后重试`
        : "或以 root 身份自行启动它，然后重试",
      `或执行 ${tool(`renew ${flags.noProbe}`)}：只续文件，由你来重启`,
    ],
  },
  "outlives-authority": {
    sentence: (r) => `要求的有效期超过了 CA ${r.address}（到期时间 ${r.detail}）`,
    next: () => [`用 ${flags.validity} 指定更短的有效期，或不指定：届时以 CA 的到期时间为上限`],
  },
  "authority-ending": {
    sentence: (r) => `CA ${r.address} 将于 ${r.detail} 到期，由它签发的证书马上又需要续期`,
    next: (_, tool) => renewAuthorityFirst(tool),
  },
  "authority-expired": {
    sentence: (r) => `CA ${r.address} 已于 ${r.detail} 过期，由它签发的证书在任何地方都会被拒绝`,
    next: (_, tool) => renewAuthorityFirst(tool),
  },
  "authority-not-usable": {
    sentence: (r) => `签发它的 CA 无法使用（${r.detail}，${r.address}）`,
    next: () => ["从其他控制平面节点或备份复制该 CA 的证书与私钥；不要新建 CA"],
  },
  "authority-key-mismatch": {
    sentence: (r) => `私钥 ${r.address} 与 CA ${r.detail} 不匹配`,
    next: () => ["与其他控制平面节点对比证书和私钥（sha256sum），复制正确的一对"],
  },
  "key-encrypted": {
    sentence: (r) => `私钥 ${r.address} 已加密（${r.detail}）`,
    next: () => ["先解密：openssl pkey -in KEY -out KEY.plain；chmod 0600 后用 mv 覆盖原文件"],
  },
  "key-not-usable": {
    sentence: (r) => `私钥 ${r.address} 既不能保留也不能替换：${r.detail}`,
    next: () => [
      `若用了 ${flags.keepKey}：去掉它，单独成文件的损坏私钥会被替换`,
      "或从备份恢复该私钥；perennial runs list 显示以前的运行保留了什么",
    ],
  },
  "certificate-damaged": {
    sentence: (r) => `${r.address} 已损坏，无从得知新证书应有的内容：${r.detail}`,
    next: (r, tool) => [
      `从备份恢复；${tool("runs list")} 可查看以往运行保留的文件`,
      `或当作缺失的证书重新生成：${asideCommand(r.address)}，再执行 ${tool(`renew ${r.slot.slice(r.slot.indexOf("/") + 1)}`)}`,
    ],
  },
  "certificate-not-usable": {
    sentence: (r) => `旧证书 ${r.address} 是新证书的模板，但无法使用：${r.detail}`,
    next: (r, tool) => restore(r.slot, tool),
  },
  "san-lost": {
    sentence: (r) => `${r.address} 中的证书缺少所请求的名称：${r.detail}`,
    next: signAgain,
  },
  "eku-lost": {
    sentence: (r) => `${r.address} 中的证书缺少所请求的用途：${r.detail}`,
    next: signAgain,
  },
  "link-leaves-tree": {
    sentence: (r) => `${r.address} 是指向受管目录之外的链接：${r.detail}`,
    next: (r) => [`若确实如此设计，请加上 ${flags.allowLinksTo} ${shellQuote(r.detail)} 重试`],
  },
  "object-not-writable": {
    sentence: (r) => `无法写入 ${r.address}：${r.detail}`,
    next: () => ["请用 root 执行；检查只读文件系统或不可变属性：mount | grep ' ro'，lsattr"],
  },
  "externally-managed": {
    sentence: (r) => `CA ${r.detail} 的私钥不在本节点（${r.address}）`,
    next: (r, tool) => [
      `先生成请求：${onEach(tool)}${toolOfOneNode(tool)(`renew ${namesOf(r.slot)} ${flags.csrDir} DIR`)}；交给 CA 签发；然后执行 ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
    ],
  },
  "authority-not-renewable": {
    sentence: (r) =>
      /(?:^|\/)sa(?:\.|$)/.test(r.detail)
        ? `${r.detail} 是 service account 密钥对，永不续期：集群中所有 token 都依赖它`
        : `${r.detail} 是 CA，本命令不续期 CA：它签发的一切都依赖它`,
    next: (_, tool) => [`请指定由它签发的证书，或不指定名称以续期所有到期的证书；名称见 ${tool("check")}`],
  },
  "kubelet-managed": {
    sentence: (r) => `${r.detail} 由 kubelet 自行续期，不会写入 ${r.address}`,
    next: () => [
      "用 journalctl -u kubelet | grep -i rotat 查看是否正常轮换；在节点上重启：systemctl restart kubelet",
    ],
  },
  "authority-missing": {
    sentence: (r) => `CA ${r.address} 不存在，由它签发的证书都无法生成；新建的 CA 与集群其余部分都不相容`,
    next: (r) => bringBack(r.address, r.detail),
  },
  "authority-not-recreatable": {
    sentence: (r) => notRecreatable(r.address, r.detail),
    next: (r, tool) =>
      r.detail === "not-allowed" ? bringBack(r.address, "") : [`问题所在见 ${tool("check")}`],
  },
  "missing-not-recreated": {
    sentence: (r) => `${r.detail} 不存在，旧副本与 manifest 都不能说明它原有的内容`,
    next: (r, tool) => restore(r.slot, tool),
  },
  "kubeconfig-not-usable": {
    sentence: (r) => `无法编辑 kubeconfig ${r.address}：${r.detail}`,
    next: () => ["用 kubectl config view --kubeconfig FILE 查看解析结果；修正后重试，或恢复备份"],
  },
  ...refusalsNodes,
  "clock-behind-file": {
    sentence: (r) => `时钟偏慢：${r.address} 写于 ${r.detail}，而时钟还没有走到那一刻`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-behind-run": {
    sentence: (r) => `时钟偏慢：运行 ${r.address} 的日志止于 ${r.detail}，而时钟还没有走到那一刻`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-behind-certificate": {
    sentence: (r) => `时钟偏慢，或签发 ${r.address} 时时钟偏快：它从 ${r.detail} 才生效`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-differs": {
    sentence: (r) => `时钟不一致：${r.address} 说现在是 ${r.detail}；两者必有一错`,
    next: (r) => setTheClock(r.detail),
  },
  "snapshot-impossible": {
    sentence: (r) =>
      `etcd 正在运行，却无法先保存其数据：它的 CA 私钥不在此处（${r.address}），已存的客户端证书${r.detail === "" ? "无法使用" : `已于 ${r.detail} 过期`}`,
    next: (r, tool) => [
      `让它与其他证书一起签发，签发结果也会用于快照：${onEach(tool)}${toolOfOneNode(tool)(`renew ${namesOf(r.slot)} ${flags.csrDir} DIR`)}，然后 ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      "或先停止 etcd，届时会复制其文件：systemctl stop kubelet && crictl stop -t 60 $(crictl ps -q --name '^etcd$')；然后重复本命令，它会重新启动两者",
      `或已有自己的备份：加上 ${flags.noSnapshot} 重试`,
    ],
  },
  "missing-not-requested": {
    sentence: (r) => `${r.detail} 不存在：由别处 CA 签发的证书只能取代已有的证书（过期的也可以）`,
    next: (_, tool) => [`请从备份恢复它，过期的也可以；${tool("runs list")} 列出以前运行保留的文件`],
  },
  "answer-not-signed": {
    sentence: (r) => `${r.address} 不能追溯到本节点上的 CA（${r.detail}）`,
    next: (r, tool) => [
      "请由本节点上那个证书所属的 CA 签发；如有中间证书，请放进同一目录",
      `然后：${installCommand(r.address, tool)}`,
    ],
  },
  "answer-expired": {
    sentence: (r) => `${r.address} 中的证书已于 ${r.detail} 过期`,
    next: (r, tool) => [
      "请重新签发该请求；用 date -u 确认本节点时钟",
      `用新的签发结果替换这一个，然后：${installCommand(r.address, tool)}`,
    ],
  },
  "answer-not-yet-valid": {
    sentence: (r) => `${r.address} 中的证书从 ${r.detail} 才生效`,
    next: (r, tool) => [
      "请等待或重新签发；用 date -u 确认本节点时钟",
      `然后：${installCommand(r.address, tool)}`,
    ],
  },
  "answer-is-authority": {
    sentence: (r) => `${r.address} 中的证书（序列号 ${r.detail}）是 CA:TRUE：持有其私钥者可以签发任何证书`,
    next: signAgain,
  },
  "answer-unmatched": {
    sentence: (r) =>
      r.detail === "present-key"
        ? `${r.address} 中的证书对应现有私钥，而不是某个请求`
        : `本节点没有私钥在等待 ${r.address} 中的证书`,
    next: (r, tool) =>
      r.detail === "present-key"
        ? [`若确实如此：${installCommand(r.address, (args) => tool(`${args} ${flags.keepKey}`))}`]
        : [
            `它属于其他节点，或属于已被替换的请求；本节点的请求：${tool(`renew ${flags.csrDir} DIR`)}`,
            `若只安装其余的：把它移出目录，然后 ${installCommand(r.address, tool)}`,
          ],
  },
  "answers-differ": {
    sentence: (r) => `同一个请求有两个不同的证书：${r.address} 与 ${r.detail}`,
    next: (r, tool) => [`请从该目录中移走不需要的那个，然后：${installCommand(r.address, tool)}`],
  },
  "subject-differs": {
    sentence: (r) => `${r.address} 中的证书是别的主体：请求的是 ${r.detail}`,
    next: signAgain,
  },
  "ku-lost": {
    sentence: (r) => `${r.address} 中的证书缺少所请求的密钥用途：${r.detail}`,
    next: signAgain,
  },
  "authority-key-here": {
    sentence: (r) => `CA ${r.detail} 的私钥就在本节点：无需他人签发`,
    next: (r, tool) => [tool(`renew ${namesOf(r.slot)}`)],
  },
};
