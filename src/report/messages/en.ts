// English.
import { check } from "./en/check.ts";
import { findings } from "./en/findings.ts";

export const en = { check, findings };
