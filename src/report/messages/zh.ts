// 简体中文。
import type { en } from "./en.ts";
import { check } from "./zh/check.ts";
import { errors } from "./zh/errors.ts";
import { findings } from "./zh/findings.ts";
import { findingsMany } from "./zh/findings-many.ts";
import { inspect } from "./zh/inspect.ts";
import { live } from "./zh/live.ts";
import { plan } from "./zh/plan.ts";
import { refusals } from "./zh/refusals.ts";
import { runbook } from "./zh/runbook.ts";
import { runs } from "./zh/runs.ts";

export const zh: typeof en = {
  check,
  errors,
  findings,
  findingsMany,
  inspect,
  live,
  plan,
  refusals,
  runbook,
  runs,
};
