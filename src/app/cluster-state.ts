// Where the runs of a cluster are kept: on the operator's machine, and on every node.
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { stateOnNode } from "./local-node.ts";

/** The operator's own part: below the node's state directory for root, who may be on a node; else where the XDG specification puts state. */
export function defaultStateDirectory(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): string {
  if (process.getuid?.() === 0) return join("/var/lib/perennial", partOf(name));
  const base = environment["XDG_STATE_HOME"];
  const home = environment["HOME"] ?? homedir();
  return join(
    base === undefined || base === "" ? join(home, ".local/state") : resolve(base),
    "perennial",
    name,
  );
}

/** Where a node keeps what belongs to runs over several nodes, below its state directory. */
export function partOf(name: string): string {
  return `clusters/${name}`;
}

/** The same as it is on a node, absolute. */
export function nodeDirectoryOf(name: string): string {
  return join("/", stateOnNode, partOf(name));
}
