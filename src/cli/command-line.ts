// A command as the operator would type it, quoted for sh.
import { shellQuote } from "../report/shell.ts";
import { toolCommand } from "../report/tool-command.ts";

/** `again`: the words that choose the node; those come along that the command takes. */
export function commandLine(words: readonly string[], again: readonly string[]): string {
  return toolCommand(again)(words.map(shellQuote).join(" "));
}
