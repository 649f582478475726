// English: every error as what went wrong, where, why; and what to do next.
import type { FactsDamage, PlanDifference } from "../../../core/model/errors.ts";
import { flags } from "../../flags.ts";
import { shellQuote } from "../../shell.ts";
import { formatDate } from "../../time.ts";
import type { ErrorMessages } from "../types.ts";

const pemFaults = {
  truncated: "a block begins and does not end",
  "bad-base64": "a block is not base64",
  "label-differs": "BEGIN and END name different things",
  "nested-begin": "a block begins inside another",
} as const;

const endpointFaults = {
  refused: "nothing listens there",
  "no-socket": "there is no such socket, or it may not be opened",
  "no-such-host": "the name has no address",
  "no-route": "there is no route to it",
  timeout: "it did not answer in time",
  closed: "it closed the connection",
  "not-http2": "it does not speak HTTP/2",
  "not-grpc": "it does not speak gRPC",
  "server-expired": "its certificate has expired",
  "server-name": "its certificate is for another name",
  "server-untrusted": "its certificate is not trusted",
  "key-not-pinned": "it presents another key than the one in its certificate file",
  "client-refused": "it refuses our client certificate",
  "pair-unusable": "our client certificate and key cannot be used",
} as const;

const snapshotFaults = {
  "too-short": "it is too short",
  "hash-differs": "the hash at its end is not that of its content",
  "not-bbolt": "it is not a database of etcd",
  "read-back-differs": "the file does not hold what was written",
} as const;

const inspectIt = [
  "perennial inspect FILE shows every block of a file and where it is damaged; restore it from a backup",
];

function pathOf(address: string): string {
  return address.replace(/^[a-z-]*:[^:]*:/, "").replace(/#.*$/, "");
}

const factsFaults = {
  "no-beginning": "its first line (=== perennial facts 1 ===) is missing, or this is something else",
  "other-version": "it is of a version of perennial collect that this one does not know",
  "no-end": "its last line (=== perennial facts end N ===) is missing: the end was not copied",
  missing: "is missing",
  unfinished: "was not copied to its end",
  "sum-differs": "was changed on the way: its sum differs",
  "two-contents": "is there twice and not the same: texts of two collections, one file each is needed",
  "not-understood": "is whole, but not of a kind this version knows",
} as const;

function factsDamage({ section, title, fault }: FactsDamage): string {
  if (section === null) return factsFaults[fault];
  if (fault === "missing")
    return `section ${section}${title === "" ? "" : ` (behind ${title})`} ${factsFaults[fault]}`;
  return `section ${section} (${title}) ${factsFaults[fault]}`;
}

const archiveProblems = {
  missing: "there is no such directory",
  "not-a-directory": "it is not a directory",
  exists: "a file has this name already",
  "not-writable": "it cannot be written to",
} as const;

const recipientProblems = {
  identity: "is a secret key, not a recipient",
  ssh: "is an SSH key; only age recipients can be encrypted to",
  plugin: "is a recipient of an age plugin, which is not supported",
  damaged: "is a damaged age recipient: a letter is wrong, missing or too many",
  "not-a-recipient": "is neither an age recipient nor a file of them",
  "file-unreadable": "cannot be read as a file of recipients",
  "file-empty": "holds no recipient",
} as const;

const kept = { run: "the run's backup, journal and staged files", lock: "the lock" } as const;

function kib(bytes: number, round = Math.ceil): string {
  return `${round(bytes / 1024)} KiB`;
}

function difference(d: PlanDifference): string {
  return `${d.address}: ${d.what} was ${d.planned || "nothing"}, is ${d.found || "nothing"}`;
}

export const errors: ErrorMessages = {
  "der-malformed": {
    sentence: (p) => `not valid DER at byte ${p.offset}: ${p.reason}`,
    hint: () => inspectIt,
  },
  "pem-malformed": {
    sentence: (p) => `not valid PEM at line ${p.line}: ${pemFaults[p.reason]}`,
    hint: () => inspectIt,
  },
  "certificate-malformed": { sentence: (p) => `not a valid certificate: ${p.reason}`, hint: () => inspectIt },
  "key-malformed": { sentence: (p) => `not a valid private key: ${p.reason}`, hint: () => inspectIt },
  "key-encrypted": {
    sentence: (p) => `the private key is encrypted (${p.format}) and cannot be used`,
    hint: () => [
      "decrypt it first: openssl pkey -in KEY -out KEY.plain; chmod 0600, then mv over the old one",
    ],
  },
  "key-unsupported": {
    sentence: (p) => `keys of the kind ${p.algorithm} are not supported`,
    hint: () => [
      "RSA-2048, RSA-3072, RSA-4096, ECDSA-P256 and ECDSA-P384 are what kubeadm and Kubernetes use",
    ],
  },
  "issue-refused": {
    sentence: (p) => `the certificate was not issued: ${p.reason}`,
    hint: (_, tool) => [
      `nothing was changed; ${tool("plan")} shows what was asked for and why it is refused`,
    ],
  },
  "value-invalid": {
    sentence: (p) =>
      `${p.what} ${p.value === "" ? "is empty" : `${p.value} is not valid`}: expected ${p.expected}`,
    hint: () => ["correct the value and repeat the command; --help lists the forms"],
  },
  "yaml-malformed": {
    sentence: (p) => `not valid YAML at line ${p.line}: ${p.reason}`,
    hint: () => ["correct that line (spaces, not tabs; balanced quotes) or restore the file from a backup"],
  },
  "kubeconfig-malformed": {
    sentence: (p) => `not a valid kubeconfig: ${p.reason}`,
    hint: () => ["kubectl config view --kubeconfig FILE shows what kubectl makes of it"],
  },
  "splice-unsafe": {
    sentence: (p) => `the file cannot be edited without touching other parts of it: ${p.reason}`,
    hint: () => [
      "kubectl config view --raw --kubeconfig FILE > NEW writes it in a plain form; compare, mv over the old one, and repeat",
    ],
  },
  "manifest-malformed": {
    sentence: (p) => `not a valid static pod manifest: ${p.reason}`,
    hint: () => ["journalctl -u kubelet | grep -i manifest shows what the kubelet says of it"],
  },
  "profile-invalid": {
    sentence: (p) => `profile ${p.profile} is not valid: ${p.reason}`,
    hint: (p) => [`perennial profile lint ${shellQuote(p.profile)} shows every fault with its line`],
  },
  "profile-unknown": {
    sentence: (p) => `there is no profile ${p.profile}`,
    hint: (p) => [`known profiles: ${p.known.join(", ")}; perennial profile list says what they are for`],
  },
  "store-unreadable": {
    sentence: (p) => `${p.address} could not be read: ${p.reason} (${p.cause})`,
    hint: (p) => [`ls -l ${shellQuote(pathOf(p.address))}; run as root; on an I/O error see dmesg`],
  },
  "store-not-regular": {
    sentence: (p) => `${p.address} is not a regular file but ${p.type}`,
    hint: (p) => [
      `ls -ld ${shellQuote(pathOf(p.address))} shows what is there; put the file back in its place`,
    ],
  },
  "store-too-large": {
    sentence: (p) =>
      `${p.address} has ${p.bytes} bytes, more than the ${p.limitBytes} that a certificate file can have`,
    hint: (p) => [
      `see what it is: head -c 200 ${shellQuote(pathOf(p.address))}; a wrong path was probably given`,
    ],
  },
  "store-link-refused": {
    sentence: (p) =>
      `${p.address} is a link to ${p.target}, outside the tree that is managed; it was not followed`,
    hint: (p) => [`if that is meant, repeat with ${flags.allowLinksTo} ${shellQuote(p.target)}`],
  },
  "store-conflict": {
    sentence: (p) =>
      `${p.address} was changed by someone else: expected ${p.expected}, found ${p.found}; it was not written`,
    hint: (_, tool) => [
      "find out who writes it (configuration management, kubeadm, a colleague) and stop that for now",
      `then make a new plan: ${tool("plan")}`,
    ],
  },
  "store-write-failed": {
    sentence: (p) => `${p.address} could not be written (${p.operation}): ${p.cause}`,
    hint: (p, tool) => [
      `df -h and df -i ${shellQuote(pathOf(p.address))}; mount | grep ' ro'; lsattr ${shellQuote(pathOf(p.address))}`,
      `then ${tool("resume")}, or ${tool("rollback last")}; ${tool("runs list")} shows whether a run is open`,
    ],
  },
  "store-mismatch": {
    sentence: (p) =>
      `${p.address} does not hold what was just written: expected ${p.expected}, found ${p.found}`,
    hint: (_, tool) => [
      `someone writes the same file, or the disk fails (dmesg); then ${tool("rollback last")}`,
    ],
  },
  locked: {
    sentence: (p) =>
      p.pid === 0
        ? `${p.holder} works on this node by hand since ${formatDate(p.sinceAt)} (${p.what}) and holds the lock ${p.path}`
        : `another run holds the lock ${p.path}: ${p.what} by ${p.holder} on ${p.host} (pid ${p.pid}) since ${formatDate(p.sinceAt)}, ${p.alive ? "still running" : "which cannot be looked up from here"}`,
    hint: (p, tool) =>
      p.pid === 0
        ? [
            `wait until the last step of that runbook releases it, or talk to ${p.holder}`,
            `if nobody is at work any more, repeat the command with ${flags.breakLock}`,
          ]
        : [
            `wait for it, or talk to ${p.holder}; on ${p.host}: ps -fp ${p.pid}`,
            p.alive
              ? `if it hangs: end that process (kill), then ${tool("resume")}; only if it cannot be ended, repeat the command with ${flags.breakLock}: it stops at its next write`
              : `if that process is gone, repeat the command with ${flags.breakLock}`,
          ],
  },
  "lock-lost": {
    sentence: (p) =>
      `the lock ${p.path} was taken over by another run (token ${p.token}, now ${p.found}); this one stopped`,
    hint: (_, tool) => [
      `${tool("runs list")} shows both runs; let the other one finish, then ${tool("check")}`,
    ],
  },
  "plan-stale": {
    sentence: (p) => `the plan is stale: ${p.differences.map(difference).join("; ")}`,
    hint: (_, tool) => [
      `nothing was changed; make a new plan and have it approved: ${tool("plan --out FILE")}`,
    ],
  },
  "plan-invalid": {
    sentence: (p) => `${p.path} is not a plan that can be applied: ${p.reason}`,
    hint: (_, tool) => [`make a new one: ${tool("plan --out FILE")}; never edit a plan by hand`],
  },
  "outside-window": {
    sentence: (p) =>
      `it is ${formatDate(p.at)}, ${p.at < p.fromAt ? "before" : "after"} the window from ${formatDate(p.fromAt)} to ${formatDate(p.toAt)}`,
    hint: (p) => [
      p.at < p.fromAt
        ? "no live file was changed; repeat the command when the window has begun"
        : "no live file was changed; have another window approved",
    ],
  },
  "digest-differs": {
    sentence: (p) => `the plan is not the approved one: approved ${p.approved}, found ${p.found}`,
    hint: (_, tool) => [
      `nothing was changed; compare with what was approved: ${tool("plan")}; have the new digest approved`,
    ],
  },
  "run-unfinished": {
    sentence: (p) => `run ${p.run} was cut off and must be ended before another can begin`,
    hint: (p, tool) => [
      `${tool("resume")} finishes it, ${tool(`rollback ${p.run}`)} restores what was there; ${tool(`runs show ${p.run}`)} says how far it came`,
    ],
  },
  "run-unknown": {
    sentence: (p) => `there is no run ${p.run}`,
    hint: (_, tool) => [
      `${tool("runs list")} shows the runs of this node; another state directory: ${flags.stateDir} DIR`,
    ],
  },
  "run-not-open": {
    sentence: (p) => `run ${p.run} cannot be continued or undone: its state is ${p.state}`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} says what happened; ${tool("check")} says how things are now`,
    ],
  },
  "journal-damaged": {
    sentence: (p) => `the journal ${p.path} is damaged at line ${p.line}: ${p.reason}`,
    hint: (p, tool) => [
      `the prior files are intact beside it: ls -R ${shellQuote(p.path.replace(/[^/]*$/, "before"))}; copy them back with cp -p where needed`,
      `then ${tool("check")}`,
    ],
  },
  "rollback-refused": {
    sentence: (p) => `run ${p.run} was not undone: changed by others since: ${p.changed.join(", ")}`,
    hint: (p, tool) => [
      `${tool(`runs show ${p.run}`)} lists what was there before; bring the changed objects back to what the run wrote, or copy single files from its folder`,
    ],
  },
  "rollback-expired": {
    sentence: (p) => `undoing run ${p.run} would bring back expired certificates: ${p.names.join(", ")}`,
    hint: (p, tool) => [`nothing was changed; if that is meant: ${tool(`rollback ${p.run} ${flags.yes}`)}`],
  },
  "proof-failed": {
    sentence: (p) => `${p.slot} is not what was planned: ${p.reason}`,
    hint: (_, tool) => [`${tool("resume")} tries again, ${tool("rollback last")} restores what was there`],
  },
  "step-failed": {
    sentence: (p) => `step ${p.step} failed: ${p.reason}`,
    hint: (_, tool) => [
      `${tool("resume")} tries again from there, ${tool("rollback last")} restores what was there`,
    ],
  },
  "bounce-failed": {
    sentence: (p) =>
      p.stage === "return"
        ? `${p.consumer} has not come back: ${p.reason}`
        : p.stage === "health"
          ? `${p.consumer} has come back but is not well: ${p.reason}`
          : `${p.consumer} has come back but ${p.where} is not as it has to be: ${p.reason}`,
    hint: (p, tool) => [
      `read its log: ${p.consumer === "kubelet" ? "journalctl -u kubelet -n 50" : `crictl logs $(crictl ps -a -q --name ${p.consumer} | head -n 1)`}; ${tool("diagnose")} reads it too`,
      `${tool("resume")} tries again from there, ${tool("rollback last")} restores what was there`,
    ],
  },
  "snapshot-failed": {
    sentence: (p) => `etcd's data could not be saved, and nothing was changed: ${p.reason}`,
    hint: () => [`--no-snapshot goes on without; then copy etcd's data directory yourself first`],
  },
  "script-unsupported": {
    sentence: (p) => `a script cannot do these steps: ${p.steps.join(", ")}`,
    hint: (_, tool) => [
      `${tool("renew")} does them; name the other certificates to have a script for those: ${tool("plan --script NAME")}`,
    ],
  },
  "live-proof-failed": {
    sentence: (p) => `the proof from the running node is not complete: ${p.where}: ${p.reason}`,
    hint: (_, tool) => [
      `${tool("resume")} asks again, ${tool("verify")} shows everything, ${tool("rollback last")} restores what was there`,
    ],
  },
  "state-unsafe": {
    sentence: (p) => `the state directory ${p.path} is not safe to keep keys in: ${p.reason}`,
    hint: (p) => [
      `ls -ld ${shellQuote(p.path)}; it must be a directory of root with mode 0700, not a link: chown root:root, chmod 0700`,
    ],
  },
  "state-full": {
    sentence: (p) =>
      p.lacks === "bytes"
        ? `the disk of ${p.path} is too full to begin: up to ${kib(p.needed)} for ${kept[p.keeps]}, ${kib(p.free, Math.floor)} free; nothing was changed`
        : `the file system of ${p.path} has too few inodes to begin: up to ${p.needed} for ${kept[p.keeps]}, ${p.free} free; nothing was changed`,
    hint: (p, tool) => [
      `see what fills it, and make room: ${p.lacks === "bytes" ? "df -h" : "df -i"} ${shellQuote(p.on)}; ${tool("runs prune")} removes old runs`,
      ...(p.keeps === "lock"
        ? []
        : [
            `or keep the run on another disk of this node: ${flags.stateDir} DIR, and the same with resume and rollback`,
          ]),
    ],
  },
  "archive-target": {
    sentence: (p) =>
      `the encrypted backup cannot go to ${p.path}: ${archiveProblems[p.problem]}${p.cause === "" ? "" : ` (${p.cause})`}; nothing was changed`,
    hint: (p) => [
      p.problem === "exists"
        ? `name a file that is not there, or a directory: ${flags.backupTo} DIR gives every run a file of its own`
        : `look at it: ls -ld ${shellQuote(p.path)}; is what belongs there mounted? findmnt -T ${shellQuote(p.path)}`,
    ],
  },
  "archive-full": {
    sentence: (p) =>
      `the disk of ${p.path} is too full for the encrypted backup: up to ${kib(p.needed)} needed, ${kib(p.free, Math.floor)} free; nothing was changed`,
    hint: (p) => [
      `make room there (df -h ${shellQuote(p.path)}), or name another place: ${flags.backupTo} DIR`,
    ],
  },
  "archive-damaged": {
    sentence: (p) =>
      `the encrypted backup ${p.path}, read back, is not what was written; nothing was changed`,
    hint: () => ["that disk fails or lies (dmesg): name another place"],
  },
  "recipient-invalid": {
    sentence: (p) =>
      `${p.from === "" ? "" : `${p.from}: `}${p.given === "" ? "it" : p.given} ${recipientProblems[p.problem]}`,
    hint: (p) => [
      p.problem === "identity"
        ? "age-keygen -y FILE prints the recipient of an identity; keep the identity off this machine"
        : "a recipient is what age-keygen prints as public key: age1 and 58 letters (age1pq1 and more for post-quantum keys)",
    ],
  },
  interrupted: {
    sentence: (p) => `interrupted by ${p.signal}`,
    hint: (_, tool) => [
      `${tool("runs list")} shows whether a run is open; ${tool("resume")} finishes it, ${tool("rollback last")} undoes it`,
    ],
  },
  "process-unknowable": {
    sentence: (p) => `nobody could be asked about ${p.consumer}: ${p.tried.join("; ")}`,
    hint: () => [
      "run it as root on the node; is the container runtime up? systemctl status containerd docker crio",
      "ls -l /run/containerd/containerd.sock /var/run/docker.sock /run/cri-dockerd.sock /var/run/crio/crio.sock",
    ],
  },
  "process-not-found": {
    sentence: (p) => `no process of ${p.consumer} was found (asked: ${p.through}); nothing was stopped`,
    hint: (p) => [
      `is its manifest in the kubelet's folder, and does the kubelet run? ls -l /etc/kubernetes/manifests; systemctl status kubelet`,
      `journalctl -u kubelet | grep ${shellQuote(p.consumer)} shows why it was not started`,
    ],
  },
  "process-ambiguous": {
    sentence: (p) =>
      `${p.consumer} runs in several pods (${p.pods.join(", ")}; asked: ${p.through}); none was stopped`,
    hint: () => ["only one of them can be this node's static pod: find out where the others come from"],
  },
  "process-not-stopped": {
    sentence: (p) => `${p.consumer} did not go away (${p.ids.join(", ")} by ${p.through}): ${p.reason}`,
    hint: (_, tool) => [
      "look at the container runtime's log: journalctl -u containerd -u docker -u crio -n 100",
      `then ${tool("resume")}, or ${tool("rollback last")}`,
    ],
  },
  "process-not-revived": {
    sentence: (p) => `${p.consumer} could not be made to start (${p.through}): ${p.reason}`,
    hint: (_, tool) => [
      "journalctl -u kubelet -n 100 shows what the kubelet does; ls -lA /etc/kubernetes/manifests /etc/kubernetes/.perennial-held",
      `then ${tool("resume")}, which puts back what was moved away`,
    ],
  },
  "command-failed": {
    sentence: (p) => `${p.command} failed: ${p.reason}`,
    hint: () => ["run that command by hand and see what it says"],
  },
  "endpoint-unreachable": {
    sentence: (p) => `${p.endpoint} could not be asked: ${endpointFaults[p.reason]} (${p.detail})`,
    hint: (p) => [
      `see what listens: ss -lntxp; what it presents: openssl s_client -connect HOST:PORT </dev/null`,
      ...(p.reason === "client-refused" || p.reason === "pair-unusable"
        ? ["perennial inspect FILE shows the client certificate, its dates and whether the key belongs to it"]
        : []),
    ],
  },
  "rpc-failed": {
    sentence: (p) => `${p.endpoint} answered ${p.method} with gRPC status ${p.status}: ${p.message}`,
    hint: () => [
      "the server's own log says more: crictl logs, docker logs, or journalctl -u with its unit's name",
    ],
  },
  "protobuf-malformed": {
    sentence: (p) => `not a valid protocol buffer at byte ${p.offset}: ${p.reason}`,
    hint: () => ["something else than the expected server answered; see what listens: ss -lntxp"],
  },
  "etcd-not-supported": {
    sentence: (p) => `${p.endpoint} is too old for ${p.what}, which etcd has from ${p.since}`,
    hint: () => ["nothing was changed; stopping the leader makes the others elect another one"],
  },
  "snapshot-damaged": {
    sentence: (p) => `the snapshot ${p.source} cannot be used: ${snapshotFaults[p.reason]} (${p.detail})`,
    hint: () => [
      "df -h where it is written; dmesg for disk errors; then take it again, best from another member",
      "etcdctl snapshot status FILE shows what etcd makes of it",
    ],
  },
  usage: { sentence: (p) => p.reason, hint: () => ["perennial --help, perennial COMMAND --help"] },
  "name-unknown": {
    sentence: (p) => `there is no certificate ${p.name}`,
    hint: (p) => [`known here: ${p.known.join(", ")}`],
  },
  "not-a-node": {
    sentence: (p) =>
      `${p.root} does not look like a control-plane node: no kubeadm certificates or manifests below it`,
    hint: () => [
      `run it on a control-plane node, name its file system with ${flags.root} DIR, or describe it: ${flags.profile} ID (perennial profile list)`,
    ],
  },
  "input-unreadable": {
    sentence: (p) => `${p.path} could not be read: ${p.reason}`,
    hint: (p) => [`ls -l ${shellQuote(p.path)}`],
  },
  "facts-damaged": {
    sentence: (p) =>
      `the collected facts in ${p.path} are not whole: ${p.damages.map(factsDamage).join("; ")}`,
    hint: () => [
      "copy what is damaged again, from its @N line to its @N end line, and put it anywhere before the last line: a whole copy of a section wins over a damaged one",
      "or collect again into a file and copy that: perennial collect > facts.txt",
    ],
  },
  refused: {
    sentence: (p) =>
      `refused for ${p.refusals.length === 1 ? "one reason" : `${p.refusals.length} reasons`}, nothing was changed`,
    hint: (_, tool) => [
      `remove what is named above, or name only the other certificates: ${tool("renew NAME ...")}`,
    ],
  },
  "confirmation-needed": {
    sentence: (p) => `${p.command} asks before it changes anything, and there is no terminal to ask on`,
    hint: (p, tool) => [`look at the plan first: ${tool("plan")}; then ${tool(`${p.command} ${flags.yes}`)}`],
  },
  declined: {
    sentence: (p) => `${p.command} was not confirmed, nothing was changed`,
    hint: () => ["only the word yes is taken as consent; repeat the command when ready"],
  },
  internal: {
    sentence: (p) => `internal error: ${p.reason}`,
    hint: (_, tool) => [
      "this is a fault of perennial; please report it with the output of perennial version",
      `${tool("runs list")} shows whether a run is open; ${tool("rollback last")} undoes it`,
    ],
  },
};
