// The command line's own words in English: questions, closing lines, and its help.
import { cliHelpEn } from "./cli-help-en.ts";
import { cliLabEn } from "./cli-lab-en.ts";

export const cliEn = {
  ...cliHelpEn,
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
