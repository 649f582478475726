// English: reasons, notices and headings of a plan.
import type { KeepReason, Notice, PhaseId, RenewReason } from "../../../core/model/plan.ts";
import { flags } from "../../flags.ts";
import { formatDate, formatDay, spanEn } from "../../time.ts";
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
  signed: (r) => `signed: ${r.answer}, valid until ${formatDate(r.notAfter)}`,
  follows: (r) =>
    r.because === "same-key"
      ? `copy of ${r.original} (same key)`
      : `stale copy of ${r.original} (same identity)`,
};

const keepReasons: MessagesOf<KeepReason> = {
  "not-due": (r) => `valid until ${formatDate(r.notAfter)}`,
  "not-selected": () => "not asked for",
  missing: () => "missing, and a renewal needs the old certificate",
  unreadable: (r) => `not readable: ${r.reason}`,
  "not-usable": (r) => `cannot be renewed as it is: ${r.reason}`,
  "externally-managed": (r) => `the key of CA ${r.authority} is not here`,
  "kubelet-rotates": (r) => `the kubelet rotates it while it is valid (until ${formatDate(r.notAfter)})`,
  "other-identity": () => "holds another identity than any original",
  "no-certificate": () => "holds no certificate",
  "observed-only": () => "only observed",
};

const unmatched: Readonly<Record<Extract<Notice, { code: "answer-unmatched" }>["because"], string>> = {
  "no-request": "no key on this node waits for it",
  "present-key": `it is for the present key; ${flags.keepKey} installs it`,
  "in-place": "it is in place already",
};

const notices: MessagesOf<Notice> = {
  "validity-capped": (n) =>
    `ends with CA ${n.authority} on ${formatDate(n.notAfter)}, earlier than asked for: ${n.slot}`,
  "swap-window": (n) =>
    `${n.consumers.join(", ")} reads its files at every handshake: a handshake in the microseconds between two renames can fail; ${flags.keepKey} or stopping it avoids that`,
  "restart-needed": (n) =>
    `restart afterwards, one node at a time, so that the new certificates are used: ${n.consumers.join(", ")}`,
  "authority-bundle": (n) =>
    `the file of CA ${n.authority} holds several certificates; the one that belongs to the key signs`,
  "mode-kept-open": (n) => `keeps mode ${n.mode}, so that others can read the key in it: ${n.address}`,
  "answer-unmatched": (n) =>
    `not installed: ${n.subject} (serial ${n.serialHex}) in ${n.address}: ${unmatched[n.because]}`,
  "answer-unreadable": (n) => `not read: ${n.address}: ${n.reason}`,
  "answer-awaited": (n) => `still waiting for an answer: ${n.names.join(", ")}`,
};

const phases: Readonly<Record<PhaseId, string>> = {
  issue: "issue: make keys and certificates, in memory",
  "back-up": "back up: keep the prior files",
  stage: "stage: write the new files beside the old ones and verify the whole set",
  swap: "swap: rename the new files over the old ones",
  prove: "prove: read back and compare with the plan",
};

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

export const plan = {
  renewReasons,
  keepReasons,
  notices,
  phases,
  comma: ", ",
  colon: ": ",
  columns: { name: "NAME", expires: "OLD EXPIRES", key: "NEW KEY", reason: "REASON", files: "FILES" },
  day: (at: number) => formatDay(at),
  filesBelow: (files: string, folder: string): string => `${files} (below ${folder})`,
  short: { expired: "expired", expiring: "ends soon", follows: "copy", signed: "signed elsewhere" },
  keptKey: "kept",
  newOnes: (span: string, authorities: string) =>
    `New certificates: same subject, names and usages; valid ${span}, never past their CA; signed by ${authorities}.`,
  installed: (authorities: string) =>
    `Certificates signed elsewhere, checked against their requests and against ${authorities} on this node.`,
  kept: (names: string, reason: string) => `Kept: ${names} (${reason})`,
  takeAnswers: (count: number) =>
    `issue: take ${counted(count, "signed certificate")} with the keys that wait for them`,
  phaseLines: {
    issue: (count: number) => `issue: make ${counted(count, "certificate")} in memory`,
    "back-up": (count: number, folder: string) =>
      `back up: keep these ${counted(count, "file")} in ${folder}`,
    stage: (count: number) =>
      `stage: write ${counted(count, "new file")} beside them and verify the set as a whole`,
    swap: () => "swap: rename them into place in the order shown, each key before its certificate",
    prove: (count: number) =>
      `prove: read back ${counted(count, "certificate")} and compare with what was issued`,
  } satisfies Readonly<Record<PhaseId, (count: number, folder: string) => string>>,
  joiner: "; ",
  title: (cluster: string, nodes: string, profile: string) =>
    `Plan for cluster ${cluster}, ${nodes} (profile ${profile})`,
  span: (ms: number) => spanEn(ms),
  sansAdded: (sans: string) => `adds ${sans}`,
  noticesHeading: "Note:",
  refusalsHeading: "Refused:",
  wayOn: "->",
  stepsHeading: "Steps, in this order:",
  onNode: (node: string) => `on ${node}`,
  steps: {
    issue: (name: string, authority: string) => `${name}, signed by ${authority}`,
    install: (name: string, authority: string) => `${name}, signed elsewhere by ${authority}`,
    forget: (name: string) => `${name}: remove the pending key`,
    take: (name: string, serial: string) =>
      `${name}: take the present certificate (serial ${serial}) for its copies`,
    "back-up": (object: string) => object,
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
  leftOut: (count: number) =>
    `Left out: ${count === 1 ? "1 certificate" : `${count} certificates`} that cannot be renewed as they are, see above.`,
  refused: (count: number) =>
    `Refused: ${count === 1 ? "1 reason" : `${count} reasons`}; nothing can be applied.`,
  summary: (renew: number, follow: number, keep: number) =>
    `Plan: ${renew} to renew, ${follow} to follow, ${keep} to keep.`,
};
