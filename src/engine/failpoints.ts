// The closed list of failpoints. Each is hit by the code that owns the place; tests kill a real process at every one.

/** Those of a run over files. */
export const fileFailpoints = [
  // lock
  "lock.before-claim",
  "lock.after-claim",
  "lock.after-acquire",
  "lock.before-release",
  "lock.after-release",
  // journal
  "journal.before-append",
  "journal.after-append",
  // run
  "run.after-plan-saved",
  "run.after-started",
  "run.after-guards",
  "run.after-issue",
  "run.before-back-up",
  "run.after-before-image",
  "run.after-back-up",
  "run.before-stage",
  "run.after-stage",
  "run.before-verify-staged",
  "run.after-all-staged",
  "run.before-swap",
  "run.after-swap-intent",
  "run.after-swap",
  "run.after-effect",
  "run.between-pair",
  "run.before-prove",
  "run.after-prove",
  "run.before-ended",
  "run.after-ended",
  // rollback
  "rollback.after-started",
  "rollback.after-undo-intent",
  "rollback.after-undo",
  "rollback.before-ended",
  // one file replaced, syscall by syscall
  "file.after-open-temporary",
  "file.after-first-bytes",
  "file.after-write",
  "file.after-attributes",
  "file.after-sync",
  "file.after-read-back",
  "file.before-rename",
  "file.after-rename",
  "file.after-directory-sync",
  // state directory
  "state.after-create",
  "state.after-keep",
  "state.torn-append",
] as const;

/** Those of keys that wait for the answer of a CA elsewhere. */
const pendingFailpoints = [
  "pending.before-key",
  "pending.after-key",
  "pending.after-record",
  "pending.after-request",
  "pending.before-remove",
  "pending.after-remove-record",
  "pending.after-remove",
] as const;

/** Those of the encrypted archive. */
export const archiveFailpoints = [
  "run.before-archive",
  "archive.after-first-bytes",
  "archive.after-write",
  "archive.after-read-back",
  "run.after-archived",
  "archive.after-publish",
  "run.after-archive",
] as const;

/** Those of the steps on a running node. */
export const liveFailpoints = [
  "run.before-snapshot",
  "run.after-snapshot",
  "run.before-bounce",
  "run.after-bounce-intent",
  "run.after-stop",
  "run.after-return",
  "run.after-bounce",
  "run.before-prove-live",
  "run.after-prove-live",
  "rollback.before-rebounce",
  "rollback.after-rebounce",
] as const;

/** Those of plans over several nodes. */
export const rollFailpoints = [
  "run.before-gate",
  "run.after-gate",
  "run.before-ready",
  "run.after-ready",
  "rollback.before-node",
] as const;

export const failpoints = [
  ...fileFailpoints,
  ...pendingFailpoints,
  ...archiveFailpoints,
  ...liveFailpoints,
  ...rollFailpoints,
] as const;

export type Failpoint = (typeof failpoints)[number];
