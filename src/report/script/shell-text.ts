// Shell source inside TypeScript: `@{x}` stands for a parameter expansion, which a template would take for its own.

/** The text with every `@{` as the shell has it. */
export function shellText(text: string): string {
  return text.replaceAll("@{", "${").trim();
}
