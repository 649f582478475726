// English: findings about time and about what is missing, unreadable or broken.
import { flags } from "../../flags.ts";
import { sudoCommand } from "../../tool-command.ts";
import { formatDate, spanEn } from "../../time.ts";
import { shellQuote } from "../../shell.ts";
import { kubeadmPhase } from "../kubeadm-phase.ts";
import type { FindingMessages, Tool } from "../types.ts";
import { asideCommand, isForbidden, waysOn } from "../way-on.ts";
import { obstacles } from "./obstacles.ts";

type Codes =
  | "certificate-expired"
  | "certificate-expiring"
  | "certificate-not-yet-valid"
  | "authority-expired"
  | "authority-expiring"
  | "authority-not-yet-valid"
  | "outlives-authority"
  | "certificate-missing"
  | "key-missing"
  | "kubeconfig-missing"
  | "authority-missing"
  | "object-unreadable"
  | "link-dangling"
  | "certificate-broken"
  | "file-truncated"
  | "key-broken"
  | "key-encrypted"
  | "kubeconfig-broken"
  | "manifest-broken"
  | "kubelet-config-broken";

interface Lost {
  /** Decides whether kubeadm can make it anew. */
  readonly name: string;
  /** As `renew` takes it: among several nodes with the node's name. */
  readonly target: string;
  readonly tool: Tool;
}

/** How to get a lost object back. */
function restore({ name, target, tool }: Lost): readonly string[] {
  const phase = kubeadmPhase(name);
  const backup = `look for it in a backup; files that an earlier run replaced: ${tool("runs list")}`;
  return phase === null
    ? [backup]
    : [`make it again, after an old one if there is one: ${tool(`renew ${target}`)}`, backup];
}

/** The same for one that is there and damaged: a renewal makes again what is missing, never what nobody can read. */
function remake(path: string, lost: Lost): readonly string[] {
  const [first = "", ...others] = restore(lost);
  if (kubeadmPhase(lost.name) === null) return [first, ...others];
  return [
    `make it again, after an old one if there is one: ${asideCommand(path)}, then ${lost.tool(`renew ${lost.target}`)}`,
    ...others,
  ];
}

const sameKeyAuthority = (path: string): readonly string[] => [
  "renewing the certificates below it does not help: peers refuse everything it signed; they are to be renewed after it",
  `make a new CA certificate with the same key and name: openssl x509 -in ${shellQuote(path)} -days 3650 -signkey CA.key -out ca.new (CA.key: its private key)`,
  "install that one file on every control-plane node and in certificate-authority-data of every kubeconfig, then restart etcd, the API server, the controller manager, the scheduler and the kubelets",
];

const pairOfOthers =
  "or copy sa.key and sa.pub from another control-plane node; never make a new pair: every token of the cluster would be worthless";

export const findingsTime = {
  "certificate-expired": {
    sentence: ({ params, at }) =>
      `certificate expired on ${formatDate(params.notAfter)}, ${spanEn(at - params.notAfter)} ago; peers refuse it`,
    next: (view) =>
      waysOn([view], [`${view.tool(`renew ${view.target}`)} (shows the plan first and asks)`], {
        lines: obstacles,
        tool: view.tool,
      }),
  },
  "certificate-expiring": {
    sentence: ({ params, at }) =>
      `certificate ends on ${formatDate(params.notAfter)}, in ${spanEn(params.notAfter - at)}; the threshold is ${spanEn(params.withinMs)}`,
    next: (view) =>
      waysOn([view], [view.tool(`renew ${view.target}`)], { lines: obstacles, tool: view.tool }),
  },
  "certificate-not-yet-valid": {
    sentence: ({ params, at }) =>
      `certificate is valid only from ${formatDate(params.notBefore)}, ${spanEn(params.notBefore - at)} after this node's clock`,
    next: ({ target, tool }) => [
      "compare the clock first: date -u; chronyc tracking (or timedatectl)",
      `if the clock is right: ${tool(`renew ${target}`)}`,
    ],
  },
  "authority-expired": {
    sentence: ({ params, at, name }) =>
      `CA ${name} expired on ${formatDate(params.notAfter)}, ${spanEn(at - params.notAfter)} ago; every certificate it signed is refused`,
    next: ({ path }) => sameKeyAuthority(path),
  },
  "authority-expiring": {
    sentence: ({ params, at, name }) =>
      `CA ${name} ends on ${formatDate(params.notAfter)}, in ${spanEn(params.notAfter - at)} (threshold ${spanEn(params.withinMs)}); no certificate below it can last longer`,
    next: ({ path }) => ["plan a maintenance window before that day", ...sameKeyAuthority(path).slice(1)],
  },
  "authority-not-yet-valid": {
    sentence: ({ params, at, name }) =>
      `CA ${name} is valid only from ${formatDate(params.notBefore)}, ${spanEn(params.notBefore - at)} after this node's clock`,
    next: () => [
      "compare the clock first: date -u; chronyc tracking (or timedatectl)",
      "if the clock is right, the wrong CA was installed: compare with another control-plane node, sha256sum on both",
    ],
  },
  "outlives-authority": {
    sentence: ({ params }) =>
      `certificate ends on ${formatDate(params.notAfter)}, after its CA ${params.authority} (${formatDate(params.authorityNotAfter)}); it is worthless from the CA's end on`,
    next: ({ params }) => [
      `note ${formatDate(params.authorityNotAfter)} as the real end; renew CA ${params.authority} before that day`,
    ],
  },
  "certificate-missing": {
    sentence: ({ path }) => `certificate file ${path} does not exist`,
    next: (view) => waysOn([view], restore(view), { lines: obstacles, tool: view.tool }),
  },
  "key-missing": {
    sentence: ({ params, name }) =>
      name === "sa"
        ? `service account key ${params.path} does not exist: the API server cannot start again without it`
        : `private key ${params.path} does not exist, the certificate beside it is useless`,
    next: ({ target, tool, name }) => [
      ...restore({ name, target, tool }).slice(0, 1),
      name === "sa" ? pairOfOthers : `or renew with a new key: ${tool(`renew ${target}`)}`,
    ],
  },
  "kubeconfig-missing": {
    sentence: ({ path }) => `kubeconfig ${path} does not exist`,
    next: (view) => waysOn([view], restore(view), { lines: obstacles, tool: view.tool }),
  },
  "authority-missing": {
    sentence: ({ path, name }) =>
      `CA certificate ${path} does not exist; nothing signed by ${name} can be checked or renewed`,
    next: ({ path, name, tool }) => [
      ...(name === "front-proxy-ca"
        ? [
            `${tool(`renew ${flags.recreateAuthority} front-proxy-ca`)} puts an old pair back where one is on this node, and says how it can be made anew`,
          ]
        : []),
      `copy it from another control-plane node: scp OTHER:${shellQuote(path)} ${shellQuote(path)}; or from a backup`,
      ...(name === "front-proxy-ca"
        ? []
        : ["do not create a new CA: every certificate of the cluster hangs on the old one"]),
    ],
  },
  "object-unreadable": {
    sentence: ({ params }) => `${params.path} exists but could not be read: ${params.reason}`,
    next: ({ params, tool }) =>
      isForbidden(params.reason)
        ? [`run as root, or sudo: true for a node of a cluster file: ${sudoCommand(tool("check"))}`]
        : [
            `ls -l ${shellQuote(params.path)}; run as root; on an I/O error see dmesg`,
            `then again: ${tool("check")}`,
          ],
  },
  "link-dangling": {
    sentence: ({ params }) => `${params.path} is a link to ${params.target}, which does not exist`,
    next: ({ params }) => [
      `see what is there: ls -l ${shellQuote(params.path)} and the folder of the target`,
      "point the link at the newest file (ln -sfn TARGET LINK), or bring the target back from a backup",
    ],
  },
  "certificate-broken": {
    sentence: ({ params }) => `${params.path} does not hold a readable certificate: ${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `see what is in it: ${tool(`inspect ${shellQuote(params.path)}`)}`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "file-truncated": {
    sentence: ({ params }) =>
      `${params.path} ends in the middle (${params.bytes} bytes): a write was cut off or the disk was full`,
    next: ({ params, name, target, tool }) => [
      `check for space: df -h ${shellQuote(params.path)}`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "key-broken": {
    sentence: ({ params, name }) =>
      `${params.path} does not hold a readable ${name === "sa" ? "key" : "private key"}: ${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `bring it back from a backup; see what is in it: ${tool(`inspect ${shellQuote(params.path)}`)}`,
      name === "sa" ? pairOfOthers : `or renew with a new key: ${tool(`renew ${target}`)}`,
    ],
  },
  "key-encrypted": {
    sentence: ({ params }) =>
      `private key ${params.path} is encrypted (${params.format}); no component of Kubernetes can load it`,
    next: ({ params }) => [
      `decrypt it with its password: openssl pkey -in ${shellQuote(params.path)} -out ${shellQuote(`${params.path}.plain`)}; chmod 0600, then mv over the old one`,
    ],
  },
  "kubeconfig-broken": {
    sentence: ({ params }) => `kubeconfig ${params.path} cannot be understood: ${params.reason}`,
    next: ({ params, name, target, tool }) => [
      `kubectl config view --kubeconfig ${shellQuote(params.path)} shows what kubectl makes of it`,
      ...remake(params.path, { name, target, tool }),
    ],
  },
  "manifest-broken": {
    sentence: ({ params }) =>
      `static pod manifest ${params.path} cannot be understood: ${params.reason}; the paths of its certificates are assumed to be kubeadm's`,
    next: ({ params }) => [
      `correct it (the kubelet ignores it as well): journalctl -u kubelet | grep -i manifest; kubectl apply --dry-run=client -f ${shellQuote(params.path)}`,
    ],
  },
  "kubelet-config-broken": {
    sentence: ({ params }) =>
      `kubelet configuration ${params.path} cannot be understood: ${params.reason}; its certificate paths are assumed to be the defaults`,
    next: ({ params }) => [
      `correct ${params.path}; the kubelet does not start with it: journalctl -u kubelet -n 50`,
    ],
  },
} satisfies FindingMessages<Codes>;
