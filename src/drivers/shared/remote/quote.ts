// Words of a shell: the one place where a value becomes script text. Nothing secret does: that goes in as input.

/** One word for any POSIX shell, whatever is in it; TypeError for NUL, which no word can hold. */
export function quote(value: string): string {
  if (value.includes("\0")) throw new TypeError("a word of a shell holds no NUL");
  return `'${value.replaceAll("'", String.raw`'\''`)}'`;
}

/** Assignments, one after the other; names are ours, values anybody's. */
export function assign(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => `${name}=${quote(String(value))}`)
    .join(" ");
}

/** Shell source inside TypeScript: `@{x}` stands for a parameter expansion, which a template would take for its own. */
export function shellText(text: string): string {
  return `${text.replaceAll("@{", "${").trim()}\n`;
}
