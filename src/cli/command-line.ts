// A command as the operator would type it, quoted for sh.
import { shellQuote } from "../report/shell.ts";

export function commandLine(words: readonly string[]): string {
  return ["perennial", ...words.map(shellQuote)].join(" ");
}
