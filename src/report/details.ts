// Parameters as a language shows them: reasons that core gives in English words are translated where they are known.
import { safeData } from "./escape.ts";
import type { Language } from "./language.ts";
import { detailInChinese } from "./messages/zh/details.ts";

const translated: ReadonlySet<string> = new Set([
  "anomaly",
  "cause",
  "detail",
  "expected",
  "format",
  "reason",
  "type",
  "what",
]);

/** {@link safeData}, and in Chinese everything that says why, what or how in Chinese words if there are any. */
export function shownData<T>(value: T, lang: Language): T;
export function shownData(value: unknown, lang: Language): unknown {
  const safe: unknown = safeData(value);
  return lang === "zh" ? inChinese(safe) : safe;
}

function inChinese(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inChinese);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]: readonly [string, unknown]) => [
      key,
      translated.has(key) && typeof item === "string" ? detailInChinese(item) : inChinese(item),
    ]),
  );
}
