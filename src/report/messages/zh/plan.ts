// 中文：计划中的原因、提示与标题。
import type { IdentityGap } from "../../../core/model/decision.ts";
import { flags } from "../../flags.ts";
import { formatDateIso as date, formatDayIso, spanZh } from "../../time.ts";
import type { plan as english } from "../en/plan.ts";
import { manual, platformNotices } from "./platform.ts";
import { refusals } from "./refusals.ts";

function caMissing({ authority, isThere }: { readonly authority: string; readonly isThere?: true }): string {
  return isThere === true ? `其 CA ${authority} 缺失` : `缺失，其 CA ${authority} 也缺失`;
}

/** 名称从何而来（drivers/discovery）。 */
const nameSources: Readonly<Record<string, string>> = {
  "every kubeadm API server": "kubeadm 的固定名称",
  "every kubeadm etcd": "kubeadm 的固定名称",
  "the node's name": "节点名",
};

const identityGaps: Readonly<Record<IdentityGap, string>> = {
  "not-used-here": "缺失，但本节点没有 manifest 用到它",
  names: "缺失，且无从得知应含哪些名称：既无旧证书，也无 manifest",
  server: "缺失，且无从得知 API 的地址：既无 kubeconfig，也无 manifest",
  authority: "缺失，且不知道由哪个 CA 签发",
};

const unmatched = {
  "no-request": "本节点没有等待它的私钥",
  "present-key": `它对应现有私钥；加上 ${flags.keepKey} 即可安装`,
  "in-place": "已经就位",
};

/** Of several nodes the same one comes several times. */
function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

export const plan: typeof english = {
  manual,
  renewReasons: {
    expired: (r) => `已于 ${date(r.notAfter)} 过期`,
    expiring: (r) => `将于 ${date(r.notAfter)} 过期`,
    "key-does-not-match": () => "证书与私钥不匹配",
    "key-not-usable": (r) => `其私钥 ${r.path} ${r.state === "missing" ? "缺失" : "已损坏"}`,
    "wrong-issuer": (r) => `不是由本节点的 CA ${r.authority} 签发`,
    "not-yet-valid": (r) => `从 ${date(r.notBefore)} 才生效`,
    missing: (r) =>
      r.from === null
        ? "缺失；根据启动参数与其他文件拼出"
        : `缺失；按旧证书 ${r.from.replace(/^file:[^:]*:/, "")} 重新生成`,
    requested: () => "按要求",
    "san-added": (r) => `增加名称：${r.sans.join("、")}`,
    signed: (r) => `已签发：${r.answer}，有效期至 ${date(r.notAfter)}`,
    follows: (r) =>
      r.because === "same-key" ? `${r.original} 的副本（私钥相同）` : `${r.original} 的过时副本（身份相同）`,
  },
  keepReasons: {
    "not-due": (r) => `有效期至 ${date(r.notAfter)}`,
    "not-selected": () => "未要求",
    missing: () => "文件在，但不含证书，可能是有意为之",
    "authority-missing": (r) =>
      r.found === null
        ? `${caMissing(r)}：请先在其他控制平面节点与备份中查找；确已丢失时用 ${flags.recreateAuthority} ${r.authority}`
        : `${caMissing(r)}：旧文件在 ${r.found}，用 ${flags.recreateAuthority} ${r.authority} 放回`,
    "identity-unknown": (r) => identityGaps[r.lacking],
    unreadable: (r) => `无法读取：${r.reason}`,
    "not-usable": (r) => `不能照原样续期：${r.reason}`,
    refused: ({ refusal }) => refusals[refusal.code].sentence(refusal),
    "externally-managed": (r) => `CA ${r.authority} 的私钥不在此处`,
    "kubelet-rotates": (r) => `由 kubelet 自动轮换，有效期至 ${date(r.notAfter)}`,
    "other-identity": () => "与任何原件的身份都不同",
    "original-unreadable": (r) => `应为 ${r.original} 的副本，而原件无法读取，无法判断是谁的证书`,
    "original-kept": (r) => `已到期，而其原件 ${r.original} 保持不变`,
    "no-certificate": () => "不含证书",
    "observed-only": () => "仅查看",
  },
  notices: {
    ...platformNotices,
    "validity-capped": (n) =>
      `以下证书将随 CA ${n.authority} 于 ${date(n.notAfter)} 到期，早于要求的有效期：${n.slot}`,
    "outage-order": (n) =>
      n.hasQuorum
        ? `多数 etcd 成员的证书已过期：计划先续期所有节点，再重启 ${n.restarts} 个进程；期间 etcd 与 API 不可用`
        : `etcd 没有法定人数：计划先续期所有节点，再启动全部 etcd，然后逐个启动 apiserver，最后是其余进程（共 ${n.restarts} 个）；约需 ${Math.max(1, Math.ceil(n.restarts / 3))} 分钟`,
    "nodes-skipped": (n) => `无法连接、暂不处理：${n.nodes.join("、")}；之后用同一命令在这些节点上续期`,
    "etcd-not-in-plan": (n) =>
      `etcd（${n.servers.join("、")}）不在这些节点上：不为它做快照，不询问其法定人数，也看不到它自己的证书；只能证明 apiserver 重新就绪；把其主机写入集群文件（roles: [etcd]）即可纳入计划`,
    "nodes-not-awaited": (n) =>
      n.because === "not-wanted"
        ? `${flags.minReady} 0：不论哪些节点上报都启动 controller-manager；五分钟后它会驱逐未上报节点上的 Pod`
        : "不论哪些节点上报都启动 controller-manager：没有带 admin.conf 的 apiserver 可以询问；请在五分钟内执行 kubectl get nodes",
    "swap-window": (n) =>
      `${distinct(n.consumers).join("、")} 每次握手都会读取文件，恰在两次改名之间（微秒级）的握手可能失败；使用 ${flags.keepKey} 或先停止它可避免`,
    "restart-needed": (n) =>
      `完成后请${n.isTogether === true ? "（若所有 master 均已过期，各节点的 etcd 要一起重启）" : "逐个节点"}重启以下组件，使新证书生效：${distinct(n.consumers).join("、")}`,
    "members-together": (n) =>
      `etcd 有 ${n.members} 个成员，本节点成员的证书已过期：若其他成员也已过期，只有一起恢复才有法定人数，此时不要单独续期本节点：perennial init 写出集群文件，再用 perennial renew -f cluster.yaml 处理所有 master`,
    "authority-bundle": (n) => `CA ${n.authority} 的文件含多个证书，由与私钥匹配的那个签发`,
    "answer-unmatched": (n) =>
      `未安装：${n.address} 中的 ${n.subject}（序列号 ${n.serialHex}）：${unmatched[n.because]}`,
    "answer-unreadable": (n) => `未读取：${n.address}：${n.reason}`,
    "answer-none": () => "目录中没有签发结果：除 CA 证书外没有其他证书",
    "answer-awaited": (n) => `仍在等待签发结果：${n.names.join("、")}`,
    "mode-kept-open": (n) => `以下文件保持权限 ${n.mode}，其他用户可以读取其中的私钥：${n.address}`,
    "group-loses-key": (n) =>
      `以下私钥文件的权限将由 ${n.mode} 改为 ${n.newMode}，属主不变：仅凭组（gid ${n.gid}）读取它的进程（既非属主也非 root）将读不到；请事先 chown 给该进程的用户，或在续期后立即 chmod g+r：${n.address}`,
    reconstructed: (n) =>
      `没有找到 ${n.slots.join("、")} 的旧证书，内容根据启动参数、kubeconfig 与 kubelet 配置拼出；请把上列名称与负载均衡地址、其他控制平面节点的证书逐一核对`,
    "authority-restored": (n) => `CA ${n.authority} 从 ${n.from} 放回；各控制平面节点上必须相同，请核对指纹`,
    "authority-made-anew": (n) =>
      `CA ${n.authority} 将重新生成：在所有 apiserver 换用之前，聚合 API（如 metrics-server）不可用；请把它的证书与私钥复制到其他控制平面节点，并在那里续期 front-proxy-client、重启`,
    "key-pair-missing": (n) =>
      n.found === null
        ? `${n.path} 缺失，且绝不会重新生成：所有 token 都依赖它；请从其他控制平面节点或备份复制密钥对 ${n.name}`
        : `${n.path} 缺失，且绝不会重新生成：所有 token 都依赖它；旧文件可放回：cp -p ${n.found} ${n.path}`,
    "process-from-record": (n) =>
      `${n.consumer} 未在运行；将按 ${date(n.recordedAt)} 记录的命令行启动：${n.command}；如需改用其他方式：${flags.process} ${n.consumer}.start=命令`,
    "stays-expired": (n) =>
      [
        `仍然过期：${n.slots.join("、")}`,
        ...(n.unproven.length === 0
          ? []
          : [`因此无法证明 ${n.unproven.join("、")} 状态正常并出示应有的证书`]),
        ...(n.isWriteProved ? [] : ["不验证对 API 的写入"]),
        "不指定名称的计划会更新所有到期的证书",
      ].join("；"),
    "clock-accepted": (n) =>
      `${flags.acceptClock}：按时钟正确处理，尽管${n.doubts.map((doubt) => refusals[doubt.code].sentence(doubt)).join("；")}`,
    "bootstrap-not-needed": (n) =>
      `${n.path} 缺失：只有在没有有效证书时 kubelet 才需要它；${n.file} 将得到有效证书，不要把它复制过去`,
    "kubelet-serving-left": (n) =>
      n.isRotated
        ? `${n.path} 已过期，不作处理：新证书须由 API 批准；API 恢复后重启 kubelet 并批准其 CSR`
        : `${n.path} 已过期，不作处理：它是自签名的，把它和私钥移走并重启 kubelet，kubelet 会重新生成`,
  },
  phases: {
    issue: "签发（issue）：在内存中生成私钥与证书",
    "back-up": "备份（back-up）：保存原文件",
    archive: "归档（archive）：把已保存的内容加密后写到别处",
    stage: "预置（stage）：在原文件旁写好新文件，并整体校验",
    swap: "替换（swap）：用新文件改名覆盖原文件",
    prove: "验证（prove）：重新读取并与计划比对",
  },
  comma: "、",
  colon: "：",
  columns: { name: "名称", expires: "原到期日", key: "新私钥", reason: "原因", files: "文件" },
  day: (at) => formatDayIso(at),
  filesBelow: (files, folder) => `${files}（${folder} 之下）`,
  short: { expired: "已过期", expiring: "即将到期", follows: "副本", missing: "缺失", signed: "外部签发" },
  restored: (from) => `从 ${from} 放回`,
  madeAnew: "重新生成",
  madeWith: (names) => `含名称 ${names}`,
  nameSource: (source) => nameSources[source] ?? source.replace(/^(--\S+) of (\/.*)$/, "$2 的 $1"),
  nameFrom: (name, sources) => `${name}（来源：${sources}）`,
  keptKey: "保留",
  newOnes: (span, authorities) =>
    `新证书：主体、名称与用途不变，有效期 ${span}（不晚于 CA），由 ${authorities} 签发。`,
  installed: (authorities) => `由外部签发的证书，已与各自的请求及本节点的 ${authorities} 核对。`,
  kept: (names, reason) => `不变：${names}（${reason}）`,
  takeAnswers: (count) => `签发（issue）：取用 ${count} 个已签发的证书及等待它们的私钥`,
  archiveLine: ({ place, recipients, keysOf }) =>
    keysOf === null
      ? `归档（archive）：把以上已保存的内容为 ${recipients} 加密，写到 ${place} 并回读校验`
      : `归档（archive）：${keysOf.nodes} 的私钥为 ${recipients} 加密后离开所在节点：以上已保存的内容写到本机的 ${place} 并回读校验`,
  notRenewed: (names, reason) => `未包括、不续期：${names}（${reason}）`,
  phaseLines: {
    issue: (count) => `签发（issue）：在内存中生成 ${count} 个证书`,
    "back-up": (count, folder) => `备份（back-up）：把以上 ${count} 个文件保存到 ${folder}`,
    stage: (count) => `预置（stage）：在原文件旁写好 ${count} 个新文件，并整体校验`,
    swap: () => "替换（swap）：按所示顺序改名就位，先私钥后证书",
    prove: (count) => `验证（prove）：重新读取 ${count} 个证书，与签发的比对`,
  },
  joiner: "；",
  title: (cluster, nodes, profile) => `集群 ${cluster}（${nodes}）的计划，profile ${profile}`,
  span: (ms) => spanZh(ms),
  sansAdded: (sans) => `增加 ${sans}`,
  noticesHeading: "注意：",
  refusalsHeading: "已拒绝：",
  wayOn: "->",
  stepsHeading: "步骤（按此顺序）：",
  onNode: (node) => `在 ${node} 上`,
  onNodes: (names) => `（${names}）`,
  steps: {
    issue: (name, authority) => `${name}，由 ${authority} 签发`,
    install: (name, authority) => `${name}，由 ${authority} 在别处签发`,
    forget: (name) => `${name}：删除待用私钥`,
    take: (name, serial) => `${name}：取用现有证书（序列号 ${serial}）供其副本使用`,
    "back-up": (object) => object,
    archive: ({ place, recipients, keysOf }) =>
      keysOf === null
        ? `${place}，为 ${recipients} 加密`
        : `本机的 ${place}，为 ${recipients} 加密；${keysOf.nodes} 的私钥因此离开所在节点`,
    stage: (object, mode) => `${object}（权限 ${mode}）`,
    swap: (object) => object,
    prove: (name) => name,
  },
  guards: (written, read) =>
    `前提：将替换的 ${written} 个文件与只读取的 ${read} 个文件须与制定计划时一致，否则不做任何改动。`,
  undo: (command) => `回滚：${command} 恢复内容、权限、属主与链接；中途失败会自动回滚。`,
  digest: (digest) => `摘要：${digest}`,
  nothing: "无需操作：没有到期的证书。",
  nothingSigned: "没有可安装的内容：没有找到对本机待签请求的签发结果。",
  leftOut: (count) => `未包括：${count} 个证书不能照原样续期，见上。`,
  refused: (count) => `已拒绝：${count} 个原因，无法执行。`,
  summary: (renew, follow, keep, leftOut) =>
    `计划：续期 ${renew} 个，跟随 ${follow} 个，保持不变 ${keep} 个${leftOut === 0 ? "" : `，未包括 ${leftOut} 个`}。`,
};
