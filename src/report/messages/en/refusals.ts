// English: why a plan is refused, and the way on.
import type { Refusal } from "../../../core/model/refusal.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { kubeadmPhase } from "../kubeadm-phase.ts";
import { asideCommand, installCommand, toolOfOneNode } from "../way-on.ts";
import { platformRefusals } from "./platform.ts";
import { refusalsNodes } from "./refusals-nodes.ts";
import type { RefusalMessages, Tool } from "../types.ts";
import { onEach } from "./obstacles.ts";

function nameOf(slot: string): string {
  return slot.slice(slot.indexOf("/") + 1);
}

/** Refusals of the same kind are told together: `m1/apiserver, m1/admin.conf`. */
function namesOf(slots: string): string {
  return slots
    .split(", ")
    .map((slot) => shellQuote(nameOf(slot)))
    .join(" ");
}

const signAgain = (r: Refusal, tool: Tool): readonly string[] => [
  "have the request signed as it is, with its subject and extensions (openssl x509 -req -copy_extensions copyall); docs/operations/external-ca.md",
  `put the new answer in the place of this one, then: ${installCommand(r.address, tool)}`,
];

/** `at` is the instant that speaks against the clock. */
function setTheClock(at: string): readonly string[] {
  return [
    "date -u says what this node takes for the time; compare it with a watch and with date -u on another node",
    `set it before anything is renewed: chronyc makestep, timedatectl set-ntp true, or date -u -s TIME (after ${at}); then repeat the command`,
    `only if date -u is right as it is (files copied from elsewhere, a clock that was ahead once): repeat it with ${flags.acceptClock}`,
  ];
}

const renewAuthorityFirst = (tool: Tool): readonly string[] => [
  `renew the CA first: ${tool("check")} says how, under the CA's own finding; then repeat this command`,
];

/** `found` is an old certificate of it, its key beside it. */
function bringBack(address: string, found: string): readonly string[] {
  const path = address.replace(/^file:[^:]*:/, "");
  const key = (crt: string): string => crt.replace(/\.[^./]+$/, ".key");
  const elsewhere = `copy it with its key from another control-plane node: scp OTHER:${shellQuote(path)} ${shellQuote(path)}; or from a backup`;
  if (found === "") return [elsewhere];
  return [
    `an old one is here: cp -p ${shellQuote(found)} ${shellQuote(path)} && cp -p ${shellQuote(key(found))} ${shellQuote(key(path))}`,
    `or ${elsewhere}`,
  ];
}

function notRecreatable(address: string, detail: string): string {
  if (detail === "there") return `CA certificate ${address} is there; only a missing CA is made again`;
  if (detail === "key-there")
    return `CA certificate ${address} is missing but its key is there; a new pair would overwrite it`;
  return `CA ${address} is never made again: every certificate of the cluster hangs on it`;
}

function notStartable(why: string): string {
  if (why === "unit-masked") return "its systemd unit is masked, so it could not be started again";
  if (why === "ambiguous")
    return "several processes of this name run outside pods: which one is the node's is not known";
  if (why === "launch-unreadable")
    return "no unit starts it, and how it was started cannot be read: once stopped it would stay away";
  return "it does not run, no unit starts it, and how it was started is not known";
}

export const refusals: RefusalMessages = {
  ...platformRefusals,
  "process-not-startable": {
    sentence: (r) => notStartable(r.detail),
    next: (r, tool) => [
      `say how it is started: ${flags.process} ${r.address}.start=COMMAND (and .stop=, .status=), with this command again; docs/operations/master-is-dead.md`,
      r.detail === "unit-masked"
        ? `or systemctl unmask ${r.address}, then repeat`
        : "or start it yourself, as root, then repeat",
      `or ${tool(`renew ${flags.noProbe}`)}: only the files, and you restart`,
    ],
  },
  "outlives-authority": {
    sentence: (r) =>
      `the validity asked for is longer than that of the CA in ${r.address}, which ends ${r.detail}`,
    next: () => [
      `ask for less with ${flags.validity}, or leave ${flags.validity} out: the end is then capped at the CA's`,
    ],
  },
  "authority-ending": {
    sentence: (r) =>
      `the CA in ${r.address} ends ${r.detail}; a certificate from it would be due again at once`,
    next: (_, tool) => renewAuthorityFirst(tool),
  },
  "authority-expired": {
    sentence: (r) =>
      `the CA in ${r.address} expired ${r.detail}; a certificate signed by it would be refused everywhere`,
    next: (_, tool) => renewAuthorityFirst(tool),
  },
  "authority-not-usable": {
    sentence: (r) => `the CA that signs it cannot be used (${r.detail}, ${r.address})`,
    next: () => [
      "copy the CA's certificate and key from another control-plane node or a backup; do not create a new CA",
    ],
  },
  "authority-key-mismatch": {
    sentence: (r) => `the private key ${r.address} does not belong to the certificate of CA ${r.detail}`,
    next: () => [
      "compare certificate and key with another control-plane node (sha256sum) and copy the right pair",
    ],
  },
  "key-encrypted": {
    sentence: (r) => `the private key ${r.address} is encrypted (${r.detail})`,
    next: () => [
      "decrypt it first: openssl pkey -in KEY -out KEY.plain; chmod 0600, then mv over the old one",
    ],
  },
  "key-not-usable": {
    sentence: (r) => `the private key ${r.address} can neither be kept nor replaced: ${r.detail}`,
    next: () => [
      `with ${flags.keepKey}: leave it out, a damaged key in a file of its own is then replaced`,
      "or bring the key back from a backup; perennial runs list shows what earlier runs kept",
    ],
  },
  "certificate-damaged": {
    sentence: (r) =>
      `${r.address} is damaged, so that nothing says what the new certificate is to hold: ${r.detail}`,
    next: (r, tool) => [
      `bring it back from a backup; ${tool("runs list")} shows what earlier runs kept`,
      `or have it made again as a missing one: ${asideCommand(r.address)}, then ${tool(`renew ${nameOf(r.slot)}`)}`,
    ],
  },
  "certificate-not-usable": {
    sentence: (r) =>
      `the old certificate ${r.address}, the template of the new one, cannot be used: ${r.detail}`,
    next: (r, tool) => [
      `bring it back from a backup; ${tool("runs list")} shows what earlier runs kept`,
      ...(kubeadmPhase(nameOf(r.slot)) === null
        ? []
        : [`or make it anew: ${kubeadmPhase(nameOf(r.slot)) ?? ""}`]),
    ],
  },
  "san-lost": {
    sentence: (r) => `the certificate in ${r.address} lacks names that were asked for: ${r.detail}`,
    next: signAgain,
  },
  "eku-lost": {
    sentence: (r) => `the certificate in ${r.address} lacks usages that were asked for: ${r.detail}`,
    next: signAgain,
  },
  "link-leaves-tree": {
    sentence: (r) => `${r.address} is a link to ${r.detail}, outside the tree that is managed`,
    next: (r) => [`if that is meant, repeat with ${flags.allowLinksTo} ${shellQuote(r.detail)}`],
  },
  "object-not-writable": {
    sentence: (r) => `${r.address} cannot be written: ${r.detail}`,
    next: () => [
      "run as root; a read-only file system or the immutable attribute: mount | grep ' ro', lsattr",
    ],
  },
  "externally-managed": {
    sentence: (r) => `the private key of CA ${r.detail} is not on this node (${r.address})`,
    next: (r, tool) => [
      `ask for certificates: ${onEach(tool)}${toolOfOneNode(tool)(`renew ${namesOf(r.slot)} ${flags.csrDir} DIR`)}; have the requests signed; then ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
    ],
  },
  "authority-not-renewable": {
    sentence: (r) =>
      /(?:^|\/)sa(?:\.|$)/.test(r.detail)
        ? `${r.detail} is the service account key pair: it is never renewed, every token of the cluster hangs on it`
        : `${r.detail} is a CA, and CAs are not renewed by this command: everything it signed hangs on it`,
    next: (_, tool) => [
      `name the certificates below it, or none for all that are due; ${tool("check")} lists the names`,
    ],
  },
  "kubelet-managed": {
    sentence: (r) => `the kubelet renews ${r.detail} itself; ${r.address} is never written`,
    next: () => [
      "journalctl -u kubelet | grep -i rotat shows whether it does; restart it on the node with systemctl restart kubelet",
    ],
  },
  "authority-missing": {
    sentence: (r) =>
      `CA certificate ${r.address} does not exist; nothing below it can be made, and a new CA would fit nothing else in the cluster`,
    next: (r) => bringBack(r.address, r.detail),
  },
  "authority-not-recreatable": {
    sentence: (r) => notRecreatable(r.address, r.detail),
    next: (r, tool) =>
      r.detail === "not-allowed" ? bringBack(r.address, "") : [`${tool("check")} says what is wrong with it`],
  },
  "missing-not-recreated": {
    sentence: (r) => `${r.detail} does not exist, and neither an old copy nor a manifest says what was in it`,
    next: (r, tool) => [
      `bring it back from a backup; ${tool("runs list")} shows what earlier runs kept`,
      ...(kubeadmPhase(nameOf(r.slot)) === null
        ? []
        : [`or make it anew: ${kubeadmPhase(nameOf(r.slot)) ?? ""}`]),
    ],
  },
  "kubeconfig-not-usable": {
    sentence: (r) => `kubeconfig ${r.address} cannot be edited: ${r.detail}`,
    next: () => [
      "kubectl config view --kubeconfig FILE shows what kubectl makes of it; correct it or restore a backup",
    ],
  },
  ...refusalsNodes,
  "clock-behind-file": {
    sentence: (r) =>
      `the clock is behind: ${r.address} was written at ${r.detail}, which the clock has not reached`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-behind-run": {
    sentence: (r) =>
      `the clock is behind: the journal of run ${r.address} ends at ${r.detail}, which the clock has not reached`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-behind-certificate": {
    sentence: (r) =>
      `the clock is behind, or was ahead when ${r.address} was made: it is valid only from ${r.detail}`,
    next: (r) => setTheClock(r.detail),
  },
  "clock-differs": {
    sentence: (r) => `the clocks differ: ${r.address} said that it is ${r.detail}; one of the two is wrong`,
    next: (r) => setTheClock(r.detail),
  },
  "snapshot-impossible": {
    sentence: (r) =>
      `etcd runs and its data cannot be saved first: the key of its CA is not here (${r.address}), and the stored client certificate ${r.detail === "" ? "cannot be used" : `expired ${r.detail}`}`,
    next: (r, tool) => [
      `have it signed with the others, its answer is used for the snapshot too: ${onEach(tool)}${toolOfOneNode(tool)(`renew ${namesOf(r.slot)} ${flags.csrDir} DIR`)}, then ${toolOfOneNode(tool)(`renew ${flags.signed} DIR`)}`,
      "or stop etcd, its files are copied then: systemctl stop kubelet && crictl stop -t 60 $(crictl ps -q --name '^etcd$'); then repeat this command, which starts both again",
      `or, with a copy of your own: repeat it with ${flags.noSnapshot}`,
    ],
  },
  "missing-not-requested": {
    sentence: (r) =>
      `${r.detail} does not exist: what a CA elsewhere signs takes the place of the certificate that is there, expired or not`,
    next: (_, tool) => [
      `bring it back from a backup, expired or not; ${tool("runs list")} shows what earlier runs kept`,
    ],
  },
  "answer-not-signed": {
    sentence: (r) => `${r.address} does not lead to the CA on this node (${r.detail})`,
    next: (r, tool) => [
      "have the request signed by the CA whose certificate is on this node; put intermediates, if there are any, into the same folder",
      `then: ${installCommand(r.address, tool)}`,
    ],
  },
  "answer-expired": {
    sentence: (r) => `the certificate in ${r.address} expired ${r.detail}`,
    next: (r, tool) => [
      "have the request signed again; date -u says whether the clock of this node is right",
      `put the new answer in the place of this one, then: ${installCommand(r.address, tool)}`,
    ],
  },
  "answer-not-yet-valid": {
    sentence: (r) => `the certificate in ${r.address} is valid only from ${r.detail}`,
    next: (r, tool) => [
      "wait, or have the request signed again; date -u says whether the clock of this node is right",
      `then: ${installCommand(r.address, tool)}`,
    ],
  },
  "answer-is-authority": {
    sentence: (r) =>
      `the certificate in ${r.address} (serial ${r.detail}) says CA:TRUE: whoever holds its key could sign anything`,
    next: signAgain,
  },
  "answer-unmatched": {
    sentence: (r) =>
      r.detail === "present-key"
        ? `the certificate in ${r.address} is for the present key, not for a request`
        : `no key on this node waits for the certificate in ${r.address}`,
    next: (r, tool) =>
      r.detail === "present-key"
        ? [`if that is meant: ${installCommand(r.address, (args) => tool(`${args} ${flags.keepKey}`))}`]
        : [
            `it belongs to another node or to a request that was replaced; the requests of this node: ${tool(`renew ${flags.csrDir} DIR`)}`,
            `without it, the others: move it out of the folder, then ${installCommand(r.address, tool)}`,
          ],
  },
  "answers-differ": {
    sentence: (r) => `two different certificates answer one request: ${r.address} and ${r.detail}`,
    next: (r, tool) => [
      `remove the one that is not wanted from the folder, then: ${installCommand(r.address, tool)}`,
    ],
  },
  "subject-differs": {
    sentence: (r) => `the certificate in ${r.address} names somebody else: ${r.detail} was asked for`,
    next: signAgain,
  },
  "ku-lost": {
    sentence: (r) => `the certificate in ${r.address} lacks key usages that were asked for: ${r.detail}`,
    next: signAgain,
  },
  "authority-key-here": {
    sentence: (r) => `the key of CA ${r.detail} is on this node: nobody else has to sign`,
    next: (r, tool) => [tool(`renew ${namesOf(r.slot)}`)],
  },
};
