// The command line's own words in the chosen language.
import { cliEn } from "./messages/cli-en.ts";
import { cliZh } from "./messages/cli-zh.ts";
import type { Language } from "./language.ts";

export type CliMessages = typeof cliEn;

export function cliMessages(lang: Language): CliMessages {
  return lang === "zh" ? cliZh : cliEn;
}
