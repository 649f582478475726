// Sample parameters for every code there is: a new code without a sample does not compile.
// Codes come back from Object.entries as strings.
/* oxlint-disable typescript/no-unsafe-type-assertion */
import type { ErrorCode, ErrorParams, RefusalCode } from "../../src/core/model/errors.ts";
import type { Reason } from "../../src/core/model/reasons.ts";
import type { FindingCode, FindingParams } from "../../src/core/model/finding.ts";
import type { KeepReason, Notice, RenewReason } from "../../src/core/model/plan.ts";

/** What a hostile certificate, file name or log may hold: colour, newline, bidi override, zero-width, tags. */
export const hostile = "evil\u001b[31m\nroot\u202egnp\u200b\u{e0041}`|<b>";
const at = Date.UTC(2027, 10, 22);

export function findingSamples(text: string) {
  return {
    "certificate-expired": { notAfter: at },
    "certificate-expiring": { notAfter: at, withinMs: 2_592_000_000 },
    "certificate-not-yet-valid": { notBefore: at },
    "authority-expired": { notAfter: at },
    "authority-expiring": { notAfter: at, withinMs: 2_592_000_000 },
    "authority-not-yet-valid": { notBefore: at },
    "outlives-authority": { notAfter: at, authority: text, authorityNotAfter: at },
    "certificate-missing": {},
    "key-missing": { path: text },
    "kubeconfig-missing": {},
    "authority-missing": {},
    "object-unreadable": { path: text, reason: text },
    "link-dangling": { path: text, target: text },
    "certificate-broken": { path: text, reason: text },
    "file-truncated": { path: text, bytes: 17 },
    "key-broken": { path: text, reason: text },
    "key-encrypted": { path: text, format: text },
    "kubeconfig-broken": { path: text, reason: text },
    "manifest-broken": { path: text, reason: text },
    "kubelet-config-broken": { path: text, reason: text },
    "key-does-not-match": { certificateSpki: "aa".repeat(32), keySpki: "bb".repeat(32) },
    "authority-key-does-not-match": { certificateSpki: "aa".repeat(32), keySpki: "bb".repeat(32) },
    "wrong-issuer": { authority: text, issuer: text, sameName: true },
    "common-name-unexpected": { expected: [text], found: text },
    "organization-unexpected": { expected: [text, ""], found: [] },
    "san-missing": { missing: [{ kind: "dns", value: text, source: text }] },
    "usage-missing": { missing: [text] },
    "usage-unexpected": { unexpected: [text] },
    "is-authority": {},
    "authority-is-leaf": {},
    "more-than-one-certificate": { count: 2 },
    "leaf-not-first": { position: 2 },
    "authority-bundle": { count: 2, signing: null },
    "certificate-anomaly": { anomaly: text },
    "kubeconfig-authority-differs": { cluster: text, authority: text },
    "replica-differs": {
      original: text,
      originalSerialHex: "0a",
      serialHex: "0b",
      originalNotAfter: at,
      notAfter: at,
    },
    "copy-of-nothing": { subject: text },
    "service-account-pair-differs": { path: text },
    "kubelet-embedded": { path: text },
    "mode-too-open": { path: text, mode: "0644", atMost: "0600" },
    "owner-unexpected": { path: text, uid: 1000, gid: 1000 },
    "link-leaves-tree": { path: text, target: text },
    "left-over-temporary": { path: text },
    "name-not-utf8": { path: text },
    "holds-system-masters": { subject: text, notAfter: at },
    "externally-managed": { authority: text },
    "external-etcd": { source: text },
    "credential-without-certificate": { path: text, kind: text },
    "run-unfinished": { run: text },
  } satisfies { readonly [C in FindingCode]: FindingParams[C] };
}

export function errorSamples(text: string) {
  // What a parser quotes may be hostile.
  const reason: Reason = `there is no user ${text}`;
  return {
    "der-malformed": { reason: reason, offset: 4 },
    "pem-malformed": { reason: "truncated", line: 3 },
    "certificate-malformed": { reason: reason },
    "key-malformed": { reason: reason },
    "key-encrypted": { format: text },
    "key-unsupported": { algorithm: text },
    "issue-refused": { reason: reason },
    "value-invalid": { what: reason, value: text, expected: reason },
    "yaml-malformed": { reason: reason, line: 3 },
    "kubeconfig-malformed": { reason: reason },
    "splice-unsafe": { reason: reason },
    "manifest-malformed": { reason: reason },
    "profile-invalid": { profile: text, reason: text },
    "profile-unknown": { profile: text, known: [text] },
    "store-unreadable": { address: text, reason: text, cause: text },
    "store-not-regular": { address: text, type: text },
    "store-too-large": { address: text, bytes: 2, limitBytes: 1 },
    "store-link-refused": { address: text, target: text },
    "store-conflict": { address: text, expected: text, found: text },
    "store-write-failed": { address: text, operation: text, cause: text },
    "endpoint-unreachable": { endpoint: text, reason: "client-refused", detail: text },
    "process-unknowable": { consumer: text, tried: [text] },
    "process-not-found": { consumer: text, through: text },
    "process-ambiguous": { consumer: text, through: text, pods: [text] },
    "process-not-stopped": { consumer: text, through: text, ids: [text], reason: text },
    "process-not-revived": { consumer: text, through: text, reason: text },
    "command-failed": { command: text, reason: text },
    "rpc-failed": { endpoint: text, method: text, status: 14, message: text },
    "protobuf-malformed": { reason: text, offset: 7 },
    "etcd-not-supported": { endpoint: text, what: text, since: text },
    "snapshot-damaged": { source: text, reason: "hash-differs", detail: text },
    "store-mismatch": { address: text, expected: text, found: text },
    locked: { path: text, holder: text, sinceAt: at, what: text, pid: 7, host: text, alive: true },
    "lock-lost": { path: text, token: 1, found: 2 },
    "plan-stale": { differences: [{ address: text, what: "bytes", planned: text, found: "" }] },
    "plan-invalid": { path: text, reason: reason },
    "digest-differs": { approved: text, found: text },
    "run-unfinished": { run: text },
    "run-unknown": { run: text },
    "run-not-open": { run: text, state: text },
    "journal-damaged": { path: text, line: 3, reason: reason },
    "rollback-refused": { run: text, changed: [text] },
    "rollback-expired": { run: text, names: [text] },
    "proof-failed": { slot: text, reason: reason },
    "step-failed": { step: text, reason: reason },
    "state-unsafe": { path: text, reason: text },
    "state-full": { path: text, on: text, keeps: "run", lacks: "bytes", needed: 700_000, free: 4096 },
    interrupted: { signal: text },
    usage: { reason: text },
    "bounce-failed": { consumer: text, stage: "served", where: text, reason: text },
    "snapshot-failed": { step: text, reason: text },
    "live-proof-failed": { where: text, reason: text },
    "name-unknown": { name: text, known: [text] },
    "not-a-node": { root: text },
    "input-unreadable": { path: text, reason: text },
    "facts-damaged": { path: text, damages: [{ section: 2, title: text, fault: "missing" }] },
    refused: { refusals: [{ code: "san-lost", slot: text, address: text, detail: text }] },
    "confirmation-needed": { command: text },
    declined: { command: text },
    internal: { reason: text },
  } satisfies { readonly [C in ErrorCode]: ErrorParams[C] };
}

/** Every refusal code once; the record makes the list complete. */
export const refusalCodes = Object.keys({
  "outlives-authority": 0,
  "authority-ending": 0,
  "authority-expired": 0,
  "authority-not-usable": 0,
  "authority-key-mismatch": 0,
  "key-encrypted": 0,
  "key-not-usable": 0,
  "certificate-not-usable": 0,
  "san-lost": 0,
  "eku-lost": 0,
  "link-leaves-tree": 0,
  "object-not-writable": 0,
  "externally-managed": 0,
  "authority-not-renewable": 0,
  "kubelet-managed": 0,
  "missing-not-recreated": 0,
  "authority-missing": 0,
  "authority-not-recreatable": 0,
  "kubeconfig-not-usable": 0,
  "other-node": 0,
} satisfies Record<RefusalCode, 0>) as RefusalCode[];

type ByCode<U extends { readonly code: string }> = {
  readonly [C in U["code"]]: Extract<U, { readonly code: C }>;
};

export function planSamples(text: string) {
  const renew: ByCode<RenewReason> = {
    expired: { code: "expired", notAfter: at },
    expiring: { code: "expiring", notAfter: at },
    "key-does-not-match": { code: "key-does-not-match" },
    "wrong-issuer": { code: "wrong-issuer", authority: text },
    "not-yet-valid": { code: "not-yet-valid", notBefore: at },
    "key-not-usable": { code: "key-not-usable", path: "/etc/kubernetes/pki/apiserver.key", state: "missing" },
    missing: { code: "missing", from: text },
    requested: { code: "requested" },
    "san-added": { code: "san-added", sans: [text] },
    follows: { code: "follows", original: text, because: "same-key" },
  };
  const keep: ByCode<KeepReason> = {
    "not-due": { code: "not-due", notAfter: at },
    "not-selected": { code: "not-selected" },
    missing: { code: "missing" },
    "authority-missing": { code: "authority-missing", authority: text, found: text },
    "identity-unknown": { code: "identity-unknown", lacking: "names" },
    unreadable: { code: "unreadable", reason: text },
    "not-usable": { code: "not-usable", reason: "it is the certificate of etcd-peer" },
    refused: {
      code: "refused",
      refusal: { code: "key-encrypted", slot: text, address: text, detail: text },
    },
    "externally-managed": { code: "externally-managed", authority: text },
    "kubelet-rotates": { code: "kubelet-rotates", notAfter: at },
    "other-identity": { code: "other-identity" },
    "original-unreadable": { code: "original-unreadable", original: text },
    "original-kept": { code: "original-kept", original: text },
    "no-certificate": { code: "no-certificate" },
    "observed-only": { code: "observed-only" },
  };
  const notices: ByCode<Notice> = {
    "validity-capped": { code: "validity-capped", slot: text, authority: text, notAfter: at },
    "swap-window": { code: "swap-window", consumers: [text] },
    "restart-needed": { code: "restart-needed", consumers: [text] },
    "authority-bundle": { code: "authority-bundle", authority: text },
    "mode-kept-open": { code: "mode-kept-open", address: text, mode: "0644" },
    "group-loses-key": { code: "group-loses-key", address: text, mode: "0640", newMode: "0600", gid: 998 },
    reconstructed: { code: "reconstructed", slots: [text] },
    "authority-restored": { code: "authority-restored", authority: text, from: text },
    "authority-made-anew": { code: "authority-made-anew", authority: text },
    "key-pair-missing": { code: "key-pair-missing", name: "sa", path: text, found: text },
    "bootstrap-not-needed": { code: "bootstrap-not-needed", path: text, file: text },
    "kubelet-serving-left": { code: "kubelet-serving-left", path: text, isRotated: false },
  };
  return { renew: Object.values(renew), keep: Object.values(keep), notices: Object.values(notices) };
}
