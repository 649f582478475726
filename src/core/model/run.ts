// Runs: the journal's entries and what can be derived from them.
import type { Refusal } from "./refusal.ts";
import type { NodeName } from "./address.ts";
import type { MinReady, ReadyCount } from "./readiness.ts";
import type { SlotId } from "./inventory.ts";

/** `20261122T160000Z-3f9a1c`: start in UTC and six random hex digits; sorts by time. */
export type RunId = string;

/** Who did it, as the change ticket wants it. */
export interface Actor {
  readonly user: string;
  readonly sudoUser: string | null;
  readonly sshConnection: string | null;
  readonly host: string;
  readonly pid: number;
  /** Start time of the process in clock ticks and the boot id: a re-used pid is not the same one. */
  readonly processStart: string;
  readonly bootId: string;
}

/** A new file lying beside its target, complete and synced, not yet live. */
export interface Staged {
  /** formatAddress of the object it will replace. */
  readonly object: string;
  /** Path of the temporary file on the node. */
  readonly temporary: string;
  /** sha256 (hex) of the live bytes it replaces, or `absent`. */
  readonly expect: string;
  /** sha256 (hex) of the new bytes. */
  readonly sha256: string;
  /** True when the new bytes equal the live ones: nothing is staged, nothing will be swapped. */
  readonly unchanged: boolean;
}

/** The prior state of one object, as kept in the run's folder: enough to undo, readable without the tool. */
export interface BeforeImage {
  readonly object: string;
  /** Path relative to the run's folder: `before/NODE/etc/kubernetes/...`; null when the object was absent. */
  readonly file: string | null;
  readonly sha256: string;
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeMs: number;
  /** Where the bytes really lived when links led there. */
  readonly link: string | null;
  /** Extended attributes by name, values base64. */
  readonly xattrs: Readonly<Record<string, string>>;
}

/** etcd's data as it was before the run. */
export interface Snapshot {
  readonly form: "snapshot" | "cold-copy";
  /** Relative to the run's folder. */
  readonly file: string;
  readonly bytes: number;
  /** Of the file, or of the list of files and their hashes (hex). */
  readonly sha256: string;
  /** True when keys of etcd's v2 API were seen: a v3 snapshot holds none of them. */
  readonly hasV2Data: boolean;
}

/** The encrypted copy of a run's backup. */
export interface Archive {
  /** Absolute path on the machine that the tool ran on. */
  readonly file: string;
  readonly bytes: number;
  /** Of the encrypted file (hex). */
  readonly sha256: string;
  /** How many files are in it, its own manifest and the plan among them. */
  readonly files: number;
}

/** Public facts of an issued certificate. */
export interface Issued {
  readonly slot: SlotId;
  readonly serialHex: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly spkiSha256: string;
  readonly certificateSha256: string;
}

/** When live bytes may be changed; ms since the epoch. */
export interface ChangeWindow {
  readonly fromAt: number;
  readonly toAt: number;
}

export type JournalBody =
  | {
      readonly type: "run-started";
      readonly run: RunId;
      readonly planDigest: string;
      readonly actor: Actor;
      readonly ticket: string | null;
      readonly reason: string | null;
      /** What spoke against the clock and was overruled (`--accept-clock`). */
      readonly clock?: readonly Refusal[];
      readonly window?: ChangeWindow;
    }
  | { readonly type: "intent"; readonly step: string }
  | { readonly type: "before-image"; readonly step: string; readonly image: BeforeImage }
  | { readonly type: "issued"; readonly step: string; readonly issued: Issued }
  | { readonly type: "staged"; readonly step: string; readonly staged: Staged }
  | { readonly type: "all-staged" }
  | { readonly type: "snapshot"; readonly step: string; readonly snapshot: Snapshot }
  /** The encrypted file is complete and read back; from here on a file with this hash in its place is the run's own. */
  | { readonly type: "archived"; readonly step: string; readonly archive: Archive }
  /** Before a process is stopped: which instances there were. */
  | { readonly type: "bounce-begun"; readonly step: string; readonly instances: readonly string[] }
  | { readonly type: "effect"; readonly step: string; readonly sha256: string }
  | { readonly type: "proof"; readonly step: string; readonly sha256: string }
  /** Kubelets that reported; the proof of a step that counts them. */
  | { readonly type: "nodes-ready"; readonly step: string; readonly count: ReadyCount }
  | { readonly type: "failed"; readonly step: string; readonly code: string; readonly detail: string }
  | {
      readonly type: "resumed";
      readonly actor: Actor;
      readonly clock?: readonly Refusal[];
      /** Takes the place of the one before. */
      readonly window?: ChangeWindow;
      /** Takes the place of the plan's number of nodes; null waits for none. */
      readonly minReady?: MinReady | null;
    }
  /** Another machine goes on, from the copy on the node `from`: what was done behind it is known to the world only. */
  | { readonly type: "adopted"; readonly actor: Actor; readonly from: NodeName }
  | { readonly type: "rollback-started"; readonly actor: Actor; readonly cause: "operator" | "failure" }
  | { readonly type: "undo-intent"; readonly step: string }
  | { readonly type: "undone"; readonly step: string; readonly sha256: string }
  | { readonly type: "run-ended"; readonly outcome: RunOutcome };

export type RunOutcome = "succeeded" | "rolled-back" | "abandoned";

/** One line of `journal.jsonl`. `sum` is the first 16 hex digits of sha256(previous sum + the line without it). */
export interface JournalEntry {
  readonly seq: number;
  /** ms since the epoch. */
  readonly at: number;
  /** Fencing token of the lock under which it was written. */
  readonly token: number;
  readonly body: JournalBody;
  readonly sum: string;
}

/** What the journal says of a run. */
export type RunState = "running-or-crashed" | "succeeded" | "rolled-back" | "rolling-back" | "abandoned";

/** A run as `runs list` and `runs show` give it: derived from its journal and its plan, nothing else. */
export interface RunSummary {
  readonly run: RunId;
  /** ms since the epoch. */
  readonly startedAt: number;
  /** null while it runs, or when it crashed. */
  readonly endedAt: number | null;
  readonly state: RunState;
  readonly actor: Actor;
  readonly planDigest: string;
  readonly ticket: string | null;
  readonly reason: string | null;
  readonly steps: readonly RunStepSummary[];
  /** What it failed with last, unless it succeeded or was resumed since. */
  readonly failure?: RunFailure;
  readonly issued: readonly Issued[];
  /** sha256 (hex) or `absent`; `after` is null when the object was not written. */
  readonly objects: readonly {
    readonly object: string;
    readonly before: string;
    readonly after: string | null;
  }[];
}

export interface RunFailure {
  /** Empty where no step failed; `m2/` for the whole of a node. */
  readonly step: string;
  /** ms since the epoch. */
  readonly at: number;
  readonly code: string;
  /** The error's message: its code and its parameters as JSON. */
  readonly detail: string;
}

/** How far one step came; a missing instant means the journal has no such entry. */
export interface RunStepSummary {
  readonly id: string;
  readonly kind?: string;
  readonly intentAt?: number;
  readonly effectAt?: number;
  readonly proofAt?: number;
  readonly undoneAt?: number;
}
