// 简体中文。
import type { en } from "./en.ts";
import { findings } from "./zh/findings.ts";
import { check } from "./zh/check.ts";

export const zh: typeof en = { check, findings };
