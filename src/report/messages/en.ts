// English.
import { check } from "./en/check.ts";
import { errors } from "./en/errors.ts";
import { findings } from "./en/findings.ts";
import { refusals } from "./en/refusals.ts";

export const en = { check, errors, findings, refusals };
