// The sentences of diagnoses in the chosen language.
import { diagnoseEn } from "./messages/diagnose-en.ts";
import { diagnoseZh } from "./messages/diagnose-zh.ts";
import type { Language } from "./language.ts";

export type DiagnoseMessages = typeof diagnoseEn;

export function diagnoseMessages(lang: Language): DiagnoseMessages {
  return lang === "zh" ? diagnoseZh : diagnoseEn;
}
