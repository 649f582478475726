// The prelude of a node's store of files: its root and its trees, then the functions.
import { posix } from "node:path";
import { defaultTrees } from "../node-files.ts";
import { assign, quote } from "./quote.ts";
import { shellBase } from "./shell-base.ts";
import { shellFiles } from "./shell-files.ts";
import { shellPreflight } from "./shell-preflight.ts";
import { shellWalk } from "./shell-walk.ts";

/** Trees that may be written through links, each ending with a slash. */
export function treesWith(allowLinksTo: readonly string[] = []): readonly string[] {
  return [...defaultTrees, ...allowLinksTo].map((tree) => posix.normalize(`${tree}/`));
}

export function filePrelude(root: string, trees: readonly string[]): string {
  const patterns = trees.map((tree) => `${quote(tree)}*`).join(" | ");
  const above = root === "/" ? [] : foldersAbove(root);
  return [
    `${assign({ ROOT: root === "/" ? "" : root })}\n`,
    `in_trees() { case $1 in ${patterns}) return 0 ;; esac; return 1; }\n`,
    `safe_root() { ${above.length === 0 ? ":" : `safe_folders ${above.map(quote).join(" ")}`}; }\n`,
    shellBase,
    shellWalk,
    shellFiles,
    shellPreflight,
  ].join("");
}

/** `/`, `/a`, `/a/b` for `/a/b`. */
export function foldersAbove(path: string): readonly string[] {
  const names = path.split("/").filter((name) => name !== "");
  return ["/", ...names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)];
}
