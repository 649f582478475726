// English: what `diagnose` says. Apart from the other sentences, so that `check` does not load them.
import type { CauseCode, Certainty, Evidence, HarmCode, SparedCode } from "../../core/model/diagnosis.ts";
import type { FindingCode } from "../../core/model/finding.ts";
import { shellQuote } from "../shell.ts";
import { formatDate, spanEn } from "../time.ts";
import { nextCommands, type NextMessages } from "./diagnose-next.ts";

export type EvidenceMessages = {
  readonly [C in Evidence["code"]]: (evidence: Extract<Evidence, { readonly code: C }>, at: number) => string;
};

const certainties: Readonly<Record<Certainty, string>> = {
  confirmed: "CONFIRMED",
  likely: "LIKELY",
  possible: "POSSIBLE",
  rejected: "RULED OUT",
};

const causes: Readonly<Record<CauseCode, (subject: string | null) => string>> = {
  "authority-expired": () => "a CA has expired: everything it signed is refused, fresh or not",
  "certificate-expired": () => "a certificate has expired",
  "certificate-not-yet-valid": () => "a certificate is not valid yet",
  "clock-wrong": () => "a clock is wrong or was set back",
  "unknown-authority": () => "a certificate is signed by another CA than its peer trusts",
  "wrong-name": (subject) =>
    subject === null
      ? "a certificate lacks the name that is asked for"
      : `a certificate lacks the name that is asked for: ${subject}`,
  "wrong-usage": () => "a certificate may not be used for this (extended key usage)",
  "key-mismatch": () => "a private key does not belong to its certificate",
  "file-missing": () => "a certificate, key or kubeconfig is not there",
  "file-unusable": () => "a certificate, key or kubeconfig cannot be read",
  "etcd-unreachable": () =>
    "the API server does not reach etcd because of certificates (context deadline exceeded)",
  "bootstrap-kubeconfig-missing": () =>
    "the kubelet asks for a bootstrap kubeconfig because its own client certificate is of no use",
  "wrong-kubelet-client": (subject) =>
    subject === "embedded"
      ? "kubelet.conf holds an old certificate itself, while a rotated one lies beside it"
      : "the kubelet uses a client certificate that is not the one it should",
  "loopback-certificate-expired": () =>
    "the API server's certificate for itself (in memory, made at its start) is a year old",
  "renewed-not-loaded": () => "the file is well; a process still holds an old certificate or CA in memory",
  "credentials-refused": (subject) =>
    subject === "token"
      ? "a service-account token is refused: another sa key signed it"
      : "a peer refuses the credentials it is shown",
  "platform-web-certificate": (subject) =>
    `the web page of ${subject ?? "a platform component"} shows the certificate its api pod loaded at its start`,
  "hosted-mesh-certificate": (subject) =>
    `certificates of the hosted mesh ${subject ?? "MESH_ID"} have expired or are about to`,
  "process-not-running": (subject) => `${subject ?? "a process"} is not running`,
  "certificate-expiring": () => "a certificate is about to expire",
};

/** The same cause when the facts rule it out. */
const ruledOut: Partial<Readonly<Record<CauseCode, string>>> = {
  "certificate-expired": "no stored certificate that this can be about has expired",
  "certificate-not-yet-valid": "every stored certificate has begun",
  "key-mismatch": "every key here belongs to its certificate",
  "wrong-name": "the stored certificate has the name that was asked for",
  "file-missing": "the file is there now",
  "etcd-unreachable": "certificates are not why etcd is out of reach",
  "bootstrap-kubeconfig-missing": "the kubelet's client certificate is well now",
  "wrong-kubelet-client": "the kubelet's client file is well now",
  "loopback-certificate-expired": "the API server was started less than a year ago",
};

const findingWords: Partial<Readonly<Record<FindingCode, string>>> = {
  "certificate-missing": "certificate file is missing",
  "key-missing": "private key is missing",
  "kubeconfig-missing": "kubeconfig is missing",
  "authority-missing": "CA certificate is missing",
  "link-dangling": "the link leads nowhere",
  "object-unreadable": "cannot be read",
  "certificate-broken": "holds no readable certificate",
  "file-truncated": "ends in the middle",
  "key-broken": "holds no readable key",
  "key-encrypted": "the key is encrypted",
  "kubeconfig-broken": "cannot be understood",
  "key-does-not-match": "the key does not belong to the certificate",
  "authority-key-does-not-match": "the CA's key does not belong to its certificate",
  "wrong-issuer": "not signed by the CA on this node",
  "kubeconfig-authority-differs": "trusts another CA than this node's",
  "san-missing": "names are missing",
  "usage-missing": "an extended key usage is missing",
  "service-account-pair-differs": "private and public half differ",
  "kubelet-embedded": "the certificate is embedded: rotation does not reach it",
};

const evidence: EvidenceMessages = {
  log: ({ source, line, count, at, component, text }) =>
    `${count === 1 ? "1 log line" : `${count} log lines, the last`}${at === null ? "" : ` at ${formatDate(at)}`} (${component === null ? "" : `${component}, `}${source}:${line}): ${text}`,
  finding: ({ finding, name, path }) => `${name}: ${findingWords[finding] ?? finding} (${path})`,
  ended: ({ name, notAfter }, at) =>
    notAfter < at
      ? `${name} ended ${formatDate(notAfter)}, ${spanEn(at - notAfter)} ago`
      : `${name} ends ${formatDate(notAfter)}, in ${spanEn(notAfter - at)}`,
  begins: ({ name, notBefore }) => `${name} begins ${formatDate(notBefore)}`,
  "same-serial": ({ name, serialHex }) => `the line names serial ${serialHex}: that is ${name}`,
  "same-date": ({ name, notAfter }) => `the line names the end ${formatDate(notAfter)}: that is ${name}`,
  "same-names": ({ name, wanted }) => `the line lists the names of ${name}; ${wanted} is not among them`,
  "name-is-there": ({ name, wanted }) => `${name} on disk has ${wanted}`,
  "all-well": ({ names, firstEnd }) =>
    `within their dates, keys and CA fit: ${shortList(names)}${firstEnd === null ? "" : ` (first end ${formatDate(firstEnd)})`}`,
  "renewed-since": ({ name, notBefore }) => `${name} was renewed ${formatDate(notBefore)}`,
  "file-is-there": ({ path }) => `${path} is there`,
  "clock-behind-log": ({ source, newestAt }) =>
    `${source} has lines of ${formatDate(newestAt)}, which is in the future here`,
  "clock-behind-file": ({ path, newestAt }) =>
    `${path} was changed ${formatDate(newestAt)}, which is in the future here`,
  "clock-of-writer": ({ currentAt }) => `the writer's clock said ${formatDate(currentAt)}`,
  "running-since": ({ consumer, startedAt }) => `${consumer} runs since ${formatDate(startedAt)}`,
  "no-facts": () => "no node was looked at: run it on the node, or with the root of its files, to be sure",
};

const harms: Readonly<Record<HarmCode, string>> = {
  "api-refused": "the API server is refused by kubectl, kubelets and controllers",
  "api-down": "the API server cannot reach etcd and exits",
  "etcd-clients": "etcd is refused by its clients",
  quorum: "etcd members that reconnect are lost, at last the quorum",
  "exec-logs": "kubectl logs and exec fail",
  "aggregated-apis": "aggregated APIs (metrics-server) fail",
  controllers: "no controllers: nothing is created, scaled or healed",
  scheduling: "new pods are not scheduled",
  "node-not-ready": "the node goes NotReady",
  "kubelet-start": "the kubelet does not start again",
  "admin-access": "administrators are locked out",
  "etcd-probe": "etcdctl with this certificate, and etcd's liveness probe of old versions, fail",
  "everything-signed": "everything signed by the CA is refused",
  "old-in-memory": "what that process serves or asks for is refused until it is restarted",
  tokens: "pods' tokens are refused",
  "web-page": "browsers refuse that page",
  "mesh-control": "mesh policies and new mesh resources are not accepted",
  soon: "nothing yet; the day it ends, what it is for",
  unknown: "the connection that the line is about",
};

const spares: Readonly<Record<SparedCode, string>> = {
  containers: "running containers and their traffic",
  data: "etcd's data",
  tokens: "service-account keys",
  files: "the files on disk: they are right",
  "mesh-traffic": "traffic of services in the mesh",
  cluster: "the cluster and its API",
  now: "everything, today",
};

const kubeletRestart = "on the node: systemctl restart kubelet";

const next: NextMessages = {
  ...nextCommands,
  "authority-expired": ({ tool }) => [
    tool("check"),
    "no leaf can mend this; a CA renewed with the same key keeps what it signed: ask for that plan, restart everything that trusts it",
  ],
  "certificate-expired": ({ tool, certainty }) =>
    certainty === "rejected"
      ? [tool("check")]
      : [tool("plan"), `${tool("renew")} (shows the plan first and asks)`],
  "certificate-not-yet-valid": ({ tool }) => ["date -u; chronyc tracking (or timedatectl)", tool("check")],
  "clock-wrong": () => [
    "date -u here and on the other nodes; chronyc tracking (or timedatectl)",
    "set the clock right before anything is renewed",
  ],
  "unknown-authority": ({ names, tool, certainty }) =>
    certainty === "confirmed"
      ? [tool(`plan ${names.join(" ")}`)]
      : [
          "compare the CA with the other nodes: sha256sum /etc/kubernetes/pki/ca.crt /etc/kubernetes/pki/etcd/ca.crt",
          "if a CA was replaced, restart what trusts it: a bundle is read at the start only",
        ],
  "key-mismatch": ({ names, tool, certainty }) =>
    certainty === "confirmed"
      ? [tool(`plan ${names.join(" ")}`)]
      : ["the pair was perhaps read between two writes: look whether the message comes again"],
  "file-missing": ({ tool, certainty }) =>
    certainty === "rejected"
      ? ["restart the process that missed it"]
      : [
          tool("check"),
          "look for them first: ls -d /etc/kubernetes/*bak* /etc/kubernetes/pki*; other control-plane nodes; backups",
        ],
  "etcd-unreachable": ({ tool, certainty }) =>
    certainty === "confirmed"
      ? [tool("plan"), `${tool("renew")} (shows the plan first and asks)`]
      : [
          "is etcd up: crictl ps -a --name etcd (docker ps -a); its log: took too long, no leader, NOSPACE, mvcc",
          "disk and network of the members: df -h /var/lib/etcd; ports 2379 and 2380",
        ],
  "bootstrap-kubeconfig-missing": ({ tool, certainty }) =>
    certainty === "confirmed"
      ? [
          tool("plan kubelet.conf"),
          `${tool("renew kubelet.conf")}; ${kubeletRestart} (no bootstrap file is needed then)`,
        ]
      : [tool("check"), kubeletRestart],
  "wrong-kubelet-client": ({ subject, tool }) =>
    subject === "embedded"
      ? [
          "in kubelet.conf: client-certificate and client-key: /var/lib/kubelet/pki/kubelet-client-current.pem",
          kubeletRestart,
        ]
      : subject === "linked"
        ? [tool("plan kubelet.conf"), `${tool("renew kubelet.conf")}; ${kubeletRestart}`]
        : [
            "mv /var/lib/kubelet/pki/kubelet-client-current.pem /var/lib/kubelet/pki/old-kubelet-client.pem",
            `${kubeletRestart}; it goes on with kubelet.conf`,
          ],
  "loopback-certificate-expired": () => [
    "see it: openssl s_client -connect 127.0.0.1:6443 -servername apiserver-loopback-client </dev/null | openssl x509 -noout -dates",
    "restart kube-apiserver, one node after the other; no file has to be renewed",
  ],
  "renewed-not-loaded": () => [
    "restart the process that complains or is complained of; on control planes one node after the other",
    "see what is served: openssl s_client -connect 127.0.0.1:6443 </dev/null | openssl x509 -noout -serial -dates",
  ],
  "credentials-refused": ({ subject, tool }) =>
    subject === "token"
      ? [
          "sha256sum /etc/kubernetes/pki/sa.key on every control-plane node; bring the old pair back, never make a new one",
        ]
      : [tool("check")],
  "platform-web-certificate": ({ subject }) => [
    `kubectl -n tke rollout restart deployment tke-${subject === null ? "COMPONENT" : shellQuote(subject)}-api`,
    "who mounts the certificates: kubectl -n tke get pods -o yaml | grep -B3 'name: certs'",
  ],
  "hosted-mesh-certificate": ({ subject }) => {
    const mesh = subject === null ? "MESH_ID" : shellQuote(subject);
    return [
      `kubectl -n istio-system get secret ${mesh}-kube-certs -o jsonpath='{.data.apiserver\\.crt}' | base64 -d | perennial inspect -`,
      `renew the Secrets ${mesh}-kube-certs, ${mesh}-etcd-certs, ${mesh}-apiserver-admin-kubeconfig; then restart etcd, hosted-apiserver, ckube-remote, istiod in this order`,
    ];
  },
  "process-not-running": ({ subject, tool }) => [
    `mostly a consequence; its own log says why: ${subject === "kubelet" ? "journalctl -u kubelet -n 50" : `crictl ps -a --name ${subject === null ? "NAME" : shellQuote(subject)}`}`,
    tool("check"),
  ],
};

/** At most four names, then how many more. */
function shortList(names: readonly string[]): string {
  const shown = names.slice(0, 4).join(", ");
  return names.length > 4 ? `${shown} and ${names.length - 4} more` : shown;
}

export const diagnoseEn = {
  certainties,
  causes,
  ruledOut,
  evidence,
  harms,
  spares,
  next,
  shortList,
  labels: { certificate: "files", why: "why", harms: "harms", spares: "not", next: "next" },
  ended: (notAfter: number, at: number) =>
    notAfter < at ? `ended ${formatDate(notAfter)}` : `ends ${formatDate(notAfter)}`,
  heading: (node: string | null, sources: number, lines: number) =>
    `${node === null ? "Log text alone" : `Node ${node}`}: ${sources === 0 ? "no logs, the files only" : `${lines} ${lines === 1 ? "line" : "lines"} of ${sources} ${sources === 1 ? "log" : "logs"}`}`,
  logsThere: (command: string) => `Its logs are read on the node: ${command}`,
  unread: (list: string) => `Not read: ${list}`,
  nothing: "Nothing here speaks of certificates.",
  more: (count: number) => `${count} more: -o json shows them`,
  harmed: (list: string) => `Dead or dying: ${list}`,
  unharmed: (list: string) => `Not harmed: ${list}`,
  recovery: {
    renew: (count: number) =>
      `Recovery: renew ${count} ${count === 1 ? "certificate" : "certificates"} from the CAs on this node; needs no API server`,
    together: (members: number) =>
      `Recovery: etcd has ${members} members: where the others have expired as well, a quorum comes back only together, all masters in one run`,
    elsewhere: (count: number) =>
      `Recovery: ${count} ${count === 1 ? "certificate is" : "certificates are"} signed by a CA whose key is not on this node: make requests, have them signed where it is kept`,
    clock: "Recovery: set the clock right first; dates mean nothing until then",
    authority: "Recovery: renew the CA before anything else; new leafs of an expired CA are worthless",
    files:
      "Recovery: bring back what is missing that no renewal makes again (other control-plane nodes, backups), then check again",
    kubelet: "Recovery: the kubelet's files first; a dead kubelet restarts nothing",
  },
  order:
    "Order: kubelet if it is dead, etcd, kube-apiserver, kube-scheduler, kube-controller-manager last; duration not estimated",
  colon: ": ",
  separator: "; ",
  comma: ", ",
  bracket: (text: string) => ` (${text})`,
};
