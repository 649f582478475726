// Exit codes (architecture, section 5), each from one place.
import type { ErrorCode } from "../core/model/errors.ts";
import type { Severity } from "../core/model/finding.ts";

export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  attention: 3,
  refused: 4,
  locked: 5,
  interrupted: 6,
} as const;

const special: Partial<Record<ErrorCode, number>> = {
  usage: exitCodes.usage,
  "value-invalid": exitCodes.usage,
  "needs-probe": exitCodes.usage,
  "name-unknown": exitCodes.usage,
  "profile-unknown": exitCodes.usage,
  "recipient-invalid": exitCodes.usage,
  "confirmation-needed": exitCodes.usage,
  "cluster-invalid": exitCodes.usage,
  locked: exitCodes.locked,
  "plan-stale": exitCodes.refused,
  "plan-done": exitCodes.refused,
  "plan-invalid": exitCodes.refused,
  "digest-differs": exitCodes.refused,
  "outside-window": exitCodes.refused,
  "clock-stepped": exitCodes.refused,
  refused: exitCodes.refused,
  "script-unsupported": exitCodes.refused,
  "issue-refused": exitCodes.refused,
  "run-unfinished": exitCodes.interrupted,
  "run-unfinished-elsewhere": exitCodes.interrupted,
  "rebounce-failed": exitCodes.interrupted,
  "run-not-open": exitCodes.refused,
  "probe-needed": exitCodes.refused,
  "rollback-refused": exitCodes.refused,
  "rollback-expired": exitCodes.refused,
  "store-link-refused": exitCodes.refused,
  "state-unsafe": exitCodes.refused,
  "state-full": exitCodes.refused,
  "gate-refused": exitCodes.refused,
  "archive-target": exitCodes.refused,
  "archive-full": exitCodes.refused,
  declined: exitCodes.refused,
  "file-exists": exitCodes.refused,
  "process-not-found": exitCodes.refused,
  "process-ambiguous": exitCodes.refused,
  "host-key-unknown": exitCodes.refused,
  "host-key-changed": exitCodes.refused,
  "host-unfit": exitCodes.refused,
  "sudo-refused": exitCodes.refused,
};

export function exitCodeOfError(code: ErrorCode): number {
  return special[code] ?? exitCodes.failed;
}

/** 128 + the signal's number, as a shell expects. */
export function exitCodeOfSignal(signal: string): number {
  return signal === "SIGTERM" ? 143 : 130;
}

/** Any finding from warning up is "attention". */
export function exitCodeOfFindings(worst: Severity | null): number {
  return worst === "critical" || worst === "warning" ? exitCodes.attention : exitCodes.ok;
}
