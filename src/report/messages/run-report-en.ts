// English: the report of a run.
import type { MinReady, ReadyCount } from "../../core/model/readiness.ts";
import type { RunState } from "../../core/model/run.ts";
import { flags } from "../flags.ts";
import { formatDate } from "../time.ts";
import { silentEn } from "./readiness.ts";

const states: Readonly<Record<RunState, string>> = {
  "running-or-crashed": "open: it runs, or was cut off (resume or rollback)",
  succeeded: "succeeded",
  "rolled-back": "rolled back: everything is as it was before",
  "rolling-back": "open: it is being rolled back, or that was cut off (resume)",
  abandoned: "abandoned: no live file was changed",
};

export const runReportEn = {
  title: (run: string) => `Run ${run}`,
  date: (at: number) => formatDate(at),
  seconds: (ms: number) => `${(ms / 1000).toFixed(1)} s`,
  states,
  labels: {
    outcome: "Outcome",
    started: "Started",
    ended: "Ended",
    duration: "Duration",
    user: "User",
    sudo: "Through sudo, as called by",
    ssh: "SSH connection",
    host: "Host",
    ticket: "Ticket",
    reason: "Reason",
    digest: "Plan digest",
    profile: "Profile",
    root: "Root",
    tool: "Version of perennial",
    kept: "Kept in",
  },
  none: "-",
  notEnded: "not ended",
  certificates: "Certificates",
  certificateColumns: ["certificate", "serial before", "end before", "serial after", "end after"],
  noCertificates: "No certificate was issued.",
  files: "Files",
  fileColumns: ["file", "SHA-256 before", "SHA-256 after", "replaced", "put back"],
  snapshot: "etcd's data",
  snapshotColumns: ["form", "file", "bytes", "SHA-256"],
  snapshotForms: { snapshot: "snapshot, read back", "cold-copy": "copy of the stopped member's files" },
  archives: "Encrypted archive",
  archiveColumns: ["file", "bytes", "SHA-256"],
  restarts: "Processes",
  restartColumns: ["process", "stopped", "back, well, serving", "took"],
  events: "Gates, proofs and what else happened",
  eventColumns: ["when", "what"],
  event: {
    acceptedClock: (doubts: string) => `; the clock was accepted (--accept-clock) against: ${doubts}`,
    started: (person: string) => `begun by ${person}`,
    allStaged: "gate: every new file is written beside its old one and verified as a set",
    proof: (step: string) => `proved: ${step}`,
    nodesReady: (step: string, { ready, of, needed, silent }: ReadyCount) =>
      `${ready} of ${of} nodes Ready${needed === null ? "" : `, ${needed} needed`}: ${step}${silent.length === 0 ? "" : `; not: ${silentEn(silent)}`}`,
    minReady: (need: MinReady | null) =>
      `; nodes to wait for (${flags.minReady}): ${need === null ? "none" : need.form === "nodes" ? need.count : `${need.percent} %`}`,
    reloaded: (step: string) => `took its new files without a restart: ${step}`,
    failed: (step: string, code: string, detail: string) =>
      step === "" ? `failed: ${code}: ${detail}` : `failed: ${step} (${code}: ${detail})`,
    resumed: (person: string) => `resumed by ${person}`,
    adopted: (person: string, node: string) => `taken over by ${person} from the copy on ${node}`,
    rollback: (person: string, isFailure: boolean) =>
      isFailure ? "rollback begun because of the failure" : `rollback begun by ${person}`,
    ended: (outcome: string) => `ended: ${outcome}`,
  },
  commands: "Equivalent commands",
  commandsAre: "What the run did, as it would be done by hand: POSIX sh, openssl, the node's own tools.",
};
