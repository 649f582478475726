// Plain data as JSON or YAML text; control characters are escaped, so hostile names stay inside their strings.

/** Values that JSON has. */
export type Data =
  | string
  | number
  | boolean
  | null
  | readonly Data[]
  | { readonly [key: string]: Data | undefined };

/** Invisible or reordering characters that JSON.stringify leaves as they are (see escape.ts). */
const unseen = /[\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** JSON indented by four spaces as kubeadm's printer does, ended by a newline. */
export function renderJson(value: unknown): string {
  return `${JSON.stringify(value, null, 4).replace(unseen, escapeUnit)}\n`;
}

/** YAML 1.2 (and 1.1) in block style; a string is quoted unless it cannot be read as anything else. */
export function renderYaml(value: unknown): string {
  const data: Data = JSON.parse(JSON.stringify(value));
  return `${block(data, 0).replace(/^\n/, "")}\n`;
}

function block(value: Data, depth: number): string {
  if (typeof value === "string") return scalar(value);
  if (value === null || typeof value !== "object") return String(value);
  const indent = `\n${"  ".repeat(depth)}`;
  if (isList(value)) {
    if (value.length === 0) return "[]";
    return value.map((item) => `${indent}-${inItem(block(item, depth + 1))}`).join("");
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return "{}";
  return entries
    .map(([key, item]) => `${indent}${scalar(key)}:${afterKey(block(item ?? null, depth + 1))}`)
    .join("");
}

function isList(value: Data): value is readonly Data[] {
  return Array.isArray(value);
}

/** A nested block starts on the item's own line: `- name: a`. */
function inItem(text: string): string {
  return text.startsWith("\n") ? ` ${text.trimStart()}` : ` ${text}`;
}

function afterKey(text: string): string {
  return text.startsWith("\n") ? text : ` ${text}`;
}

function scalar(text: string): string {
  const isPlain = /^[A-Za-z/_][A-Za-z0-9/_.+=@-]*(?: [A-Za-z0-9/_.+=@(-][A-Za-z0-9/_.+=@()-]*)*$/.test(text);
  const isWord = /^(?:true|false|yes|no|on|off|y|n|null|nan|inf|e\d+)$/i.test(text);
  return isPlain && !isWord ? text : JSON.stringify(text).replace(unseen, escapeUnit);
}

function escapeUnit(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
