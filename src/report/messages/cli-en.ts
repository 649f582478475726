// The command line's own words in English: help, questions, closing lines.

/** What the hosts of a lab are together. */
export interface LabTogether {
  readonly members: number;
  readonly healthy: number;
  readonly hasQuorum: boolean;
  readonly apiServers: number;
  readonly endpoint: string;
  readonly workers: number;
  readonly ready: number | null;
}

export const cliEn = {
  tool: "Keeps the certificates of Kubernetes control planes alive.",
  headings: { usage: "Usage:", arguments: "Arguments:", options: "Options:", commands: "Commands:" },
  help: "show help",
  byDefault: (value: string) => ` (default: ${value})`,
  commands: {
    check: "what is stored, until when, and what is wrong with it; changes nothing",
    verify: "what check says, and what the running node serves and proves; creates and deletes one object",
    collect: "what check --facts needs of a node, as text without keys; changes nothing",
    init: "write the file that describes this node's cluster, for -f; changes nothing on the node",
    diagnose: "log lines and the node's files: which cause, how sure, what to do; changes nothing",
    inspect: "everything in a PEM or DER file, a bundle or a kubeconfig",
    plan: "what a renewal would do, in which order and why; changes nothing",
    renew: "plan, confirm, back up, renew, prove",
    apply: "do exactly what a saved plan says",
    resume: "go on with a run that was cut short",
    rollback: "put back everything a run changed, to the byte",
    runs: "list, show, report or prune the runs of this node",
    profile: "the distributions this tool knows, as data",
    version: "print the version",
    lab: "a control plane on this machine, to break and to repair (needs etcd)",
  },
  sub: {
    "runs list": "every run of this node, newest first",
    "runs show": "one run: who, when, why, what was changed",
    "runs report": "one run as a document for the ticket: who, why, before and after, proofs, commands",
    "runs prune": "forget old runs and their backups; after this they cannot be rolled back",
    "profile list": "the built-in profiles",
    "profile show": "one profile, with its parameters filled in",
    "profile lint": "check a profile file",
    "lab up": "make one in a new directory and start it, on free ports of 127.0.0.1",
    "lab expire": "let its certificates have ended, and restart everything",
    "lab status": "what runs of it, and how it is",
    "lab down": "end its processes and remove its files",
  },
  args: {
    names: "kubeadm's names (apiserver, admin.conf, ...), slot ids, or all; none means whatever is due",
    logs: "log files of this machine, - is standard input; none means the node's own logs",
    files: "files to look into; - is standard input",
    plan: "a plan written by plan --out",
    run: "a run's id; last is the newest one",
    profile: "a profile's id",
    profileFile: "a profile.yaml",
  },
  options: {
    root: "treat DIR as the node's file system (default: /)",
    file: "a cluster file, or a folder of them (*.yaml): all their nodes instead of this one",
    profile: "the node's distribution; recognised when not given",
    set: "set a parameter of the profile, e.g. pkiDir=/data/pki",
    lang: "language of sentences: en or zh",
    stateDir: "where lock, journal and backups are kept (default: var/lib/perennial below the root)",
    output: "output form",
    at: "answer for another day: 2027-11-22 or 2027-11-22T15:35:00Z",
    facts: "read FILE (- is standard input), printed by collect on the node, instead of this machine",
    collectScript: "print the script that does it with sh alone, for hosts without Node.js",
    logLines: "how many lines of each log; 0 leaves logs out",
    within: "a certificate that ends within this time is due",
    all: "renew every certificate that kubeadm would, due or not",
    validity: "how long new certificates are valid; past the CA's own end it is refused",
    keepKey: "keep the private keys, renew only the certificates",
    keyAlgorithm:
      "algorithm of new keys: RSA-2048, RSA-3072, RSA-4096, ECDSA-P256, ECDSA-P384 (default: as before)",
    addSan: "add a name or address: lb.example, 10.0.0.9, or etcd-server=10.0.0.9 (default: for apiserver)",
    readOnly: "create no object: look only",
    recreateAuthority:
      "make a missing CA again: put back from a backup where the old one is found; NAME=new makes a new one (only front-proxy-ca)",
    allowLinksTo: "also write through links that lead below this path of the node",
    out: "save the plan to FILE, for apply",
    format: "form of the document",
    outCluster: "write it to FILE, which must not exist",
    node: "another control-plane node, where no file of this one names it; repeatable",
    worker: "a worker node; repeatable",
    outReport: "write it to FILE",
    runbook: "print the plan as a document for people (Markdown)",
    csrDir:
      "do not renew: write requests for what a CA elsewhere has to sign into DIR; their keys wait on this node",
    signed: "install the certificates in DIR that a CA elsewhere has signed for such requests",
    script: "print the plan as a POSIX sh script for a host without Node; --out FILE writes it there",
    detailedExitcode: "exit 3 when the plan has changes",
    yes: "do not ask",
    acceptOutage: "etcd may stop answering meanwhile (with -f)",
    skipUnreachable: "do without nodes that cannot be reached (with -f)",
    acceptClock: "the clock is right, whatever speaks against it; kept in the journal",
    ticket: "change ticket, kept in the journal",
    reason: "why, kept in the journal",
    noSnapshot: "do not save etcd's data first (a copy of yours exists)",
    backupTo:
      "also write the backup, encrypted, to this directory or new file before anything is changed (age format)",
    backupRecipient: "who can decrypt it: an age recipient (age1...), or a file with one in each line",
    probe: "with --root: look at the running node too, and restart its processes",
    noProbe: "only files, on the live node too: nothing is dialled or restarted",
    runtime: "how to find containers: cri, crictl, docker, nerdctl or ctr (default: the one that has them)",
    process:
      "your own command for a process, repeatable: kubelet.start='...', .stop='...', .status='...' (exit 0 and a pid: it runs; exit 3: it does not)",
    breakLock: "take the lock away from a run that is stuck; its later writes fail",
    approved: "refuse unless the plan has this digest",
    window:
      "refuse unless it is now between two instants, and change nothing live outside: 2026-11-22T22:00/2026-11-23T02:00 (local time, or with Z)",
    keep: "how many of the newest runs to keep",
    olderThan: "keep runs younger than this",
    dir: "the lab's directory",
    pace: "factor for every waiting time, 1 as Kubernetes has them, 0.1 ten times faster",
    labKey: "algorithm of all keys",
    labRuntime: "what the kubelet talks to: cri, docker",
    labAt: "when they ended (default: ten days ago)",
    labCa: "the authorities too",
    labHosts:
      "several control planes with one etcd, as root each in namespaces of its own with sshd, else on 127.0.0.0/8",
    labWorkers: "nodes that only run a kubelet (default 0)",
    labIpv6: "addresses of fd00::/8 (as root)",
    labOldEtcd: "an etcd that reads its certificates once, as 3.1 did (emulated)",
    labLoopback: "several hosts without namespaces, even as root",
  },
  usage: {
    unknownOption: (name: string) => `unknown option ${name}`,
    unknownCommand: (name: string) => `unknown command ${name}`,
    missingArgument: (name: string) => `argument ${name.toUpperCase()} is missing`,
    optionMissingArgument: (name: string) => `option ${name} needs a value`,
    excessArguments: () => "too many arguments",
    notAllowed: (value: string, option: string, allowed: string) =>
      `${value} is not a value of ${option}: ${allowed}`,
    invalidArgument: (name: string) => `${name} is not one of the values it can have`,
    notOfCluster: (command: string) => `${command} works on one node and takes no cluster file`,
    excludes: (a: string, b: string) => `${a} and ${b} exclude each other`,
    other: (text: string) => text,
    didYouMean: (name: string) => `did you mean ${name}?`,
  },
  ask: {
    apply: "Only 'yes' will be accepted to go on: ",
    reconstructed: (names: string) =>
      `No old certificate was found for ${names}; the names above were put together. Are they right and complete? Only 'yes' will be accepted: `,
    rollback: (run: string) =>
      `This puts back everything run ${run} changed. Only 'yes' will be accepted to go on: `,
  },
  nothingToDo: "Nothing is due: no file was changed.",
  nothingChanged: "Nothing was changed.",
  nothingPossible: (count: number) =>
    `Nothing was changed, and not because all is well: ${count === 1 ? "1 certificate was" : `${count} certificates were`} left out.`,
  leftOut: (slot: string, reason: string) => `left out, not renewed: ${slot}: ${reason}`,
  askOutside: (command: string, then: string) =>
    `have them signed where the CA's key is kept: ${command}, then ${then} (docs/operations/external-ca.md)`,
  askedAlready: (command: string) => `requests for them were made; once they are signed: ${command}`,
  requests: {
    heading: (count: number, folder: string) =>
      `${count} ${count === 1 ? "request" : "requests"} in ${folder}; no live file was changed.`,
    columns: ["REQUEST", "CA", "KEY", ""],
    key: {
      new: "new key",
      reused: "as before",
      replaced: "replaces an earlier request, whose answer can no longer be installed",
      kept: "present key",
    },
    none: "Nothing that is due has to be signed elsewhere: no request was made.",
    next: (command: string) =>
      `Have the CA sign each file with its names and usages as they are, then: ${command}`,
    keys: (folder: string) => `The keys wait in ${folder} and never leave this node.`,
  },
  answersLeft: "not every answer or request is settled, see the notes above",
  signedNothing: "Every certificate in the folder is in place already: no file was changed.",
  leftOutHint: (command: string, next: string) => `${command} says what to do for each; then ${next}`,
  leftOutAgain: "repeat this command",
  leftOutPlan: (command: string) => `make a new plan: ${command}`,
  scriptSaved: (path: string) => `Script saved to ${path}; on the node: sh ${path} check, then apply`,
  planSaved: (path: string, digest: string) => `Plan saved to ${path}, digest ${digest}`,
  reportSaved: (path: string) => `Report saved to ${path}`,
  applySaved: (command: string) => `To do it: ${command}`,
  done: (
    { issued, files }: { readonly issued: number; readonly files: number },
    run: string,
    isLive: boolean,
  ) => {
    const where = `proved ${isLive ? "on the running node" : "on disk"} by run ${run}`;
    if (issued > 0)
      return `Done: ${issued} ${issued === 1 ? "certificate" : "certificates"} renewed and ${where}.`;
    if (files > 0) return `Done: ${files} ${files === 1 ? "file" : "files"} brought up to date and ${where}.`;
    return isLive
      ? `Done: no file had to change; ${where}.`
      : `Done: 0 files brought up to date and ${where}.`;
  },
  stopping: (signal: string) =>
    `${signal}: stopping at the next safe point, then saying how to go on; a second one ends at once, and resume or rollback puts it right`,
  undoWith: (command: string) => `To undo: ${command}`,
  restart: (names: string) =>
    `These still hold the old certificates in memory until they are restarted: ${names}`,
  rolledBack: (run: string) =>
    `Run ${run} is undone: everything is as it was before it. What was restarted since holds its certificates in memory until it is restarted again.`,
  alreadyRolledBack: (run: string) => `Run ${run} was undone before: nothing to do.`,
  failedRolledBack: "Every file is as it was before.",
  failedAbandoned: "No live file was changed.",
  failedInterrupted: (run: string) => `Run ${run} stopped midway.`,
  resumeWith: (command: string) => `To go on: ${command}`,
  leftAlone: (path: string) => `changed by others since, left alone: ${path}`,
  noRuns: "No runs on this node.",
  nothingToResume: "No run is unfinished: nothing to do.",
  pruned: (count: number) => `${count} ${count === 1 ? "run" : "runs"} forgotten.`,
  profileOk: (id: string) => `profile ${id}: no fault found`,
  lab: {
    well: "well",
    lookAt: (look: string, repair: string) => `Look at it: ${look}\nRepair it:  ${repair}`,
    expired: (at: string) => `Every certificate has ended at ${at}, and everything was restarted.`,
    host: (name: string, role: string, address: string) => `${name}  ${role}  ${address}`,
    silent: "does not answer",
    ready: (state: string | null) =>
      `node ${state === "True" ? "Ready" : state === null ? "unknown: no API server says it" : "NotReady"}`,
    together: (state: LabTogether) =>
      [
        `etcd: ${state.healthy} of ${state.members} members well, ${state.hasQuorum ? "quorum" : "no quorum"}`,
        `API servers: ${state.apiServers} of ${state.members} well, ${state.endpoint}`,
        `workers: ${state.ready ?? "unknown"} of ${state.workers} Ready`,
      ].join("\n"),
    cluster: (file: string, login: string | null) =>
      `Cluster:  ${file}${login === null ? "" : `\nLog in:   ${login}`}`,
    down: (count: number) => `${count} ${count === 1 ? "process" : "processes"} ended, the lab is removed.`,
  },
  clusters: { heading: (file: string) => `CLUSTER FILE ${file}` },
  init: {
    head: [
      "The cluster that this node belongs to, as far as the node knows (docs/cluster-file.md).",
      "Correct it and add what is missing: perennial -f FILE works on every node that stands here.",
    ],
    ssh: [
      "Nodes without local: or root: are reached with the system's ssh at their address. For all of them:",
      "ssh: {user: root, port: 22, identityFile: ~/.ssh/id_ed25519, jump: bastion, sudo: false}",
    ],
    server: (url: string, source: string) =>
      `API at ${url} (${source}): a load balancer, or one of the nodes below`,
    own: "the node this was written on",
    ownRoles: "by its manifests",
    otherRoles: "assumed",
    local: "this machine",
    sources: {
      file: (field: string, path: string) => `${field} in ${path}`,
      memberList: "etcd's member list",
      default: "nothing says it",
    },
    noMemberList: (why: "files-only" | "no-etcd" | { readonly reason: string }) =>
      why === "no-etcd"
        ? "No etcd member here: the other nodes could not be asked for."
        : `etcd's member list was not asked ${why === "files-only" ? "(files only)" : `successfully (${why.reason})`}: members that joined later are missing.`,
    written: (path: string, nodes: string) => `Written: ${path} (nodes: ${nodes}).`,
    alone: (command: string) =>
      `No file here names another node. If there are others, remove it and name them: ${command}`,
    next: (command: string) => `Next: look it over, then ${command}`,
  },
  bare: {
    dead: (count: number) =>
      `${count} ${count === 1 ? "certificate is" : "certificates are"} expired or unusable`,
    dying: (count: number) => `${count} more ${count === 1 ? "needs" : "need"} attention`,
    well: "All certificates are well",
    next: (command: string) => `Next: ${command}`,
    look: (command: string) => `Details: ${command}`,
  },
};
