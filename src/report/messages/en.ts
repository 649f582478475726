// English.
import { check } from "./en/check.ts";
import { errors } from "./en/errors.ts";
import { findings } from "./en/findings.ts";
import { findingsMany } from "./en/findings-many.ts";
import { inspect } from "./en/inspect.ts";
import { live } from "./en/live.ts";
import { plan } from "./en/plan.ts";
import { refusals } from "./en/refusals.ts";
import { runbook } from "./en/runbook.ts";
import { runs } from "./en/runs.ts";

/** Read at the first word of them: `check` has none, and its bundle leaves them to a file of their own (scripts/bundle.mjs). */
export const en = {
  check,
  errors,
  findings,
  findingsMany,
  get inspect() {
    return inspect;
  },
  get live() {
    return live;
  },
  get plan() {
    return plan;
  },
  get refusals() {
    return refusals;
  },
  get runbook() {
    return runbook;
  },
  get runs() {
    return runs;
  },
};
