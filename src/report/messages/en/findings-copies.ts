// English: findings about copies, files and rights.
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate, formatDay } from "../../time.ts";
import type { FindingMessages } from "../types.ts";
import { onEach } from "./obstacles.ts";
import { toolOfOneNode } from "../way-on.ts";

type Codes =
  | "replica-differs"
  | "copy-of-nothing"
  | "service-account-pair-differs"
  | "kubelet-embedded"
  | "mode-too-open"
  | "owner-unexpected"
  | "link-leaves-tree"
  | "left-over-temporary"
  | "name-not-utf8"
  | "holds-system-masters"
  | "externally-managed"
  | "external-etcd"
  | "credential-without-certificate";

/** The link that the kubelet moves at every rotation. */
const rotated = "/var/lib/kubelet/pki/kubelet-client-current.pem";

function ends(notAfter: number, at: number): string {
  return `${notAfter < at ? "ended" : "ends"} ${formatDay(notAfter)}`;
}

export const findingsCopies = {
  "replica-differs": {
    sentence: ({ params, node, at }) =>
      `the copy holds a certificate that ${ends(params.notAfter, at)}, its original ${params.original.replace(`${node}/`, "")} one that ${ends(params.originalNotAfter, at)}; whoever uses the copy uses ${params.notAfter < params.originalNotAfter ? "an old" : "another"} one`,
    next: ({ target, tool }) => [`bring the copy up to date: ${tool(`renew ${target}`)}`],
  },
  "copy-of-nothing": {
    sentence: ({ params, path }) =>
      `${path} holds a client certificate of ${params.subject} that no known original has; nothing keeps it up to date`,
    next: ({ path }) => [
      `if it is needed, have it issued anew where it came from; if not, remove the user from ${shellQuote(path)}`,
    ],
  },
  "service-account-pair-differs": {
    sentence: ({ params }) =>
      `service account key ${params.path} does not match its other half or the other nodes; tokens signed by one API server are refused by another`,
    next: ({ params }) => [
      `compare on all control-plane nodes: sha256sum ${shellQuote(params.path)}; copy sa.key and sa.pub from the node whose tokens work`,
      "never make a new pair: every token of the cluster would become invalid",
    ],
  },
  "kubelet-embedded": {
    sentence: ({ params }) =>
      `${params.path} holds the kubelet's certificate itself, so the kubelet's rotation does not reach it (kubeadm before 1.17)`,
    next: ({ target, tool }) => [
      `once expired: ${tool(`renew ${target}`)}; then on the node: systemctl restart kubelet`,
      `for good: client-certificate and client-key: ${rotated}`,
    ],
  },
  "mode-too-open": {
    sentence: ({ params }) =>
      `${params.path} has mode ${params.mode}, at most ${params.atMost} is right; others can read what is in it`,
    next: ({ params }) => [`chmod ${params.atMost} ${shellQuote(params.path)}`],
  },
  "owner-unexpected": {
    sentence: ({ params }) =>
      `${params.path} belongs to uid ${params.uid}, gid ${params.gid} instead of root`,
    next: ({ params }) => [
      `find out who that is (getent passwd ${params.uid}); if nobody needs it: chown root:root ${shellQuote(params.path)}`,
    ],
  },
  "link-leaves-tree": {
    sentence: ({ params }) =>
      `${params.path} leads to ${params.target}, outside the tree that is managed; it is not written`,
    next: ({ params, target, tool }) => [
      `if that is meant: ${tool(`renew ${target} ${flags.allowLinksTo} ${shellQuote(params.target)}`)}`,
    ],
  },
  "left-over-temporary": {
    sentence: ({ params }) =>
      `${params.path} is left over from a run that was cut off; it may hold a private key`,
    next: ({ params, tool }) => [
      `${tool("runs list")} shows whether a run is open: resume or rollback removes it`,
      `if no run is open: rm ${shellQuote(params.path)}`,
    ],
  },
  "name-not-utf8": {
    sentence: ({ params }) =>
      `the name of ${params.path} is not UTF-8 (its bytes are shown as \\xNN): the file was not read and is never written`,
    next: ({ params }) => [
      `give it a plain name: ls -b ${shellQuote(params.path.replace(/\/[^/]*$/, ""))} shows its bytes, mv -i with a pattern such as *.crt names it`,
    ],
  },
  "holds-system-masters": {
    sentence: ({ params }) =>
      `${params.subject} is in system:masters until ${formatDate(params.notAfter)}: full rights that no RBAC rule can take away`,
    next: ({ path }) => [
      `keep ${path} readable by root only; hand out kubeconfigs of their own instead of copies of this one`,
    ],
  },
  "externally-managed": {
    sentence: ({ params }) =>
      `the private key of CA ${params.authority} is not on this node: what it signed is renewed where the key is kept`,
    next: ({ name, tool }) => [
      `once they are due: ${onEach(tool)}${toolOfOneNode(tool)(`renew ${flags.csrDir} DIR`)}, have the requests signed where the key of ${name} is, ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      `or bring the CA's key here for the time of ${tool("renew")} and take it away again`,
    ],
  },
  "external-etcd": {
    sentence: ({ params }) =>
      `etcd does not run on this node (${params.source}): its certificates are not in this answer`,
    next: ({ tool }) => [`run ${tool("check")} on the etcd hosts as well`],
  },
  "credential-without-certificate": {
    sentence: ({ params }) =>
      params.kind === "no credential"
        ? `${params.path} holds no credential at all: nothing here to renew`
        : `${params.path} logs in by ${params.kind}, not by a certificate: nothing here to renew`,
    next: ({ params }) => [
      params.kind === "no credential"
        ? "if the file is needed, bring it back from a backup or make it anew"
        : `if ${params.kind} has an end of its own, watch it where it is issued`,
    ],
  },
} satisfies FindingMessages<Codes>;
