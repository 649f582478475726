// English: a platform above a cluster, what it does by itself, and what people do for it.
import type { ManualStep } from "../../../core/model/platform.ts";
import type { Notice } from "../../../core/model/notice.ts";
import type { FindingMessages, MessagesOf, RefusalMessages } from "../types.ts";
import { shellQuote } from "../../shell.ts";

type Codes = "platform-recognised" | "platform-left-alone" | "token-kubeconfig-left";

const names = { tkestack: "TKEStack" } as const;

const roles = {
  global: "its global cluster, in which the platform itself runs",
  standalone: "a standalone cluster of it",
  unknown: "a cluster of it (no file says how the platform calls it)",
} as const;

export const platformFindings = {
  "platform-recognised": {
    sentence: ({ params: { platform, role, cluster } }) =>
      `made by ${names[platform]}: ${roles[role]}${cluster === null ? "" : `, called ${cluster.name} in ${cluster.source}`}; the platform renews by itself as well, and keeps copies that only the API holds`,
    next: ({ params: { role } }) => [
      ...(role === "standalone"
        ? []
        : [
            "private keys lie in ConfigMap tke/certs of the global cluster: whoever may read ConfigMaps there can read etcd",
          ]),
      "docs/profiles/tkestack.md says what is renewed, what is left alone and what is done by hand",
    ],
  },
  "platform-left-alone": {
    sentence: ({ params: { platform, why } }) =>
      why.code === "no-marks"
        ? `nothing of ${names[platform]} is on this node: it was imported, or the platform has never seen it; it is left alone`
        : `${why.version === null ? `${why.path ?? ""} was written by ${names[platform]} before 1.2.5` : `${names[platform]} ${why.version} is older than 1.2.5`}: how it keeps its certificates is not known, it is left alone`,
    next: ({ params: { why }, tool }) =>
      why.code === "no-marks"
        ? [`if kubeadm made it: ${tool("check --profile kubeadm")}`]
        : [
            `if the platform has been upgraded since: ${tool("check --set tkeVersion=VERSION")} with its version now`,
            `to renew kubeadm's files alone: ${tool("plan --profile kubeadm")}`,
          ],
  },
  "token-kubeconfig-left": {
    sentence: ({ params: { path, platform } }) =>
      `${path} is ${names[platform]}'s kubeconfig, by token: it does not end with a certificate and is left alone`,
    next: ({ params: { path } }) => [
      `do not copy admin.conf over ${path}; its token is the one in /etc/kubernetes/known_tokens.csv, which has no end`,
    ],
  },
} satisfies FindingMessages<Codes>;

type NoticeCodes = "platform-renews" | "token-kubeconfig-left";

export const platformNotices: Pick<MessagesOf<Notice>, NoticeCodes> = {
  "platform-renews": (n) =>
    `${names[n.platform]} renews by itself as well (EnsureRenewCerts, kubeadm over SSH, from 30 days before the end) and stores credentials whenever ${n.cluster === null ? "the cluster" : `cluster ${n.cluster}`} is updated: do not update, scale or upgrade it until this is done`,
  "token-kubeconfig-left": (n) =>
    `${n.paths.join(", ")}: ${names[n.platform]}'s kubeconfig by token, left alone; do not copy admin.conf over it`,
};

export const platformRefusals: Pick<RefusalMessages, "platform-too-old" | "platform-not-here"> = {
  "platform-too-old": {
    sentence: (r) =>
      r.detail === ""
        ? `${r.address} was written by TKEStack before 1.2.5: how it keeps its certificates is not known, it is left alone`
        : `TKEStack ${r.detail} is older than 1.2.5: how it keeps its certificates is not known, it is left alone`,
    next: (_, tool) => [
      `if the platform has been upgraded since, say so: ${tool("plan --set tkeVersion=VERSION")}`,
      `to renew kubeadm's files alone: ${tool("plan --profile kubeadm")}`,
    ],
  },
  "platform-not-here": {
    sentence: () =>
      "nothing of TKEStack is on this node: the cluster was imported, or is another one; it is left alone",
    next: (_, tool) => [`if kubeadm made it: ${tool("plan --profile kubeadm")}`],
  },
};

/** `object` and `slot` are shown as they are. */
export const manual = {
  heading:
    "By hand, once the run has succeeded, in this order (copies that only the API holds; the tool does not write there yet):",
  step: "By hand",
  title: (object: string, { certificate, key }: ManualStep, slot: string) =>
    `${object}, ${certificate} and ${key}: a copy of ${slot}`,
  where: ({ store, role, node, files }: ManualStep) =>
    store === "cluster-credential" && role !== "global"
      ? `on a master of the global cluster; copy ${shellQuote(files.certificate)} and ${shellQuote(files.key)} of ${node} there first, mode 0600, and set crt and key to them`
      : `on ${node}, in a folder of mode 0700`,
  stop: ({ store, oldSerialHex }: ManualStep) =>
    [
      `the object is not found${store === "config-map" ? " (this is not the global cluster: leave this step out)" : ""}`,
      `the first serial shown is neither ${oldSerialHex === null ? "that of the replaced certificate" : oldSerialHex.toUpperCase()} (the replaced one) nor the second one (then it is done): with subject kube-apiserver-etcd-client it is a copy of another master's, go on; with any other subject (TKEStack from 1.3.0 on makes one of its own, for 100 years) leave this step out`,
      "replace says Conflict: somebody changed it meanwhile, begin this step again",
    ].join("; "),
  expected: ({ store }: ManualStep): string =>
    store === "config-map"
      ? "the last serial shown is the second one; every pod that mounts it has been restarted, APIs first"
      : "the last serial shown is the second one; TKEStack from 1.3.0 on does the same by itself at the next update of the cluster",
  undo: ({ store }: ManualStep) =>
    `kubectl replace -f ${store === "config-map" ? "certs" : "clustercredentials"}.bak.yaml, without its resourceVersion; the file holds private keys: remove it when all is well`,
  stopLabel: "stop if",
  expectedLabel: "expected",
  undoLabel: "undo",
  left: (objects: string, report: string) =>
    `Copies that still hold the old certificate: ${objects}. The commands are in the plan above and in: ${report}`,
};
