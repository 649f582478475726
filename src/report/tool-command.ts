// The tool's own command lines inside sentences: they repeat the options that chose the node of this call.
import { flags } from "./flags.ts";
import type { Tool } from "./messages/types.ts";
import { shellQuote } from "./shell.ts";

/** `again`: the words that choose the node, `["--root", "/mnt/m1"]`. They come last, so that a command reads as it is spoken. */
export function toolCommand(again: readonly string[]): Tool {
  const options = again.map((word) => ` ${shellQuote(word)}`).join("");
  return (args) => `perennial ${args}${options}`.replace("perennial  ", "perennial ");
}

/** The words for a root alone; none for the live node. */
export function rootArguments(root: string): readonly string[] {
  return root === "/" ? [] : [flags.root, root];
}
