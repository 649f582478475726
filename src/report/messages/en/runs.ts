// English: events of a run while it works, lists and reports of runs.
import type { RunState } from "../../../core/model/run.ts";
import { formatDate } from "../../time.ts";

const states: Readonly<Record<RunState, string>> = {
  "running-or-crashed": "running or cut off",
  succeeded: "succeeded",
  "rolled-back": "rolled back",
  "rolling-back": "being rolled back",
  abandoned: "abandoned",
};

export const runs = {
  states,
  date: (at: number) => formatDate(at),
  none: "no runs on this node",
  columns: ["RUN", "STARTED", "STATE", "BY", "STEPS", "TICKET"],
  labels: {
    run: "Run",
    state: "State",
    started: "Started",
    ended: "Ended",
    by: "By",
    plan: "Plan",
    ticket: "Ticket",
    reason: "Reason",
    issued: "Issued",
    objects: "Objects",
    steps: "Steps",
  },
  notEnded: "not ended",
  notWritten: "not written",
  progress: {
    done: "done",
    proved: "proved",
    begun: "begun, no effect recorded",
    undone: "undone",
    open: "not begun",
  },
  openHint: "perennial resume finishes it, perennial rollback restores what was there",
  events: {
    started: (run: string, steps: number) => `[renew] run ${run} started: ${steps} steps`,
    resumed: (run: string) => `[resume] run ${run} resumed`,
    phase: (phase: string, steps: number) => `[${phase}] ${steps} steps`,
    backedUp: (object: string) => `[back-up] ${object} kept`,
    staged: (object: string) => `[stage] ${object} staged`,
    swapped: (object: string) => `[swap] ${object} replaced`,
    unchanged: (phase: string, object: string) => `[${phase}] ${object} unchanged`,
    issued: (name: string, serial: string, notAfter: number) =>
      `[issue] ${name} issued: serial ${serial}, valid until ${formatDate(notAfter)}`,
    renewed: (name: string, serial: string, notAfter: number) =>
      `[renew] ${name} renewed: serial ${serial}, valid until ${formatDate(notAfter)}`,
    swept: (paths: readonly string[]) =>
      `[sweep] left over from a run that was cut off, removed: ${paths.join(", ")}`,
    failed: (step: string, code: string) => `[failed] step ${step}: ${code}`,
    rollback: (run: string, isFailure: boolean) =>
      isFailure
        ? `[rollback] run ${run} failed, restoring what was there`
        : `[rollback] run ${run}: restoring what was there`,
    undone: (object: string) => `[rollback] ${object} restored`,
    lockNotReleased: (code: string) =>
      `[lock] could not be released (${code}); the next command finds its holder gone and takes it`,
    ended: {
      succeeded: (run: string) => `[renew] run ${run} succeeded; undo: perennial rollback ${run}`,
      "rolled-back": (run: string) => `[rollback] run ${run} rolled back: everything is as it was`,
      abandoned: (run: string) => `[renew] run ${run} abandoned before anything was changed`,
    },
  },
};
