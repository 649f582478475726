// 中文：diagnose 的全部句子。
import type { FindingCode } from "../../core/model/finding.ts";
import { shellQuote } from "../shell.ts";
import { formatDateIso, spanZh } from "../time.ts";
import type { diagnoseEn } from "./diagnose-en.ts";
import { nextCommands } from "./diagnose-next.ts";

const findingWords: Partial<Readonly<Record<FindingCode, string>>> = {
  "certificate-missing": "证书文件不存在",
  "key-missing": "私钥不存在",
  "kubeconfig-missing": "kubeconfig 不存在",
  "authority-missing": "CA 证书不存在",
  "link-dangling": "链接指向不存在的文件",
  "object-unreadable": "无法读取",
  "certificate-broken": "其中没有可读的证书",
  "file-truncated": "内容被截断",
  "key-broken": "其中没有可读的私钥",
  "key-encrypted": "私钥已加密",
  "kubeconfig-broken": "无法解析",
  "key-does-not-match": "私钥与证书不匹配",
  "authority-key-does-not-match": "CA 的私钥与证书不匹配",
  "wrong-issuer": "不是由本节点的 CA 签发",
  "kubeconfig-authority-differs": "信任的 CA 与本节点不同",
  "san-missing": "缺少名称",
  "usage-missing": "缺少扩展密钥用途",
  "service-account-pair-differs": "公钥与私钥不是一对",
  "kubelet-embedded": "证书内嵌在文件中，轮换不会更新它",
};

const kubeletRestart = "在节点上：systemctl restart kubelet";

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 4).join("、");
  return names.length > 4 ? `${shown} 等 ${names.length} 个` : shown;
}

export const diagnoseZh: typeof diagnoseEn = {
  certainties: { confirmed: "确认", likely: "很可能", possible: "可能", rejected: "排除" },
  causes: {
    "authority-expired": () => "CA 已过期：它签发的一切都会被拒绝，无论新旧",
    "certificate-expired": () => "证书已过期",
    "certificate-not-yet-valid": () => "证书尚未生效",
    "clock-wrong": () => "时钟不对，或被往回调过",
    "unknown-authority": () => "签发证书的 CA 不是对方信任的 CA",
    "wrong-name": (subject) =>
      subject === null ? "证书缺少所访问的名称" : `证书缺少所访问的名称：${subject}`,
    "wrong-usage": () => "证书不允许用于此用途（扩展密钥用途）",
    "key-mismatch": () => "私钥与证书不匹配",
    "file-missing": () => "证书、私钥或 kubeconfig 不存在",
    "file-unusable": () => "证书、私钥或 kubeconfig 无法读取",
    "etcd-unreachable": () => "因证书问题，apiserver 连不上 etcd（context deadline exceeded）",
    "bootstrap-kubeconfig-missing": () => "kubelet 自己的客户端证书不可用，所以去找 bootstrap kubeconfig",
    "wrong-kubelet-client": (subject) =>
      subject === "embedded"
        ? "kubelet.conf 内嵌了旧证书，而旁边已有轮换过的新证书"
        : "kubelet 使用的客户端证书不是应该用的那一个",
    "loopback-certificate-expired": () => "apiserver 启动时在内存中生成的自用证书已满一年",
    "renewed-not-loaded": () => "文件没有问题；某个进程的内存中仍是旧证书或旧 CA",
    "credentials-refused": (subject) =>
      subject === "token" ? "ServiceAccount 令牌被拒绝：由另一把 sa 私钥签发" : "对方拒绝了所出示的凭据",
    "platform-web-certificate": (subject) =>
      `${subject ?? "平台组件"} 的网页使用的是其 api pod 启动时加载的证书`,
    "hosted-mesh-certificate": (subject) => `托管网格 ${subject ?? "MESH_ID"} 的证书已过期或即将过期`,
    "process-not-running": (subject) => `${subject ?? "某个进程"} 没有运行`,
    "certificate-expiring": () => "证书即将过期",
  },
  ruledOut: {
    "certificate-expired": "与此有关的证书在磁盘上都没有过期",
    "certificate-not-yet-valid": "磁盘上的证书都已生效",
    "key-mismatch": "本节点的私钥与证书都匹配",
    "wrong-name": "磁盘上的证书已包含所访问的名称",
    "file-missing": "文件现在存在",
    "etcd-unreachable": "连不上 etcd 不是证书造成的",
    "bootstrap-kubeconfig-missing": "kubelet 的客户端证书现在没有问题",
    "wrong-kubelet-client": "kubelet 的客户端证书文件现在没有问题",
    "loopback-certificate-expired": "apiserver 启动还不到一年",
  },
  evidence: {
    log: ({ source, line, count, at, component, text }) =>
      `日志 ${count} 行${at === null ? "" : `，最后一行在 ${formatDateIso(at)}`}（${component === null ? "" : `${component}，`}${source}:${line}）：${text}`,
    finding: ({ finding, name, path }) => `${name}：${findingWords[finding] ?? finding}（${path}）`,
    ended: ({ name, notAfter }, at) =>
      notAfter < at
        ? `${name} 已于 ${formatDateIso(notAfter)} 过期，距今 ${spanZh(at - notAfter)}`
        : `${name} 将于 ${formatDateIso(notAfter)} 过期，还剩 ${spanZh(notAfter - at)}`,
    begins: ({ name, notBefore }) => `${name} 从 ${formatDateIso(notBefore)} 起才有效`,
    "same-serial": ({ name, serialHex }) => `日志写明序列号 ${serialHex}，即 ${name}`,
    "same-date": ({ name, notAfter }) => `日志写明到期时间 ${formatDateIso(notAfter)}，即 ${name}`,
    "same-names": ({ name, wanted }) => `日志列出的是 ${name} 的名称，其中没有 ${wanted}`,
    "name-is-there": ({ name, wanted }) => `磁盘上的 ${name} 已包含 ${wanted}`,
    "all-well": ({ names, firstEnd }) =>
      `在有效期内，私钥和 CA 均匹配：${shortList(names)}${firstEnd === null ? "" : `（最早 ${formatDateIso(firstEnd)} 到期）`}`,
    "renewed-since": ({ name, notBefore }) => `${name} 已于 ${formatDateIso(notBefore)} 续期`,
    "file-is-there": ({ path }) => `${path} 存在`,
    "clock-behind-log": ({ source, newestAt }) =>
      `${source} 中有 ${formatDateIso(newestAt)} 的日志，晚于本机时钟`,
    "clock-behind-file": ({ path, newestAt }) =>
      `${path} 的修改时间是 ${formatDateIso(newestAt)}，晚于本机时钟`,
    "clock-of-writer": ({ currentAt }) => `写日志的进程当时的时钟是 ${formatDateIso(currentAt)}`,
    "running-since": ({ consumer, startedAt }) => `${consumer} 自 ${formatDateIso(startedAt)} 起一直在运行`,
    "no-facts": () => "没有查看任何节点：请在节点上运行，或指明其文件所在的根目录，才能确认",
  },
  harms: {
    "api-refused": "kubectl、kubelet 和各控制器都拒绝连接 apiserver",
    "api-down": "apiserver 连不上 etcd 而退出",
    "etcd-clients": "客户端拒绝连接 etcd",
    quorum: "重新连接的 etcd 成员会掉线，最终失去法定人数",
    "exec-logs": "kubectl logs、exec 失败",
    "aggregated-apis": "聚合 API（metrics-server）失败",
    controllers: "控制器停摆：不再创建、伸缩和自愈",
    scheduling: "新 Pod 无法调度",
    "node-not-ready": "节点变为 NotReady",
    "kubelet-start": "kubelet 无法再次启动",
    "admin-access": "管理员无法登录",
    "etcd-probe": "使用该证书的 etcdctl 以及旧版本 etcd 的存活探针失败",
    "everything-signed": "该 CA 签发的一切都被拒绝",
    "old-in-memory": "该进程对外或对内的连接在重启之前都被拒绝",
    tokens: "Pod 的令牌被拒绝",
    "web-page": "浏览器拒绝打开该网页",
    "mesh-control": "网格策略下发以及网格资源的创建不可用",
    soon: "目前没有；到期之后，凡用到它的都会受影响",
    unknown: "日志所说的那个连接",
  },
  spares: {
    containers: "正在运行的容器及其流量",
    data: "etcd 中的数据",
    tokens: "sa 密钥对",
    files: "磁盘上的文件（都是对的）",
    "mesh-traffic": "网格中业务的流量",
    cluster: "集群及其 API",
    now: "目前一切正常",
  },
  next: {
    ...nextCommands,
    "authority-expired": ({ tool }) => [
      tool("check"),
      "续期叶子证书没有用；用同一把密钥续期 CA 可保住它签发的证书：请先为此做计划，之后重启所有信任它的进程",
    ],
    "certificate-expired": ({ tool, certainty }) =>
      certainty === "rejected" ? [tool("check")] : [tool("plan"), `${tool("renew")}（先显示计划并询问）`],
    "certificate-not-yet-valid": ({ tool }) => ["date -u; chronyc tracking（或 timedatectl）", tool("check")],
    "clock-wrong": () => [
      "在本机和其他节点上执行 date -u；chronyc tracking（或 timedatectl）",
      "先把时钟校准，再谈续期",
    ],
    "unknown-authority": ({ names, tool, certainty }) =>
      certainty === "confirmed"
        ? [tool(`plan ${names.join(" ")}`)]
        : [
            "与其他节点比较 CA：sha256sum /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/etcd/ca.crt",
            "如果换过 CA，请重启信任它的进程：CA 只在启动时读取",
          ],
    "key-mismatch": ({ names, tool, certainty }) =>
      certainty === "confirmed"
        ? [tool(`plan ${names.join(" ")}`)]
        : ["可能正好在两次写入之间读取：看看该信息是否再次出现"],
    "file-missing": ({ tool, certainty }) =>
      certainty === "rejected"
        ? ["重启当时没有找到它的进程"]
        : [
            tool("check"),
            "先找一找：ls -d /etc/kubernetes/*bak* /etc/kubernetes/pki*；其他控制平面节点；备份",
          ],
    "etcd-unreachable": ({ tool, certainty }) =>
      certainty === "confirmed"
        ? [tool("plan"), `${tool("renew")}（先显示计划并询问）`]
        : [
            "etcd 是否在运行：crictl ps -a --name etcd（docker ps -a）；在其日志中找 took too long、no leader、NOSPACE、mvcc",
            "各成员的磁盘和网络：df -h /var/lib/etcd；2379 和 2380 端口",
          ],
    "bootstrap-kubeconfig-missing": ({ tool, certainty }) =>
      certainty === "confirmed"
        ? [
            tool("plan kubelet.conf"),
            `${tool("renew kubelet.conf")}；${kubeletRestart}（之后不再需要 bootstrap 文件）`,
          ]
        : [tool("check"), kubeletRestart],
    "wrong-kubelet-client": ({ subject, tool }) =>
      subject === "embedded"
        ? [
            "在 kubelet.conf 中：client-certificate 和 client-key 都写 /var/lib/kubelet/pki/kubelet-client-current.pem",
            kubeletRestart,
          ]
        : subject === "linked"
          ? [tool("plan kubelet.conf"), `${tool("renew kubelet.conf")}；${kubeletRestart}`]
          : [
              "mv /var/lib/kubelet/pki/kubelet-client-current.pem /var/lib/kubelet/pki/old-kubelet-client.pem",
              `${kubeletRestart}；之后它使用 kubelet.conf`,
            ],
    "loopback-certificate-expired": () => [
      "查看：openssl s_client -connect 127.0.0.1:6443 -servername apiserver-loopback-client </dev/null | openssl x509 -noout -dates",
      "逐个节点重启 kube-apiserver；不需要续期任何文件",
    ],
    "renewed-not-loaded": () => [
      "重启报错的进程以及被它报错的进程；控制平面逐个节点进行",
      "查看实际使用的证书：openssl s_client -connect 127.0.0.1:6443 </dev/null | openssl x509 -noout -serial -dates",
    ],
    "credentials-refused": ({ subject, tool }) =>
      subject === "token"
        ? ["在每个控制平面节点上执行 sha256sum /etc/kubernetes/pki/sa.key；把旧的一对找回来，不要生成新的"]
        : [tool("check")],
    "platform-web-certificate": ({ subject }) => [
      `kubectl -n tke rollout restart deployment tke-${subject === null ? "COMPONENT" : shellQuote(subject)}-api`,
      "查看谁挂载了证书：kubectl -n tke get pods -o yaml | grep -B3 'name: certs'",
    ],
    "hosted-mesh-certificate": ({ subject }) => {
      const mesh = subject === null ? "MESH_ID" : shellQuote(subject);
      return [
        `kubectl -n istio-system get secret ${mesh}-kube-certs -o jsonpath='{.data.apiserver\\.crt}' | base64 -d | perennial inspect -`,
        `续期 Secret ${mesh}-kube-certs、${mesh}-etcd-certs、${mesh}-apiserver-admin-kubeconfig；然后依次重启 etcd、hosted-apiserver、ckube-remote、istiod`,
      ];
    },
    "process-not-running": ({ subject, tool }) => [
      `多半只是后果，原因在它自己的日志里：${subject === "kubelet" ? "journalctl -u kubelet -n 50" : `crictl ps -a --name ${subject === null ? "NAME" : shellQuote(subject)}`}`,
      tool("check"),
    ],
  },
  shortList,
  labels: { certificate: "文件", why: "依据", harms: "影响", spares: "不影响", next: "下一步" },
  ended: (notAfter, at) =>
    notAfter < at ? `已于 ${formatDateIso(notAfter)} 过期` : `${formatDateIso(notAfter)} 到期`,
  heading: (node, sources, lines) =>
    `${node === null ? "仅日志" : `节点 ${node}`}：${sources === 0 ? "没有日志，只看文件" : `${sources} 份日志，共 ${lines} 行`}`,
  logsThere: (command) => `日志在该节点上读取：${command}`,
  unread: (list) => `未能读取：${list}`,
  nothing: "没有发现与证书有关的内容。",
  more: (count) => `另有 ${count} 项，见 -o json`,
  harmed: (list) => `已经或即将造成的影响：${list}`,
  unharmed: (list) => `不受影响：${list}`,
  recovery: {
    renew: (count) => `恢复办法：用节点上现有的 CA 续期 ${count} 个证书，不需要 apiserver`,
    together: (members) =>
      `恢复办法：etcd 有 ${members} 个成员，若其他成员也已过期，只有所有 master 一起恢复才有法定人数`,
    elsewhere: (count) => `恢复办法：${count} 个证书的 CA 私钥不在节点上：生成签名请求，在保存私钥的地方签发`,
    clock: "恢复办法：先校准时钟，在此之前各项日期都不可信",
    authority: "恢复办法：先续期 CA；过期的 CA 签出的新证书没有用",
    files: "恢复办法：先找回续期无法重新生成的文件（其他控制平面节点、备份），再检查一次",
    kubelet: "恢复办法：先修复 kubelet 的文件；没有 kubelet 就无从重启各组件",
  },
  order:
    "顺序：kubelet（若已停）、etcd、kube-apiserver、kube-scheduler，最后 kube-controller-manager；耗时未作估计",
  colon: "：",
  separator: "；",
  comma: "、",
  bracket: (text) => `（${text}）`,
};
