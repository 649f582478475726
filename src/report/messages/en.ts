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

export const en = { check, errors, findings, findingsMany, inspect, live, plan, refusals, runbook, runs };
