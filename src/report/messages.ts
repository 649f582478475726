// All sentences by language: plain objects, so that a missing or misspelt one is a compile error.
import type { Language } from "./language.ts";
import { en } from "./messages/en.ts";
import { zh } from "./messages/zh.ts";

export type Messages = typeof en;

export function messagesFor(lang: Language): Messages {
  return lang === "zh" ? zh : en;
}
