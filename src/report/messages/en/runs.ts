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

function counted(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}

function equal(unchanged: number): string {
  return unchanged === 0 ? "" : `, ${unchanged} already as planned`;
}

export const runs = {
  states,
  date: (at: number) => formatDate(at),
  none: "no runs on this node",
  columns: ["RUN", "STARTED", "STATE", "BY", "STEPS", "TICKET"],
  labels: {
    run: "Run",
    state: "State",
    failed: "Failed",
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
  atStep: (step: string) => `at ${step}`,
  undone: (count: number) => `, ${count} taken back`,
  notBegun: (count: number, first: string) => `${count} steps, from ${first} on`,
  notEnded: "not ended",
  notWritten: "not written",
  progress: {
    done: "done",
    proved: "proved",
    begun: "begun, no effect recorded",
    undone: "undone",
    open: "not begun",
  },
  openHint: (resume: string, rollback: string) =>
    `${resume} finishes it, ${rollback} restores what was there`,
  events: {
    started: (run: string) => `[renew] run ${run} started`,
    resumed: (run: string) => `[resume] run ${run} goes on`,
    phases: {
      issue: (count: number) => `[issue] ${counted(count, "certificate")} made in memory`,
      take: (count: number) => `[issue] ${counted(count, "valid certificate")} taken for copies`,
      "back-up": (count: number, folder: string) => `[back-up] ${counted(count, "file")} kept in ${folder}`,
      stage: (count: number, unchanged: number) =>
        `[stage] ${counted(count, "file")} written beside the old ${count === 1 ? "one" : "ones"} and verified${equal(unchanged)}`,
      swap: (count: number, unchanged: number) =>
        `[swap] ${counted(count, "file")} replaced${equal(unchanged)}`,
    },
    archived: (file: string, bytes: number, recipients: number) =>
      `[archive] encrypted for ${counted(recipients, "recipient")} and read back: ${file}, ${bytes} bytes`,
    cutOff: (phase: string, done: number, steps: number) => `[${phase}] ${done} of ${steps} steps done`,
    renewed: (name: string, serial: string, notAfter: number) =>
      `[renew] ${name} renewed: serial ${serial}, valid until ${formatDate(notAfter)}`,
    swept: (paths: readonly string[]) =>
      `[sweep] left over from a run that was cut off, removed: ${paths.join(", ")}`,
    /** Not every error is one step's. */
    failed: (step: string, code: string) =>
      code === "interrupted"
        ? "[failed] stopped by a signal"
        : `[failed] ${step === "" ? "stopped" : `at step ${step}`}, why stands below (${code})`,
    rollback: (run: string, isFailure: boolean) =>
      isFailure
        ? `[rollback] run ${run} failed, restoring what was there`
        : `[rollback] run ${run}: restoring what was there`,
    restored: (count: number) => `[rollback] ${counted(count, "file")} restored`,
    lockNotReleased: (code: string) =>
      `[lock] could not be released (${code}); the next command finds its holder gone and takes it`,
  },
};
