// Errors as an interface: a closed set of codes, each with typed parameters. The sentence a person reads
// is made by `report`, in their language; nothing here is prose and nothing here may hold key bytes.
import type { ClusterFault } from "./cluster.ts";
import type { Objection } from "./quorum.ts";
import { isReason, type Reason } from "./reasons.ts";

/** Parameters of every error code. Add a code here and the compiler asks `report` for its sentences. */
export interface ErrorParams {
  // --- DER, PEM, X.509 (core/pki). `offset` is in bytes from the start of the DER value.
  "der-malformed": { readonly reason: Reason; readonly offset: number };
  "pem-malformed": { readonly reason: PemFault; readonly line: number };
  "certificate-malformed": { readonly reason: Reason };
  "key-malformed": { readonly reason: Reason };
  "key-encrypted": { readonly format: string };
  "key-unsupported": { readonly algorithm: string };
  "issue-refused": { readonly reason: Reason };
  "value-invalid": { readonly what: Reason; readonly value: string; readonly expected: Reason };

  // --- kubeconfig and manifest surgery (core/kubeconfig). `path` is the address shown to people.
  "yaml-malformed": { readonly reason: Reason; readonly line: number };
  "kubeconfig-malformed": { readonly reason: Reason };
  "splice-unsafe": { readonly reason: Reason };
  "manifest-malformed": { readonly reason: Reason };

  // --- profile
  "profile-invalid": { readonly profile: string; readonly reason: string };
  "profile-unknown": { readonly profile: string; readonly known: readonly string[] };

  // --- cluster.yaml
  /** Every fault of the file, by line; never empty. */
  "cluster-invalid": { readonly path: string; readonly faults: readonly ClusterFault[] };
  /** There is no way to a node of this kind from here. */
  "reach-unsupported": { readonly node: string; readonly reach: string };
  /** The files reached under one name belong to another node; `found` is what they say. */
  "node-is-another": { readonly node: string; readonly found: string };
  /** Nodes of one cluster were recognised as different distributions: `PROFILE (NODE, NODE)`. */
  "profiles-differ": { readonly cluster: string; readonly profiles: readonly string[] };
  "file-exists": { readonly path: string };

  // --- stores (drivers/store). `address` is formatted by formatAddress.
  "store-unreadable": { readonly address: string; readonly reason: string; readonly cause: string };
  "store-not-regular": { readonly address: string; readonly type: string };
  "store-too-large": { readonly address: string; readonly bytes: number; readonly limitBytes: number };
  "store-link-refused": { readonly address: string; readonly target: string };
  "store-conflict": { readonly address: string; readonly expected: string; readonly found: string };
  "store-write-failed": { readonly address: string; readonly operation: string; readonly cause: string };
  "store-mismatch": { readonly address: string; readonly expected: string; readonly found: string };

  // --- engine
  locked: {
    readonly path: string;
    readonly holder: string;
    readonly sinceAt: number;
    readonly what: string;
    readonly pid: number;
    readonly host: string;
    readonly alive: boolean;
  };
  "lock-lost": { readonly path: string; readonly token: number; readonly found: number };
  "plan-stale": { readonly differences: readonly PlanDifference[] };
  "plan-invalid": { readonly path: string; readonly reason: Reason };
  /** Instants in ms since the epoch. `at` is when it was looked at. */
  "outside-window": {
    readonly fromAt: number;
    readonly toAt: number;
    readonly at: number;
    /** Set when it is the window that an earlier command gave this run. */
    readonly run?: string;
  };
  /** The clock was set by so many ms (back: negative) between the beginning of a run and its first live byte. */
  "clock-stepped": { readonly byMs: number };
  "digest-differs": { readonly approved: string; readonly found: string };
  "run-unfinished": { readonly run: string };
  "run-unknown": { readonly run: string };
  "run-not-open": { readonly run: string; readonly state: string };
  "journal-damaged": { readonly path: string; readonly line: number; readonly reason: Reason };
  "rollback-refused": { readonly run: string; readonly changed: readonly string[] };
  "rollback-expired": { readonly run: string; readonly names: readonly string[] };
  "proof-failed": { readonly slot: string; readonly reason: Reason };
  "step-failed": { readonly step: string; readonly reason: Reason };
  /** A process did not come back as it has to: `stage` says how far it came, `where` names the endpoint or the consumer */
  "bounce-failed": {
    readonly consumer: string;
    readonly stage: "return" | "health" | "served";
    readonly where: string;
    readonly reason: string;
  };
  /** etcd is not as a step needs it; `step` is a gate, or the restart of a member. */
  "gate-refused": {
    readonly step: string;
    readonly node: string;
    readonly objections: readonly Objection[];
  };
  /** One node of several did not come through. `left`: as the failure left it, since its old certificates have expired. */
  "node-failed": {
    readonly step: string;
    readonly node: string;
    readonly outcome: "rolled-back" | "left";
    readonly done: readonly string[];
  };
  /** The old files are back; these processes are not. Never empty. */
  "rebounce-failed": { readonly failures: readonly { readonly consumer: string; readonly reason: string }[] };
  "snapshot-failed": { readonly step: string; readonly reason: string };
  "live-proof-failed": { readonly where: string; readonly reason: string };
  "state-unsafe": { readonly path: string; readonly reason: string };
  /** Too little room for a run. `on` is the nearest parent of `path` that exists; `needed` and `free` are bytes or inodes. */
  "state-full": {
    readonly path: string;
    readonly on: string;
    readonly keeps: "run" | "lock";
    readonly lacks: "bytes" | "inodes";
    readonly needed: number;
    readonly free: number;
  };
  /** Where an encrypted archive cannot go. `cause` is the system's code, or empty. */
  "archive-target": { readonly path: string; readonly problem: ArchiveProblem; readonly cause: string };
  "archive-full": { readonly path: string; readonly needed: number; readonly free: number };
  /** The encrypted archive, read back, is not what was encrypted. */
  "archive-damaged": { readonly path: string };
  /** `given` is empty when it may be a secret; `from` names the file and line it was read from, or is empty. */
  "recipient-invalid": {
    readonly given: string;
    readonly from: string;
    readonly problem: RecipientProblem;
  };
  interrupted: { readonly signal: string };

  // --- processes of a node (drivers/process). `through` says who was asked.
  "process-unknowable": { readonly consumer: string; readonly tried: readonly string[] };
  "process-not-found": { readonly consumer: string; readonly through: string };
  "process-ambiguous": {
    readonly consumer: string;
    readonly through: string;
    readonly pods: readonly string[];
  };
  "process-not-stopped": {
    readonly consumer: string;
    readonly through: string;
    readonly ids: readonly string[];
    readonly reason: string;
  };
  "process-not-revived": { readonly consumer: string; readonly through: string; readonly reason: string };
  "command-failed": { readonly command: string; readonly reason: string };

  // --- running servers (drivers/shared, drivers/health). `endpoint` is a URL without credentials, `detail` the system's own words.
  "endpoint-unreachable": {
    readonly endpoint: string;
    readonly reason: EndpointFault;
    readonly detail: string;
  };
  /** `status` is gRPC's number (0 to 16), `message` the server's words. */
  "rpc-failed": {
    readonly endpoint: string;
    readonly method: string;
    readonly status: number;
    readonly message: string;
  };
  "protobuf-malformed": { readonly reason: string; readonly offset: number };
  /** `what` is etcd's name for it, `since` the first minor version that has it. */
  "etcd-not-supported": { readonly endpoint: string; readonly what: string; readonly since: string };
  /** `source` is the endpoint or the file. */
  "snapshot-damaged": { readonly source: string; readonly reason: SnapshotFault; readonly detail: string };

  // --- other machines (drivers/exec). `host` is what the operator calls it, `detail` the far side's or ssh's own words.
  "ssh-missing": { readonly host: string; readonly program: string };
  /** `address` as `ssh-keygen -R` takes it: a name, or `[name]:port`. Nothing was sent. */
  "host-key-unknown": {
    readonly host: string;
    readonly address: string;
    readonly keyType: string;
    readonly fingerprint: string;
  };
  /** `file` and `line` are where the other key stands; null and 0 when ssh does not say so. */
  "host-key-changed": {
    readonly host: string;
    readonly address: string;
    readonly keyType: string;
    readonly fingerprint: string;
    readonly file: string | null;
    readonly line: number;
  };
  /** `methods` are those the server would still take. */
  "login-refused": { readonly host: string; readonly methods: readonly string[]; readonly detail: string };
  "host-unreachable": { readonly host: string; readonly reason: HostFault; readonly detail: string };
  /** Nothing of the tool can run there: programs that are missing, `sh` among them. */
  "host-unfit": { readonly host: string; readonly missing: readonly string[]; readonly detail: string };
  "sudo-refused": { readonly host: string; readonly reason: SudoFault; readonly detail: string };
  /** Whether what was under way there ended is not known. */
  "host-lost": { readonly host: string; readonly reason: string };

  /** Steps of a plan that `plan --script` has no shell for. */
  "script-unsupported": { readonly steps: readonly string[] };

  // --- app, cli
  usage: { readonly reason: string };
  "name-unknown": { readonly name: string; readonly known: readonly string[] };
  "not-a-node": { readonly root: string };
  "input-unreadable": { readonly path: string; readonly reason: string };
  /** Text of `perennial collect` that is not whole; `path` is where it was read from. Never empty. */
  "facts-damaged": { readonly path: string; readonly damages: readonly FactsDamage[] };
  refused: { readonly refusals: readonly Refusal[] };
  "confirmation-needed": { readonly command: string };
  declined: { readonly command: string };
  internal: { readonly reason: string };
}

/** What is wrong with one section of collected facts; `section` is its number, null for the text as a whole. */
export interface FactsDamage {
  readonly section: number | null;
  /** As the text names it; the neighbour before it when the section itself is lost. */
  readonly title: string;
  readonly fault: FactsFault;
}

export type FactsFault =
  | "no-beginning"
  | "other-version"
  | "no-end"
  | "missing"
  | "unfinished"
  | "sum-differs"
  | "two-contents"
  | "not-understood";

export type PemFault = "truncated" | "bad-base64" | "label-differs" | "nested-begin";

/** Why bytes are no snapshot of etcd. */
export type SnapshotFault = "too-short" | "hash-differs" | "not-bbolt" | "read-back-differs";

/** Why no conversation with a server came about, or why it broke off. */
export type EndpointFault =
  | "refused"
  | "no-socket"
  | "no-such-host"
  | "no-route"
  | "timeout"
  | "closed"
  | "not-http2"
  | "not-grpc"
  | "server-expired"
  | "server-name"
  | "server-untrusted"
  | "key-not-pinned"
  | "client-refused"
  | "pair-unusable"
  | "not-forwarded";

/** Why no connection to a host came about. */
export type HostFault =
  | "refused"
  | "no-such-host"
  | "no-route"
  | "timeout"
  | "closed"
  | "configuration"
  | "negotiation";

/** Why a login did not become the user who may change the node. */
export type SudoFault =
  | "password-needed"
  | "password-wrong"
  | "not-allowed"
  | "needs-terminal"
  | "not-installed"
  | "failed";

export type ArchiveProblem = "missing" | "not-a-directory" | "exists" | "not-writable";

/** Why something is no age recipient that can be encrypted to. */
export type RecipientProblem =
  | "identity"
  | "ssh"
  | "plugin"
  | "damaged"
  | "not-a-recipient"
  | "file-unreadable"
  | "file-empty";

/** One object whose state no longer is what the plan was made from. */
export interface PlanDifference {
  readonly address: string;
  readonly what: "bytes" | "mode" | "owner" | "link" | "presence" | "profile" | "tool" | "attributes";
  readonly planned: string;
  readonly found: string;
}

/** One reason why nothing was planned or done (exit 4). */
export interface Refusal {
  readonly code: RefusalCode;
  readonly slot: string;
  readonly address: string;
  readonly detail: string;
}

export type RefusalCode =
  | "outlives-authority"
  | "authority-ending"
  | "authority-expired"
  | "authority-not-usable"
  | "authority-key-mismatch"
  | "key-encrypted"
  | "key-not-usable"
  | "certificate-not-usable"
  | "san-lost"
  | "eku-lost"
  | "link-leaves-tree"
  | "object-not-writable"
  | "externally-managed"
  | "authority-not-renewable"
  | "kubelet-managed"
  | "missing-not-recreated"
  | "authority-missing"
  | "authority-not-recreatable"
  | "kubeconfig-not-usable"
  | "outage-not-accepted"
  | "node-unreachable"
  | "other-node"
  // --- processes; `slot` is node and consumer, `address` who was asked, `detail` a NotStartable
  | "process-not-startable"
  /** etcd runs and nobody can ask it; `slot` is its client's, `address` the key of its CA, `detail` the client's end or empty. */
  | "snapshot-impossible"
  // --- the clock of the node; `slot` is the node, `detail` the instant that speaks against it (ISO 8601 UTC)
  /** `address` is the file that was written later than the clock says it is. */
  | "clock-behind-file"
  /** `address` is the run whose journal says so. */
  | "clock-behind-run"
  /** `slot` and `address` are those of the certificate that begins later. */
  | "clock-behind-certificate"
  /** `address` is the URL of the machine that says another time. */
  | "clock-differs"
  // --- answers of a CA elsewhere; `address` is the answer's file
  | "answer-not-signed"
  | "answer-expired"
  | "answer-not-yet-valid"
  | "answer-is-authority"
  | "answer-unmatched"
  | "answers-differ"
  | "subject-differs"
  | "ku-lost"
  | "missing-not-requested"
  | "authority-key-here";

export type ErrorCode = keyof ErrorParams;

/** The one error type: what went wrong as a code, where and why as parameters, the system's own error as `cause`. */
export class AppError<C extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "AppError";
  readonly code: C;
  readonly params: ErrorParams[C];

  constructor(code: C, params: ErrorParams[C], options?: { readonly cause?: unknown }) {
    super(`${code} ${JSON.stringify(params)}`, options);
    this.code = code;
    this.params = params;
  }
}

/** Narrows an unknown error to one code. */
export function isAppError<C extends ErrorCode>(error: unknown, code?: C): error is AppError<C> {
  return error instanceof AppError && (code === undefined || error.code === code);
}

/** For exhaustive switches: a value of type never reached at run time is a bug. */
export function assertNever(value: never): never {
  throw new TypeError(`unreachable value ${JSON.stringify(value)}`);
}

/** Runs a parser whose coded error is a result here; anything else is a bug and passes through. */
export function attempt<T>(parse: () => T): T | AppError {
  try {
    return parse();
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
}

/** What a coded error of a runtime or a server says, in its own words, for a place where any text may stand. */
export function wordsOf(error: AppError): string {
  const { reason, detail, message } = error.params as {
    readonly reason?: unknown;
    readonly detail?: unknown;
    readonly message?: unknown;
  };
  const words = [reason, detail, message].filter((text) => typeof text === "string" && text !== "");
  return words.length === 0 ? error.code : words.join(": ");
}

/** The reason and line that a coded error carries, as text for a finding; its code when it has no reason. */
export function reasonOf(error: AppError): Reason {
  const { reason, line } = error.params as { readonly reason?: unknown; readonly line?: unknown };
  const text = typeof reason === "string" ? reason : error.code;
  const known = isReason(text) ? text : (`error ${text}` as const);
  return typeof line === "number" ? `${known} (line ${line})` : known;
}
