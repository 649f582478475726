// Which language sentences are in: asked for, or taken from the locale.
export type Language = "en" | "zh";

/** `en`, `zh`, and as locales write them (`zh_CN.UTF-8`). */
export function isLanguage(value: string): boolean {
  return /^(?:en|zh)(?:[-_.@]|$)/i.test(value);
}

/** `--lang`, PERENNIAL_LANG, then the locale as POSIX orders it; anything that is not Chinese is English. */
export function chooseLanguage(from: {
  readonly flag?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}): Language {
  const { flag, env } = from;
  const candidates = [flag, env["PERENNIAL_LANG"], env["LC_ALL"], env["LC_MESSAGES"], env["LANG"]];
  const chosen = candidates.find((value) => value !== undefined && value !== "") ?? "en";
  return /^(?:zh|cmn|chinese)(?:[-_.@]|$)/i.test(chosen) ? "zh" : "en";
}
