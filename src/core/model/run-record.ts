// Everything a finished, open or undone run left behind, for its report. No keys: neither plan nor journal holds any.
import type { Plan } from "./plan.ts";
import type { JournalEntry, RunSummary } from "./run.ts";

export interface RunRecord {
  readonly summary: RunSummary;
  readonly plan: Plan;
  readonly entries: readonly JournalEntry[];
  /** Absolute path of the run's folder. */
  readonly folder: string;
}
