// Errors of runs: locks, plans that no longer hold, steps that fail, what is kept of them.
import type { Objection } from "./quorum.ts";
import type { SilentNode } from "./readiness.ts";
import type { Reason } from "./reasons.ts";
import type { RunState } from "./run.ts";

export interface RunErrors {
  locked: {
    readonly path: string;
    /** The node that the path is on, of several; absent on this machine. */
    readonly node?: string;
    readonly holder: string;
    readonly sinceAt: number;
    readonly what: string;
    readonly pid: number;
    readonly host: string;
    readonly alive: boolean;
  };
  "lock-lost": { readonly path: string; readonly token: number; readonly found: number };
  "plan-stale": { readonly differences: readonly PlanDifference[] };
  /** It is no longer as planned because this run has carried the plan out. */
  "plan-done": { readonly run: string };
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
  "run-not-open": { readonly run: string; readonly state: RunState };
  "journal-damaged": { readonly path: string; readonly line: number; readonly reason: Reason };
  "rollback-refused": { readonly run: string; readonly changed: readonly string[] };
  "rollback-expired": { readonly run: string; readonly names: readonly string[] };
  "proof-failed": { readonly slot: string; readonly reason: Reason };
  /** What is left of the run needs the running node, and only files are worked on. */
  "probe-needed": { readonly run: string };
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
  /** One node of several did not come through; why is the cause, and the cause of that why it could not be taken back. */
  "node-failed": {
    readonly step: string;
    readonly node: string;
    readonly outcome: TakenBack;
    readonly done: readonly string[];
  };
  /** Too few kubelets report. `problem`: why the API server could not be asked at all, or empty. */
  "nodes-not-ready": {
    readonly step: string;
    readonly ready: number;
    readonly of: number;
    readonly needed: number;
    readonly silent: readonly SilentNode[];
    readonly problem: string;
  };
  /** Workers that did not come through, of `of`. `left`: those that were not begun, since too many have failed. */
  "workers-failed": {
    readonly failures: readonly {
      readonly node: string;
      readonly code: string;
      readonly reason: string;
      readonly outcome: TakenBack;
    }[];
    readonly of: number;
    readonly left: readonly string[];
  };
  /** An open run that is not one of this state directory: of a cluster, or of the node itself. `cluster` is empty for the node's own. */
  "run-unfinished-elsewhere": {
    readonly run: string;
    readonly cluster: string;
    /** Where it was found; empty on this machine. */
    readonly node: string;
    /** Of its journal there. */
    readonly path: string;
    /** Who began it, where and when (ms). */
    readonly user: string;
    readonly host: string;
    readonly startedAt: number;
  };
  /** The old files are back; these processes are not. Never empty. */
  "rebounce-failed": { readonly failures: readonly { readonly consumer: string; readonly reason: string }[] };
  /** `isAlone`: etcd runs and the plan knows no other node, where other members may be what it waits for. */
  "snapshot-failed": { readonly step: string; readonly reason: string; readonly isAlone?: true };
  "live-proof-failed": { readonly where: string; readonly reason: string };
  "state-unsafe": { readonly path: string; readonly fault: StateFault; readonly reason: string };
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
  /** `isBefore`: no run was begun or gone on with. */
  interrupted: { readonly signal: string; readonly isBefore?: true };
}

/**
 * What became of a node that did not come through. `untouched`: nothing was swapped or stopped there. `rolled-back`: its old bytes are back. `left`: as the failure left it, since its old
 * certificates have expired. `stuck`: it could not be taken back either, perhaps since nobody reaches it.
 */
export type TakenBack = "untouched" | "rolled-back" | "left" | "stuck";

/**
 * Why a state directory is not worked in. `not-opened`: nobody could look, and nothing is known to be unsafe. `of-root`: it is root's, and it is not root
 * who asks. `in-use`: somebody keeps other things there. `unsafe`: a link, another's, open to others, or taken by another under our eyes.
 */
export type StateFault = "not-opened" | "of-root" | "in-use" | "unsafe";

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
