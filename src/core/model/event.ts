// What a run tells its audience while it works: progress for people and, with `-o json`, for programs.
import type { NodeName } from "./address.ts";
import type { TakenBack } from "./errors-runs.ts";
import type { PhaseId, Step } from "./plan.ts";
import type { ReadyCount } from "./readiness.ts";
import type { Archive, Issued, RunId, RunOutcome, Snapshot } from "./run.ts";

export type RunEvent =
  | { readonly type: "run-started"; readonly run: RunId; readonly steps: number }
  | { readonly type: "run-resumed"; readonly run: RunId }
  | { readonly type: "phase-started"; readonly phase: PhaseId; readonly steps: number }
  | { readonly type: "step-done"; readonly phase: PhaseId; readonly step: Step; readonly changed: boolean }
  | { readonly type: "issued"; readonly name: string; readonly issued: Issued }
  | { readonly type: "proved"; readonly name: string; readonly issued: Issued }
  | { readonly type: "snapshot-taken"; readonly snapshot: Snapshot }
  | { readonly type: "archived"; readonly archive: Archive; readonly recipients: number }
  | {
      readonly type: "process";
      /** Given where there are several. */
      readonly node?: NodeName;
      readonly consumer: string;
      readonly state: ProcessState;
    }
  | { readonly type: "node-started" | "node-done"; readonly node: NodeName }
  | {
      readonly type: "gate-passed";
      readonly step: string;
      readonly demand: "stable" | "quorum";
      readonly members: number;
    }
  | { readonly type: "nodes-ready"; readonly step: string; readonly count: ReadyCount }
  /** A worker that did not come through; the others of its batch go on. */
  | {
      readonly type: "worker-failed";
      readonly node: NodeName;
      readonly code: string;
      readonly outcome: TakenBack;
    }
  | { readonly type: "leader-moved"; readonly from: NodeName; readonly to: NodeName }
  /** A run of another machine was taken over from its copy on a node; `hasSnapshot`: etcd's snapshot stays on `host`. */
  | {
      readonly type: "run-adopted";
      readonly run: RunId;
      readonly from: NodeName;
      readonly host: string;
      readonly hasSnapshot: boolean;
    }
  /** Nodes on which the copies of plan and journal are not up to date. */
  | { readonly type: "copies-missed"; readonly nodes: readonly NodeName[] }
  /** Ids of the endpoints that were compared, and whether an object was created and deleted. */
  | {
      readonly type: "live-proved";
      /** Of several; absent for the only one. */
      readonly node?: NodeName;
      readonly served: readonly string[];
      readonly wrote: boolean;
    }
  | { readonly type: "swept"; readonly paths: readonly string[] }
  | { readonly type: "step-failed"; readonly step: string; readonly code: string }
  | { readonly type: "rollback-started"; readonly run: RunId; readonly cause: "operator" | "failure" }
  | { readonly type: "undone"; readonly step: string; readonly object: string }
  | { readonly type: "lock-not-released"; readonly code: string }
  | { readonly type: "run-ended"; readonly run: RunId; readonly outcome: RunOutcome };

/** How far the restart of a process has come. */
export type ProcessState = "reloading" | "reloaded" | "stopping" | "unblocked" | "returned" | "well";
