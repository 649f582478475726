// English: reasons, notices and headings of a plan.
import type { IdentityGap, KeepReason, RenewReason } from "../../../core/model/decision.ts";
import type { Notice } from "../../../core/model/notice.ts";
import type { PhaseId } from "../../../core/model/plan.ts";
import { flags } from "../../flags.ts";
import { formatDate, formatDay, spanEn } from "../../time.ts";
import type { ArchiveWords, MessagesOf } from "../types.ts";
import { manual, platformNotices } from "./platform.ts";
import { refusals } from "./refusals.ts";

const renewReasons: MessagesOf<RenewReason> = {
  expired: (r) => `expired on ${formatDate(r.notAfter)}`,
  expiring: (r) => `ends on ${formatDate(r.notAfter)}`,
  "key-does-not-match": () => "certificate and key do not belong together",
  "key-not-usable": (r) => `its key ${r.path} is ${r.state}`,
  "wrong-issuer": (r) => `not signed by CA ${r.authority} of this node`,
  "not-yet-valid": (r) => `valid only from ${formatDate(r.notBefore)}`,
  missing: (r) =>
    r.from === null
      ? "missing; put together from flags and other files"
      : `missing; made after ${r.from.replace(/^file:[^:]*:/, "")}`,
  requested: () => "asked for",
  "san-added": (r) => `names added: ${r.sans.join(", ")}`,
  signed: (r) => `signed: ${r.answer}, valid until ${formatDate(r.notAfter)}`,
  follows: (r) =>
    r.because === "same-key"
      ? `copy of ${r.original} (same key)`
      : `stale copy of ${r.original} (same identity)`,
};

const identityGaps: Readonly<Record<IdentityGap, string>> = {
  "not-used-here": "missing, and no manifest of this node uses it",
  names: "missing, and nothing says which names it must have: no old certificate, no manifest",
  server: "missing, and nothing says where the API is: no kubeconfig, no manifest",
  authority: "missing, and its CA is not known",
};

const keepReasons: MessagesOf<KeepReason> = {
  "not-due": (r) => `valid until ${formatDate(r.notAfter)}`,
  "not-selected": () => "not asked for",
  missing: () => "missing: the file is there but holds no certificate, and may be meant so",
  "authority-missing": (r) =>
    r.found === null
      ? `${caMissing(r)}: look for it on the other control-plane nodes and in backups; if it is lost, ${flags.recreateAuthority} ${r.authority}`
      : `${caMissing(r)}: an old one is ${r.found}; ${flags.recreateAuthority} ${r.authority} puts it back`,
  "identity-unknown": (r) => identityGaps[r.lacking],
  unreadable: (r) => `not readable: ${r.reason}`,
  "not-usable": (r) => `cannot be renewed as it is: ${r.reason}`,
  refused: ({ refusal }) => refusals[refusal.code].sentence(refusal),
  "externally-managed": (r) => `the key of CA ${r.authority} is not here`,
  "kubelet-rotates": (r) => `the kubelet rotates it while it is valid (until ${formatDate(r.notAfter)})`,
  "other-identity": () => "holds another identity than any original",
  "original-unreadable": (r) =>
    `seems to be a copy of ${r.original}, which cannot be read: whose it is cannot be told`,
  "original-kept": (r) => `due, but its original ${r.original} stays as it is`,
  "no-certificate": () => "holds no certificate",
  "observed-only": () => "only observed",
};

const unmatched: Readonly<Record<Extract<Notice, { code: "answer-unmatched" }>["because"], string>> = {
  "no-request": "no key on this node waits for it",
  "present-key": `it is for the present key; ${flags.keepKey} installs it`,
  "in-place": "it is in place already",
};

function caMissing({ authority, isThere }: { readonly authority: string; readonly isThere?: true }): string {
  return isThere === true ? `its CA ${authority} is missing` : `missing, and so is its CA ${authority}`;
}

/** Of several nodes the same one comes several times. */
function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)];
}

const notices: MessagesOf<Notice> = {
  ...platformNotices,
  "validity-capped": (n) =>
    `ends with CA ${n.authority} on ${formatDate(n.notAfter)}, earlier than asked for: ${n.slot}`,
  "outage-order": (n) =>
    n.hasQuorum
      ? `etcd's certificates have expired on most members: the plan renews all nodes first and then restarts ${n.restarts} processes; etcd and the API are away meanwhile`
      : `etcd has no quorum: the plan renews all nodes first and then starts etcd everywhere, API servers one by one, the others last (${n.restarts} processes); allow about ${Math.max(1, Math.ceil(n.restarts / 3))} min`,
  "nodes-skipped": (n) =>
    `not reached and done without: ${n.nodes.join(", ")}; renew there later with the same command`,
  "etcd-not-in-plan": (n) =>
    `etcd (${n.servers.join(", ")}) runs on none of these nodes: no snapshot of it is taken, its quorum is not asked, and what its own certificates look like is not seen; that an API server is ready again is all that is proved; with its hosts in the cluster file (roles: [etcd]) they are part of the plan`,
  "nodes-not-awaited": (n) =>
    n.because === "not-wanted"
      ? `${flags.minReady} 0: controller-managers are started whoever reports; from nodes that do not they move pods away after five minutes`
      : "controller-managers are started whoever reports: no API server with an admin.conf beside it can be asked; kubectl get nodes before five minutes have passed",
  "swap-window": (n) =>
    `${distinct(n.consumers).join(", ")} reads its files at every handshake: a handshake in the microseconds between two renames can fail; ${flags.keepKey} or stopping it avoids that`,
  "restart-needed": (n) =>
    `restart afterwards, ${n.isTogether === true ? "etcd on all masters together where all have expired" : "one node at a time"}, so that the new certificates are used: ${distinct(n.consumers).join(", ")}`,
  "members-together": (n) =>
    `etcd has ${n.members} members and this one's certificates have expired: where the others' have as well, a quorum comes back only together; do not renew this node alone then: perennial init writes a cluster file, then perennial renew -f cluster.yaml does all masters`,
  "authority-bundle": (n) =>
    `the file of CA ${n.authority} holds several certificates; the one that belongs to the key signs`,
  "mode-kept-open": (n) => `keeps mode ${n.mode}, so that others can read the key in it: ${n.address}`,
  "answer-unmatched": (n) =>
    `not installed: ${n.subject} (serial ${n.serialHex}) in ${n.address}: ${unmatched[n.because]}`,
  "answer-unreadable": (n) => `not read: ${n.address}: ${n.reason}`,
  "answer-none": () => "no answer was found in the folder: no certificate in it but those of CAs",
  "answer-awaited": (n) => `still waiting for an answer: ${n.names.join(", ")}`,
  "group-loses-key": (n) =>
    `mode ${n.mode} becomes ${n.newMode}, the owner stays: a process that reads it only through group ${n.gid} (not as owner or root) can no longer read it; chown it to that process's user before, or chmod g+r right after the renewal: ${n.address}`,
  reconstructed: (n) =>
    `no old certificate was found for ${n.slots.join(", ")}: put together from flags, kubeconfigs and the kubelet's configuration; compare the names above with the load balancer and the other control-plane nodes`,
  "authority-restored": (n) =>
    `CA ${n.authority} is put back from ${n.from}; it must be the same on every control-plane node, compare the fingerprints`,
  "authority-made-anew": (n) =>
    `CA ${n.authority} is made anew: aggregated APIs (metrics-server) fail until every API server has it; copy its certificate and key to the other control-plane nodes, then renew front-proxy-client there and restart`,
  "key-pair-missing": (n) =>
    n.found === null
      ? `${n.path} is missing and is never made again, every token hangs on it: copy the pair ${n.name} from another control-plane node or a backup`
      : `${n.path} is missing and is never made again, every token hangs on it; an old one: cp -p ${n.found} ${n.path}`,
  "process-from-record": (n) =>
    `${n.consumer} does not run; it is started as it was seen to run on ${formatDate(n.recordedAt)}: ${n.command}; another way: ${flags.process} ${n.consumer}.start=COMMAND`,
  "stays-expired": (n) =>
    [
      `stays expired: ${n.slots.join(", ")}`,
      ...(n.unproven.length === 0
        ? []
        : [`so it is not proved that ${n.unproven.join(", ")} are well and present what they have to`]),
      ...(n.isWriteProved ? [] : ["no write to the API is proved"]),
      "a plan without names renews everything that is due",
    ].join("; "),
  "clock-accepted": (n) =>
    `${flags.acceptClock}: the clock is taken for right, although ${n.doubts.map((doubt) => refusals[doubt.code].sentence(doubt)).join("; ")}`,
  "bootstrap-not-needed": (n) =>
    `${n.path} is missing: the kubelet asks for it only while it has no valid certificate; ${n.file} gets one, do not copy it there`,
  "kubelet-serving-left": (n) =>
    n.isRotated
      ? `${n.path} has expired and is left: only the API can approve a new one; restart the kubelet and approve its CSR when the API is back`
      : `${n.path} has expired and is left: it is self-signed, the kubelet makes a new one when it and its key are moved away and the kubelet restarts`,
};

const phases: Readonly<Record<FilePhase, string>> = {
  issue: "issue: make keys and certificates, in memory",
  "back-up": "back up: keep the prior files",
  archive: "archive: encrypt what was saved into a file elsewhere",
  stage: "stage: write the new files beside the old ones and verify the whole set",
  swap: "swap: rename the new files over the old ones",
  prove: "prove: read back and compare with the plan",
};

type FilePhase = Exclude<
  PhaseId,
  "snapshot" | "roll" | "gate" | "restart" | "workers" | "ready" | "prove-live"
>;

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

export const plan = {
  manual,
  renewReasons,
  keepReasons,
  notices,
  phases,
  comma: ", ",
  colon: ": ",
  columns: { name: "NAME", expires: "OLD EXPIRES", key: "NEW KEY", reason: "REASON", files: "FILES" },
  day: (at: number) => formatDay(at),
  filesBelow: (files: string, folder: string): string => `${files} (below ${folder})`,
  short: {
    expired: "expired",
    expiring: "ends soon",
    follows: "copy",
    missing: "missing",
    signed: "signed elsewhere",
  },
  restored: (from: string) => `put back from ${from}`,
  madeAnew: "made anew",
  madeWith: (names: string) => `made with ${names}`,
  nameSource: (source: string) => source,
  nameFrom: (name: string, sources: string) => `${name} (from ${sources})`,
  keptKey: "kept",
  newOnes: (span: string, authorities: string) =>
    `New certificates: same subject, names and usages; valid ${span}, never past their CA; signed by ${authorities}.`,
  installed: (authorities: string) =>
    `Certificates signed elsewhere, checked against their requests and against ${authorities} on this node.`,
  kept: (names: string, reason: string) => `Kept: ${names} (${reason})`,
  takeAnswers: (count: number) =>
    `issue: take ${counted(count, "signed certificate")} with the keys that wait for them`,
  archiveLine: ({ place, recipients, keysOf }: ArchiveWords) =>
    keysOf === null
      ? `archive: encrypt what was saved up to here for ${recipients}, write it to ${place} and read it back`
      : `archive: keys of ${keysOf.nodes} leave their ${keysOf.count === 1 ? "node" : "nodes"}, encrypted to ${recipients}: what was saved up to here goes to ${place} on this machine and is read back`,
  notRenewed: (names: string, reason: string) => `Left out, not renewed: ${names} (${reason})`,
  phaseLines: {
    issue: (count: number) => `issue: make ${counted(count, "certificate")} in memory`,
    "back-up": (count: number, folder: string) =>
      `back up: keep ${count === 1 ? "this file" : `these ${count} files`} in ${folder}`,
    stage: (count: number) =>
      `stage: write ${counted(count, "new file")} beside them and verify the set as a whole`,
    swap: () => "swap: rename them into place in the order shown, each key before its certificate",
    prove: (count: number) =>
      `prove: read back ${counted(count, "certificate")} and compare with what was issued`,
  } satisfies Readonly<Record<Exclude<FilePhase, "archive">, (count: number, folder: string) => string>>,
  joiner: "; ",
  title: (cluster: string, nodes: string, profile: string) =>
    `Plan for cluster ${cluster}, ${nodes} (profile ${profile})`,
  span: (ms: number) => spanEn(ms),
  sansAdded: (sans: string) => `adds ${sans}`,
  noticesHeading: "Note:",
  refusalsHeading: "Refused:",
  wayOn: "->",
  stepsHeading: "Steps, in this order:",
  onNodes: (names: string) => ` (${names})`,
  onNode: (node: string) => `on ${node}`,
  steps: {
    issue: (name: string, authority: string) => `${name}, signed by ${authority}`,
    install: (name: string, authority: string) => `${name}, signed elsewhere by ${authority}`,
    forget: (name: string) => `${name}: remove the pending key`,
    take: (name: string, serial: string) =>
      `${name}: take the present certificate (serial ${serial}) for its copies`,
    "back-up": (object: string) => object,
    archive: ({ place, recipients, keysOf }: ArchiveWords) =>
      keysOf === null
        ? `${place}, encrypted for ${recipients}`
        : `${place} on this machine, encrypted for ${recipients}; keys of ${keysOf.nodes} leave their ${keysOf.count === 1 ? "node" : "nodes"} for it`,
    stage: (object: string, mode: string) => `${object} (mode ${mode})`,
    swap: (object: string) => object,
    prove: (name: string) => name,
  },
  guards: (written: number, read: number) =>
    `Guards: the ${counted(written, "file")} to be replaced and ${read} that are only read must be as they were when this plan was made.`,
  undo: (command: string) =>
    `Undo: ${command} restores bytes, mode, owner and links; a failure before the end does so by itself.`,
  digest: (digest: string) => `Digest: ${digest}`,
  nothing: "Nothing to do: no certificate is due.",
  nothingSigned: "Nothing to install: no answer to a request that waits here was found.",
  leftOut: (count: number) =>
    `Left out: ${count === 1 ? "1 certificate that cannot be renewed as it is" : `${count} certificates that cannot be renewed as they are`}, see above.`,
  refused: (count: number) =>
    `Refused: ${count === 1 ? "1 reason" : `${count} reasons`}; nothing can be applied.`,
  summary: (renew: number, follow: number, keep: number, leftOut: number) =>
    `Plan: ${renew} to renew, ${follow} to follow, ${keep} to keep${leftOut === 0 ? "" : `, ${leftOut} left out`}.`,
};
