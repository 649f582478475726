// Parameters as a language shows them: reasons that core gives in English words are translated where they are known.
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { codeInWords } from "./messages/system-codes.ts";
import { detailInChinese } from "./messages/zh/details.ts";

const translated: ReadonlySet<string> = new Set([
  "ailment",
  "anomaly",
  "cause",
  "detail",
  "expected",
  "format",
  "reason",
  "type",
  "what",
]);

/** {@link safeData}, and everything that says why, what or how in words: the system's codes, and in Chinese all that has Chinese words. */
export function shownData<T>(value: T, lang: Language): T;
export function shownData(value: unknown, lang: Language): unknown {
  const safe: unknown = safeData(value);
  return translate(safe, (text) => inWords(text, lang));
}

/** One such text by itself. */
export function inWords(text: string, lang: Language): string {
  return lang === "zh" ? detailInChinese(text) : codeInWords(text);
}

function translate(value: unknown, say: (text: string) => string): unknown {
  if (Array.isArray(value)) return value.map((each: unknown) => translate(each, say));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: readonly [string, unknown]) => [
      key,
      translated.has(key) && typeof item === "string" ? say(item) : translate(item, say),
    ]),
  );
}
