// The command line's own words in English: help, questions, closing lines.
import { cliLabEn } from "./cli-lab-en.ts";

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
    inspect:
      "everything in a PEM or DER file, a bundle, a kubeconfig, Secrets and ConfigMaps, or what HOST:PORT serves",
    plan: "what a renewal would do, in which order and why; changes nothing",
    renew: "plan, confirm, back up, renew, prove",
    apply: "do exactly what a saved plan says",
    resume: "go on with a run that was cut short",
    rollback: "put back everything a run changed, to the byte",
    runs: "list, show, report or prune the runs of this node",
    profile: "the distributions this tool knows, as data",
    version: "print the version (--version does the same)",
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
    files: "files to look into, or HOST:PORT; - is standard input",
    plan: "a plan written by plan --out; without --root it is applied below the root it was made for",
    run: "a run's id; last is the newest one",
    profile: "a profile's id",
    profileFile: "a profile.yaml",
  },
  options: {
    root: "treat DIR as the node's file system (default: /)",
    askPass:
      "ask once for the password of ssh logins; without a terminal it is the next line of standard input",
    askBecomePass: "ask once for the password of sudo; empty takes that of the login",
    file: "a cluster file, or a folder of them (*.yaml): all their nodes instead of this one",
    profile: "the node's distribution; recognised when not given",
    set: "set a parameter of the profile, e.g. pkiDir=/data/pki",
    lang: "language of sentences: en or zh",
    stateDir: "where lock, journal and backups are kept (default: var/lib/perennial below the root)",
    output: "output form",
    at: "answer for another day: 2027-11-22 or 2027-11-22T15:35:00Z",
    serverName: "the name to ask HOST:PORT for (SNI), when it is not HOST",
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
    minReady:
      "before controller-managers are started this many nodes have to report, 0 for none (with -f; default 75%)",
    batch: "workers repaired side by side (with -f; default 10)",
    acceptClock: "the clock is right, whatever speaks against it; kept in the journal",
    ticket: "change ticket, kept in the journal",
    reason: "why, kept in the journal",
    noSnapshot: "do not save etcd's data first (a copy of yours exists)",
    backupTo:
      "also write the backup, encrypted, to this directory or new file before anything is changed (age format)",
    backupRecipient: "who can decrypt it: an age recipient (age1...), or a file with one in each line",
    probe: "with --root: look at the running node too, and restart its processes",
    probeOnly: "with --root: look at the running node too; nothing is restarted",
    noProbeOnly: "only files, on the live node too: nothing is dialled",
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
    labLike: "rehearse this cluster: what perennial collect gave for each node, files or folders (as root)",
    labFilesOnly: "with --like: the nodes' files only, nothing is started",
  },
  usage: {
    unknownOption: (name: string) => `unknown option ${name}`,
    unknownCommand: (name: string) => `unknown command ${name}`,
    missingArgument: (name: string) => `argument ${name.toUpperCase()} is missing`,
    optionMissingArgument: (name: string) => `option ${name} needs a value`,
    optionMissing: (name: string) => `option ${name} is missing`,
    commandMissing: (command: string, known: readonly string[]) =>
      `${command} needs one of: ${known.join(", ")}`,
    excessArguments: () => "too many arguments",
    notAllowed: (value: string, option: string, allowed: string) =>
      `${value} is not a value of ${option}: ${allowed}`,
    invalidArgument: (name: string) => `${name} is not one of the values it can have`,
    notOfCluster: (command: string) => `${command} works on one node and takes no cluster file`,
    rootOfCluster:
      "--root is the place of one node, and with -f each node's place stands in the cluster file: write root: DIR (or local: true, ssh: HOST) there, or leave --root out",
    passwordsNeedFile: "--ask-pass and --ask-become-pass are for the nodes of -f: this node needs neither",
    serverNameWithoutListener: "--server-name is for HOST:PORT, and none is given",
    needsFile: (option: string) =>
      `${option} is for the nodes of a cluster together: name them with -f FILE (perennial init writes one), or leave ${option} out to work on this node alone`,
    notOverNodes: {
      signed:
        "--signed is for one node: the keys that the answers belong to wait on their nodes; run perennial renew --signed DIR on each, one after the other",
      csrDir:
        "--csr-dir is for one node: keys and requests are made where they are used; run perennial renew --csr-dir DIR on each node",
      script:
        "--script is for one node: a script cannot ask the other members of etcd before it stops one; plan -f --runbook says the order, and perennial plan --script on each node makes its part",
      backupTo:
        "--backup-to is for one node: before-images hold keys and stay on their nodes; copy var/lib/perennial from each node after the run, or run perennial renew --backup-to on each",
    },
    excludes: (a: string, b: string) => `${a} and ${b} exclude each other`,
    other: (text: string) => text,
    didYouMean: (name: string) => ` - did you mean ${name}?`,
  },
  ask: {
    passwords: {
      ssh: "SSH password: ",
      sudo: (hasLogin: boolean): string =>
        hasLogin ? "sudo password (empty: the SSH password): " : "sudo password: ",
    },
    apply: "Only 'yes' will be accepted to go on: ",
    reconstructed: (names: string) =>
      `No old certificate was found for ${names}; the names above were put together. Are they right and complete? Only 'yes' will be accepted: `,
    prune: (count: number) =>
      `${count === 1 ? "This run is" : "These runs are"} forgotten, and with ${count === 1 ? "it" : "them"} what was there before: no rollback any more. Only 'yes' will be accepted to go on: `,
    rollback: (run: string) =>
      `This puts back everything run ${run} changed. Only 'yes' will be accepted to go on: `,
  },
  nothingToDo: "Nothing is due: no file was changed.",
  nothingChanged: "Nothing was changed.",
  nothingPossible: (count: number) =>
    `Nothing was changed, and not because all is well: ${count === 1 ? "1 certificate was" : `${count} certificates were`} left out.`,
  leftOut: (slot: string, reason: string) => `left out, not renewed: ${slot}: ${reason}`,
  leftOutUnread: (count: number) =>
    `left out, not renewed: ${count} ${count === 1 ? "certificate" : "certificates"} whose files are unreadable: run as root (sudo)`,
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
  signedMissing: "No answer to a waiting request was found in the folder: no file was changed.",
  signedNothing: "Every certificate in the folder is in place already: no file was changed.",
  leftOutHint: (command: string, next: string) => `${command} says what to do for each; then ${next}`,
  leftOutAgain: "repeat this command",
  leftOutPlan: (command: string) => `make a new plan: ${command}`,
  /** Made from a copy, it would act below the root of its plan. */
  scriptSaved: (path: string, isOfCopy: boolean) =>
    `Script saved to ${path}; on the node: sh ${path} check${isOfCopy ? " --root /" : ""}, then apply${isOfCopy ? " --root /" : ""}`,
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
  planRoot: (root: string) => `the plan was made for the root ${root}, and is applied there`,
  undoWith: (command: string) => `To undo: ${command}`,
  restart: (names: string) =>
    `These still hold the old certificates in memory until they are restarted: ${names}`,
  /** `restarted`: null when only files were put back. */
  rolledBack: (run: string, restarted: readonly string[] | null, verify: string) =>
    `Run ${run} is undone: everything is as it was before it. ${
      restarted === null
        ? "What was restarted since holds its certificates in memory until it is restarted again."
        : `${restarted.length === 0 ? "" : `Restarted once more, with the old certificates: ${restarted.join(", ")}. `}Whether all is well with them: ${verify}`
    }`,
  failedRolledBack: "Every file is as it was before.",
  failedAbandoned: "No live file was changed.",
  failedInterrupted: (run: string) => `Run ${run} stopped midway.`,
  notTakenBack: (why: string) => `It could not be taken back: ${why}`,
  resumeWith: (command: string) => `To go on: ${command}`,
  leftAlone: (path: string) => `changed by others since, left alone: ${path}`,
  noRuns: "No runs on this node.",
  noRunsOfCluster: "No runs over the nodes of this cluster were begun here.",
  nothingToResume: "No run is unfinished: nothing to do.",
  pruned: (count: number) => `${count} ${count === 1 ? "run" : "runs"} forgotten.`,
  /** What each is for. */
  profiles: {
    kubeadm: "control planes that kubeadm has made",
    tkestack: "global and standalone clusters of TKEStack, from 1.2.5 on",
  } as Readonly<Record<string, string>>,
  profileOk: (id: string) => `profile ${id}: no fault found`,
  /** As the late texts of en.ts. */
  get lab() {
    return cliLabEn;
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
    head: (states: readonly string[], nodes: readonly string[]) =>
      `${states.join("; ")} (${nodes.join(", ")})`,
    dead: (count: number) =>
      `${count} ${count === 1 ? "certificate is" : "certificates are"} expired or unusable`,
    dying: (count: number) => `${count} more ${count === 1 ? "needs" : "need"} attention`,
    warned: (count: number) =>
      `${count} ${count === 1 ? "certificate needs" : "certificates need"} attention`,
    unread: (count: number) =>
      `${count} ${count === 1 ? "file is" : "files are"} unreadable: run as root (sudo)`,
    others: (count: number) => `${count} other ${count === 1 ? "matter needs" : "matters need"} attention`,
    matters: (count: number) => `${count} ${count === 1 ? "matter needs" : "matters need"} attention`,
    well: "All certificates are well",
    next: (commands: readonly string[]) => `Next: ${commands.join("; then ")}`,
    look: (command: string) => `Details: ${command}`,
  },
};
