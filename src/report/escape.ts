// Makes text from certificates, files and logs safe to show: nothing in it can move the cursor, hide or reorder.

/**
 * Characters a reader cannot see or that change how their neighbours are shown: C0, DEL, C1, soft hyphen, bidi controls
 * (Unicode UAX #9), zero-width characters, line and paragraph separators, fillers, tags, variation selectors, lone surrogates.
 */
const invisible = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u200b-\\u200f" +
    "\\u2028-\\u202e\\u2060-\\u206f\\u3164\\ud800-\\udfff\\ufe00-\\ufe0f\\ufeff\\uffa0\\ufff0-\\uffff\\u{1bca0}-\\u{1bca3}" +
    "\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]",
  "gu",
);

/** The text with every dangerous character as `\x1b`, `\u202e` or `\u{e0041}`; safe for a terminal and for one line. */
export function safeText(text: string): string {
  return text.replace(invisible, showCodePoint);
}

/** {@link safeText}, then the characters that mean something to Markdown or HTML escaped with a backslash. */
export function safeMarkdown(text: string): string {
  return safeText(text).replace(/[\\|`<>*_[\]&#!~]/g, String.raw`\$&`);
}

/** The text as a Markdown code span, also inside a table cell. */
export function codeSpan(text: string): string {
  const safe = safeText(text).replaceAll("|", String.raw`\|`);
  const fence = "`".repeat(longestRun(safe) + 1);
  return fence.length === 1 && safe !== "" ? `${fence}${safe}${fence}` : `${fence} ${safe} ${fence}`;
}

/** A fenced block of shell; the fence is longer than any run of backticks inside. */
export function codeBlock(language: string, text: string): string {
  const lines = text.split("\n").map(safeText).join("\n");
  const fence = "`".repeat(Math.max(3, longestRun(lines) + 1));
  return `${fence}${language}\n${lines}\n${fence}`;
}

/** A copy of plain data with every string made safe, so that sentences may use any parameter as it is. */
export function safeData<T>(value: T): T;
export function safeData(value: unknown): unknown {
  if (typeof value === "string") return safeText(value);
  if (Array.isArray(value)) return value.map((item) => safeData<unknown>(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [safeText(key), safeData<unknown>(item)]),
  );
}

function longestRun(text: string): number {
  return Math.max(0, ...[...text.matchAll(/`+/g)].map((match) => match[0].length));
}

function showCodePoint(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  const hex = code.toString(16);
  if (code <= 0xff) return `\\x${hex.padStart(2, "0")}`;
  return code <= 0xffff ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}
