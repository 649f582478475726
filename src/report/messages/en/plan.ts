// English: reasons, notices and headings of a plan.
import type { KeepReason, Notice, PhaseId, RenewReason } from "../../../core/model/plan.ts";
import { flags } from "../../flags.ts";
import { formatDate, spanEn } from "../../time.ts";
import type { MessagesOf } from "../types.ts";

const renewReasons: MessagesOf<RenewReason> = {
  expired: (r) => `expired on ${formatDate(r.notAfter)}`,
  expiring: (r) => `ends on ${formatDate(r.notAfter)}`,
  "key-does-not-match": () => "certificate and key do not belong together",
  "key-not-usable": (r) => `its key ${r.path} is ${r.state}`,
  "wrong-issuer": (r) => `not signed by CA ${r.authority} of this node`,
  "not-yet-valid": (r) => `valid only from ${formatDate(r.notBefore)}`,
  requested: () => "asked for",
  "san-added": (r) => `names added: ${r.sans.join(", ")}`,
  follows: (r) =>
    r.because === "same-key"
      ? `copy of ${r.original} (same key)`
      : `stale copy of ${r.original} (same identity)`,
};

const keepReasons: MessagesOf<KeepReason> = {
  "not-due": (r) => `valid until ${formatDate(r.notAfter)}`,
  "not-selected": () => "not asked for",
  missing: () => "missing, and a renewal needs the old certificate: see perennial check",
  unreadable: (r) => `not readable: ${r.reason}`,
  "not-usable": (r) => `cannot be renewed as it is: ${r.reason}`,
  "externally-managed": (r) => `the key of CA ${r.authority} is not here`,
  "kubelet-rotates": (r) => `the kubelet rotates it while it is valid (until ${formatDate(r.notAfter)})`,
  "other-identity": () => "holds another identity than any original",
  "no-certificate": () => "holds no certificate",
  "observed-only": () => "only observed",
};

const notices: MessagesOf<Notice> = {
  "validity-capped": (n) =>
    `${n.slot} will end with its CA ${n.authority} on ${formatDate(n.notAfter)}, earlier than asked for`,
  "swap-window": (n) =>
    `${n.consumers.join(", ")} reads its files at every handshake: for microseconds between two renames a handshake can fail; ${flags.keepKey} or stopping it avoids that`,
  "restart-needed": (n) =>
    `restart afterwards, one node at a time, so that the new certificates are used: ${n.consumers.join(", ")}`,
  "authority-bundle": (n) =>
    `the file of CA ${n.authority} holds several certificates; the one that belongs to the key signs`,
  "mode-kept-open": (n) => `${n.address} keeps its mode ${n.mode}: others can read the key in it`,
};

const phases: Readonly<Record<PhaseId, string>> = {
  issue: "issue: make keys and certificates, in memory",
  "back-up": "back up: keep the prior files",
  stage: "stage: write the new files beside the old ones and verify the whole set",
  swap: "swap: rename the new files over the old ones",
  prove: "prove: read back and compare with the plan",
};

export const plan = {
  renewReasons,
  keepReasons,
  notices,
  phases,
  legend: "~ renew   > follow   (blank) keep",
  joiner: "; ",
  title: (cluster: string, nodes: string, profile: string) =>
    `Plan for cluster ${cluster}, ${nodes} (profile ${profile})`,
  change: (serial: string, notAfter: number, validity: string, cap: number) =>
    `serial ${serial}, ${formatDate(notAfter)} -> new serial, ${validity}, at the latest ${formatDate(cap)}`,
  span: (ms: number) => spanEn(ms),
  keyKept: (algorithm: string) => `key kept (${algorithm})`,
  keyNew: (algorithm: string) => `new key (${algorithm})`,
  signedBy: (authority: string) => `signed by ${authority}`,
  sansAdded: (sans: string) => `adds ${sans}`,
  noticesHeading: "Note:",
  refusalsHeading: "Refused:",
  wayOn: "->",
  stepsHeading: "Steps, in this order:",
  onNode: (node: string) => `on ${node}`,
  steps: {
    issue: (name: string, authority: string) => `${name}, signed by ${authority}`,
    take: (name: string, serial: string) =>
      `${name}: take the present certificate (serial ${serial}) for its copies`,
    "back-up": (object: string) => object,
    stage: (object: string, mode: string) => `${object} (mode ${mode})`,
    swap: (object: string) => object,
    prove: (name: string) => name,
  },
  guards: (written: number, read: number) =>
    `Guards: ${written} to be written and ${read} only read must be as they were when this plan was made; otherwise nothing happens.`,
  undo: "Undo: perennial rollback last restores bytes, mode, owner and links; a failure before the end does so by itself.",
  digest: (digest: string) => `Digest: ${digest}`,
  nothing: "Nothing to do: no certificate is due.",
  leftOut: (count: number) =>
    `Left out: ${count === 1 ? "1 certificate" : `${count} certificates`} that cannot be renewed as they are, see above.`,
  refused: (count: number) =>
    `Refused: ${count === 1 ? "1 reason" : `${count} reasons`}; nothing can be applied.`,
  summary: (renew: number, follow: number, keep: number) =>
    `Plan: ${renew} to renew, ${follow} to follow, ${keep} to keep.`,
};
